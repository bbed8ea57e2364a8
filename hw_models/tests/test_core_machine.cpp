// The digital core without the kernel: state machines, quirks, partial phases.
#include <doctest/doctest.h>

#include <cstring>
#include <initializer_list>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"
#include "hw_models/digital_core/core.hpp"

using namespace memprop;
using namespace memprop::hw;

namespace {

constexpr std::uint64_t kBoard = 12;

std::uint32_t number(Reg reg) {
    return static_cast<std::uint32_t>(reg);
}

// 20 inputs, 12 neurons, 3 outputs, everything random from a seed.
void configure(Core& core, std::uint64_t seed) {
    std::uint32_t drawn = 0;
    const auto draw = [&] { return random_bits({.seed = seed, .stream = Stream::test}, drawn++); };
    core.reset_registers();
    core.reset();
    core.write_register(number(Reg::NUM_INP), 19);
    core.write_register(number(Reg::NUM_REC), 11);
    core.write_register(number(Reg::NUM_OUT), 2);
    core.write_register(number(Reg::EN_STOCH_ROUND), 1);
    core.write_register(number(Reg::REGUL_MODE), 3);
    core.write_register(number(Reg::REGUL_W), 3);
    core.write_register(number(Reg::NOISE_EN), 1);
    core.write_register(number(Reg::NOISE_STR), 9);
    core.write_register(number(Reg::FP_LOC_WINP), 3);
    core.write_register(number(Reg::FP_LOC_WREC), 3);
    core.write_register(number(Reg::FP_LOC_WOUT), 4);
    core.write_register(number(Reg::LEARN_SIG_SCALE), 6);
    core.write_register(number(Reg::REGUL_F0), 16);
    for (const Reg lr : {Reg::LR_P_WINP, Reg::LR_P_WREC, Reg::LR_P_WOUT}) {
        core.write_register(number(lr), 12);
    }
    for (std::uint32_t h = 0; h < 5; ++h) {
        core.write_register(number(Reg::H_0) + h, draw());
    }
    for (std::uint32_t row = 0; row < 20; ++row) {
        for (std::uint32_t c = 0; c < 3; ++c) {
            core.write_memory(MemoryCode::w_in, row << 6 | c, draw());
            core.write_memory(MemoryCode::w_rec, row << 6 | c, draw());
        }
        core.write_memory(MemoryCode::w_out, row << 2, draw());
    }
    for (std::uint32_t word = 0; word < 10; ++word) {
        for (std::uint32_t chunk = 0; chunk < 3; ++chunk) {
            core.write_memory(MemoryCode::neuron, word << 2 | chunk, 0);
        }
        core.write_memory(MemoryCode::neuron, word << 2 | 3,
                          (0xF00 + draw() % 256) << 20 | (200 + draw() % 300) << 4);
    }
    core.set_configuration_enabled(false);
}

void run_until_waiting(Core& core, bool edge_by_edge) {
    for (std::uint64_t busy = core.busy_edges(); busy != Core::kNever; busy = core.busy_edges()) {
        core.advance(edge_by_edge ? 1 : busy);
    }
}

void tick(Core& core, bool edge_by_edge = false) {
    core.pulse_tick();
    core.advance(1);
    run_until_waiting(core, edge_by_edge);
}

void take_outputs(Core& core, bool edge_by_edge) {
    while (core.state() == GlobalState::SEND) {
        for (const bool level : {true, false}) {
            core.set_out_ack(level);
            run_until_waiting(core, edge_by_edge);
        }
    }
}

// Inputs of tick k, then the tick.
void random_step(Core& core, std::uint64_t seed, std::uint32_t k, bool edge_by_edge = false) {
    for (std::uint32_t i = 0; i < 20; ++i) {
        if (random_bits({.seed = seed, .stream = Stream::test, .event = 1, .step = k}, i) % 8 == 0) {
            core.pulse_input_event(static_cast<std::uint8_t>(i));
            core.advance(1);
        }
    }
    tick(core, edge_by_edge);
}

bool same_memory(const CoreState& a, const CoreState& b) {
    return a.u == b.u && a.ti == b.ti && a.tr == b.tr && a.to == b.to && a.w_in == b.w_in &&
           a.w_rec == b.w_rec && a.w_out == b.w_out && a.y == b.y && a.z.words() == b.z.words() &&
           a.dirty.words() == b.dirty.words() && a.rng_w_in.contents() == b.rng_w_in.contents() &&
           a.rng_w_rec.contents() == b.rng_w_rec.contents() &&
           a.rng_noise.contents() == b.rng_noise.contents() && a.rng_y.contents() == b.rng_y.contents();
}

}  // namespace

