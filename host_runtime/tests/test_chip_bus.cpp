// The chip's bus: what misuse answers and counts, and that everything that can be loaded can be read.
#include <doctest/doctest.h>

#include <bit>
#include <limits>
#include <string>
#include <vector>

#include "host_runtime/tests/chip_bench.hpp"
#include "hw_models/chip/neuron_registers.hpp"

using namespace memprop;
using namespace memprop::hw::chip;
using memprop::learning::ProjectionId;
using memprop::test::ChipBench;
namespace reg = memprop::hw::chip::host_register;

namespace {

const std::vector<std::string> kSmall{"network.inputs=6", "network.recurrent=8", "network.outputs=2"};

std::vector<std::string> with(std::vector<std::string> more) {
    more.insert(more.begin(), kSmall.begin(), kSmall.end());
    return more;
}

constexpr auto kGeneric = tlm::TLM_GENERIC_ERROR_RESPONSE;
constexpr auto kAddress = tlm::TLM_ADDRESS_ERROR_RESPONSE;
constexpr auto kDirection = tlm::TLM_COMMAND_ERROR_RESPONSE;
constexpr auto kBurst = tlm::TLM_BURST_ERROR_RESPONSE;

std::uint32_t code(Command command) {
    return static_cast<std::uint32_t>(command);
}

std::uint64_t core_register(CoreRegister which, std::uint64_t core = 0) {
    return core_address(core, static_cast<std::uint32_t>(which));
}

std::uint64_t memory_word(NeuronMemory memory, std::uint32_t neuron, std::uint64_t core = 0) {
    return core_address(
        core, kNeuronMemoryWords + static_cast<std::uint32_t>(memory) * kNeuronMemoryStride + neuron);
}

std::uint64_t core_counter(ChipBench& bench, CoreCounter which) {
    return bench.chip().cores()[0]->stats()[which];
}

void finish_command(ChipBench& bench) {
    while (bench.chip().host().busy()) {
        sc_core::wait(bench.chip().host().interrupt_event());
    }
}

// A sample that is driven word by word.
void begin_sample(ChipBench& bench) {
    bench.watch(100);
    bench.processor().run([&] {
        bench.processor().write(reg::command, code(Command::begin_sample));
        finish_command(bench);
    });
}

tlm::tlm_response_status tick(ChipBench& bench, std::uint32_t step, Command command = Command::tick) {
    tlm::tlm_response_status answer{};
    bench.processor().run([&] {
        bench.processor().write(reg::step, step);
        std::uint32_t word = code(command);
        answer = bench.processor().transfer(tlm::TLM_WRITE_COMMAND, reg::command, {&word, 1});
        finish_command(bench);
    });
    return answer;
}

}  // namespace

TEST_CASE("chip bus: a command while busy is refused, counted, and the one under way goes on") {
    ChipBench bench(kSmall);
    bench.load();
    begin_sample(bench);
    tlm::tlm_response_status first{}, second{}, event{};
    std::uint32_t status = 0;
    bench.processor().run([&] {
        std::uint32_t word = code(Command::tick), input = 3;
        bench.processor().write(reg::step, 0);
        first = bench.processor().transfer(tlm::TLM_WRITE_COMMAND, reg::command, {&word, 1});
        status = bench.processor().read(reg::status);
        event = bench.processor().transfer(tlm::TLM_WRITE_COMMAND, reg::event_in, {&input, 1});
        second = bench.processor().transfer(tlm::TLM_WRITE_COMMAND, reg::command, {&word, 1});
        finish_command(bench);
    });
    CHECK(first == tlm::TLM_OK_RESPONSE);
    CHECK(status == 1);
    CHECK(event == tlm::TLM_OK_RESPONSE);  // for the next step
    CHECK(second == kGeneric);
    CHECK(bench.counter(HostCounter::refused_commands) == 1);
    CHECK(bench.counter(HostCounter::steps) == 1);
    CHECK(bench.word_at(reg::status) == 2);
    CHECK(bench.write(reg::status, 2) == tlm::TLM_OK_RESPONSE);
    CHECK(bench.word_at(reg::status) == 0);
    CHECK(core_counter(bench, CoreCounter::events) == 0);
    CHECK(tick(bench, 1, Command::last_tick) == tlm::TLM_OK_RESPONSE);
    CHECK(bench.counter(HostCounter::steps) == 2);
    CHECK(core_counter(bench, CoreCounter::events) == 1);
}

