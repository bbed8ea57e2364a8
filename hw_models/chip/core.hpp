// SystemC module of a core: network interface, axon table, synapse tiles, neuron unit, learning engine.
//
// A time step. Spikes come in as flits; a row of the axon table says which word line of which tile each one
// drives, in this step (inputs, and spikes on their way to readouts) or in the next one (recurrent spikes).
// 1. The host's step flit follows the inputs: the neurons' tiles end the step and deliver their sums.
// 2. The neuron unit adds the sums of the tiles, which begin the next step, and updates the neurons; spikes
//    go out along the core's multicast tree, one per cycle in ascending order, and then a neurons_done flit,
//    so whoever has it has all spikes of this core.
// 3. When every core's neurons_done is there, the readouts' tiles deliver their sums and the readouts are
//    updated; their values go to the host.
// 4. If the core learns: when the errors of all readouts have come, the learning engine takes its cycles. For
//    a reward, which comes after the sample, it needs no errors and begins when all spikes are there.
// 5. A core_done flit goes to the host.
// Flits of a later step than the one a tile is in wait in a latch per word line. If weights change between
// the steps, all flits of a step wait for its step flit, so that word lines are not driven before the write.
//
// Between trials: update (plan, use the update scheme's own arrays if it has any, then write bursts through
// the tiles' programming ports, all tiles side by side), refresh, measure, share, square and scale (the limit
// of the gradient), adapt (feedback), reward (errors of a whole sample); each ends with core_done.
//
// Latency: core_timing.hpp and tile_timing.hpp, exactly; a flit is acted on in the cycle it arrives, one
// flit leaves per cycle. Misuse: a spike without axon row is discarded and counted (unmapped_events), a
// configuration flit that is not allowed changes nothing and is counted (refused_flits).
// Modelled: contention for the router, overlap of tiles, neuron unit and network. Not modelled: instruction
// fetch, clock gating, wires inside a core.
//
// Event-gated: one process, run when a flit arrives that has to be acted on, when sums are due and when tiles
// have finished; never by a clock. What a unit computes is in the memories when it begins; the flits that
// carry it leave in the cycle in which it has finished.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <systemc>
#include <vector>

#include "hw_models/chip/chip_memory.hpp"
#include "hw_models/chip/chip_plan.hpp"
#include "hw_models/chip/core_stats.hpp"
#include "hw_models/chip/core_timing.hpp"
#include "hw_models/chip/memory_map.hpp"
#include "hw_models/chip/messages.hpp"
#include "hw_models/noc/mesh.hpp"

namespace memprop::hw::chip {

class Core : public sc_core::sc_module {
public:
    sc_core::sc_port<noc::FlitQueueIf> port{"port"};

    /// Core number `index` of the plan. `memory` must live as long.
    Core(const sc_core::sc_module_name& name, const ChipPlan& plan, std::size_t index,
         const ChipConfig& config, std::int64_t columns_per_converter, ChipMemory& memory,
         const sc_core::sc_time& period);

    const CorePlan& plan() const { return plan_; }
    const CoreShape& shape() const { return shape_; }
    const CoreStats& stats() const { return stats_; }
    std::span<const std::unique_ptr<tile::SynapseTile>> tiles() const { return tiles_; }
    /// Those of the update scheme's own arrays, one beside each tile; empty if it has none.
    std::span<const std::unique_ptr<tile::FastTile>> fast_tiles() const { return fast_tiles_; }
    std::uint64_t activations() const { return activations_; }
    double neuron_energy_j() const;    ///< of the neuron unit
    double learning_energy_j() const;  ///< of the learning engine
    double digital_energy_j() const { return neuron_energy_j() + learning_energy_j(); }

    // The window of the core in the memory map.
    std::optional<std::uint32_t> read_word(std::uint32_t word);
    bool write_word(std::uint32_t word, std::uint32_t value);
    /// As read_word, but exact weights.
    std::optional<std::uint32_t> debug_read_word(std::uint32_t word);

    /// Its counters and those of its tiles.
    void record(WordRecord& record);

    /// Between samples: the neurons' state was replaced, so other spikes are on their way into the next one.
    void state_restored();

    /// What the units are doing, for waveforms.
    enum class Phase : std::uint8_t { idle, open, reading, updating };
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
    };
    Phase neuron_phase() const { return phase_of(neurons_); }
    Phase readout_phase() const { return phase_of(readouts_); }
    Engine engine() const { return cycle() < learned_at_ ? Engine::learning : engine_; }
    std::size_t flits_to_send() const { return port->waiting_to_leave(); }

private:
    void end_of_elaboration() override;

