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

constexpr std::array<SchemeKind, 11> kSchemeKinds{{
    {"vanilla", "floating-point weights, no devices: the baseline", nullptr},
    {"sign", "one SET pulse towards the sign of the weight change, above a threshold", make<Sign>},
    {"stochastic", "one SET pulse with a probability proportional to the weight change", make<Stochastic>},
    {"multi_device", "N devices per polarity take as many pulses as the weight change is steps",
     make<MultiDevice>},
    {"mixed_precision", "weight changes accumulate digitally per synapse; whole steps are written",
     make<MixedPrecision>},
    {"batch_accumulate", "weight changes accumulate over K updates, then another scheme writes them",
     make<BatchAccumulate>},
    {"tiki_taka", "weight changes go to a fast array, which is read row by row onto the weights",
     make<TikiTaka>, true},
    {"buffered_transfer", "tiki_taka with a digital buffer between the arrays", make<BufferedTransfer>, true},
    {"chopped_transfer", "buffered_transfer with random signs, against offsets of the fast array",
     make<ChoppedTransfer>, true},
    {"dynamic_transfer", "chopped_transfer with a reference from the reads before (AGAD)",
     make<DynamicTransfer>, true},
    {"short_term", "weight changes gather on a second array with SET and RESET, which drifts",
     make<ShortTerm>, true},
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
