// The transactions of TlmTarget by the rules of IEEE 1666-2011, chapters 11 (interfaces) and 14 (generic
// payload).
#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "hw_models/tests/bus_bench.hpp"

namespace memprop::hw::bus::test {
namespace {

using sc_core::sc_time;
using Words = std::vector<std::uint32_t>;

std::uint32_t bits(float value) {
    return std::bit_cast<std::uint32_t>(value);
}

/// A transaction with attributes of its own: what it was answered, and that it took no time.
struct Odd {
    tlm::tlm_command command = tlm::TLM_WRITE_COMMAND;
    std::uint64_t address = at::targets;
    unsigned length = 8, width = 8;
    std::vector<unsigned char> enables{};
    bool null = false, enables_without_length = false;
};

tlm::tlm_response_status answer_to(Bench& bench, Odd odd) {
    std::array<std::uint32_t, 8> data{bits(1.0F), bits(2.0F), bits(3.0F), bits(4.0F)};
    tlm::tlm_generic_payload transaction;
    Initiator::fill(transaction, odd.command, odd.address, odd.null ? nullptr : data.data(), 0);
    transaction.set_data_length(odd.length);
    transaction.set_streaming_width(odd.width);
    transaction.set_byte_enable_ptr(odd.enables.empty() ? nullptr : odd.enables.data());
    transaction.set_byte_enable_length(
        odd.enables_without_length ? 0 : static_cast<unsigned>(odd.enables.size()));
    transaction.set_dmi_allowed(true);
    sc_time delay;
    bench.initiator.bus->b_transport(transaction, delay);
    CHECK(delay == sc_core::SC_ZERO_TIME);
    CHECK_FALSE(transaction.is_dmi_allowed());
    return transaction.get_response_status();
}

TEST_CASE("tlm target: words and bursts, with time and without") {
    Bench bench({.cycles_per_word = 2});
    REQUIRE(bench.run([&] {
        CHECK(bench.initiator.read(at::identity) == Device::kIdentity);
        CHECK(bench.initiator.status == tlm::TLM_OK_RESPONSE);
        CHECK(Bench::now_ns() == doctest::Approx(20));
        CHECK(bench.initiator.write(at::push, {5, 6, 7}) == tlm::TLM_OK_RESPONSE);
        CHECK(Bench::now_ns() == doctest::Approx(80));
        Words words(4);
        sc_time delay;
        CHECK(bench.initiator.transfer(tlm::TLM_READ_COMMAND, at::pop, words.data(), 4, delay) ==
              tlm::TLM_OK_RESPONSE);
        CHECK(words == Words{5, 6, 7, Device::kEmpty});
        CHECK(bench.initiator.read(at::cell(1, 1)) == 0);
        CHECK(Bench::now_ns() == doctest::Approx(80 + 80 + 20 + 10 * Device::kReadCycles));
    }));
    CHECK(bench.device.words == 9);
    CHECK(bench.device.bus_cycles == 18);
    CHECK(bench.target.cycle() == 18 + Device::kReadCycles);
}

TEST_CASE("tlm target: null pointers, lengths and addresses out of form are answered, nothing is done") {
    Bench bench;
    REQUIRE(bench.run([&] {
        const auto answer = [&](const Odd& odd) { return answer_to(bench, odd); };
        CHECK(answer({.null = true}) == tlm::TLM_GENERIC_ERROR_RESPONSE);
        CHECK(answer({.command = tlm::TLM_READ_COMMAND, .null = true}) == tlm::TLM_GENERIC_ERROR_RESPONSE);
        CHECK(answer({.length = 0}) == tlm::TLM_BURST_ERROR_RESPONSE);
        CHECK(answer({.length = 6}) == tlm::TLM_BURST_ERROR_RESPONSE);
        CHECK(answer({.length = 1, .width = 1}) == tlm::TLM_BURST_ERROR_RESPONSE);
        CHECK(answer({.address = at::targets + 2}) == tlm::TLM_BURST_ERROR_RESPONSE);
        CHECK(answer({.address = std::uint64_t{1} << 32 | at::targets}) == tlm::TLM_ADDRESS_ERROR_RESPONSE);
        CHECK(answer({.command = static_cast<tlm::tlm_command>(3)}) == tlm::TLM_COMMAND_ERROR_RESPONSE);
        CHECK(Bench::now_ns() == 0.0);
    }));
    CHECK(bench.device.log.empty());
    CHECK(bench.device.words == 0);
    CHECK(bench.device.errors == std::map<BusStatus, std::uint64_t>{{BusStatus::refused, 2},
                                                                    {BusStatus::burst_error, 4},
                                                                    {BusStatus::address_error, 1},
                                                                    {BusStatus::command_error, 1}});
}

TEST_CASE("tlm target: what the target does not take has the status of its reason") {
    Bench bench;
    REQUIRE(bench.run([&] {
        CHECK(bench.initiator.write(0x9000, {1}) == tlm::TLM_ADDRESS_ERROR_RESPONSE);
        CHECK(bench.initiator.write(at::identity, {1}) == tlm::TLM_COMMAND_ERROR_RESPONSE);
        CHECK(bench.initiator.write(at::label, {10}) == tlm::TLM_GENERIC_ERROR_RESPONSE);
        bench.initiator.read(at::command);
        CHECK(bench.initiator.status == tlm::TLM_COMMAND_ERROR_RESPONSE);
        CHECK(Bench::now_ns() == doctest::Approx(40));
        // Words before the refused one have been done; behind the last address there is nothing.
        CHECK(bench.initiator.write(at::targets + 8, {bits(1.0F), bits(2.0F), bits(3.0F)}) ==
              tlm::TLM_ADDRESS_ERROR_RESPONSE);
        CHECK(bench.initiator.read(at::targets + 12) == bits(2.0F));
        CHECK(bench.initiator.write(0xFFFF'FFFC, {1, 2}) == tlm::TLM_ADDRESS_ERROR_RESPONSE);
    }));
}

TEST_CASE("tlm target: a streaming width shorter than the data begins the address anew") {
    Bench bench;
    REQUIRE(bench.run([&] {
        CHECK(answer_to(bench, {.length = 16, .width = 0}) == tlm::TLM_BURST_ERROR_RESPONSE);
        CHECK(answer_to(bench, {.length = 16, .width = 12}) == tlm::TLM_BURST_ERROR_RESPONSE);
        CHECK(answer_to(bench, {.length = 16, .width = 2}) == tlm::TLM_BURST_ERROR_RESPONSE);
        CHECK(answer_to(bench, {.length = 16, .width = 6}) == tlm::TLM_BURST_ERROR_RESPONSE);
        CHECK(bench.device.log.empty());

        std::array<std::uint32_t, 4> words{bits(1.0F), bits(2.0F), bits(3.0F), bits(4.0F)};
        tlm::tlm_generic_payload transaction;
        sc_time delay;
        const auto stream = [&](tlm::tlm_command command, unsigned width) {
            Initiator::fill(transaction, command, at::targets, words.data(), 4);
            transaction.set_streaming_width(width);
            bench.initiator.bus->b_transport(transaction, delay);
            return transaction.get_response_status();
        };
        CHECK(stream(tlm::TLM_WRITE_COMMAND, 8) == tlm::TLM_OK_RESPONSE);
        CHECK(bench.initiator.read(at::targets) == bits(3.0F));
        CHECK(bench.initiator.read(at::targets + 4) == bits(4.0F));
        CHECK(bench.initiator.read(at::targets + 8) == 0);
        CHECK(stream(tlm::TLM_READ_COMMAND, 4) == tlm::TLM_OK_RESPONSE);
        CHECK(words == std::array{bits(3.0F), bits(3.0F), bits(3.0F), bits(3.0F)});
        words = {bits(5.0F), bits(6.0F), bits(7.0F), bits(8.0F)};
        CHECK(stream(tlm::TLM_WRITE_COMMAND, 64) == tlm::TLM_OK_RESPONSE);  // longer than the data: none
        CHECK(bench.initiator.read(at::targets + 12) == bits(8.0F));
    }));
}

TEST_CASE("tlm target: byte enables are honoured where they enable all, else refused") {
    Bench bench;
    REQUIRE(bench.run([&] {
        const std::vector<unsigned char> all(8, TLM_BYTE_ENABLED);
        std::vector<unsigned char> half = all;
        half[5] = TLM_BYTE_DISABLED;
        const auto answer = [&](const Odd& odd) { return answer_to(bench, odd); };
        CHECK(answer({.enables = half}) == tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
        CHECK(answer({.command = tlm::TLM_READ_COMMAND, .enables = half}) ==
              tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
        CHECK(answer({.enables = {TLM_BYTE_ENABLED, TLM_BYTE_DISABLED}}) ==
              tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
        CHECK(answer({.enables = {1, 1, 1, 1}}) == tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
        CHECK(answer({.enables = all, .enables_without_length = true}) ==
              tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
        CHECK(answer({.length = 0, .enables = all}) == tlm::TLM_BURST_ERROR_RESPONSE);
        CHECK(bench.device.log.empty());
        CHECK(bench.device.words == 0);

        tlm::tlm_generic_payload transaction;
        std::uint32_t word = bits(9.0F);
        sc_time delay;
        for (unsigned length = 1; length <= 8; ++length) {  // shorter ones repeat, longer ones are cut
            std::vector<unsigned char> enables(length, TLM_BYTE_ENABLED);
            enables.resize(8, length >= 4 ? TLM_BYTE_DISABLED : TLM_BYTE_ENABLED);
            Initiator::fill(transaction, tlm::TLM_WRITE_COMMAND, at::targets, &word, 1);
            transaction.set_byte_enable_ptr(enables.data());
            transaction.set_byte_enable_length(length >= 4 ? 8 : length);
            bench.initiator.bus->b_transport(transaction, delay);
            CHECK(transaction.get_response_status() == tlm::TLM_OK_RESPONSE);
        }
        CHECK(bench.initiator.read(at::targets) == bits(9.0F));
    }));
}

TEST_CASE("tlm target: the command IGNORE does nothing") {
    Bench bench;
    REQUIRE(bench.run([&] {
        CHECK(answer_to(bench, {.command = tlm::TLM_IGNORE_COMMAND}) == tlm::TLM_OK_RESPONSE);
        CHECK(answer_to(bench, {.command = tlm::TLM_IGNORE_COMMAND, .length = 0, .null = true}) ==
              tlm::TLM_OK_RESPONSE);
    }));
    CHECK(bench.device.log.empty());
    CHECK(bench.device.words == 0);
    CHECK(bench.device.errors.empty());
}

struct Mark : tlm::tlm_extension<Mark> {
    int value = 0;
    tlm_extension_base* clone() const override { return new Mark(*this); }
    void copy_from(const tlm_extension_base& other) override {
        value = dynamic_cast<const Mark&>(other).value;
    }
};

TEST_CASE("tlm target: extensions and attributes of a transaction are left as they are") {
    Bench bench;
    REQUIRE(bench.run([&] {
        std::array<std::uint32_t, 2> words{1, 2};
        std::array<unsigned char, 2> enables{TLM_BYTE_ENABLED, TLM_BYTE_ENABLED};
        Mark mark;
        mark.value = 42;
        tlm::tlm_generic_payload transaction;
        Initiator::fill(transaction, tlm::TLM_WRITE_COMMAND, at::push, words.data(), 2);
        transaction.set_byte_enable_ptr(enables.data());
        transaction.set_byte_enable_length(2);
        transaction.set_extension(&mark);
        sc_time delay;
        bench.initiator.bus->b_transport(transaction, delay);
        CHECK(transaction.get_response_status() == tlm::TLM_OK_RESPONSE);
        CHECK(transaction.get_command() == tlm::TLM_WRITE_COMMAND);
        CHECK(transaction.get_address() == at::push);
        CHECK(transaction.get_data_ptr() == reinterpret_cast<unsigned char*>(words.data()));
        CHECK(transaction.get_data_length() == 8);
        CHECK(transaction.get_streaming_width() == 8);
        CHECK(transaction.get_byte_enable_ptr() == enables.data());
        CHECK(transaction.get_byte_enable_length() == 2);
        CHECK(words == std::array<std::uint32_t, 2>{1, 2});
        CHECK(transaction.get_extension<Mark>() == &mark);
        CHECK(mark.value == 42);
        CHECK(transaction.get_gp_option() == tlm::TLM_MIN_PAYLOAD);
        transaction.clear_extension(&mark);
    }));
}

TEST_CASE("tlm target: debug transport reads everything readable without time, and changes nothing") {
    Bench bench;
    REQUIRE(bench.run([&] {
        bench.initiator.write(at::push, {5, 6});
        bench.initiator.write(at::targets, {bits(1.0F), bits(2.0F)});
        bench.initiator.write(at::cell(1, 3), {0x0403'0201});
        CHECK(bench.initiator.read(at::cell(1, 3)) == 0x0403'0201);
        const double now = Bench::now_ns();
        const std::uint64_t words = bench.device.words;
        const std::size_t logged = bench.device.log.size();
        const auto debug = [&](std::uint64_t address, void* data, unsigned bytes) {
            return bench.initiator.debug(tlm::TLM_READ_COMMAND, address, data, bytes);
        };
        std::uint32_t word = 0;
        for (const auto& [address, value] :
             {std::pair{at::identity, Device::kIdentity}, std::pair{at::status, 0U}, std::pair{at::level, 2U},
              std::pair{at::pop, 5U}, std::pair{at::pop, 5U}, std::pair{at::transfers, 6U},
              std::pair{at::targets + 4, bits(2.0F)}, std::pair{at::cell(1, 3), 0x0403'0201U},
              std::pair{at::refusals(0), 0U}}) {
            CHECK(debug(address, &word, 4) == 4);
            CHECK(word == value);
        }
        std::array<std::uint32_t, 6> burst{};
        CHECK(debug(at::targets, burst.data(), 16) == 16);
        CHECK(burst[1] == bits(2.0F));
        CHECK(debug(at::targets + 8, burst.data(), 16) == 8);  // up to the last that is there
        CHECK(debug(at::push, &word, 4) == 0);                 // W only
        CHECK(debug(0x9000, &word, 4) == 0);
        CHECK(debug(std::uint64_t{1} << 32, &word, 4) == 0);
        CHECK(debug(at::identity, nullptr, 4) == 0);
        CHECK(debug(at::identity, &word, 0) == 0);
        CHECK(bench.initiator.debug(tlm::TLM_IGNORE_COMMAND, at::identity, &word, 4) == 0);
        std::array<unsigned char, 3> bytes{};
        CHECK(debug(at::cell(1, 3) + 1, bytes.data(), 2) == 2);
        CHECK(bytes == std::array<unsigned char, 3>{2, 3, 0});
        CHECK(debug(at::cell(1, 3) + 3, bytes.data(), 3) == 3);  // into the next word
        CHECK(bytes == std::array<unsigned char, 3>{4, 0, 0});

        CHECK(bench.device.words == words);
        CHECK(bench.device.log.size() == logged);
        CHECK(bench.device.errors.empty());
        CHECK(Bench::now_ns() == now);
    }));
}

TEST_CASE("tlm target: debug transport writes whole words where the target allows it") {
    Bench bench;
    REQUIRE(bench.run([&] {
        std::array<std::uint32_t, 3> words{7, bits(1.0F), 9};
        const auto debug = [&](std::uint64_t address, unsigned bytes) {
            return bench.initiator.debug(tlm::TLM_WRITE_COMMAND, address, words.data(), bytes);
        };
        CHECK(debug(at::cell(0, 1), 12) == 8);  // there are two
        CHECK(bench.initiator.read(at::cell(0, 1)) == 7);
        CHECK(bench.initiator.read(at::second(0, 1)) == bits(1.0F));
        words[0] = bits(2.0F);
        CHECK(debug(at::second(0, 1), 4) == 0);  // not allowed
        CHECK(debug(at::cell(0, 1) + 2, 4) == 0);
        CHECK(debug(at::cell(0, 1), 3) == 0);
        CHECK(debug(at::mode, 4) == 0);
        CHECK(bench.initiator.read(at::cell(0, 1)) == 7);
        CHECK(bench.initiator.read(at::mode) == 0);
    }));
}

TEST_CASE("tlm target: no direct memory interface") {
    Bench bench;
    REQUIRE(bench.run([&] {
        tlm::tlm_generic_payload transaction;
        Initiator::fill(transaction, tlm::TLM_READ_COMMAND, at::targets, nullptr, 1);
        tlm::tlm_dmi dmi;
        CHECK_FALSE(bench.initiator.bus->get_direct_mem_ptr(transaction, dmi));
        CHECK(dmi.get_dmi_ptr() == nullptr);
        CHECK(dmi.get_start_address() == 0);  // everywhere
        CHECK(dmi.get_end_address() == ~sc_dt::uint64{0});
        CHECK(dmi.is_read_write_allowed());  // of what is refused
    }));
}

TEST_CASE("tlm target: parameters out of their range are refused") {
    Device device;
    CHECK_THROWS_WITH_AS(TlmTarget("zero", device, {}, sc_core::SC_ZERO_TIME),
                         "zero.clock_period = 0: must be at least 1 time unit", InputError);
    CHECK_THROWS_WITH_AS(TlmTarget("none", device, {.cycles_per_word = 0}, Bench::kPeriod),
                         "none.cycles_per_word = 0: must be 1 to 1000000", InputError);
}

}  // namespace
}  // namespace memprop::hw::bus::test