TEST_CASE("chip bus: commands out of turn are refused and change nothing") {
    ChipBench bench(kSmall);
    bench.load();
    std::uint64_t refused = 0;
    const auto refuses = [&](std::uint32_t command) {
        CAPTURE(command);
        CHECK(bench.write(reg::command, command) == kGeneric);
        CHECK(bench.counter(HostCounter::refused_commands) == ++refused);
        CHECK_FALSE(bench.chip().host().busy());
    };
    refuses(0);
    refuses(code(kLastCommand) + 1);
    refuses(code(Command::tick));  // no sample
    refuses(code(Command::last_tick));
    begin_sample(bench);
    for (const Command command :
         {Command::begin_sample, Command::update, Command::measure, Command::share_feedback, Command::program,
          Command::limit_gradient, Command::adapt_feedback, Command::reward}) {
        refuses(code(command));
    }
    CHECK(bench.write(reg::learn, static_cast<std::uint32_t>(LearningMode::between_steps)) ==
          tlm::TLM_OK_RESPONSE);
    refuses(code(Command::update));     // this sample began without
    CHECK(tick(bench, 1) == kGeneric);  // the sample begins with step 0
    CHECK(tick(bench, 0) == tlm::TLM_OK_RESPONSE);
    CHECK(tick(bench, 0) == kGeneric);
    CHECK(tick(bench, 1, Command::last_tick) == tlm::TLM_OK_RESPONSE);
    CHECK(bench.counter(HostCounter::refused_commands) == refused + 2);
    refused += 2;
    refuses(code(Command::tick));
    CHECK(bench.counter(HostCounter::steps) == 2);
    bench.run(bench.random_trial(3, 0.5F));
    CHECK(bench.counter(HostCounter::steps) == 5);
}

TEST_CASE("chip bus: addresses outside the map, wrong directions and bursts that are not whole words") {
    ChipBench bench(kSmall);
    bench.load();
    std::uint32_t word = 0;
    const std::vector<std::uint64_t> nowhere{0x054,
                                             reg::targets + 8,
                                             0x2000,
                                             reg::routers + 4 * 2 * 1024,  // two routers of 1024 rows
                                             core_address(1, 0),
                                             core_address(7, 0)};
    for (const std::uint64_t address : nowhere) {
        CAPTURE(address);
        const std::uint64_t before = bench.counter(HostCounter::address_errors);
        CHECK(bench.read(address, word) == kAddress);
        CHECK(bench.write(address, 1) == kAddress);
        CHECK(bench.counter(HostCounter::address_errors) == before + 2);
    }
    const std::vector<std::uint64_t> no_words_of_a_core{
        core_address(0, static_cast<std::uint32_t>(CoreRegister::count)),
        core_address(0, kNeuronParameterWords + 99),
        core_address(0, kCoreCounterWords + 2 * kCoreCounters),
        core_address(0, kAxonWords + 64 * kAxonRowWords),
        core_address(0, kOwnerWords + 4),
        memory_word(NeuronMemory::membrane, 8),
        memory_word(NeuronMemory::readout, 2),
        memory_word(NeuronMemory::count, 0),
        core_address(0, kFeedbackWords + 16),
        core_address(0, kTileWords + 48),
        core_address(0, kTileWords + 3 * kTileStride)};
    for (const std::uint64_t address : no_words_of_a_core) {
        CAPTURE(address);
        CHECK(bench.read(address, word) == kAddress);
        const std::uint64_t before = core_counter(bench, CoreCounter::refused_flits);
        CHECK(bench.write(address, 1) == tlm::TLM_OK_RESPONSE);  // posted
        bench.wait_cycles(20);
        CHECK(core_counter(bench, CoreCounter::refused_flits) == before + 1);
    }
    std::uint64_t wrong = 0;
    for (const std::uint64_t address :
         {reg::command, reg::step, reg::sample, reg::device_tick, reg::event, reg::projection, reg::learn,
          reg::label, reg::window, reg::event_in, reg::targets}) {
        CAPTURE(address);
        CHECK(bench.read(address, word) == kDirection);
        CHECK(bench.counter(HostCounter::direction_errors) == ++wrong);
    }
    for (const std::uint64_t address : {reg::identity, reg::cores, reg::event_in_room, reg::event_out,
                                        reg::event_out_level, reg::loss, reg::counters}) {
        CAPTURE(address);
        CHECK(bench.write(address, 7) == kDirection);
        CHECK(bench.counter(HostCounter::direction_errors) == ++wrong);
    }
    CHECK(bench.word_at(reg::identity) == kIdentity);

    const auto transfer = [&](std::uint64_t address, unsigned length, tlm::tlm_command command,
                              bool byte_enables = false) {
        std::array<unsigned char, 8> data{}, enables{};
        tlm::tlm_generic_payload transaction;
        transaction.set_command(command);
        transaction.set_address(address);
        transaction.set_data_ptr(data.data());
        transaction.set_data_length(length);
        transaction.set_streaming_width(length);
        if (byte_enables) {
            transaction.set_byte_enable_ptr(enables.data());
            transaction.set_byte_enable_length(4);
        }
        bench.processor().run([&] {
            sc_core::sc_time delay;
            bench.processor().bus->b_transport(transaction, delay);
        });
        return transaction.get_response_status();
    };
    CHECK(transfer(reg::identity + 2, 4, tlm::TLM_READ_COMMAND) == kBurst);
    CHECK(transfer(reg::identity, 3, tlm::TLM_READ_COMMAND) == kBurst);
    CHECK(transfer(reg::identity, 0, tlm::TLM_READ_COMMAND) == kBurst);
    CHECK(transfer(reg::identity, 4, tlm::TLM_IGNORE_COMMAND) == kBurst);
    CHECK(transfer(reg::step, 4, tlm::TLM_WRITE_COMMAND, true) == kBurst);
    CHECK(bench.counter(HostCounter::burst_errors) == 5);
    CHECK(transfer(reg::identity, 8, tlm::TLM_READ_COMMAND) == tlm::TLM_OK_RESPONSE);
    bench.run(bench.random_trial(3, 0.5F));  // and all is well
    CHECK(bench.counter(HostCounter::steps) == 3);
}

