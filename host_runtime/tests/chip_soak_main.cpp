// chip_soak SEED...: one random graph or training on a chip with stalls per seed; FIRST-LAST means all of
// these. Exits 1 if one differs from the functional engine. A few seeds are in the suite
// (test_chip_soak.cpp).
#include <charconv>
#include <exception>
#include <string_view>

#include "crossbar/base/terminal.hpp"
#include "host_runtime/tests/chip_soak.hpp"

namespace {

using memprop::put;
using memprop::say;

bool number_in(std::string_view text, std::uint64_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
}

bool soak_one(std::uint64_t seed) {
    try {
        const memprop::test::SoakResult result = memprop::test::soak(seed);
        const bool same = result.difference.empty();
        put("seed {}: {}; {} steps, {} spikes, {} flits, {} stalls, {} cycles; {}\n", seed,
            same ? std::string_view("same") : std::string_view(result.difference), result.steps,
            result.spikes, result.flits, result.stalls, result.cycles, result.settings);
        return same;
    } catch (const std::exception& error) {
        put("seed {}: {}\n", seed, error.what());
        return false;
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::uint64_t different = 0, all = 0;
    for (int i = 1; i < argc; ++i) {
        const std::string_view text = argv[i];
        const std::size_t dash = text.find('-');
        std::uint64_t first = 0, last = 0;
        if (!number_in(text.substr(0, dash), first) ||
            !number_in(dash == std::string_view::npos ? text : text.substr(dash + 1), last) || last < first) {
            say("chip_soak: {}: must be SEED or FIRST-LAST\n", text);
            return 2;
        }
        for (std::uint64_t seed = first; seed <= last; ++seed, ++all) {
            different += soak_one(seed) ? 0 : 1;
        }
    }
    put("{} of {} seeds differ\n", different, all);
    return different == 0 ? 0 : 1;
}
