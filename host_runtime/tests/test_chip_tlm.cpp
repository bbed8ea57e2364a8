// The rules of TLM-2.0 (IEEE 1666-2011, chapters 11 and 14) at the socket of a whole chip.
#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/tests/chip_bench.hpp"
#include "hw_models/tests/bus_bench.hpp"

using namespace memprop;
using namespace memprop::hw::chip;
using memprop::hw::bus::test::Initiator;
using memprop::test::ChipBench;
using memprop::test::small_network;
using memprop::test::word_of;
namespace reg = memprop::hw::chip::host_register;

namespace {

/// A loaded chip on two cores behind a socket.
struct Platform {
    ChipBench bench;
    hw::bus::TlmTarget target;
    Initiator initiator{"initiator"};
    sc_core::sc_signal<bool> interrupt{"interrupt_line"};

    Platform() : bench(loaded()), target("target", bench.chip(), {}, sc_core::sc_time(10, sc_core::SC_NS)) {
        bench.load();
        bench.watch(100);
        initiator.bus.bind(target.bus);
        target.interrupt.bind(interrupt);
    }
    static std::vector<std::string> loaded() { return small_network({"chip.mesh_width=2"}); }

    /// Runs `body` in a thread, and the simulation until nothing is left to do. True if the body ended.
    bool run(const std::function<void()>& body) {
        bool ended = false;
        sc_core::sc_spawn([&] {
            body();
            ended = true;
        });
        sc_core::sc_start();
        return ended;
    }
    struct Attributes {
        unsigned length = 4, width = 4;
        unsigned char* enables = nullptr;
    };
    tlm::tlm_response_status transfer(tlm::tlm_command command, std::uint64_t address, std::uint32_t* data,
                                      const Attributes& attributes) {
        tlm::tlm_generic_payload transaction;
        Initiator::fill(transaction, command, address, data, 0);
        transaction.set_data_length(attributes.length);
        transaction.set_streaming_width(attributes.width);
        transaction.set_byte_enable_ptr(attributes.enables);
        transaction.set_byte_enable_length(attributes.enables != nullptr ? 4 : 0);
        sc_core::sc_time delay;
        initiator.bus->b_transport(transaction, delay);
        sc_core::wait(delay);
        return transaction.get_response_status();
    }
    bool command(Command command) {
        const bool accepted =
            initiator.write(reg::command, {static_cast<std::uint32_t>(command)}) == tlm::TLM_OK_RESPONSE;
        sc_core::wait(sc_core::SC_ZERO_TIME);  // the line of the command before falls in the next delta cycle
        if (accepted && !interrupt.read()) {
            sc_core::wait(interrupt.posedge_event());
        }
        return accepted;
    }
    static std::uint32_t address(std::uint32_t core, CoreRegister which) {
        return reg::windows + core * reg::window_stride + 4 * word_of(which);
    }
};

}  // namespace

TEST_CASE("chip tlm: two threads that read two cores at the same time get their own words") {
    Platform chip;
    const std::uint32_t first = Platform::address(0, CoreRegister::blocks),
                        second = Platform::address(1, CoreRegister::event);
    std::uint32_t of_first = 0, of_second = 0;
    bool ended = false;
    REQUIRE(chip.run([&] {
        chip.initiator.write(second, {77});
        sc_core::sc_spawn([&] {
            of_second = chip.initiator.read(second);
            ended = true;
        });
        of_first = chip.initiator.read(first);
    }));
    CHECK(ended);
    CHECK(of_first == chip.bench.image().cores[0].blocks.size());
    CHECK(of_second == 77);
}

TEST_CASE("chip tlm: two threads that read two words of the same core get their own") {
    Platform chip;
    std::uint32_t units = 0, tiles = 0;
    bool ended = false;
    REQUIRE(chip.run([&] {
        sc_core::sc_spawn([&] {
            units = chip.initiator.read(Platform::address(0, CoreRegister::units));
            ended = true;
        });
        tiles = chip.initiator.read(Platform::address(0, CoreRegister::tiles));
    }));
    CHECK(ended);
    std::size_t expected = 0;
    for (const BlockImage& block : chip.bench.image().cores[0].blocks) {
        expected += block.tiles.size();
    }
    CHECK(units == chip.bench.image().cores[0].units.size());
    CHECK(tiles == expected);
    CHECK(units != tiles);
}

