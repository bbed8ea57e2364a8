// The run of tb_core: one core of a chip, with the testbench in place of its host and of all other cores.
#pragma once

#include <ostream>

#include "testbenches/chip/program.hpp"

namespace memprop::tb {

ChipReport run_core(ChipOptions& options, std::ostream* csv);

}  // namespace memprop::tb