    // The tiles of a layer and where its time step is.
    struct Layer {
        Slice slice;
        std::vector<std::uint32_t> tiles;
        Phase phase = Phase::idle;
        std::uint32_t step = 0;
        bool ended = false;            // no event of the step is to come
        std::uint64_t since = 0;       // cycle in which the tiles were told so
        std::uint64_t due = 0;         // of the sums
        std::uint64_t updated_at = 0;  // the neuron unit is at work until then
        bool done = false;             // with the step of the chip
    };
    struct Latched {
        std::uint32_t tile, row, step;
    };
    void run();
    void receive(const noc::ArrivedFlit& delivery);
    void receive_spike(const noc::Flit& flit, std::uint64_t arrival);
    void receive_tick(const noc::Flit& flit);
    void receive_graded(const noc::Flit& flit);
    void receive_configuration(const noc::Flit& flit);
    void begin_sample(std::uint32_t sample);
    void open(Layer& layer, std::uint32_t step);
    void drive(std::uint32_t tile, std::uint32_t row);
    bool advance(Layer& layer);
    bool advance_engine();
    bool busy(const std::vector<std::uint32_t>& tiles) const;
    bool any_tile_busy() const;
    void update_neurons();
    void update_readouts();
    /// Sums of a layer's tiles of one projection, as weights, into `sums`.
    void add_tiles(learning::ProjectionId id, const Layer& layer, std::vector<float>& sums);
    /// After planning: what the update scheme does on its own arrays. False: nothing.
    bool start_transfer();
    void write_tiles();
    void start_refresh();
    void start_measure(learning::ProjectionId id, Engine engine);
    /// The learning engine computes for that long.
    void start_pass(Engine engine, std::uint64_t cycles, std::uint64_t operations);
    void finish_engine();
    LearningMode mode() const {
        return static_cast<LearningMode>(registers_[static_cast<std::size_t>(CoreRegister::learns)]);
    }
    bool follow_step();
    bool advance_reward();
    void start_adaptation(float decay);
    bool advance_adaptation();
    /// Sends what belongs to the core's readouts, measured weights or their changes, to the neurons' cores.
    void share_readouts(bool changes);
    void finish_step_if_done();
    void report_done(std::uint32_t value, std::uint64_t when);
    Phase phase_of(const Layer& layer) const;
    void send(const noc::Flit& flit) { port->send(flit); }
    void sleep_until_due();
    std::uint64_t cycle() const { return sc_core::sc_time_stamp().value() / period_.value(); }
    float* neuron_memory(NeuronMemory memory, std::uint32_t neuron);
    std::uint32_t* table_word(std::uint32_t word);

    const CorePlan plan_;
    const ChipConfig config_;
    ChipMemory& memory_;
    const std::uint32_t input_addresses_, recurrent_, outputs_;
    CoreShape shape_;
    const sc_core::sc_time period_;
    std::vector<std::unique_ptr<tile::SynapseTile>> tiles_;
    std::vector<tile::SynapseTileIf*> tile_ports_;
    std::vector<std::unique_ptr<tile::FastTile>> fast_tiles_;
    sc_core::sc_event due_;

    // Loaded by the host.
    std::array<std::uint32_t, static_cast<std::size_t>(CoreRegister::count)> registers_{};
    std::vector<std::uint32_t> axon_words_, owner_words_;
    learning::NetworkParameters<float> parameters_;
    std::vector<float> beta_, alpha_, gain_;

    Layer neurons_, readouts_;
    std::vector<Latched> latched_;
    std::uint32_t step_ = 0;
    bool last_step_ = false, step_running_ = false;
    std::uint32_t cores_done_ = 0;  // neurons_done flits of this step
    std::uint32_t errors_ = 0;      // error flits of this step
    bool learned_ = false;
    std::uint64_t learned_at_ = 0;  // the learning engine follows a step until then
    Engine engine_ = Engine::idle;
    std::uint64_t engine_since_ = 0, engine_due_ = noc::kNever;
    std::uint32_t feedback_words_ = 0;  // received while sharing or adapting
    bool shared_ = false;
    std::vector<float> feedback_changes_;  // received, [readout][neuron]
    float feedback_decay_ = 0.0F;
    std::vector<float> from_input_, from_recurrent_, readout_sums_;
    std::vector<float> unused_psi_;  // of steps that nobody learns from
    CoreStats stats_;
    std::uint64_t earlier_stall_cycles_ = 0;  // of counters that were given back
    std::uint64_t activations_ = 0;
};

}  // namespace memprop::hw::chip
