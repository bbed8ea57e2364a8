#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "crossbar/base/simd.hpp"

int main(int argc, char** argv) {
    memprop::apply_simd_environment();
    return doctest::Context(argc, argv).run();
}
