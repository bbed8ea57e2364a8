#include "testbenches/chip/chip_run.hpp"

int sc_main(int argc, char* argv[]) {
    using namespace memprop::tb;
    return run_chip_program(ChipProgram::chip, argc, argv, run_chip);
}