TEST_CASE("chip bus: FIFOs that are full refuse, and nothing in them is lost") {
    ChipBench bench(with({"chip.event_fifo_depth=10", "network.threshold=0.0001"}));
    bench.load(2.0F);
    begin_sample(bench);
    CHECK(bench.word_at(reg::event_in_room) == 10);
    for (std::uint32_t i = 0; i < 10; ++i) {
        CHECK(bench.write(reg::event_in, i % 6) == tlm::TLM_OK_RESPONSE);
    }
    CHECK(bench.word_at(reg::event_in_room) == 0);
    CHECK(bench.write(reg::event_in, 1) == kGeneric);
    CHECK(bench.counter(HostCounter::fifo_overflows) == 1);
    CHECK(bench.counter(HostCounter::events_in) == 10);
    CHECK(tick(bench, 0) == tlm::TLM_OK_RESPONSE);
    CHECK(core_counter(bench, CoreCounter::events) == 10 + core_counter(bench, CoreCounter::spikes));
    const auto& tile = *bench.chip().cores()[0]->tiles()[0];
    CHECK(tile.stats().row_events == 6);
    CHECK(tile.stats().refused(hw::tile::TileResponse::duplicate_row) == 4);

    // Ten places, and a step may bring eight spikes and two readout values: the host must take them first.
    const std::uint32_t level = bench.word_at(reg::event_out_level);
    CHECK(level >= 2);
    CHECK(tick(bench, 1) == kGeneric);
    CHECK(bench.counter(HostCounter::refused_commands) == 1);
    CHECK(bench.write(reg::event_out, 5) == kDirection);  // takes nothing out
    CHECK(bench.word_at(reg::event_out_level) == level);
    std::vector<std::uint32_t> words(std::size_t{2} * level);
    bench.processor().run([&] { bench.processor().read(reg::event_out, words); });
    CHECK(words[words.size() - 2] == (kReadoutEvent | 1U));
    CHECK(words.back() == std::bit_cast<std::uint32_t>(bench.state.readout[1]));
    CHECK(bench.word_at(reg::event_out) == kNoEvent);
    CHECK(tick(bench, 1) == tlm::TLM_OK_RESPONSE);
    CHECK(bench.counter(HostCounter::steps) == 2);
}

