#include "learning/config/network_tables.hpp"

namespace memprop::learning {

std::vector<std::string_view> model_names() {
    std::vector<std::string_view> names;
    for (const network::NeuronModel* model : network::models()) {
        names.push_back(model->name);
    }
    return names;
}

std::vector<std::string_view> rule_names() {
    return {kEprop};
}

std::span<const network::Field> rule_fields(std::string_view /*kind*/) {
    return {};
}

}  // namespace memprop::learning
