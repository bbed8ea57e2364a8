#include "host_runtime/nir/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "crossbar/base/error.hpp"

namespace memprop::host::nir {
namespace {

constexpr ParameterRule kTau{"tau", Rule::positive, 0, kAnyRank};
constexpr ParameterRule kTauSyn{"tau_syn", Rule::positive, 0, kAnyRank};
constexpr ParameterRule kTauMem{"tau_mem", Rule::positive, 0, kAnyRank};
constexpr ParameterRule kR{"r", Rule::finite, 0, kAnyRank};
constexpr ParameterRule kVLeak{"v_leak", Rule::finite, 0, kAnyRank};
constexpr ParameterRule kVThreshold{"v_threshold", Rule::finite, 0, kAnyRank};
constexpr ParameterRule kVReset{"v_reset", Rule::finite, 0, kAnyRank, false};
constexpr ParameterRule kWIn{"w_in", Rule::finite, 0, kAnyRank, false};
constexpr ParameterRule kWeight{"weight", Rule::finite, 2, kAnyRank};
constexpr ParameterRule kStride{"stride", Rule::extents, 0, 1};
constexpr ParameterRule kPadding{"padding", Rule::padding, 0, 1};
constexpr ParameterRule kDilation{"dilation", Rule::extents, 0, 1};
constexpr ParameterRule kGroups{"groups", Rule::extents, 0, 1};
constexpr ParameterRule kConvBias{"bias", Rule::finite, 0, kAnyRank, false};
constexpr ParameterRule kConvInput{"input_shape", Rule::shape_or_none, 0, 1, false};
constexpr ParameterRule kKernel{"kernel_size", Rule::extents, 0, 1};

/// "must be ..." if the value breaks the rule, else empty.
std::string_view broken_rule(Rule rule, double value) {
    if (!std::isfinite(value)) {
        return "must be finite";
    }
    const bool whole = value == std::floor(value);
    switch (rule) {
        case Rule::finite:
            return {};
        case Rule::positive:
            return value > 0 ? std::string_view() : "must be > 0";
        case Rule::delay:
            return value >= 0 && value <= kMaxDelaySeconds ? std::string_view() : "must be in [0, 1000] s";
        case Rule::shape_or_none:
            if (value == 0) {
                return {};
            }
            [[fallthrough]];
        case Rule::extents:
            return whole && value >= 1 && value <= 0x1p31 ? std::string_view()
                                                          : "must be a whole number in [1, 2^31]";
        case Rule::padding:
            return whole && value >= 0 && value <= 0x1p20 ? std::string_view()
                                                          : "must be a whole number in [0, 2^20]";
        case Rule::axis:
            break;
    }
    return whole && std::abs(value) <= 64 ? std::string_view() : "must be a whole number in [-64, 64]";
}

}  // namespace

const std::vector<TypeRule>& type_rules() {
    using enum NodeType;
    static const std::vector<TypeRule> rules{
        {input, "Input", {{"shape", Rule::extents, 0, 1}}},
        {output, "Output", {{"shape", Rule::shape_or_none, 0, 1, false}}},
        {affine, "Affine", {kWeight, {"bias", Rule::finite, 0, kAnyRank}}},
        {linear, "Linear", {kWeight}},
        {scale, "Scale", {{"scale", Rule::finite, 0, kAnyRank}}},
        {conv1d,
         "Conv1d",
         {{"weight", Rule::finite, 3, 3}, kConvBias, kStride, kPadding, kDilation, kGroups, kConvInput}},
        {conv2d,
         "Conv2d",
         {{"weight", Rule::finite, 4, 4}, kConvBias, kStride, kPadding, kDilation, kGroups, kConvInput}},
        {sum_pool2d, "SumPool2d", {kKernel, kStride, kPadding}},
        {avg_pool2d, "AvgPool2d", {kKernel, kStride, kPadding}},
        {flatten,
         "Flatten",
         {{"start_dim", Rule::axis, 0, 1, false},
          {"end_dim", Rule::axis, 0, 1, false},
          {"input_type", Rule::shape_or_none, 0, 1, false}}},
        {delay, "Delay", {{"delay", Rule::delay, 0, kAnyRank}}},
        {threshold, "Threshold", {{"threshold", Rule::finite, 0, kAnyRank}}},
        {integrator, "I", {kR}},
        {integrate_fire, "IF", {kR, kVThreshold, kVReset}},
        {leaky_integrator, "LI", {kTau, kR, kVLeak}},
        {lif, "LIF", {kTau, kR, kVLeak, kVThreshold, kVReset}},
        {cuba_li, "CubaLI", {kTauSyn, kTauMem, kR, kVLeak, kWIn}},
        {cuba_lif, "CubaLIF", {kTauSyn, kTauMem, kR, kVLeak, kVThreshold, kVReset, kWIn}},
        {graph, "NIRGraph", {}}};
    return rules;
}

const TypeRule* find_type(std::string_view name) {
    const auto& rules = type_rules();
    const auto it =
        std::find_if(rules.begin(), rules.end(), [&](const TypeRule& r) { return r.name == name; });
    return it == rules.end() ? nullptr : &*it;
}

const ParameterRule* find_rule(const TypeRule& type, std::string_view name) {
    const auto it = std::find_if(type.parameters.begin(), type.parameters.end(),
                                 [&](const ParameterRule& r) { return r.name == name; });
    return it == type.parameters.end() ? nullptr : &*it;
}

std::string_view to_string(NodeType type) {
    return type_rules()[static_cast<std::size_t>(type)].name;
}

bool is_neuron(NodeType type) {
    return type >= NodeType::integrator && type <= NodeType::cuba_lif;
}

bool is_spiking(NodeType type) {
    return type == NodeType::threshold || type == NodeType::integrate_fire || type == NodeType::lif ||
           type == NodeType::cuba_lif;
}

bool has_current(NodeType type) {
    return type == NodeType::cuba_li || type == NodeType::cuba_lif;
}

void check_values(std::string_view node_type, std::string_view name, const Values& values,
                  std::uint64_t first, const std::string& place) {
    const TypeRule* type = find_type(node_type);
    const ParameterRule* rule = type == nullptr ? nullptr : find_rule(*type, name);
    if (rule == nullptr) {
        return;
    }
    std::visit(
        [&](const auto& entries) {
            using V = std::decay_t<decltype(entries)>;
            if constexpr (!std::is_same_v<V, std::monostate> &&
                          !std::is_same_v<V, std::vector<std::string>>) {
                for (std::size_t i = 0; i < entries.size(); ++i) {
                    const auto reason = broken_rule(rule->rule, static_cast<double>(entries[i]));
                    if (!reason.empty()) {
                        throw InputError(
                            fmt::format("{}: entry {} is {}, {}", place, first + i, entries[i], reason));
                    }
                }
            }
        },
        values);
}

}  // namespace memprop::host::nir
