// Random graphs and trainings on chips whose network is held up at random; more seeds: chip_soak.
#include <doctest/doctest.h>

#include "host_runtime/tests/chip_soak.hpp"

TEST_CASE("chip soak: whatever is held up, the numbers are the functional engine's and nothing is lost") {
    std::uint64_t spikes = 0, stalls = 0;
    for (std::uint64_t seed = 1; seed <= 24; ++seed) {
        const memprop::test::SoakResult result = memprop::test::soak(seed);
        CAPTURE(seed);
        CAPTURE(result.settings);
        CHECK(result.difference == "");
        spikes += result.spikes;
        stalls += result.stalls;
    }
    CHECK(spikes > 1000);
    CHECK(stalls > 1000);
}