TEST_CASE("digital core: any cutting of time gives the same state, weights and cycles") {
    bool outputs_learned = false;
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        Core whole, cut;
        for (Core* core : {&whole, &cut}) {
            const bool edge_by_edge = core == &cut;
            configure(*core, seed);
            core->set_sample(true);
            core->set_infer_acc(true);
            core->set_target_valid(true);
            for (std::uint32_t k = 0; k < 12; ++k) {
                core->set_sample(k != 11);
                random_step(*core, seed, k, edge_by_edge);
                if (core->state() == GlobalState::GET_TAR) {
                    core->pulse_target(1);
                    core->advance(1);
                    run_until_waiting(*core, edge_by_edge);
                }
            }
            REQUIRE(core->state() == GlobalState::SEND);
        }
        CHECK(same_memory(whole.memory(), cut.memory()));
        CHECK(whole.edge() == cut.edge());
        CHECK(whole.cycles().intrinsic() == cut.cycles().intrinsic());
        CHECK(whole.cycles().events == cut.cycles().events);
        CHECK(whole.cycles().events > 10);
        CHECK(whole.cycles().synaptic_operations == cut.cycles().synaptic_operations);
        CHECK(whole.cycles().weight_updates == cut.cycles().weight_updates);
        CHECK(whole.cycles().step == 11 * 20);
        CHECK(whole.cycles().eprop == 10 * (32 + 2 * 20));
        Core untrained;
        configure(untrained, seed);
        CHECK_FALSE(untrained.memory().w_in == whole.memory().w_in);
        CHECK_FALSE(untrained.memory().w_rec == whole.memory().w_rec);
        outputs_learned = outputs_learned || untrained.memory().w_out != whole.memory().w_out;
    }
    CHECK(outputs_learned);
}

TEST_CASE("digital core: PROP takes the scan, a burst per event and SUPP for inputs beyond the neurons") {
    Core core;
    configure(core, kBoard);
    core.set_sample(true);
    for (const std::uint8_t address : {3, 3, 15}) {  // a second spike of a step is absorbed
        core.pulse_input_event(address);
        core.advance(1);
    }
    tick(core);
    CHECK(core.state() == GlobalState::PROP);
    CHECK(core.cycles().prop_busy == 20 + 2 * (2 * 5 + 2) + 2);
    CHECK(core.cycles().events == 2);
    CHECK(core.memory().ti[3] == 8);
    CHECK(core.memory().ti[15] == 8);
    CHECK(core.timing_error_ready());
}

TEST_CASE("digital core: synaptic operations and weight updates are those of the rows that are used") {
    Core core;
    configure(core, kBoard);
    core.write_register(number(Reg::REGUL_MODE), 0);       // silent rows do not learn
    core.write_memory(MemoryCode::neuron, 2 << 2, 20000);  // neuron 4 is above its threshold
    core.set_sample(true);
    tick(core);
    for (const std::uint8_t address : {3, 4, 15}) {
        core.pulse_input_event(address);
        core.advance(1);
    }
    tick(core);
    CHECK(core.cycles().events == 3);
    CHECK(core.cycles().synaptic_operations == 3 * 12 + (12 + 3));  // input and spike of index 4 share a pass
    CHECK(core.cycles().weight_updates == 0);
    core.set_target_valid(true);
    tick(core);
    REQUIRE(core.state() == GlobalState::GET_TAR);
    core.pulse_target(1);
    core.advance(1);
    run_until_waiting(core, false);
    CHECK(core.cycles().weight_updates == 3 * 12 + (12 + 3));
}

