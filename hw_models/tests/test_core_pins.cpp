// The digital core on its pins: one test case per process, each with its own simulation.
#include <doctest/doctest.h>

#include <functional>
#include <systemc>
#include <vector>

#include "hw_models/digital_core/pin_level.hpp"
#include "hw_models/digital_core/spi_slave.hpp"

using namespace memprop::hw;

namespace {

const sc_core::sc_time kClock(10, sc_core::SC_NS);

struct PinBench : sc_core::sc_module {
    SC_HAS_PROCESS(PinBench);
    sc_core::sc_signal<bool> rst, sck, mosi, miso, aerin_req, aerin_ack, aerin_tar_en, sample, time_tick,
        target_valid, infer_acc, spi_rdy, timing_error_rdy, out_req, out_ack;
    sc_core::sc_signal<std::uint8_t> aerin_addr, out_data;
    DigitalCorePins dut{"dut", CoreShape{}, kClock};
    std::function<void()> job;

    PinBench() : PinBench(sc_core::sc_module_name("bench")) {}
    explicit PinBench(const sc_core::sc_module_name& name) : sc_module(name) {
        dut.RST(rst);
        dut.SCK(sck);
        dut.MOSI(mosi);
        dut.MISO(miso);
        dut.AERIN_ADDR(aerin_addr);
        dut.AERIN_REQ(aerin_req);
        dut.AERIN_ACK(aerin_ack);
        dut.AERIN_TAR_EN(aerin_tar_en);
        dut.SAMPLE(sample);
        dut.TIME_TICK(time_tick);
        dut.TARGET_VALID(target_valid);
        dut.INFER_ACC(infer_acc);
        dut.SPI_RDY(spi_rdy);
        dut.TIMING_ERROR_RDY(timing_error_rdy);
        dut.OUT_REQ(out_req);
        dut.OUT_ACK(out_ack);
        dut.OUT_DATA(out_data);
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

    static void clocks(int count) { sc_core::wait(count * kClock); }
    void reset() {
        rst.write(true);
        clocks(4);
        rst.write(false);
        clocks(6);
    }
    std::uint32_t word(std::uint32_t value) {
        std::uint32_t received = 0;
        for (int bit = 31; bit >= 0; --bit) {
            mosi.write((value >> bit & 1) != 0);
            clocks(5);
            received = received << 1 | (miso.read() ? 1U : 0U);
            sck.write(true);
            clocks(5);
            sck.write(false);
        }
        return received;
    }
    void address(bool read, MemoryCode code, std::uint32_t words, std::uint32_t start) {
        word((read ? 1U << 31 : 0) | static_cast<std::uint32_t>(code) << 28 | words << 16 | start);
    }
    void write_register(std::uint32_t number, std::uint32_t value) {
        address(false, MemoryCode::configuration, 1, number);
        word(value);
        clocks(5);
    }
    void small_network() {
        reset();
        write_register(94, 3);
        write_register(95, 5);
        write_register(96, 1);
        address(false, MemoryCode::neuron, 12, 0);
        for (int chunk = 0; chunk < 12; ++chunk) {
            word(chunk % 4 == 3 ? 0xFF000000U | 500 << 4 : 0);
        }
        write_register(0, 0);
    }
    // Raises a pin just after an edge and counts the clocks until `done`.
    int edges_until(const std::function<bool()>& done) {
        int edges = 0;
        while (!done() && edges < 1000) {
            clocks(1);
            ++edges;
        }
        return edges;
    }
};

}  // namespace

TEST_CASE("digital core pins: latencies of tick, event handshake and output") {
    PinBench bench;
    const Core& core = bench.dut.core();
    bench.simulate([&] {
        bench.small_network();
        CHECK(core.registers().last_neuron() == 5);
        bench.sample.write(true);
        bench.clocks(5);
        CHECK(bench.timing_error_rdy.read());

        bench.aerin_addr.write(2);
        bench.aerin_req.write(true);
        sc_core::wait(kClock / 2);  // look between the edges
        CHECK(bench.edges_until([&] { return bench.aerin_ack.read(); }) == 3);
        CHECK(core.memory().inputs_next.test(2));
        bench.aerin_req.write(false);
        CHECK(bench.edges_until([&] { return !bench.aerin_ack.read(); }) == 3);

        bench.time_tick.write(true);
        CHECK(bench.edges_until([&] { return core.state() == GlobalState::PROP; }) == 3);
        CHECK_FALSE(bench.timing_error_rdy.read());
        const int busy = bench.edges_until([&] { return bench.timing_error_rdy.read(); });
        CHECK(busy == 6 + 6);  // scan of six indices, one pass over three pairs
        bench.time_tick.write(false);
        bench.sample.write(false);
        bench.clocks(3);
        bench.time_tick.write(true);
        // 3 edges to STEP, 6 cycles of it, SDONE, one edge in SEND
        CHECK(bench.edges_until([&] { return bench.out_req.read(); }) == 3 + 6 + 1 + 1);
        bench.time_tick.write(false);
        bench.out_ack.write(true);
        CHECK(bench.edges_until([&] { return !bench.out_req.read(); }) == 3);
        CHECK(core.state() == GlobalState::IDLE);
        bench.out_ack.write(false);
        bench.clocks(5);
        CHECK(core.cycles().events == 1);
    });
}

TEST_CASE("digital core pins: pulses between two edges are not seen") {
    PinBench bench;
    bench.simulate([&] {
        bench.small_network();
        bench.sample.write(true);
        bench.clocks(5);
        sc_core::wait(kClock / 4);
        bench.time_tick.write(true);
        sc_core::wait(kClock / 4);
        bench.time_tick.write(false);
        bench.clocks(6);
        CHECK(bench.dut.core().state() == GlobalState::IDLE);
    });
}

TEST_CASE(
    "digital core pins: SPI bursts write and read back, strobes need EN_CONF, registers do not move on") {
    PinBench bench;
    const Core& core = bench.dut.core();
    bench.simulate([&] {
        bench.reset();
        bench.address(false, MemoryCode::w_in, 5, 70);
        for (std::uint32_t i = 0; i < 5; ++i) {
            bench.word(0x01020300U + i);
        }
        bench.address(true, MemoryCode::w_in, 5, 70);
        for (std::uint32_t i = 0; i < 5; ++i) {
            CHECK(bench.word(0) == 0x01020300U + i);
        }
        bench.address(false, MemoryCode::output, 2, 3);
        bench.word(0x1234);
        bench.word(0xFFF0);
        bench.address(true, MemoryCode::output, 2, 3);
        CHECK(bench.word(0) == 0x1234);
        CHECK(bench.word(0) == 0xFFF0);

        bench.address(false, MemoryCode::configuration, 2, 98);
        bench.word(1);
        bench.word(0xABC);
        CHECK(core.registers()[Reg::REGUL_F0] == 0xABC);
        CHECK(core.registers()[Reg::REGUL_K_INP_R] == 0);

        bench.write_register(93, 0x0FF0);
        CHECK(core.memory().rng_noise.contents() == 0x0FF0);
        bench.write_register(0, 0);
        bench.write_register(93, 0x0AA0);
        CHECK(core.registers()[Reg::SEED_NOISE_NEUR] == 0x0AA0);
        CHECK(core.memory().rng_noise.contents() == 0x0FF0);
        bench.address(false, MemoryCode::w_in, 1, 70);
        bench.word(0);
        bench.clocks(5);
        CHECK(static_cast<int>(core.memory().w_in[280]) == 0);
        CHECK(static_cast<int>(core.memory().w_in[281]) == 3);
    });
}

TEST_CASE(
    "digital core pins: a tick while busy shows on TIMING_ERROR_RDY and halts, idle time wakes nothing") {
    PinBench bench;
    const Core& core = bench.dut.core();
    bench.simulate([&] {
        bench.small_network();
        bench.write_register(23, 1);
        CHECK_FALSE(bench.timing_error_rdy.read());
        bench.sample.write(true);
        bench.clocks(5);
        const auto pulse = [&] {
            bench.time_tick.write(true);
            bench.clocks(3);
            bench.time_tick.write(false);
            bench.clocks(1);
        };
        pulse();
        bench.clocks(20);
        const std::uint64_t before = bench.dut.activations();
        bench.clocks(1'000'000);
        CHECK(bench.dut.activations() == before);
        pulse();
        CHECK(core.state() == GlobalState::STEP);
        pulse();
        bench.clocks(4);
        CHECK(bench.timing_error_rdy.read());
        CHECK(core.state() == GlobalState::IDLE);
        bench.reset();
        CHECK_FALSE(core.timing_error());
    });
}

TEST_CASE("SPI slave: bits in, strobes out") {
    SpiSlave slave;
    slave.reset();
    std::vector<SpiSlave::Strobe> strobes;
    const auto word = [&](std::uint32_t value) {
        for (int bit = 31; bit >= 0; --bit) {
            slave.rising_edge((value >> bit & 1) != 0);
            if (const auto strobe = slave.falling_edge(0)) {
                strobes.push_back(*strobe);
            }
        }
    };
    word(3U << 28 | 2U << 16 | 0x10);
    word(0xAAAA5555);
    word(0x12345678);
    word(1U << 31 | 5U << 28 | 1U << 16 | 0x20);
    word(0);
    REQUIRE(strobes.size() == 3);
    CHECK(strobes[0].address == 0x10);
    CHECK(strobes[0].data == 0xAAAA5555);
    CHECK(strobes[1].address == 0x11);
    CHECK(strobes[1].code == MemoryCode::w_in);
    CHECK(strobes[2].read);
    CHECK(strobes[2].code == MemoryCode::w_out);
    CHECK(strobes[2].address == 0x20);
}
