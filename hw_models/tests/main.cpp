#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <systemc>

int sc_main(int argc, char* argv[]) {
    return doctest::Context(argc, argv).run();
}