TEST_CASE("chip tlm: a streaming width shorter than the data goes to the same words again") {
    Platform chip;
    const std::uint32_t event = Platform::address(0, CoreRegister::event);
    REQUIRE(chip.run([&] {
        std::array<std::uint32_t, 4> words{11, 22, 33, 44};
        CHECK(chip.transfer(tlm::TLM_WRITE_COMMAND, event, words.data(), {.length = 16, .width = 4}) ==
              tlm::TLM_OK_RESPONSE);
        CHECK(chip.initiator.read(event) == 44);
        CHECK(chip.initiator.read(event + 4) == 0);  // learns: not touched
        CHECK(chip.transfer(tlm::TLM_READ_COMMAND, event, words.data(), {.length = 16, .width = 4}) ==
              tlm::TLM_OK_RESPONSE);
        CHECK(words == std::array<std::uint32_t, 4>{44, 44, 44, 44});
        CHECK(chip.transfer(tlm::TLM_READ_COMMAND, event, words.data(), {.length = 4, .width = 0}) ==
              tlm::TLM_BURST_ERROR_RESPONSE);
        CHECK(chip.transfer(tlm::TLM_READ_COMMAND, event, words.data(), {.length = 16, .width = 12}) ==
              tlm::TLM_BURST_ERROR_RESPONSE);
    }));
}

