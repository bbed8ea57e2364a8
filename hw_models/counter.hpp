// A figure of a report: what modules count and what follows from it.
#pragma once

#include <string>

namespace memprop::hw {

struct Counter {
    std::string name;
    double value = 0.0;
    std::string unit;
    std::string description;
};

}  // namespace memprop::hw
