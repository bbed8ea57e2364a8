#include "host_runtime/golden/kinds.hpp"

#include <array>

namespace memprop::host::golden {

std::span<const GoldenKind> golden_kinds() {
    static constexpr std::array kKinds{
        GoldenKind{"interval_bias", "observers of two intervals: memory, history, contraction",
                   compute_interval_bias},
        GoldenKind{"local_rules", "weights that a local learning rule leaves behind, given all spikes",
                   compute_local_rules},
    };
    return kKinds;
}

}  // namespace memprop::host::golden
