#include "testbenches/chip/chip_run.hpp"

int main(int argc, char* argv[]) {
    return memprop::tb::run_chip_program(argc, argv, memprop::tb::run_chip);
}
