// What is loaded into a chip can be read again, and replaced: images, tables, states, weights, counters.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "host_runtime/tests/chip_bench.hpp"
#include "hw_models/noc/routing.hpp"

using namespace memprop;
using namespace memprop::hw::chip;
using memprop::hw::bus::BusStatus;
using memprop::learning::ProjectionId;
using memprop::test::bits;
using memprop::test::ChipBench;
using memprop::test::small_network;
using memprop::test::word_of;
namespace reg = memprop::hw::chip::host_register;

namespace {

/// Replaces the image of the chip's first core.
void load_image(ChipBench& bench, const std::vector<std::uint32_t>& words) {
    host::ChipSession& session = bench.hardware.session();
    session.write_core(0, kImageWords, words);
    session.write_core(0, CoreRegister::image, static_cast<std::uint32_t>(words.size()));
    session.settle_writes();
}

}  // namespace

TEST_CASE("chip memory: an image that a core cannot be is refused whole, and the core is empty") {
    ChipBench bench(small_network());
    bench.load();
    const CoreProgram good = program_of(bench.image(), 0);
    const std::vector<std::uint32_t> words = words_of(good);
    std::uint64_t flits = 0;
    const auto refuses = [&](const CoreProgram& program) {
        load_image(bench, words_of(program));
        CHECK(bench.core_counter(CoreCounter::refused_flits) == ++flits);
        CHECK(bench.bus.core_word(0, word_of(CoreRegister::units)) == 0);
        load_image(bench, words);
        CHECK(bench.core_counter(CoreCounter::refused_flits) == flits);
        CHECK(bench.bus.core_word(0, word_of(CoreRegister::units)) == 2);
        CHECK(bench.bus.core_word(0, word_of(CoreRegister::blocks)) == 3);
        CHECK(bench.bus.core_word(0, word_of(CoreRegister::tiles)) == 3);
    };
    CoreProgram program = good;
    program.axons[0].first_row = 1000;  // leaves its block
    refuses(program);
    program = good;
    program.axons[0].count = 1000;
    refuses(program);
    program = good;
    program.axons[0].block = 3;
    refuses(program);
    program = good;
    program.blocks[0].unit = 2;
    refuses(program);
    program = good;
    program.blocks[0].columns.count = 7;
    refuses(program);
    program = good;
    program.blocks[0].tiles[0] = 9;  // of an array that has fewer
    refuses(program);
    program = good;
    program.blocks[0].number = 7;  // no such array
    refuses(program);
    program = good;
    program.blocks[0].on_array = false;
    program.blocks[0].is_shared = true;  // no such devices
    refuses(program);
    program = good;
    program.units[1].phase = 3;
    refuses(program);
    program = good;
    program.units[1].phase = 0;
    refuses(program);
    bench.run(bench.random_trial(3, 0.5F));
    CHECK(bench.counter(HostCounter::steps) == 3);
}

TEST_CASE("chip memory: an image is not changed under a step") {
    ChipBench bench(small_network());
    bench.load();
    bench.begin_sample();
    bench.bus.master.write(reg::step, 0U);
    const std::uint32_t image = bench.bus.core_address(0, CoreRegister::image);
    CHECK(bench.bus.write(reg::command, static_cast<std::uint32_t>(Command::tick)) == BusStatus::ok);
    bench.bus.master.advance(6);  // the step flit is there
    CHECK(bench.bus.write(image, 0) == BusStatus::ok);
    bench.bus.master.wait_for_interrupt();
    CHECK(bench.core_counter(CoreCounter::refused_flits) == 1);
    CHECK(bench.core().is_used());
    CHECK(bench.bus.tick(1, Command::last_tick) == BusStatus::ok);
    CHECK(bench.counter(HostCounter::steps) == 2);
}