TEST_CASE("chip bus: spikes without axon row are discarded and counted") {
    ChipBench bench(kSmall);
    bench.load();
    begin_sample(bench);
    for (const std::uint32_t address : {2U, 14U, 4'000'000'000U}) {
        CHECK(bench.write(reg::event_in, address) == tlm::TLM_OK_RESPONSE);
    }
    CHECK(tick(bench, 0) == tlm::TLM_OK_RESPONSE);
    CHECK(core_counter(bench, CoreCounter::unmapped_events) == 2);
    CHECK(core_counter(bench, CoreCounter::events) == 1 + core_counter(bench, CoreCounter::spikes));
    CHECK(bench.chip().cores()[0]->tiles()[0]->stats().row_events == 1);
}

TEST_CASE("chip bus: values that are not allowed are refused and counted") {
    ChipBench bench(kSmall);
    bench.load();
    const float infinity = std::numeric_limits<float>::infinity();
    std::uint64_t refused = 0;
    for (const auto& [address, value] : std::vector<std::pair<std::uint64_t, std::uint32_t>>{
             {reg::projection, 3},
             {reg::learn, static_cast<std::uint32_t>(kLastLearningMode) + 1},
             {reg::label, 2},
             {reg::label, static_cast<std::uint32_t>(-2)},
             {reg::window, 2},
             {reg::factor, std::bit_cast<std::uint32_t>(-1.0F)},
             {reg::factor, std::bit_cast<std::uint32_t>(infinity)},
             {reg::targets, std::bit_cast<std::uint32_t>(infinity)},
             {reg::targets + 4, 0x7FC0'0000},
             {reg::routers, 0x0005},             // no such port
             {reg::routers, 0x2000},             // nor these
             {reg::routers, 0x1'0000},           //
             {reg::routers, 0x0803},             // back to where it came from
             {reg::routers + 4 * 1024, 0x0100},  // out of the mesh
         }) {
        CAPTURE(address);
        CAPTURE(value);
        CHECK(bench.write(address, value) == kGeneric);
        CHECK(bench.counter(HostCounter::refused_values) == ++refused);
    }
    std::uint64_t flits = 0;
    const std::uint32_t nan = 0x7FC0'0000;
    for (const auto& [address, value] : std::vector<std::pair<std::uint64_t, std::uint32_t>>{
             {core_register(CoreRegister::neurons), 3},
             {core_register(CoreRegister::status), 1},
             {core_register(CoreRegister::axon_ranges), 65},
             {core_register(CoreRegister::neuron_owners), 2},
             {core_address(0, kCoreCounterWords), 0},
             {core_address(0, kNeuronParameterWords), nan},
             {core_address(0, kNeuronParameterWords + 7), 3},  // reset kind
             {core_address(0, kAxonWords + 2), 3},             // tile
             {memory_word(NeuronMemory::membrane, 0), nan},
             {core_address(0, kFeedbackWords), nan},
             {core_address(0, kTileWords), nan},
         }) {
        CAPTURE(address);
        const std::uint32_t before = bench.word_at(address);
        CHECK(bench.write(address, value) == tlm::TLM_OK_RESPONSE);
        CHECK(bench.word_at(address) == before);
        CHECK(core_counter(bench, CoreCounter::refused_flits) == ++flits);
    }
    bench.run(bench.random_trial(3, 0.5F));
    CHECK(bench.counter(HostCounter::steps) == 3);
}

TEST_CASE("chip bus: tables, parameters, memories and feedback read back as they were loaded") {
    ChipBench bench(with({"chip.mesh_width=2", "chip.mesh_height=2", "network.neuron=alif",
                          "network.adaptive_fraction=0.5", "network.tau_membrane_max_seconds=0.1",
                          "network.pseudo_derivative=table"}));
    bench.load();
    const ChipPlan& plan = bench.chip().plan();
    REQUIRE(plan.cores.size() == 4);
    CHECK(bench.word_at(reg::cores) == 4);
    for (const TreePlan& tree : plan.trees) {
        const auto params = bench.experiment.chip.noc_params();
        for (const auto& node : hw::noc::xy_tree(params, tree.root, tree.leaves)) {
            const auto row = static_cast<std::uint64_t>(node.node) * params.multicast_trees +
                             static_cast<std::uint64_t>(tree.tree);
            CHECK(bench.word_at(reg::routers + 4 * row) ==
                  (static_cast<std::uint32_t>(node.row.input) | std::uint32_t{node.row.outputs} << 8));
        }
    }
    for (std::uint32_t c = 0; c < 4; ++c) {
        const CorePlan& core = plan.cores[c];
        CHECK(bench.word_at(core_register(CoreRegister::first_neuron, c)) == core.neurons.first);
        CHECK(bench.word_at(core_register(CoreRegister::neurons, c)) == core.neurons.count);
        CHECK(bench.word_at(core_register(CoreRegister::first_readout, c)) == core.readouts.first);
        CHECK(bench.word_at(core_register(CoreRegister::readouts, c)) == core.readouts.count);
        CHECK(bench.word_at(core_register(CoreRegister::tiles, c)) == core.tiles.size());
        CHECK(bench.word_at(core_register(CoreRegister::spike_tree, c)) ==
              static_cast<std::uint32_t>(core.spike_tree));
        CHECK(bench.word_at(core_register(CoreRegister::cores_to_await, c)) == plan.cores_with_neurons());
        CHECK(bench.word_at(core_register(CoreRegister::axon_ranges, c)) == core.axons.size());
        CHECK(bench.word_at(core_register(CoreRegister::neuron_owners, c)) == plan.cores_with_neurons());
        for (std::uint32_t a = 0; a < core.axons.size(); ++a) {
            const AxonRange& range = core.axons[a];
            const std::array<std::uint32_t, 5> expected{range.first_address, range.count, range.tile,
                                                        range.first_row, range.delay};
            for (std::uint32_t w = 0; w < expected.size(); ++w) {
                CHECK(bench.word_at(core_address(c, kAxonWords + a * kAxonRowWords + w)) == expected[w]);
            }
        }
        for (std::uint32_t o = 0; o < plan.cores_with_neurons(); ++o) {
            CHECK(bench.word_at(core_address(c, kOwnerWords + 4 * o)) == plan.cores[o].neurons.first);
            CHECK(bench.word_at(core_address(c, kOwnerWords + 4 * o + 1)) == plan.cores[o].neurons.count);
            CHECK(bench.word_at(core_address(c, kOwnerWords + 4 * o + 2)) ==
                  static_cast<std::uint32_t>(plan.cores[o].node));
        }
        const auto words = neuron_parameter_words(bench.parameters);
        for (std::uint32_t w = 0; w < words.size(); ++w) {
            CHECK(bench.word_at(core_address(c, kNeuronParameterWords + w)) == words[w]);
        }
        const auto number = [&](std::uint64_t address) {
            return std::bit_cast<float>(bench.word_at(address));
        };
        for (std::uint32_t j = 0; j < core.neurons.count; ++j) {
            const std::size_t neuron = core.neurons.first + j;
            CHECK(number(memory_word(NeuronMemory::beta, j, c)) == bench.parameters.beta[neuron]);
            CHECK(number(memory_word(NeuronMemory::alpha, j, c)) == bench.parameters.alpha_of[neuron]);
            CHECK(number(memory_word(NeuronMemory::gain, j, c)) == bench.parameters.gain_of[neuron]);
            for (std::uint32_t k = 0; k < 2; ++k) {
                CHECK(number(core_address(c, kFeedbackWords + k * core.neurons.count + j)) ==
                      bench.feedback[k * 8 + neuron]);
            }
        }
    }
    CHECK(bench.feedback[0] != bench.feedback[1]);
}

TEST_CASE("chip bus: neuron state is read and written") {
    ChipBench bench(with({"network.state_reset=never", "network.refractory_steps=4"}));
    bench.load(1.0F);
    const auto number = [&](NeuronMemory memory, std::uint32_t j) {
        return std::bit_cast<float>(bench.word_at(memory_word(memory, j)));
    };
    bench.run(bench.random_trial(30, 0.5F));
    for (std::uint32_t j = 0; j < 8; ++j) {
        CHECK(number(NeuronMemory::membrane, j) == bench.state.membrane[j]);
        CHECK(number(NeuronMemory::spike, j) == bench.state.spike[j]);
        CHECK(bench.word_at(memory_word(NeuronMemory::silent, j)) ==
              static_cast<std::uint32_t>(bench.state.silent[j]));
    }
    CHECK(number(NeuronMemory::readout, 1) == bench.state.readout[1]);
    CHECK(bench.state.readout[1] != 0.0F);
    for (const NeuronMemory memory : {NeuronMemory::membrane, NeuronMemory::adaptation, NeuronMemory::readout,
                                      NeuronMemory::readout_input}) {
        CHECK(bench.write(memory_word(memory, 1), std::bit_cast<std::uint32_t>(-0.625F)) ==
              tlm::TLM_OK_RESPONSE);
        CHECK(number(memory, 1) == -0.625F);
    }
    CHECK(bench.write(memory_word(NeuronMemory::silent, 3), 2) == tlm::TLM_OK_RESPONSE);
    CHECK(bench.word_at(memory_word(NeuronMemory::silent, 3)) == 2);
    CHECK(bench.state.silent[3] == 2);
}

TEST_CASE("chip bus: weights are measured, and read exactly by debug transport without time") {
    ChipBench devices(with({"chip.mesh_width=2", "crossbar.tile_rows=3", "crossbar.tile_columns=2"})),
        numbers(with({"chip.mesh_width=2", "update.scheme=vanilla"}));
    for (ChipBench* bench : {&devices, &numbers}) {
        bench->load();
        bench->run(bench->random_trial(4, 0.5F));
        for (std::size_t w = 0; w < 3; ++w) {
            const auto id = static_cast<ProjectionId>(w);
            CAPTURE(w);
            const WeightArray& array = bench->chip().weights(id);
            const std::uint32_t post = array.shape().post;
            std::vector<float> measured(std::size_t{array.shape().pre} * post), exact(measured.size());
            bench->hardware.measure(id, static_cast<std::uint32_t>(w), 2, measured);
            bench->stores[w]->snapshot(2, exact);
            CHECK((measured == exact) == (bench == &numbers));  // reads of devices are noisy
            std::size_t seen = 0;
            const std::uint64_t cycle = bench->chip().cycle();
            std::vector<std::pair<std::uint64_t, float>> words;
            for (std::uint32_t c = 0; c < bench->chip().plan().cores.size(); ++c) {
                const CorePlan& core = bench->chip().plan().cores[c];
                for (std::uint32_t t = 0; t < core.tiles.size(); ++t) {
                    if (core.tiles[t].projection != id) {
                        continue;
                    }
                    const hw::tile::TileRegion& region = array.tiles()[core.tiles[t].tile];
                    std::vector<std::uint32_t> debug(std::size_t{region.rows} * region.columns);
                    const std::uint64_t base = core_address(c, kTileWords + t * kTileStride);
                    CHECK(bench->processor().debug_read(base, debug) == debug.size());
                    for (std::uint32_t i = 0; i < debug.size(); ++i) {
                        const std::size_t at = std::size_t{region.first_row + i / region.columns} * post +
                                               region.first_column + i % region.columns;
                        CHECK(std::bit_cast<float>(debug[i]) == exact[at]);
                        words.emplace_back(base + std::uint64_t{4} * i, measured[at]);
                        ++seen;
                    }
                }
            }
            CHECK(bench->chip().cycle() == cycle);
            CHECK(seen == measured.size());
            for (const auto& [address, weight] : words) {
                CHECK(std::bit_cast<float>(bench->word_at(address)) == weight);
            }
        }
    }
}

TEST_CASE("chip bus: counters read as 64-bit numbers") {
    ChipBench bench(kSmall);
    bench.load(1.0F);
    bench.run(bench.random_trial(20, 0.5F), true);
    const auto wide = [&](std::uint64_t address) {
        std::array<std::uint32_t, 2> words{};
        bench.processor().run([&] { bench.processor().read(address, words); });
        return std::uint64_t{words[1]} << 32 | words[0];
    };
    for (std::size_t i = 0; i < kHostCounters; ++i) {
        CAPTURE(kHostCounterInfo[i].name);
        if (kHostCounterInfo[i].name.starts_with("bus_")) {
            const std::uint64_t before = bench.counters().at(i);
            CHECK(wide(reg::counters + 8 * i) >= before);  // the read itself counts
        } else {
            CHECK(wide(reg::counters + 8 * i) == bench.counters().at(i));
        }
    }
    for (std::uint32_t i = 0; i < kCoreCounters; ++i) {
        CAPTURE(kCoreCounterInfo[i].name);
        CHECK(wide(core_address(0, kCoreCounterWords + 2 * i)) == bench.chip().cores()[0]->stats().at(i));
    }
    CHECK(bench.counter(HostCounter::steps) == 20);
    CHECK(core_counter(bench, CoreCounter::learning_operations) > 0);
    std::array<std::uint32_t, 2> loss{};
    bench.processor().run([&] { bench.processor().read(reg::loss, loss); });
    CHECK(std::bit_cast<double>(std::uint64_t{loss[1]} << 32 | loss[0]) == bench.tape.objectives[0].loss);
    CHECK(bench.tape.objectives[0].loss > 0.0);
    // An empty FIFO of events, and a host that only looks: debug transport elsewhere gives nothing.
    std::array<std::uint32_t, 1> word{};
    CHECK(bench.processor().debug_read(reg::identity, word) == 0);
}
