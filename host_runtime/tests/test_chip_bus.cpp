// The chip's bus: what misuse answers and counts.
#include <doctest/doctest.h>

#include <bit>
#include <limits>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/tests/chip_bench.hpp"

using namespace memprop;
using namespace memprop::hw::chip;
using memprop::hw::bus::BusStatus;
using memprop::test::bits;
using memprop::test::ChipBench;
using memprop::test::small_network;
using memprop::test::word_of;
namespace reg = memprop::hw::chip::host_register;

namespace {

std::uint32_t code(Command command) {
    return static_cast<std::uint32_t>(command);
}

/// The first tile of the first block onto a core's units.
const hw::tile::Tile& first_tile(const ChipBench& bench) {
    return *dynamic_cast<const ArrayBlock&>(*bench.core().blocks()[0]).placed()[0].tile;
}

}  // namespace

TEST_CASE("chip bus: a command while busy is refused, counted, and the one under way goes on") {
    ChipBench bench(small_network());
    bench.load();
    bench.begin_sample();
    bench.bus.master.write(reg::step, 0U);
    CHECK(bench.bus.write(reg::command, code(Command::tick)) == BusStatus::ok);
    CHECK(bench.bus.word_at(reg::status) == 1);
    CHECK(bench.bus.write(reg::event_in, 3) == BusStatus::ok);  // for the next step
    CHECK(bench.bus.write(reg::command, code(Command::tick)) == BusStatus::refused);
    bench.bus.master.wait_for_interrupt();
    CHECK(bench.counter(HostCounter::refused_commands) == 1);
    CHECK(bench.counter(HostCounter::steps) == 1);
    CHECK(bench.bus.word_at(reg::status) == 2);
    CHECK(bench.bus.write(reg::status, 2) == BusStatus::ok);
    CHECK(bench.bus.word_at(reg::status) == 0);
    CHECK(bench.core_counter(CoreCounter::events) == 0);
    CHECK(bench.bus.tick(1, Command::last_tick) == BusStatus::ok);
    CHECK(bench.counter(HostCounter::steps) == 2);
    CHECK(bench.core_counter(CoreCounter::events) == 1);
}

TEST_CASE("chip bus: commands out of turn are refused and change nothing") {
    ChipBench bench(small_network());
    bench.load();
    std::uint64_t refused = 0;
    const auto refuses = [&](std::uint32_t command) {
        CAPTURE(command);
        CHECK(bench.bus.write(reg::command, command) == BusStatus::refused);
        CHECK(bench.counter(HostCounter::refused_commands) == ++refused);
        CHECK_FALSE(bench.chip().host().busy());
    };
    refuses(0);
    refuses(code(kLastCommand) + 1);
    refuses(code(Command::tick));  // no sample
    refuses(code(Command::last_tick));
    refuses(code(Command::settle));
    bench.bus.master.write(reg::projection, 3U);
    refuses(code(Command::measure));  // there are three
    bench.begin_sample();
    for (const Command command :
         {Command::update, Command::measure, Command::share_feedback, Command::program,
          Command::limit_gradient, Command::adapt_feedback, Command::reward}) {
        refuses(code(command));
    }
    CHECK(bench.bus.write(reg::learn, static_cast<std::uint32_t>(LearningMode::between_steps)) ==
          BusStatus::ok);
    refuses(code(Command::update));                  // this sample began without
    CHECK(bench.bus.tick(1) == BusStatus::refused);  // the sample begins with step 0
    CHECK(bench.bus.tick(0) == BusStatus::ok);
    CHECK(bench.bus.tick(0) == BusStatus::refused);
    refused += 2;
    refuses(code(Command::settle));  // steps have been done
    CHECK(bench.bus.tick(1, Command::last_tick) == BusStatus::ok);
    refuses(code(Command::tick));
    CHECK(bench.counter(HostCounter::steps) == 2);
    bench.run(bench.random_trial(3, 0.5F));
    CHECK(bench.counter(HostCounter::steps) == 5);
}