TEST_CASE("chip memory: tables, images and feedback read back as they were loaded") {
    ChipBench bench(small_network({"chip.mesh_width=2", "chip.mesh_height=2", "network.neuron=alif",
                                   "network.adaptive_fraction=0.5", "network.tau_membrane_max_seconds=0.1",
                                   "network.pseudo_derivative=table"}));
    bench.load();
    const ChipImage& image = bench.image();
    REQUIRE(image.cores.size() == 4);
    CHECK(bench.bus.word_at(reg::cores) == 4);
    const auto params = bench.experiment.chip.noc_params();
    std::vector<std::vector<std::uint32_t>> rows(
        bench.chip().fabric().routers(),
        std::vector<std::uint32_t>(static_cast<std::size_t>(params.multicast_trees), 0));
    for (const TreeImage& tree : image.trees) {
        for (const auto& node : hw::noc::xy_tree(params, tree.root, tree.leaves)) {
            rows[static_cast<std::size_t>(node.node)][static_cast<std::size_t>(tree.tree)] =
                static_cast<std::uint32_t>(node.row.input) | std::uint32_t{node.row.outputs} << 8;
        }
    }
    for (std::uint32_t router = 0; router < rows.size(); ++router) {
        bench.bus.master.write(reg::router, router);
        std::vector<std::uint32_t> read(rows[router].size());
        bench.bus.master.read(reg::tree_rows, read);
        for (std::size_t tree = 0; tree < read.size(); ++tree) {
            CHECK((read[tree] >> 8 == rows[router][tree] >> 8));  // rows without outputs have no input
            CHECK((read[tree] >> 8 == 0 || read[tree] == rows[router][tree]));
        }
    }
    std::uint32_t owners = 0;
    for (std::size_t c = 0; c < 4; ++c) {
        owners += image.cores[c].units[0].population == 1 ? 1 : 0;
    }
    for (std::size_t c = 0; c < 4; ++c) {
        CAPTURE(c);
        const std::uint32_t core = bench.hardware.session().core_number(c);
        const CoreImage& of = image.cores[c];
        const std::vector<std::uint32_t> words = words_of(program_of(image, c));
        CHECK(bench.bus.core_word(core, word_of(CoreRegister::image)) == words.size());
        std::vector<std::uint32_t> read(words.size());
        bench.hardware.session().read_core(core, kImageWords, read);
        CHECK(read == words);
        CHECK(words_of(decode(read)) == words);
        CHECK(bench.bus.core_word(core, word_of(CoreRegister::units)) == of.units.size());
        CHECK(bench.bus.core_word(core, word_of(CoreRegister::blocks)) == of.blocks.size());
        std::size_t tiles = 0;
        for (const BlockImage& block : of.blocks) {
            tiles += block.tiles.size();
        }
        CHECK(bench.bus.core_word(core, word_of(CoreRegister::tiles)) == tiles);
        CHECK(bench.bus.core_word(core, word_of(CoreRegister::outputs)) == 2);
        CHECK(bench.bus.core_word(core, word_of(CoreRegister::neuron_owners)) == owners);
        for (std::size_t o = 0; o < owners; ++o) {
            const UnitImage& unit = image.cores[o].units[0];
            const auto row = static_cast<std::uint32_t>(kOwnerWords + 4 * o);
            CHECK(bench.bus.core_word(core, row) == unit.slice.first);
            CHECK(bench.bus.core_word(core, row + 1) == unit.slice.count);
            CHECK(bench.bus.core_word(core, row + 2) == static_cast<std::uint32_t>(image.cores[o].node));
        }
        for (const UnitImage& unit : of.units) {
            for (std::uint32_t i = 0; unit.population == 1 && i < 2 * unit.slice.count; ++i) {
                const std::size_t at = i / unit.slice.count * 8 + unit.slice.first + i % unit.slice.count;
                CHECK(std::bit_cast<float>(bench.bus.core_word(core, kFeedbackWords + i)) ==
                      bench.feedback()[at]);
            }
        }
    }
    CHECK(bench.feedback()[0] != bench.feedback()[1]);
}

