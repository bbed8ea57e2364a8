// Time steps that are to be watched.
#pragma once

#include <cstdint>

namespace memprop::hw::trace {

/// Steps first .. last, counted from the first one that is done under the eyes of whoever watches.
struct StepWindow {
    std::uint64_t first = 0, last = ~std::uint64_t{0};
};

}  // namespace memprop::hw::trace
