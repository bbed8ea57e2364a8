// The run of tb_chip: a network on a chip with its host, samples after one another.
#pragma once

#include <ostream>

#include "testbenches/chip/program.hpp"

namespace memprop::tb {

ChipReport run_chip(ChipOptions& options, std::ostream* csv);

}  // namespace memprop::tb