TEST_CASE("chip memory: the state of units is read and written") {
    ChipBench bench(small_network({"network.state_reset=never", "network.refractory_steps=4"}));
    bench.load(1.0F);
    bench.run(bench.random_trial(30, 0.5F));
    host::ChipSession& session = bench.hardware.session();
    const auto saved = [&](std::uint32_t unit) {
        session.write_core(0, CoreRegister::save_state, unit);
        std::vector<std::uint32_t> words(session.read_core(0, CoreRegister::state_words));
        session.read_core(0, kStateWords, words);
        return words;
    };
    const std::vector<std::uint32_t> neurons = saved(0), readouts = saved(1);
    // A list is its length and its values.
    const auto membrane = bench.core().units()[0].neurons().state("membrane");
    REQUIRE(membrane.size() == 8);
    REQUIRE(neurons.size() > 9);
    CHECK(neurons[0] == 8);
    for (std::size_t j = 0; j < 8; ++j) {
        CHECK(neurons[1 + j] == bits(membrane[j]));
    }
    CHECK(readouts[0] == 2);
    CHECK(readouts[2] == bits(bench.core().units()[1].neurons().state("readout")[1]));
    CHECK(readouts[2] != 0);

    // Other values, and back.
    std::vector<std::uint32_t> changed = neurons;
    changed[3] = bits(-0.625F);
    session.write_core(0, kStateWords, readouts);
    saved(0);
    session.write_core(0, kStateWords, changed);
    session.write_core(0, CoreRegister::restore_state, 0);
    session.settle_writes();
    CHECK(bench.core_counter(CoreCounter::refused_flits) == 0);
    CHECK(bench.core().units()[0].neurons().state("membrane")[2] == -0.625F);
    CHECK(saved(0) == changed);
    CHECK(saved(1) == readouts);

    // The state of another unit, lengths that are not its own: refused, and nothing has changed.
    std::uint64_t refused = 0;
    const auto refuses = [&](std::uint32_t unit, const std::vector<std::uint32_t>& words) {
        const std::vector<std::uint32_t> before = saved(unit);
        saved(unit);
        session.write_core(0, kStateWords, words);
        session.write_core(0, CoreRegister::restore_state, unit);
        session.settle_writes();
        CHECK(bench.core_counter(CoreCounter::refused_flits) == ++refused);
        CHECK(saved(unit) == before);
    };
    refuses(1, neurons);
    for (const std::uint32_t length : {0U, 7U, 9U, ~0U}) {
        changed = neurons;
        changed[0] = length;
        refuses(0, changed);
    }
    changed = neurons;
    changed[4] = 0x7FC0'0000;
    refuses(0, changed);
    changed[4] = 0xFF80'0000;
    refuses(0, changed);
}