TEST_CASE("digital core: an input event in the cycle of a tick is lost") {
    Core core;
    configure(core, kBoard);
    core.set_sample(true);
    core.pulse_input_event(3);
    tick(core);
    tick(core);
    CHECK(core.cycles().events == 0);
    CHECK(core.memory().ti[3] == 0);
}

TEST_CASE("digital core: state programmed before the first sample is live, later samples start from zero") {
    Core core;
    configure(core, kBoard);
    core.write_memory(MemoryCode::neuron, 0, 0x00320064);  // u = 100, ti = 50
    for (std::uint32_t j = 0; j < 10; ++j) {
        core.write_memory(MemoryCode::neuron, j << 2 | 3, 0xF0000000U | 500 << 4);
    }
    core.set_sample(true);
    tick(core);
    tick(core);
    CHECK(core.memory().u[0] > 80);
    core.set_sample(false);
    tick(core);
    take_outputs(core, false);
    REQUIRE(core.state() == GlobalState::IDLE);
    CHECK_FALSE(core.memory().dirty.test(0));
    core.set_sample(true);
    tick(core);
    tick(core);
    CHECK(core.memory().u[0] == 0);
    CHECK(core.memory().ti[0] == 0);
}

TEST_CASE("digital core: SUPP leaves a stale membrane behind") {
    Core core;
    configure(core, kBoard);
    core.write_memory(MemoryCode::neuron, 8 << 2, 0x00320064);  // neuron 16 > NR: u = 100, ti = 50
    core.set_sample(true);
    tick(core);
    core.set_sample(false);
    tick(core);  // clears the dirty flags
    take_outputs(core, false);
    const std::int16_t stale = core.memory().u[16];
    CHECK(stale > 80);
    core.set_sample(true);
    core.pulse_input_event(16);
    core.advance(1);
    tick(core);
    CHECK(core.memory().u[16] == stale);
    CHECK(core.memory().ti[16] == 8);
    CHECK(core.memory().dirty.test(16));
    CHECK(core.memory().dirty.test(17));
}

TEST_CASE("digital core: a tick while busy raises the timing error and halts until reset") {
    Core core;
    configure(core, kBoard);
    core.set_sample(true);
    tick(core);
    core.pulse_tick();
    core.advance(4);  // in STEP
    CHECK(core.state() == GlobalState::STEP);
    CHECK_FALSE(core.timing_error_ready());
    core.pulse_tick();
    core.advance(1);
    CHECK(core.timing_error());
    CHECK(core.state() == GlobalState::STEP);
    core.advance(1);
    CHECK(core.state() == GlobalState::IDLE);
    CHECK(core.memory().dirty.test(0));  // a halt does not clear as the end of a sample does
    tick(core);
    CHECK(core.state() == GlobalState::IDLE);
    core.write_register(number(Reg::TIMING_MODE), 1);
    CHECK(core.timing_error_ready());  // the pin now shows the error
    core.reset();
    CHECK_FALSE(core.timing_error());
    tick(core);
    CHECK(core.state() == GlobalState::PROP);

    Core going_on;
    configure(going_on, kBoard);
    going_on.write_register(number(Reg::ERROR_HALT), 0);
    going_on.set_sample(true);
    tick(going_on);
    going_on.pulse_tick();
    going_on.advance(4);
    going_on.pulse_tick();
    going_on.advance(1);
    run_until_waiting(going_on, false);
    CHECK(going_on.timing_error());
    CHECK(going_on.state() == GlobalState::PROP);
}

TEST_CASE("digital core: a halt in the middle of an event pass lets the pass end in IDLE") {
    Core core;
    configure(core, kBoard);
    core.set_sample(true);
    core.pulse_input_event(3);
    core.advance(1);
    core.pulse_tick();
    core.advance(8);
    CHECK(core.event_state() == EventState::EVT);
    core.pulse_tick();
    core.advance(2);
    CHECK(core.state() == GlobalState::IDLE);
    CHECK(core.event_state() == EventState::EVT);
    run_until_waiting(core, false);
    CHECK(core.event_state() == EventState::WAIT);
    CHECK(core.memory().ti[3] == 8);
}

