#include "learning/update/scheme.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <vector>

#include "crossbar/base/error.hpp"
#include "learning/update/batch_accumulate.hpp"
#include "learning/update/buffered_transfer.hpp"
#include "learning/update/chopped_transfer.hpp"
#include "learning/update/dynamic_transfer.hpp"
#include "learning/update/mixed_precision.hpp"
#include "learning/update/multi_device.hpp"
#include "learning/update/short_term.hpp"
#include "learning/update/sign.hpp"
#include "learning/update/stochastic.hpp"
#include "learning/update/tiki_taka.hpp"

namespace memprop::learning {
namespace {

template <class Scheme>
std::unique_ptr<UpdateScheme> make(const UpdateConfig& config, const SchemeContext& context) {
    return std::make_unique<Scheme>(config, context);
}

using Key = std::string_view;
constexpr std::array kVanillaKeys{Key("weight_limit")};
constexpr std::array kSignKeys{Key("sign_threshold")};
constexpr std::array kMultiDeviceKeys{Key("max_pulses")};
constexpr std::array kMixedPrecisionKeys{Key("max_pulses"), Key("accumulator_bits"),
                                         Key("accumulator_headroom_bits"), Key("accumulator_rounding")};
constexpr std::array kBatchAccumulateKeys{Key("accumulate_samples"), Key("inner_scheme")};
constexpr std::array kShortTermKeys{Key("max_pulses"), Key("transfer.fast_gain"), Key("transfer.every"),
                                    Key("transfer.rows")};
constexpr std::array kTransferKeys{Key("max_pulses"), Key("transfer.fast_gain"), Key("transfer.every"),
                                   Key("transfer.rows"), Key("transfer.rate")};
constexpr std::array kChoppedKeys{Key("max_pulses"),     Key("transfer.fast_gain"),
                                  Key("transfer.every"), Key("transfer.rows"),
                                  Key("transfer.rate"),  Key("transfer.chop_probability")};
constexpr std::array kDynamicKeys{
    Key("max_pulses"),    Key("transfer.fast_gain"),        Key("transfer.every"),     Key("transfer.rows"),
    Key("transfer.rate"), Key("transfer.chop_probability"), Key("transfer.mean_decay")};

constexpr std::array<SchemeKind, 11> kSchemeKinds{{
    {"vanilla", "floating-point weights, no devices: the baseline", nullptr, kVanillaKeys},
    {"sign", "one SET pulse towards the sign of the weight change, above a threshold", make<Sign>, kSignKeys},
    {"stochastic", "one SET pulse with a probability proportional to the weight change", make<Stochastic>},
    {"multi_device", "N devices per polarity take as many pulses as the weight change is steps",
     make<MultiDevice>, kMultiDeviceKeys},
    {"mixed_precision", "weight changes accumulate digitally per synapse; whole steps are written",
     make<MixedPrecision>, kMixedPrecisionKeys},
    {"batch_accumulate", "weight changes accumulate over K updates, then another scheme writes them",
     make<BatchAccumulate>, kBatchAccumulateKeys},
    {"tiki_taka", "weight changes go to a fast array, which is read row by row onto the weights",
     make<TikiTaka>, kTransferKeys, true},
    {"buffered_transfer", "tiki_taka with a digital buffer between the arrays", make<BufferedTransfer>,
     kTransferKeys, true},
    {"chopped_transfer", "buffered_transfer with random signs, against offsets of the fast array",
     make<ChoppedTransfer>, kChoppedKeys, true},
    {"dynamic_transfer", "chopped_transfer with a reference from the reads before (AGAD)",
     make<DynamicTransfer>, kDynamicKeys, true},
    {"short_term", "weight changes gather on a second array with SET and RESET, which drifts",
     make<ShortTerm>, kShortTermKeys, true},
}};

}  // namespace

std::span<const SchemeKind> scheme_kinds() {
    return kSchemeKinds;
}

const SchemeKind& find_scheme_kind(std::string_view field, std::string_view name) {
    std::vector<std::string_view> names;
    for (const SchemeKind& kind : kSchemeKinds) {
        if (kind.name == name) {
            return kind;
        }
        names.push_back(kind.name);
    }
    throw InputError(field, name, fmt::format("must be one of {}", fmt::join(names, ", ")));
}

}  // namespace memprop::learning
