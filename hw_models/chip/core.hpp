// A core in plain C++: network interface, axon table, synapse blocks, units of neurons, learning engine. It
// is built empty and does what its image (core_image.hpp) says.
//
// A time step. Events come in as flits; a row of the axon table says which row of which block each one
// drives, in this step or in a later one.
// 1. The host's step flit follows the events of the sources: blocks that wait for nobody else end the step.
// 2. When the sums of a unit's blocks are there, which begin the next step then, the neuron unit adds them up
// and
//    updates the neurons; what they put out leaves along the unit's tree, one event per cycle in ascending
//    order.
// 3. When all units of a phase are updated, the core enters the barrier of the phase behind their events.
// Whoever
//    gets the barrier's token has all events of the phase. Blocks that waited for these end the step.
// 4. If the core learns: when the errors of all readouts have come, after the last phase, the learning engine
// takes
//    its cycles and the core enters one more barrier. For a reward, which comes after the sample, it needs no
//    errors and begins when the events of the phase before the last are there.
// 5. The last barrier ends the step.
// Events for a step that a block is not in wait in delay slots. If weights change between the steps, all
// blocks are opened by the step flit, so that no row is driven before the write.
//
// Between trials: update (plan, use the update scheme's own arrays if it has any, then write bursts through
// the tiles' programming ports, all tiles side by side), refresh, measure, share, square and scale (the limit
// of the gradient), adapt (feedback), reward (errors of a whole sample); each ends with core_done.
//
// Latency: core_timing.hpp and tile_timing.hpp, exactly; a flit is acted on in the cycle it arrives, one flit
// leaves per cycle. Misuse: an event without axon row is discarded and counted (unmapped_events), one that a
// row cannot take too (refused_events); a configuration flit that is not allowed changes nothing and is
// counted (refused_flits). Modelled: contention for the router, overlap of blocks, neuron unit and network.
// Not modelled: instruction fetch, clock gating, wires inside a core.
//
// Event-gated: run() is called when a flit arrives that has to be acted on and in next_cycle(). What a unit
// computes is in the memories when it begins; the flits that carry it leave in the cycle in which it has
// finished.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hw_models/chip/chip_memory.hpp"
#include "hw_models/chip/core_image.hpp"
#include "hw_models/chip/core_stats.hpp"
#include "hw_models/chip/core_timing.hpp"
#include "hw_models/chip/memory_map.hpp"
#include "hw_models/chip/messages.hpp"
#include "hw_models/chip/unit.hpp"
#include "hw_models/noc/endpoints.hpp"
#include "learning/eprop/slice_learner.hpp"
#include "learning/eprop/slice_update.hpp"

namespace memprop::hw::chip {

class Core {
public:
    /// What a core is built into; all of it outlives the core.
    struct Surroundings {
        const ChipConfig& config;
        std::int64_t columns_per_converter;
        ChipMemory& memory;
        noc::Endpoints& network;
        const Clock& clock;
    };

    Core(const Surroundings& around, noc::NodeId node, std::string name);

    noc::NodeId node() const { return node_; }
    const std::string& name() const { return name_; }
    /// False: it has no image, and no part in anything.
    bool is_used() const { return !program_.units.empty(); }
    const CoreProgram& program() const { return program_; }
    const CoreShape& shape() const { return shape_; }
    const CoreStats& stats() const { return stats_; }
    std::span<const std::unique_ptr<SynapseBlock>> blocks() const { return blocks_; }
    /// Calls f(projection, placed tile) for each tile of an array, in the order of their numbers in the map.
    template <class Function>
    void for_each_tile(Function&& f) const {
        for (const CoreTile& tile : tiles_) {
            f(tile.projection, *tile.placed);
        }
    }
    std::uint64_t synaptic_operations() const;  ///< events times the numbers or devices of their rows
    std::span<const Unit> units() const { return units_; }
    std::span<Unit> units() { return units_; }
    double neuron_energy_j() const;    ///< of the neuron unit
    double learning_energy_j() const;  ///< of the learning engine
    double digital_energy_j() const { return neuron_energy_j() + learning_energy_j(); }
    /// Of its blocks.
    double periphery_energy_j() const;

    /// Does all that is to do in the clock's cycle.
    void run();
    std::uint64_t next_cycle() const;

    // The window of the core in the memory map.
    std::optional<std::uint32_t> read_word(std::uint32_t word);
    bool write_word(std::uint32_t word, std::uint32_t value);
    /// As read_word, but exact weights.
    std::optional<std::uint32_t> debug_read_word(std::uint32_t word);

    /// Its counters and those of its tiles.
    void record(WordRecord& record);

