// The image of a core as words: what is written is read, and what is broken is refused without harm.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/chip/chip_network.hpp"
#include "host_runtime/tests/chip_bench.hpp"
#include "host_runtime/tests/random_graphs.hpp"

using namespace memprop;
using namespace memprop::hw::chip;
using memprop::host::ChipNetwork;
using memprop::host::ChipSession;
using memprop::test::ChipBench;
using memprop::test::small_network;

namespace {

using Words = std::vector<std::uint32_t>;

ChipConfig chip_of(std::int64_t width) {
    ChipConfig chip;
    chip.mesh_width = width;
    chip.neurons_per_core = 200;
    chip.tiles_per_core = 240;
    chip.delay_slots = 64;
    return chip;
}

bool decodes(std::span<const std::uint32_t> words) {
    try {
        decode(words);
    } catch (const InputError&) {
        return false;
    }
    return true;
}

/// A new image for a core; whether it was taken.
bool load(ChipSession& session, std::uint32_t core, const Words& words) {
    session.write_core(core, kImageWords, words);
    const std::uint64_t before = session.chip().cores()[core]->stats()[CoreCounter::refused_flits];
    session.write_core(core, CoreRegister::image, static_cast<std::uint32_t>(words.size()));
    session.settle_writes();
    return session.chip().cores()[core]->stats()[CoreCounter::refused_flits] == before;
}

}  // namespace

TEST_CASE("chip image: words say the same as the program, for any network") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        const test::RandomGraph graph = test::random_graph(seed);
        const ChipNetwork net(graph.network, "net", graph.discretisation, chip_of(1 + seed % 3));
        const ChipImage& image = net.session().image();
        for (std::size_t c = 0; c < image.cores.size(); ++c) {
            const CoreProgram program = program_of(image, c);
            const Words words = words_of(program);
            const CoreProgram read = decode(words);
            CHECK(words_of(read) == words);
            REQUIRE(read.units.size() == program.units.size());
            for (std::size_t u = 0; u < read.units.size(); ++u) {
                CHECK(read.units[u].neurons.model == program.units[u].neurons.model);
                CHECK(read.units[u].neurons.parameters == program.units[u].neurons.parameters);
                CHECK(read.units[u].first_address == program.units[u].first_address);
                CHECK(read.units[u].phase == program.units[u].phase);
            }
            REQUIRE(read.blocks.size() == program.blocks.size());
            for (std::size_t b = 0; b < read.blocks.size(); ++b) {
                CHECK(read.blocks[b].columns == program.blocks[b].columns);
                CHECK(read.blocks[b].projection.weights == program.blocks[b].projection.weights);
                CHECK(read.blocks[b].projection.delay_steps == program.blocks[b].projection.delay_steps);
            }
            CHECK(read.axons == program.axons);
        }
    }
}

TEST_CASE("chip image: words that end too early, or go on, are refused") {
    const test::RandomGraph graph = test::random_graph(3);
    const ChipNetwork net(graph.network, "net", graph.discretisation, chip_of(1));
    Words words = words_of(program_of(net.session().image(), 0));
    CHECK(decodes(words));
    for (std::size_t length = 0; length < words.size(); ++length) {
        CHECK_FALSE(decodes(std::span(words).first(length)));
    }
    words.push_back(0);
    CHECK_FALSE(decodes(words));
    CHECK_FALSE(decodes(Words(1000, ~0U)));
    CHECK_FALSE(decodes(Words(1000, 0U)));
}

TEST_CASE("chip image: an image for other hardware is refused with the resource") {
    const test::RandomGraph graph = test::random_graph(3);
    ChipNetwork net(graph.network, "net", graph.discretisation, chip_of(1));
    ChipSession& session = net.session();
    const CoreProgram good = program_of(session.image(), 0);
    REQUIRE(load(session, 0, words_of(good)));
    CoreProgram program = good;
    program.blocks[0].projection.delay_steps = 65;
    CHECK_FALSE(load(session, 0, words_of(program)));
    program = good;
    program.axons.resize(65, program.axons.front());
    CHECK_FALSE(load(session, 0, words_of(program)));
    program = good;
    program.units[0].tree = 1024;
    CHECK_FALSE(load(session, 0, words_of(program)));
    program = good;
    program.units[0].first_address = 0x1000'0000;
    CHECK_FALSE(load(session, 0, words_of(program)));
    program = good;
    while (program.units.size() <= 200) {
        program.units.push_back(program.units[0]);
    }
    CHECK_FALSE(load(session, 0, words_of(program)));
    CHECK(load(session, 0, words_of(good)));
}

TEST_CASE("chip image: bits that have flipped do no harm: refused, or run") {
    std::size_t refused = 0, taken = 0;
    const auto fuzz = [&](ChipSession& session, std::uint64_t seed, const auto& run) {
        const Words words = words_of(program_of(session.image(), 0));
        const std::uint32_t core = session.core_number(0);
        test::Draw draw(seed, 7);
        for (std::size_t i = 0; i < 120; ++i) {
            Words broken = words;
            // Mostly where the sizes are, not the weights.
            const auto most = static_cast<std::uint32_t>(
                draw.chance(0.7) ? std::min<std::size_t>(200, words.size()) : words.size());
            const std::uint32_t at = draw.below(most), bit = draw.below(32);
            broken[at] ^= 1U << bit;
            CAPTURE(at);
            CAPTURE(bit);
            if (load(session, core, broken)) {
                ++taken;
                run();
            } else {
                ++refused;
            }
        }
        CHECK(load(session, core, words));
    };
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        CAPTURE(seed);
        const test::RandomGraph graph = test::random_graph(seed);
        const auto net =
            std::make_unique<ChipNetwork>(graph.network, "net", graph.discretisation, chip_of(1));
        fuzz(net->session(), seed, [&] {
            // A step that cannot end leaves the chip busy: each run has a chip of its own.
            ChipNetwork own(graph.network, "net", graph.discretisation, chip_of(1));
            Words words(net->session().read_core(0, CoreRegister::image));
            net->session().read_core(0, kImageWords, words);
            REQUIRE(load(own.session(), 0, words));
            try {
                for (std::uint32_t t = 0; t < 4; ++t) {
                    own.step(test::random_events(seed, t, own.input_size(), true));
                }
            } catch (const RunError&) {
                // it waits for what does not come
            }
        });
    }
    for (const char* scheme : {"update.scheme=vanilla", "update.scheme=mixed_precision"}) {
        ChipBench bench(small_network({scheme, "chip.tiles_per_core=240"}));
        bench.load();
        fuzz(bench.hardware.session(), 99, [] {});
    }
    CHECK(refused > 100);
    CHECK(taken > 100);
}