TEST_CASE("digital core: CONFIG in mid-sample") {
    Core core;
    configure(core, kBoard);
    core.set_sample(true);
    tick(core);
    core.set_configuration_enabled(true);
    tick(core);
    CHECK(core.state() == GlobalState::CONFIG);
    CHECK(core.spi_ready());
    core.write_memory(MemoryCode::output, 1, 0xFFFB);
    CHECK(core.read_memory(MemoryCode::output, 1) == 0xFFFB);
    core.set_configuration_enabled(false);
    run_until_waiting(core, false);
    CHECK(core.state() == GlobalState::PROP);
    CHECK(core.memory().y[1] == -5);
}

TEST_CASE("digital core: local ticks drive a sample that an external tick started") {
    Core core;
    configure(core, kBoard);
    core.write_register(number(Reg::CYCLES_PER_TICK), 100);
    core.set_sample(true);
    tick(core);
    core.write_register(number(Reg::LOCAL_TICK), 1);
    core.advance(100);
    CHECK(core.state() == GlobalState::STEP);
    core.advance(400);
    CHECK_FALSE(core.timing_error());
    CHECK(core.cycles().sdone == 4);
    core.pulse_tick();  // the pin is frozen
    core.advance(1);
    CHECK_FALSE(core.timing_error());
}

TEST_CASE("digital core: EPROP is not left while SAMPLE is low") {
    Core core;
    configure(core, kBoard);
    core.set_sample(true);
    tick(core);
    core.set_target_valid(true);
    tick(core);
    REQUIRE(core.state() == GlobalState::GET_TAR);
    core.pulse_target(2);
    core.advance(1);
    core.set_sample(false);
    core.advance(72);
    CHECK(core.state() == GlobalState::EPROP);
    core.set_sample(true);
    core.advance(15 * 72);  // the block counter has to come round
    CHECK(core.state() == GlobalState::EPROP);
    core.advance(72);
    CHECK(core.state() == GlobalState::PROP);
}

TEST_CASE("digital core: learning output weights alone takes two cycles per neuron") {
    Core core;
    configure(core, kBoard);
    core.write_register(number(Reg::DO_EPROP), 4);
    core.set_sample(true);
    core.set_target_valid(true);
    random_step(core, 1, 0);
    random_step(core, 1, 1);
    core.pulse_target(0);
    core.advance(1);
    run_until_waiting(core, false);
    CHECK(core.cycles().eprop == 2 * 12);
}

TEST_CASE("digital core: regression targets are bytes, output per step gives membranes") {
    Core core;
    configure(core, kBoard);
    core.write_register(number(Reg::REGRESSION), 1);
    core.write_register(number(Reg::SEND_PER_TIMESTEP), 1);
    core.write_register(number(Reg::SEND_LABEL_ONLY), 0);
    core.set_sample(true);
    core.set_target_valid(true);
    tick(core);
    core.write_memory(MemoryCode::output, 0, 1000);
    core.write_memory(MemoryCode::output, 2, static_cast<std::uint32_t>(-1000) & 0xFFFF);
    tick(core);
    for (int byte = 0; byte < 6; ++byte) {
        CHECK(core.state() == GlobalState::GET_TAR);
        core.pulse_target(static_cast<std::uint8_t>(byte));
        core.advance(1);
    }
    CHECK(core.state() == GlobalState::EPROP);
    run_until_waiting(core, false);
    for (int k = 0; k < 3; ++k) {
        const auto y = static_cast<std::uint16_t>(core.memory().y[static_cast<std::size_t>(k)]);
        for (const std::uint32_t byte : {std::uint32_t{y} & 255U, std::uint32_t{y} >> 8U}) {
            REQUIRE(core.out_request());
            CHECK(core.out_data() == byte);
            for (const bool level : {true, false}) {
                core.set_out_ack(level);
                run_until_waiting(core, false);
            }
        }
    }
    CHECK(core.state() == GlobalState::PROP);
    CHECK(core.memory().y[2] < 0);
}

