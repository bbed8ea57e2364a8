// The time of a model: cycles of one clock, counted from its beginning.
#pragma once

#include <cstdint>

namespace memprop::hw {

struct Clock {
    std::uint64_t cycle = 0;
};

}  // namespace memprop::hw
