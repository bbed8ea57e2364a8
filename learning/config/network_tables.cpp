#include "learning/config/network_tables.hpp"

#include "learning/rules/rules.hpp"

namespace memprop::learning {

std::vector<std::string_view> model_names() {
    std::vector<std::string_view> names;
    for (const network::NeuronModel* model : network::models()) {
        names.push_back(model->name);
    }
    return names;
}

std::vector<std::string_view> rule_names() {
    std::vector<std::string_view> names;
    for (const RuleKind* kind : rule_kinds()) {
        names.push_back(kind->name);
    }
    return names;
}

std::span<const network::Field> rule_fields(std::string_view kind) {
    return find_rule_kind("kind", kind).fields;
}

}  // namespace memprop::learning