TEST_CASE("chip bus: addresses outside the map, wrong directions and bursts that are not whole words") {
    ChipBench bench(small_network());
    bench.load();
    std::uint32_t word = 0;
    const auto cores = static_cast<std::uint32_t>(bench.chip().cores().size());
    for (const std::uint32_t address :
         {reg::events_per_step + 4, reg::targets + 8, 0x2000U, reg::tree_rows + 4 * 1024,
          reg::pages + 4 * cores, reg::windows + cores * reg::window_stride,
          reg::windows + 4 * word_of(CoreRegister::count), reg::windows + 0x7FFC, 0xFFFF'FFFCU}) {
        CAPTURE(address);
        const std::uint64_t before = bench.counter(HostCounter::address_errors);
        CHECK(bench.bus.write(address, 1) == BusStatus::address_error);
        CHECK(bench.counter(HostCounter::address_errors) == before + 1);
        if (address != reg::targets + 8) {  // W
            CHECK(bench.bus.read(address, word) == BusStatus::address_error);
            CHECK(bench.counter(HostCounter::address_errors) == before + 2);
        }
    }
    CHECK(bench.bus.read(reg::sources + 4, word) == BusStatus::command_error);
    CHECK(bench.bus.write(reg::sources + 12, word) == BusStatus::address_error);
    CHECK(bench.bus.read(reg::sources + 12, word) == BusStatus::address_error);
    const auto image = static_cast<std::uint32_t>(bench.image_words().size());
    for (const std::uint32_t of_core : {kOwnerWords + 4, kFeedbackWords + 16, kStateWords, kTileWords + 48,
                                        kTileWords + 3 * kTileStride, kImageWords + image}) {
        CAPTURE(of_core);
        const std::uint32_t address = bench.bus.core_address(0, of_core);
        CHECK(bench.bus.read(address, word) == BusStatus::address_error);
    }
    for (const std::uint32_t of_core :
         // Memories that grow are filled from their beginning.
         {kFeedbackWords + 16, kTileWords + 48, kTileWords + 3 * kTileStride, kCoreWords - 1,
          kImageWords + image + 1, kStateWords + 1, kOwnerWords + 5, kPendingWords + 1}) {
        CAPTURE(of_core);
        const std::uint64_t before = bench.core_counter(CoreCounter::refused_flits);
        CHECK(bench.bus.write_core(0, of_core, 1) == BusStatus::ok);  // posted
        CHECK(bench.core_counter(CoreCounter::refused_flits) == before + 1);
    }
    std::uint64_t wrong = bench.counter(HostCounter::direction_errors);
    for (const std::uint32_t address :
         {reg::command,    reg::step,       reg::sample,     reg::device_tick, reg::event,
          reg::projection, reg::learn,      reg::label,      reg::window,      reg::event_in,
          reg::graded_in,  reg::factor,     reg::first_step, reg::outputs,     reg::first_output,
          reg::loss_kind,  reg::cores_used, reg::phases,     reg::router,      reg::events_per_step,
          reg::targets}) {
        CAPTURE(address);
        CHECK(bench.bus.read(address, word) == BusStatus::command_error);
        CHECK(bench.counter(HostCounter::direction_errors) == ++wrong);
    }
    const std::uint32_t window = reg::windows;
    for (const std::uint32_t address :
         {reg::identity, reg::cores, reg::event_in_room, reg::event_out, reg::event_out_level, reg::loss,
          reg::counters, window + 4 * word_of(CoreRegister::units),
          window + 4 * word_of(CoreRegister::status), window + 4 * kCoreCounterWords}) {
        CAPTURE(address);
        CHECK(bench.bus.write(address, 7) == BusStatus::command_error);
        CHECK(bench.counter(HostCounter::direction_errors) == ++wrong);
    }
    CHECK(bench.bus.word_at(reg::identity) == kIdentity);
    CHECK(bench.bus.read(reg::identity + 2, word) == BusStatus::burst_error);
    CHECK(bench.bus.write(reg::step + 1, word) == BusStatus::burst_error);
    CHECK(bench.counter(HostCounter::burst_errors) == 2);
    bench.run(bench.random_trial(3, 0.5F));  // and all is well
    CHECK(bench.counter(HostCounter::steps) == 3);
}

TEST_CASE("chip bus: a burst that leaves the map has done the words before") {
    ChipBench bench(small_network());
    bench.load();
    const std::array<std::uint32_t, 3> targets{bits(0.5F), bits(0.25F), bits(0.125F)};
    CHECK(bench.bus.master.try_write(reg::targets, targets) == BusStatus::address_error);
    bench.begin_sample();
    CHECK(bench.bus.tick(0) == BusStatus::ok);
    std::array<std::uint32_t, 2> loss{};
    bench.bus.master.read(reg::loss, loss);
    CHECK(std::bit_cast<double>(std::uint64_t{loss[1]} << 32 | loss[0]) == 0.5 * 0.5 + 0.25 * 0.25);
    std::string refusal;
    try {
        bench.bus.master.write(reg::targets, targets);
    } catch (const RunError& error) {
        refusal = error.what();
    }
    CHECK(refusal.find("a write of 3 words at 0x10000, at 0x10008 (host.target[2]): address error") !=
          std::string::npos);
}

TEST_CASE("chip bus: FIFOs that are full refuse, and nothing in them is lost") {
    ChipBench bench(small_network({"chip.event_fifo_depth=10", "network.threshold=0.0001"}));
    bench.load(2.0F);
    bench.begin_sample();
    CHECK(bench.bus.word_at(reg::event_in_room) == 10);
    for (std::uint32_t i = 0; i < 10; ++i) {
        CHECK(bench.bus.write(reg::event_in, i % 6) == BusStatus::ok);
    }
    CHECK(bench.bus.word_at(reg::event_in_room) == 0);
    CHECK(bench.bus.write(reg::event_in, 1) == BusStatus::refused);
    CHECK(bench.counter(HostCounter::fifo_overflows) == 1);
    CHECK(bench.counter(HostCounter::events_in) == 10);
    CHECK(bench.bus.tick(0) == BusStatus::ok);
    CHECK(bench.core_counter(CoreCounter::events) == 10 + bench.core_counter(CoreCounter::spikes));
    CHECK(first_tile(bench).stats().row_events == 6);
    CHECK(first_tile(bench).stats().refused(hw::tile::TileResponse::duplicate_row) == 4);
    CHECK(bench.core_counter(CoreCounter::refused_events) == 4);

    // Ten places, and a step may bring eight spikes and two readout values: the host must take them first.
    const std::uint32_t level = bench.bus.word_at(reg::event_out_level);
    CHECK(level >= 2);
    CHECK(bench.bus.tick(1) == BusStatus::refused);
    CHECK(bench.counter(HostCounter::refused_commands) == 1);
    CHECK(bench.bus.write(reg::event_out, 5) == BusStatus::command_error);  // takes nothing out
    CHECK(bench.bus.master.debug_read(reg::event_out) != kNoEvent);         // nor does this
    CHECK(bench.bus.word_at(reg::event_out_level) == level);
    std::vector<std::uint32_t> words(std::size_t{2} * level);
    bench.bus.master.read(reg::event_out, words);
    const std::uint32_t second_readout = bench.image().first_address[2] + 1;
    CHECK(words[words.size() - 2] == (kGradedOut | second_readout));
    CHECK(words.back() == bits(bench.core().units()[1].neurons().state("readout")[1]));
    CHECK(bench.bus.word_at(reg::event_out) == kNoEvent);
    CHECK(bench.bus.tick(1) == BusStatus::ok);
    CHECK(bench.counter(HostCounter::steps) == 2);
}

TEST_CASE("chip bus: events in of no source are refused: nobody speaks for a neuron") {
    ChipBench bench(small_network());
    bench.load();
    bench.begin_sample();
    std::uint64_t refused = 0;
    const std::uint32_t neuron = bench.image().first_address[1] + 3;
    for (const std::uint32_t address : {neuron, 6U, 13U, 14U, 15U, 16U, 4'000'000'000U}) {
        CAPTURE(address);
        CHECK(bench.bus.write(reg::event_in, address) == BusStatus::refused);
        CHECK(bench.counter(HostCounter::refused_values) == ++refused);
        CHECK(bench.bus.master.try_write(reg::graded_in, std::array{address, bits(2.0F)}) ==
              BusStatus::refused);
        CHECK(bench.counter(HostCounter::refused_values) == ++refused);
    }
    for (const float value :
         {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        CHECK(bench.bus.master.try_write(reg::graded_in, std::array{2U, bits(value)}) == BusStatus::refused);
        CHECK(bench.counter(HostCounter::refused_values) == ++refused);
    }
    CHECK(bench.bus.write(reg::event_in, 2) == BusStatus::ok);
    CHECK(bench.bus.tick(0) == BusStatus::ok);
    CHECK(bench.core_counter(CoreCounter::unmapped_events) == 0);
    CHECK(bench.core_counter(CoreCounter::events) == 1 + bench.core_counter(CoreCounter::spikes));
    CHECK(first_tile(bench).stats().row_events == 1);
    CHECK((bench.bus.word_at(reg::status) & 2U) == 2);
}

TEST_CASE("chip bus: events without axon row are discarded and counted") {
    ChipBench bench(small_network());
    bench.load();
    // A source of more neurons than the axon table of the core knows, as a wrong loader would have it.
    bench.bus.master.write(reg::sources + 4, 1000U);
    bench.begin_sample();
    for (const std::uint32_t address : {2U, 14U, 900U}) {
        CHECK(bench.bus.write(reg::event_in, address) == BusStatus::ok);
    }
    CHECK(bench.bus.tick(0) == BusStatus::ok);
    CHECK(bench.core_counter(CoreCounter::unmapped_events) == 2);
    CHECK(bench.core_counter(CoreCounter::events) == 1 + bench.core_counter(CoreCounter::spikes));
    CHECK(first_tile(bench).stats().row_events == 1);
}

TEST_CASE("chip bus: no step begins while half an event waits") {
    ChipBench bench(small_network());
    bench.load();
    bench.begin_sample();
    CHECK(bench.bus.write(reg::graded_in, 3) == BusStatus::ok);
    CHECK(bench.bus.tick(0) == BusStatus::refused);
    CHECK(bench.bus.write(reg::graded_in, bits(1.0F)) == BusStatus::ok);
    CHECK(bench.bus.tick(0) == BusStatus::ok);
    CHECK(first_tile(bench).stats().row_events == 1);
    CHECK(bench.bus.tick(1, Command::last_tick) == BusStatus::ok);
    CHECK(bench.bus.write(reg::graded_in, 3) == BusStatus::ok);
    bench.begin_sample();
    CHECK(bench.bus.tick(0) == BusStatus::ok);  // of another sample: it is forgotten
    CHECK(first_tile(bench).stats().row_events == 1);
}

TEST_CASE("chip bus: word lines are driven with spikes, other values are refused") {
    ChipBench bench(small_network());
    bench.load();
    bench.begin_sample();
    CHECK(bench.bus.master.try_write(reg::graded_in, std::array{2U, bits(0.5F), 3U, bits(1.0F)}) ==
          BusStatus::ok);
    CHECK(bench.bus.tick(0) == BusStatus::ok);
    CHECK(bench.core_counter(CoreCounter::refused_events) == 1);
    CHECK(first_tile(bench).stats().row_events == 1);
}

TEST_CASE("chip bus: values that are not allowed are refused and counted") {
    ChipBench bench(small_network());
    bench.load();
    const float infinity = std::numeric_limits<float>::infinity();
    std::uint64_t refused = 0;
    bench.bus.master.write(reg::router, 0U);
    for (const auto& [at, what] : std::vector<std::pair<std::uint32_t, std::uint32_t>>{
             {reg::learn, static_cast<std::uint32_t>(kLastLearningMode) + 1},
             {reg::label, static_cast<std::uint32_t>(-2)},
             {reg::window, 2},
             {reg::factor, bits(-1.0F)},
             {reg::factor, bits(infinity)},
             {reg::targets, bits(infinity)},
             {reg::targets + 4, 0x7FC0'0000},
             {reg::phases, 0},
             {reg::loss_kind, 99},
             {reg::outputs, 1U << 20},
             {reg::sources + 8, 0x1'0000},  // of the multicast trees
             {reg::router, 2},              // there are two
             {reg::pages, 1U << 18},
             {reg::tree_rows, 0x0005},    // no such port
             {reg::tree_rows, 0x2000},    // nor these
             {reg::tree_rows, 0x1'0000},  //
             {reg::tree_rows, 0x0803},    // back to where it came from
             {reg::tree_rows, 0x0100},    // out of the mesh
         }) {
        const std::uint32_t address = at, value = what;
        CAPTURE(address);
        CAPTURE(value);
        CHECK(bench.bus.write(address, value) == BusStatus::refused);
        CHECK(bench.counter(HostCounter::refused_values) == ++refused);
    }
    std::uint64_t flits = 0;
    const std::uint32_t nan = 0x7FC0'0000;
    for (const auto& [at, what] : std::vector<std::pair<std::uint32_t, std::uint32_t>>{
             {word_of(CoreRegister::neuron_owners), 2},
             {word_of(CoreRegister::learns), static_cast<std::uint32_t>(kLastLearningMode) + 1},
             {word_of(CoreRegister::keeps_state), 2},
             {word_of(CoreRegister::outputs), 1000},     // there is an image already
             {word_of(CoreRegister::save_state), 2},     // units
             {word_of(CoreRegister::restore_state), 2},  //
             {word_of(CoreRegister::restore_state), 0},  // nothing lies there
             {word_of(CoreRegister::pending_events), 1},
             {word_of(CoreRegister::image), static_cast<std::uint32_t>(bench.image_words().size()) + 1},
             {kFeedbackWords, nan},
             {kTileWords, nan},
         }) {
        const std::uint32_t word = at, value = what;
        CAPTURE(word);
        CAPTURE(value);
        const std::uint32_t before = bench.bus.core_word(0, word);
        CHECK(bench.bus.write_core(0, word, value) == BusStatus::ok);
        CHECK(bench.bus.core_word(0, word) == before);
        CHECK(bench.core_counter(CoreCounter::refused_flits) == ++flits);
    }
    bench.run(bench.random_trial(3, 0.5F));
    CHECK(bench.counter(HostCounter::steps) == 3);
}

TEST_CASE("chip bus: reads of a core follow the writes before them, and cores answer side by side") {
    ChipBench bench(small_network({"chip.mesh_width=3", "chip.mesh_height=2"}));
    bench.load();
    for (std::uint32_t round = 0; round < 3; ++round) {
        for (std::uint32_t c = 0; c < 6; ++c) {
            const std::uint32_t address = bench.bus.core_address(c, CoreRegister::event);
            CHECK(bench.bus.write(address, 100 * round + c) == BusStatus::ok);
            CHECK(bench.bus.word_at(address) == 100 * round + c);
        }
    }
    // Questions to two cores under way at once, the answer of the nearer one comes first.
    Chip& chip = bench.chip();
    const auto far = chip.read(bench.bus.core_address(5, CoreRegister::event));
    const auto near = chip.read(bench.bus.core_address(0, CoreRegister::event));
    REQUIRE(far.pending);
    REQUIRE(near.pending);
    while (!chip.answer(near.ticket)) {
        CHECK_FALSE(chip.answer(far.ticket));
        chip.advance_to(chip.next_cycle());
    }
    std::optional<std::uint32_t> answer;
    while (!(answer = chip.answer(far.ticket))) {
        chip.advance_to(chip.next_cycle());
    }
    CHECK(*answer == 205);
    CHECK_FALSE(chip.answer(far.ticket));
    // One that nobody waits for any more.
    const auto forgotten = chip.read(bench.bus.core_address(5, CoreRegister::event));
    chip.forget(forgotten.ticket);
    bench.bus.master.advance(100);
    CHECK_FALSE(chip.answer(forgotten.ticket));
}

TEST_CASE("chip bus: a step is refused for want of a label that is one of the readouts") {
    ChipBench bench(small_network({"learning.loss=cross_entropy"}));
    bench.load();
    bench.begin_sample();
    std::uint64_t refused = 0;
    for (const std::uint32_t label : {~0U, 2U, 2'000'000'000U}) {
        bench.bus.master.write(reg::label, label);
        CHECK(bench.bus.tick(0) == BusStatus::refused);
        CHECK(bench.counter(HostCounter::refused_commands) == ++refused);
    }
    bench.bus.master.write(reg::window, 0U);  // errors do not count
    CHECK(bench.bus.tick(0) == BusStatus::ok);
    bench.bus.master.write(reg::window, 1U);
    bench.bus.master.write(reg::label, 1U);
    CHECK(bench.bus.tick(1) == BusStatus::ok);
}

TEST_CASE("chip bus: a command that cannot end leaves an idle chip, and the master says so") {
    const auto run = [](ChipBench& bench) {
        bench.begin_sample();
        for (std::uint32_t t = 0; t < 3; ++t) {
            for (std::uint32_t i = 0; i < 6; ++i) {
                bench.bus.write(reg::event_in, i);
            }
            bench.bus.tick(t);
        }
    };
    const auto hangs = [&](std::uint32_t address, std::uint32_t value) {
        ChipBench bench(small_network({"chip.mesh_width=2"}));
        bench.load();
        bench.bus.master.write(address, value);
        std::string what;
        try {
            run(bench);
        } catch (const RunError& error) {
            what = error.what();
        }
        CAPTURE(address);
        CHECK(what.find("the chip is idle at cycle") != std::string::npos);
        CHECK(what.find("its interrupt will not come") != std::string::npos);
        CHECK(bench.bus.word_at(reg::status) == 1);
    };
    hangs(reg::cores_used, 3);  // there are two
    hangs(reg::phases, 3);      // of two
    {
        ChipBench bench(small_network({"chip.mesh_width=2"}));
        bench.load();
        bench.bus.master.write(reg::tree_rows,
                               0U);  // commands would not reach the last core: refused instead
        CHECK(bench.bus.command(Command::begin_sample) == BusStatus::refused);
        CHECK(bench.counter(HostCounter::refused_routes) == 1);
        CHECK(bench.counter(HostCounter::samples) == 0);
    }
    {
        ChipBench bench(small_network({"chip.mesh_width=2"}));
        bench.load();
        bench.bus.master.write(reg::cores_used, 1U);  // fewer: the first answer counts
        run(bench);
        CHECK(bench.counter(HostCounter::steps) == 3);
    }
}
