// Fabric against the cycle-by-cycle reference; more seeds: noc_soak.
#include <doctest/doctest.h>

#include "hw_models/tests/noc_campaign.hpp"

using namespace memprop::hw::noc;

TEST_CASE("noc: random meshes and traffic do in every cycle what the reference does") {
    std::uint64_t deliveries = 0, barriers = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const CampaignResult result = run_campaign(seed, 300);
        CAPTURE(result.description);
        CHECK(result.difference == "");
        deliveries += result.deliveries;
        barriers += result.barriers;
    }
    CHECK(deliveries > 30'000);
    CHECK(barriers > 200);
}