TEST_CASE("chip tlm: byte enables that are not all on are refused") {
    Platform chip;
    const std::uint32_t event = Platform::address(0, CoreRegister::event);
    REQUIRE(chip.run([&] {
        std::uint32_t word = 5;
        std::array<unsigned char, 4> enables{0xFF, 0xFF, 0, 0};
        CHECK(chip.transfer(tlm::TLM_WRITE_COMMAND, event, &word, {.enables = enables.data()}) ==
              tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
        CHECK(chip.initiator.read(event) == 0);
        enables = {0xFF, 0xFF, 0xFF, 0xFF};
        CHECK(chip.transfer(tlm::TLM_WRITE_COMMAND, event, &word, {.enables = enables.data()}) ==
              tlm::TLM_OK_RESPONSE);
        CHECK(chip.initiator.read(event) == 5);
    }));
    CHECK(chip.bench.counter(HostCounter::burst_errors) == 1);
}

TEST_CASE("chip tlm: an ignored command does nothing and is no error") {
    Platform chip;
    const std::uint64_t words = chip.bench.counter(HostCounter::bus_words);
    std::uint32_t word = 99;
    REQUIRE(chip.run([&] {
        CHECK(chip.transfer(tlm::TLM_IGNORE_COMMAND, reg::identity, &word, {}) == tlm::TLM_OK_RESPONSE);
        CHECK(chip.transfer(tlm::TLM_IGNORE_COMMAND, reg::command, &word, {}) == tlm::TLM_OK_RESPONSE);
    }));
    CHECK(word == 99);
    CHECK(chip.bench.counter(HostCounter::bus_words) == words);
    CHECK(chip.bench.counter(HostCounter::refused_commands) == 0);
}

TEST_CASE("chip tlm: a null pointer is an error, not the end") {
    Platform chip;
    REQUIRE(chip.run([&] {
        CHECK(chip.transfer(tlm::TLM_READ_COMMAND, reg::identity, nullptr, {}) ==
              tlm::TLM_GENERIC_ERROR_RESPONSE);
        CHECK(chip.transfer(tlm::TLM_WRITE_COMMAND, reg::sample, nullptr, {}) ==
              tlm::TLM_GENERIC_ERROR_RESPONSE);
        CHECK(chip.initiator.read(reg::identity) == kIdentity);
    }));
}

TEST_CASE("chip tlm: debug transport reads what a read would give, without time") {
    Platform chip;
    const std::uint64_t words = chip.bench.counter(HostCounter::bus_words);
    const auto debug = [&](std::uint32_t address) {
        std::uint32_t word = 0;
        CHECK(chip.initiator.debug(tlm::TLM_READ_COMMAND, address, &word, 4) == 4);
        return word;
    };
    REQUIRE(chip.run([&] {
        CHECK(debug(reg::identity) == kIdentity);
        CHECK(debug(reg::cores) == 2);
        CHECK(debug(reg::counters + 8 * static_cast<std::uint32_t>(HostCounter::bus_words)) == words);
        CHECK(debug(reg::event_out) == kNoEvent);
        CHECK(debug(reg::tree_rows) == debug(reg::tree_rows));
        CHECK(debug(Platform::address(1, CoreRegister::units)) == chip.bench.image().cores[1].units.size());
        CHECK(sc_core::sc_time_stamp() == sc_core::SC_ZERO_TIME);
        CHECK(chip.initiator.read(Platform::address(1, CoreRegister::units)) ==
              chip.bench.image().cores[1].units.size());
        CHECK(sc_core::sc_time_stamp() != sc_core::SC_ZERO_TIME);
        std::uint32_t word = 0;
        CHECK(chip.initiator.debug(tlm::TLM_READ_COMMAND, reg::command, &word, 4) == 0);  // W
        CHECK(chip.initiator.debug(tlm::TLM_WRITE_COMMAND, reg::sample, &word, 4) == 0);
    }));
}

TEST_CASE("chip tlm: nobody speaks for a neuron through event_in") {
    Platform chip;
    const std::uint32_t neuron = chip.bench.image().first_address[1] + 3;
    REQUIRE(chip.run([&] {
        CHECK(chip.command(Command::begin_sample));
        CHECK(chip.initiator.write(reg::event_in, {neuron}) == tlm::TLM_GENERIC_ERROR_RESPONSE);
        CHECK(chip.initiator.write(reg::event_in, {5000}) == tlm::TLM_GENERIC_ERROR_RESPONSE);
        CHECK(chip.initiator.write(reg::event_in, {4}) == tlm::TLM_OK_RESPONSE);
        CHECK(chip.initiator.write(reg::step, {0}) == tlm::TLM_OK_RESPONSE);
        CHECK(chip.command(Command::tick));
        CHECK((chip.initiator.read(reg::status) & 2U) == 2);
    }));
    CHECK(chip.bench.counter(HostCounter::refused_values) == 2);
    CHECK(chip.bench.counter(HostCounter::events_in) == 1);
    std::uint64_t unmapped = 0;
    for (const auto& core : chip.bench.chip().cores()) {
        unmapped += core->stats()[CoreCounter::unmapped_events];
    }
    CHECK(unmapped == 0);
}

TEST_CASE("chip tlm: an axon row that leaves its block is refused when the image is loaded") {
    Platform chip;
    CoreProgram program = program_of(chip.bench.image(), 0);
    program.axons[0].first_row = 1000;
    const std::vector<std::uint32_t> words = words_of(program);
    REQUIRE(chip.run([&] {
        for (std::uint32_t i = 0; i < words.size(); ++i) {
            const std::uint32_t word = kImageWords + i;
            if (i == 0 || word % kPageWords == 0) {
                CHECK(chip.initiator.write(reg::pages, {word / kPageWords}) == tlm::TLM_OK_RESPONSE);
            }
            CHECK(chip.initiator.write(reg::windows + reg::page_offset + 4 * (word % kPageWords),
                                       {words[i]}) == tlm::TLM_OK_RESPONSE);
        }
        CHECK(chip.initiator.write(Platform::address(0, CoreRegister::image),
                                   {static_cast<std::uint32_t>(words.size())}) == tlm::TLM_OK_RESPONSE);
        CHECK(chip.initiator.read(Platform::address(0, CoreRegister::units)) == 0);
    }));
    CHECK(chip.bench.core_counter(CoreCounter::refused_flits) == 1);
}

TEST_CASE("chip tlm: a step that waits for a core that is not there ends the simulation, not the process") {
    Platform chip;
    bool begun = false;
    CHECK_FALSE(chip.run([&] {
        CHECK(chip.initiator.write(reg::cores_used, {3}) == tlm::TLM_OK_RESPONSE);
        begun = true;
        chip.command(Command::begin_sample);
    }));
    CHECK(begun);
    CHECK(chip.bench.chip().host().busy());
    CHECK_FALSE(chip.bench.chip().interrupt());
}
