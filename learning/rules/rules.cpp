#include "learning/rules/rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <type_traits>
#include <vector>

#include "crossbar/base/error.hpp"
#include "learning/network/neurons.hpp"

namespace memprop::learning {

const RuleKind& eprop_rule();
const RuleKind& inhibitory_rule();

std::span<const RuleKind* const> rule_kinds() {
    static const std::array kKinds{&eprop_rule(), &inhibitory_rule()};
    return kKinds;
}

const RuleKind& find_rule_kind(std::string_view field, std::string_view name) {
    std::vector<std::string_view> names;
    for (const RuleKind* kind : rule_kinds()) {
        if (kind->name == name) {
            return *kind;
        }
        names.push_back(kind->name);
    }
    throw InputError(field, name, fmt::format("must be one of {}", fmt::join(names, ", ")));
}

double parameter_of(std::string_view rule_name, std::span<const network::Parameter> parameters,
                    std::span<const network::Field> fields, std::string_view name) {
    const network::Field& field = network::find_field(fields, name);
    const auto given = std::find_if(parameters.begin(), parameters.end(),
                                    [&](const network::Parameter& p) { return p.name == name; });
    const double value = given == parameters.end() ? field.missing : given->values.front();
    if (!(value >= field.low && value <= field.high)) {
        throw InputError(fmt::format("rule.{}.{}", rule_name, name), value,
                         fmt::format("must be in [{}, {}]", field.low, field.high));
    }
    return value;
}

template <class Real>
std::unique_ptr<Rule<Real>> make_rule(const RuleKind& kind, const RuleContext<Real>& context) {
    if constexpr (std::is_same_v<Real, float>) {
        return kind.make_float(context);
    } else {
        return kind.make_double(context);
    }
}

template std::unique_ptr<Rule<float>> make_rule(const RuleKind&, const RuleContext<float>&);
template std::unique_ptr<Rule<double>> make_rule(const RuleKind&, const RuleContext<double>&);

}  // namespace memprop::learning
