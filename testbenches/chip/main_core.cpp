#include "testbenches/chip/core_run.hpp"

int sc_main(int argc, char* argv[]) {
    using namespace memprop::tb;
    return run_chip_program(ChipProgram::core, argc, argv, run_core);
}
