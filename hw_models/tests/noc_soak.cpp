// noc_soak SEEDS CYCLES [FIRST]: the campaign of test_noc_reference.cpp for as many seeds as one likes.
#include <systemc>

#include "crossbar/base/terminal.hpp"
#include "hw_models/tests/noc_campaign.hpp"
#include "testbenches/support/option_values.hpp"

namespace {

using namespace memprop;

int run(int argc, char** argv) {
    if (argc != 3 && argc != 4) {
        throw InputError("usage: noc_soak SEEDS CYCLES [FIRST], such as noc_soak 400 800");
    }
    const std::uint64_t seeds = tb::parse_integer("SEEDS", argv[1], 1, 1'000'000);
    const auto cycles = static_cast<std::uint32_t>(tb::parse_integer("CYCLES", argv[2], 1, 1'000'000));
    const std::uint64_t first = argc == 4 ? tb::parse_integer("FIRST", argv[3], 1, 1'000'000'000) : 1;
    std::uint64_t deliveries = 0, barriers = 0, bad = 0;
    for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
        const hw::noc::CampaignResult result = hw::noc::run_campaign(seed, cycles);
        deliveries += result.deliveries;
        barriers += result.barriers;
        if (!result.difference.empty()) {
            ++bad;
            put("{}\n  {}\n", result.description, result.difference);
        }
    }
    put("{} seeds, {} deliveries, {} barriers, {} seeds with a difference\n", seeds, deliveries, barriers,
        bad);
    return bad == 0 ? 0 : 1;
}

}  // namespace

int sc_main(int argc, char* argv[]) {
    return run_program("noc_soak", [&] { return run(argc, argv); });
}