TEST_CASE("chip memory: weights are measured, and read exactly by debug transport without time") {
    ChipBench devices(
        small_network({"chip.mesh_width=2", "crossbar.tile_rows=3", "crossbar.tile_columns=2"})),
        numbers(small_network({"chip.mesh_width=2", "update.scheme=vanilla"}));
    for (ChipBench* bench : {&devices, &numbers}) {
        bench->load();
        bench->run(bench->random_trial(4, 0.5F));
        for (std::size_t w = 0; w < 3; ++w) {
            const auto id = static_cast<ProjectionId>(w);
            CAPTURE(w);
            const WeightArray& array = bench->chip().weights(static_cast<std::uint32_t>(w));
            const std::uint32_t post = array.shape().post;
            std::vector<float> measured(std::size_t{array.shape().pre} * post), exact(measured.size());
            bench->hardware.measure(id, static_cast<std::uint32_t>(w), 2, measured);
            bench->stores[w]->snapshot(2, exact);
            CHECK((measured == exact) == (bench == &numbers));  // reads of devices are noisy
            std::size_t seen = 0;
            for (std::size_t c = 0; c < bench->image().cores.size(); ++c) {
                const std::uint32_t core = bench->hardware.session().core_number(c);
                std::uint32_t t = 0;
                for (const BlockImage& block : bench->image().cores[c].blocks) {
                    for (const std::uint32_t number : block.tiles) {
                        const std::uint32_t base = kTileWords + t++ * kTileStride;
                        const hw::tile::TileRegion& region =
                            array.tiles()[std::min<std::size_t>(number, array.tiles().size() - 1)];
                        for (std::uint32_t i = 0; block.projection == w && i < region.rows * region.columns;
                             ++i, ++seen) {
                            const std::size_t at = std::size_t{region.first_row + i / region.columns} * post +
                                                   region.first_column + i % region.columns;
                            const std::uint32_t address = bench->bus.core_address(core, base + i);
                            const std::uint64_t cycle = bench->chip().cycle();
                            CHECK(std::bit_cast<float>(bench->bus.master.debug_read(address)) == exact[at]);
                            CHECK(bench->chip().cycle() == cycle);
                            CHECK(std::bit_cast<float>(bench->bus.word_at(address)) == measured[at]);
                        }
                    }
                }
            }
            CHECK(seen == measured.size());
        }
    }
}

TEST_CASE("chip memory: counters read as 64-bit numbers") {
    ChipBench bench(small_network());
    bench.load(1.0F);
    bench.run(bench.random_trial(20, 0.5F), true);
    const auto wide = [&](std::uint32_t address) {
        std::array<std::uint32_t, 2> words{};
        bench.bus.master.read(address, words);
        return std::uint64_t{words[1]} << 32 | words[0];
    };
    for (std::size_t i = 0; i < kHostCounters; ++i) {
        CAPTURE(kHostCounterInfo[i].name);
        const auto address = static_cast<std::uint32_t>(reg::counters + 8 * i);
        CHECK(bench.bus.master.debug_read(address) == static_cast<std::uint32_t>(bench.counters().at(i)));
        if (kHostCounterInfo[i].name.starts_with("bus_")) {
            const std::uint64_t before = bench.counters().at(i);
            CHECK(wide(address) >= before);  // the read itself counts
        } else {
            CHECK(wide(address) == bench.counters().at(i));
        }
    }
    for (std::uint32_t i = 0; i < kCoreCounters; ++i) {
        CAPTURE(kCoreCounterInfo[i].name);
        CHECK(wide(bench.bus.core_address(0, kCoreCounterWords + 2 * i)) == bench.core().stats().at(i));
    }
    CHECK(bench.counter(HostCounter::steps) == 20);
    CHECK(bench.core_counter(CoreCounter::learning_operations) > 0);
    CHECK(std::bit_cast<double>(wide(reg::loss)) == bench.tape.objectives[0].loss);
    CHECK(bench.tape.objectives[0].loss > 0.0);
}

TEST_CASE("chip memory: an image that is taken away between two steps takes its core out of the barrier") {
    ChipBench bench(small_network({"chip.mesh_width=2"}));
    bench.load();
    bench.begin_sample();
    CHECK(bench.bus.tick(0) == BusStatus::ok);
    CHECK(bench.bus.write_core(1, word_of(CoreRegister::image), 0) == BusStatus::ok);
    CHECK(bench.bus.core_word(1, word_of(CoreRegister::units)) == 0);
    CHECK(bench.bus.tick(1) == BusStatus::ok);
    CHECK(bench.bus.tick(2) == BusStatus::ok);
    CHECK(bench.counter(HostCounter::steps) == 3);
    bench.bus.master.advance(10);  // the last token is on its way to the core
    CHECK(bench.chip().cores()[0]->stats()[CoreCounter::steps] == 3);
    CHECK(bench.chip().cores()[1]->stats()[CoreCounter::steps] == 1);
}
