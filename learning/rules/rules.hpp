// All learning rules. To add one: a file of its own here, a line in rules.cpp, and the file's name in
// CMakeLists.txt.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "learning/rules/rule.hpp"

namespace memprop::learning {

std::span<const RuleKind* const> rule_kinds();
/// Throws InputError naming `field` and the rules there are.
const RuleKind& find_rule_kind(std::string_view field, std::string_view name);

/// A parameter of a rule, or its default. Throws InputError naming it if it is out of range.
double parameter_of(std::string_view rule_name, std::span<const network::Parameter> parameters,
                    std::span<const network::Field> fields, std::string_view name);

/// Throws InputError naming rule, projection or parameter.
template <class Real>
std::unique_ptr<Rule<Real>> make_rule(const RuleKind& kind, const RuleContext<Real>& context);

}  // namespace memprop::learning