TEST_CASE("digital core: a very large positive update becomes a certain decrement") {
    // E with bit 27 set and bits 28 to 31 clear: L x h = 32767 x 512 x 15 = 2^27.9.
    Core core;
    core.reset_registers();
    core.reset();
    for (const Reg count : {Reg::NUM_INP, Reg::NUM_REC}) {
        core.write_register(number(count), 1);
    }
    core.write_register(number(Reg::NUM_OUT), 0);
    core.write_register(number(Reg::DO_EPROP), 1);
    core.write_register(number(Reg::LEARN_SIG_SCALE), 15);
    for (std::uint32_t h = 0; h < 5; ++h) {
        core.write_register(number(Reg::H_0) + h, 15);
    }
    core.write_register(number(Reg::ALPHA_CONF_0), 1);
    core.write_memory(MemoryCode::neuron, 3, 1000 << 4);   // alpha 1.0, thr 1000
    core.write_memory(MemoryCode::neuron, 0, 512U << 16);  // ti[0] = 512
    core.write_memory(MemoryCode::neuron, 1, 0);
    core.write_memory(MemoryCode::neuron, 2, 0);
    core.write_memory(MemoryCode::w_out, 0, 0x7F7F);
    core.write_memory(MemoryCode::w_out, 4, 0x7F7F);
    core.write_register(number(Reg::KAPPA), 0x80);
    core.set_configuration_enabled(false);
    core.set_sample(true);
    core.set_target_valid(true);
    tick(core);
    tick(core);
    core.pulse_target(0);
    core.advance(1);
    run_until_waiting(core, false);
    CHECK(core.memory().ti[0] == 512);
    CHECK(core.memory().w_in[0] == -1);
}

TEST_CASE("digital core: memories read back what they were given, the debug access sets flags") {
    Core core;
    core.reset();
    std::uint32_t drawn = 0;
    const auto draw = [&] { return random_bits({.seed = 5, .stream = Stream::test}, drawn++); };
    const auto check = [&](MemoryCode code, std::uint32_t words) {
        const std::uint32_t start = drawn;
        for (std::uint32_t address = 0; address < words; ++address) {
            core.write_memory(code, address, draw());
        }
        drawn = start;
        bool same = true;
        for (std::uint32_t address = 0; address < words; ++address) {
            same = same && core.read_memory(code, address) == draw();
        }
        return same;
    };
    CHECK(check(MemoryCode::neuron, 512));
    CHECK(check(MemoryCode::w_in, 1 << 14));
    CHECK(check(MemoryCode::w_rec, 1 << 14));
    CHECK(check(MemoryCode::w_out, 1 << 11));
    for (const RegisterInfo& info : register_table()) {
        core.write_register(info.number, 0xFFFFFFFF);
        CHECK(core.read_memory(MemoryCode::configuration, info.number) ==
              static_cast<std::uint32_t>((std::uint64_t{1} << info.bits) - 1));
    }
    core.reset();
    core.write_memory(MemoryCode::neuron, 1U << 9 | 7, 1);
    CHECK(core.memory().z.test(7));
    CHECK_FALSE(core.memory().dirty.test(7));
    CHECK(core.memory().dirty.test(2));  // word 1, which the debug address also writes
    CHECK(core.read_memory(MemoryCode::neuron, 7) == 1);
}

TEST_CASE("digital core: register reset values and shapes") {
    Core core;
    core.reset_registers();
    for (const RegisterInfo& info : register_table()) {
        CHECK(core.registers().at(info.number) == info.reset);
    }
    const CoreShape small{.inputs = 16,
                          .neurons = 8,
                          .outputs = 4,
                          .weight_bits = 4,
                          .membrane_bits = 12,
                          .trace_bits = 8,
                          .output_trace_bits = 6};
    Core narrow(small);
    CHECK(narrow.registers().last_input() == 15);
    CHECK(narrow.registers().last_neuron() == 7);
    CHECK(narrow.registers().last_output() == 3);
    narrow.write_memory(MemoryCode::w_in, 0, 0x7F080710);
    CHECK(narrow.read_memory(MemoryCode::w_in, 0) == 0xFFF80700);
    CoreShape bad;
    bad.neurons = 48;
    CHECK_THROWS_WITH_AS(Core{bad}, "digital_core.neurons = 48: must be a power of two", InputError);
    bad = {};
    bad.trace_bits = 13;
    CHECK_THROWS_AS(Core{bad}, InputError);
}
