// The TLM-2.0 target of the digital core.
#include <doctest/doctest.h>
#include <tlm_utils/simple_initiator_socket.h>

#include <functional>

#include "hw_models/digital_core/transaction_level.hpp"

using namespace memprop::hw;

namespace {

const sc_core::sc_time kClock(10, sc_core::SC_NS);

struct TransactionBench : sc_core::sc_module {
    SC_HAS_PROCESS(TransactionBench);
    tlm_utils::simple_initiator_socket<TransactionBench> socket{"socket"};
    DigitalCoreTransaction dut{"dut", CoreShape{}, kClock};
    std::function<void()> job;

    TransactionBench() : TransactionBench(sc_core::sc_module_name("bench")) {}
    explicit TransactionBench(const sc_core::sc_module_name& name) : sc_module(name) {
        socket.bind(dut.configuration);
        SC_THREAD(run);
    }
    void run() {
        job();
        sc_core::sc_stop();
    }
    void simulate(std::function<void()> what) {
        job = std::move(what);
        sc_core::sc_start();
    }
    tlm::tlm_response_status transport(tlm::tlm_command command, std::uint64_t address, std::uint32_t* data,
                                       unsigned length) {
        tlm::tlm_generic_payload payload;
        payload.set_command(command);
        payload.set_address(address);
        payload.set_data_ptr(reinterpret_cast<unsigned char*>(data));
        payload.set_data_length(length);
        payload.set_streaming_width(length);
        sc_core::sc_time delay;
        socket->b_transport(payload, delay);
        CHECK(delay == (length / 4) * kClock);
        return payload.get_response_status();
    }
};

}  // namespace

TEST_CASE("digital core transactions: bursts, read-back of registers and memories, error responses") {
    TransactionBench bench;
    bench.simulate([&] {
        bench.dut.reset();
        const auto write = tlm::TLM_WRITE_COMMAND, read = tlm::TLM_READ_COMMAND;
        std::uint32_t data[4] = {0x11223344, 0x55667788, 0x99AABBCC, 0xDDEEFF00}, back[4] = {};
        CHECK(bench.transport(write, socket_address(MemoryCode::w_rec, 100), data, 16) ==
              tlm::TLM_OK_RESPONSE);
        CHECK(bench.transport(read, socket_address(MemoryCode::w_rec, 100), back, 16) ==
              tlm::TLM_OK_RESPONSE);
        CHECK(std::equal(std::begin(data), std::end(data), back));
        std::uint32_t value = 0xABC;
        CHECK(bench.transport(write, socket_address(MemoryCode::configuration, 98), &value, 4) ==
              tlm::TLM_OK_RESPONSE);
        value = 0;
        CHECK(bench.transport(read, socket_address(MemoryCode::configuration, 98), &value, 4) ==
              tlm::TLM_OK_RESPONSE);
        CHECK(value == 0xABC);
        CHECK(bench.transport(read, socket_address(MemoryCode::configuration, 97), &value, 4) ==
              tlm::TLM_ADDRESS_ERROR_RESPONSE);
        CHECK(bench.transport(read, socket_address(MemoryCode::w_out, 2047), data, 8) ==
              tlm::TLM_ADDRESS_ERROR_RESPONSE);
        CHECK(bench.transport(read, socket_address(MemoryCode::w_out, 0) + 2, data, 4) ==
              tlm::TLM_BURST_ERROR_RESPONSE);
        value = 0;
        CHECK(bench.transport(write, socket_address(MemoryCode::configuration, 0), &value, 4) ==
              tlm::TLM_OK_RESPONSE);
        CHECK(bench.transport(write, socket_address(MemoryCode::w_rec, 100), data, 4) ==
              tlm::TLM_COMMAND_ERROR_RESPONSE);
        value = 0x0AA0;  // the register takes it, the generator does not
        CHECK(bench.transport(write, socket_address(MemoryCode::configuration, 93), &value, 4) ==
              tlm::TLM_OK_RESPONSE);
        CHECK(bench.dut.core().memory().rng_noise.contents() == 0x1F0F1);
    });
}

TEST_CASE("digital core transactions: a tick takes its cycles of simulated time, a busy tick is an error") {
    TransactionBench bench;
    bench.simulate([&] {
        bench.dut.reset();
        for (const auto& [number, value] : {std::pair{94U, 3U}, {95U, 5U}, {96U, 1U}, {0U, 0U}}) {
            std::uint32_t data = value;
            bench.transport(tlm::TLM_WRITE_COMMAND, socket_address(MemoryCode::configuration, number), &data,
                            4);
        }
        bench.dut.set_sample(true);
        sc_core::sc_time start = sc_core::sc_time_stamp();
        bench.dut.tick();
        CHECK(sc_core::sc_time_stamp() - start == (1 + 6) * kClock);  // the tick, the scan
        start = sc_core::sc_time_stamp();
        bench.dut.tick();
        // The tick, STEP, SDONE, and six neurons that spike (thr 0): a pass of six cycles each.
        CHECK(sc_core::sc_time_stamp() - start == (1 + 6 + 1 + 6 + 6 * 6) * kClock);
        CHECK(bench.dut.core().cycles().events == 6);
        bench.dut.tick_without_waiting();
        bench.dut.tick_without_waiting();
        CHECK(bench.dut.core().timing_error());
        bench.dut.run(1);
        CHECK(bench.dut.core().state() == GlobalState::IDLE);
    });
}