    /// What the learning engine is doing, for waveforms.
    enum class Engine : std::uint8_t {
        idle,
        learning,
        planning,
        writing,
        refreshing,
        measuring,
        sharing,
        limiting,
        adapting,
        transferring,
        rewarding,
        optimising,
    };
    Engine engine() const { return engine_at(cycle()); }
    /// In a later cycle, if nothing is done until then.
    Engine engine_at(std::uint64_t cycle) const { return cycle < learned_at_ ? Engine::learning : engine_; }
    std::uint64_t learns_until() const { return learned_at_; }
    /// The cycle in which the sums of a block are there, of the step that was ended last.
    std::uint64_t sums_cycle(std::size_t block) const { return block_states_[block].sums_cycle; }
    std::size_t flits_to_send() const { return around_.network.waiting_to_leave(node_); }

private:
    struct Delayed {
        std::uint32_t step, block, row;
        float value;
    };
    bool configure(std::uint32_t words);
    void build();
    void receive(const noc::ArrivedFlit& delivery);
    void receive_event(const noc::Flit& flit, float value, std::uint64_t arrival);
    void arrive(std::uint32_t block, std::uint32_t row, float value, std::uint32_t step,
                std::uint64_t arrival);
    void receive_tick(const noc::Flit& flit);
    void receive_graded(const noc::Flit& flit, std::uint64_t arrival);
    void receive_configuration(const noc::Flit& flit);
    bool write_register(CoreRegister which, std::uint32_t value);
    bool take_pending(std::uint32_t count);
    void begin_sample(std::uint32_t sample);
    void begin_step(std::uint32_t step, bool last, bool settles);
    void open(Unit& unit, std::uint32_t step);
    void open_late(Unit& unit, std::uint32_t step);
    void open_block(const Unit::Incoming& incoming, std::uint32_t step);
    std::uint64_t end_block(std::uint32_t block);
    std::uint32_t full_step(std::uint16_t low) const;
    bool advance(Unit& unit);
    bool advance_late(Unit& unit);
    void update(Unit& unit);
    void send_output(const Unit& unit);
    bool enter_barriers();
    bool phase_is_done(std::uint32_t phase) const;
    bool learns_in_step() const;
    void finish_step_if_done();

    bool advance_engine();
    bool any_tile_busy() const;
    /// After planning: what the update scheme does on its own arrays. False: nothing.
    bool start_transfer();
    void write_tiles();
    void start_refresh();
    void start_measure(std::uint32_t projection, Engine engine);
    /// The learning engine computes for that long.
    void start_pass(Engine engine, std::uint64_t cycles, std::uint64_t operations);
    void finish_engine();
    LearningMode mode() const { return static_cast<LearningMode>(reg(CoreRegister::learns)); }
    bool follow_step();
    bool advance_reward();
    void start_adaptation(float decay);
    bool advance_adaptation();
    /// Sends what belongs to the core's readouts, measured weights or their changes, to the neurons' cores.
    void share_readouts(bool changes);
    void build_rules();
    /// What a unit has just computed, for its rule.
    void record_for_rule(const Unit& unit, std::size_t number, std::span<const float> psi);
    void learn_from_errors();
    void optimise(std::uint32_t window_steps);
    std::span<float> own_feedback();
    float& feedback_weight(std::size_t k, std::size_t j);
    learning::SliceMemory* learning_memory(std::uint32_t& word);
    void report_done(std::uint32_t value, std::uint64_t when);
    void send(const noc::Flit& flit) { around_.network.send(node_, flit); }
    std::uint64_t cycle() const { return around_.clock.cycle; }
    std::uint32_t reg(CoreRegister which) const { return registers_[static_cast<std::size_t>(which)]; }
    std::uint32_t barriers() const { return program_.phases + (learns_in_step() ? 1 : 0); }
    std::vector<Delayed>& slot(std::uint32_t step) { return slots_[step % slots_.size()]; }

    const Surroundings around_;
    const noc::NodeId node_;
    const std::string name_;

    // Loaded by the host.
    std::array<std::uint32_t, static_cast<std::size_t>(CoreRegister::count)> registers_{};
    std::vector<std::uint32_t> image_words_, owner_words_, pending_words_, state_;

    // What they make of the core.
    CoreProgram program_;
    CoreShape shape_;
    std::vector<Unit> units_;
    std::vector<std::unique_ptr<SynapseBlock>> blocks_;
    std::vector<ArrayBlock*> arrays_;  // those of blocks_ that are on tiles of an array
    struct CoreTile {
        ArrayBlock::PlacedTile* placed;
        WeightArray* array;
        std::uint32_t projection;
        bool of_readouts;
    };
    std::vector<CoreTile> tiles_;  // of all these
    struct BlockState {
        std::uint32_t axonal_delay = 0;
        bool is_open = false, of_memoryless = false;
        std::uint32_t step = 0;
        std::uint64_t sums_cycle = 0;
    };
    std::vector<BlockState> block_states_;  // [block]
    std::uint32_t largest_delay_ = 0;
    Slice learning_neurons_;  // of the population that learning signals reach

    struct LearningRule {
        std::uint32_t unit;
        std::vector<std::uint32_t> blocks;
        learning::SliceLearner<float> learner;
        std::vector<learning::SliceUpdate<float>> updates;  // [projection]
        std::vector<learning::SliceMemory> memories;
    };
    std::vector<std::unique_ptr<LearningRule>> rules_;
    std::vector<float> psi_, errors_taken_;
    std::vector<learning::SliceEvents<float>> rule_events_;

    // The step.
    std::vector<std::vector<Delayed>> slots_;  // [step modulo their number]
    std::uint32_t step_ = 0;
    std::optional<noc::Flit> next_tick_;  // came while late blocks of the step before were read
    bool last_step_ = false, step_running_ = false, settles_ = false;
    std::uint64_t steps_done_ = 0;
    std::uint32_t tokens_ = 0;   // barriers of this step that have passed here
    std::uint32_t entered_ = 0;  // barriers of this step that the core has entered
    std::uint64_t neuron_unit_free_ = 0;
    std::uint32_t errors_ = 0;  // error flits of this step
    bool learned_ = false;
    std::uint64_t learned_at_ = 0;  // the learning engine follows a step until then
    Engine engine_ = Engine::idle;
    std::uint64_t engine_since_ = 0, engine_due_ = noc::kNever;
    std::uint32_t feedback_words_ = 0;  // received while sharing or adapting
    bool shared_ = false;
    std::vector<float> feedback_changes_;  // received, [readout][neuron]
    float feedback_decay_ = 0.0F;
    CoreStats stats_;
    std::uint64_t earlier_stall_cycles_ = 0;  // of counters that were given back
};

}  // namespace memprop::hw::chip
