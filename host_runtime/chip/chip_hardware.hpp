// The cycle-level chip as hardware for training: builds a chip for the mapping of the network, loads it
// through its registers, and drives samples, updates and measurements. A process builds its chips, and what
// watches them, before the first load(): SystemC elaborates once.
#pragma once

#include <memory>
#include <vector>

#include "host_runtime/chip/host_processor.hpp"
#include "host_runtime/config/experiment.hpp"
#include "hw_models/chip/chip.hpp"
#include "learning/engine.hpp"

namespace memprop::host {

class ChipHardware final : public learning::Hardware {
public:
    /// Throws InputError if the network does not fit or the chip cannot do what the experiment asks for.
    ChipHardware(const Experiment& experiment, const learning::HardwareRequest& request);
    /// Around memories of somebody else's.
    ChipHardware(const hw::chip::ChipConfig& config, hw::chip::ChipPlan plan,
                 const hw::chip::ChipParts& parts);

    void load(learning::ProjectionId id, std::span<const float> initial) override;
    void load_feedback(std::size_t set, const learning::FeedbackWeights<float>& feedback) override;
    void load_feedback(std::span<const float> feedback);  ///< [readout][neuron]
    void refresh_feedback(std::uint32_t sample, std::int32_t tick) override;
    void adapt_feedback(const learning::Gradients<float>& changes) override;
    void limit_gradient(float factor) override;
    void reward(std::span<const float> errors) override;
    void run(const learning::Trial& trial, std::uint32_t sample, std::int32_t tick, bool learns,
             learning::Tape<float>& tape) override;
    void begin(const learning::Trial& trial, std::uint32_t sample, std::int32_t tick,
               learning::Tape<float>& tape) override;
    void step(std::uint32_t t) override;
    void end() override {}
    void measure(learning::ProjectionId id, std::uint32_t sample, std::int32_t tick,
                 std::span<float> weights) override;
    void update(std::span<const std::span<const float>> changes, std::uint32_t event,
                std::int32_t tick) override;
    void serialize(StateArchive& archive) override;
    void state_restored() override;

    // Without a trainer: one sample that does not learn, step by step, as long as its user likes.
    void begin_stream(std::int32_t tick, std::uint32_t first_step);
    /// `inputs` are different addresses; `spikes` gets the neurons that spiked, ascending, `readout` the
    /// values.
    void stream_step(std::uint32_t step, std::span<const std::uint32_t> inputs,
                     std::vector<std::uint32_t>& spikes, std::span<float> readout);

    /// As Chip::record, with what the host itself remembers of what it told.
    void record(hw::WordRecord& record);

    const hw::chip::Chip& chip() const { return *chip_; }
    hw::chip::Chip& chip() { return *chip_; }
    HostProcessor& processor() { return *processor_; }
    /// Cycles of the bus and the network until the chip was loaded.
    std::uint64_t load_cycles() const { return load_cycles_; }

private:
    void load_tables();
    void command(hw::chip::Command command);
    void prepare(const learning::Trial& trial, learning::Tape<float>& tape);
    std::vector<std::uint32_t> last_spikes() const;
    void begin_sample(std::uint32_t sample, std::int32_t tick, bool learns);
    void run_step(std::uint32_t step);
    void take_events(std::vector<std::uint32_t>& spikes, std::span<float> readout);

    /// The memories of a chip that trains.
    struct Memories {
        learning::NetworkParameters<float> parameters;
        learning::NetworkState<float> state;
        explicit Memories(const learning::HardwareRequest& request);
    };
    ChipHardware(const Experiment& experiment, const learning::HardwareRequest& request,
                 std::unique_ptr<Memories> memories);

    std::unique_ptr<Memories> memories_;  // null: somebody else's
    const learning::NetworkParameters<float>& parameters_;
    float feedback_decay_;
    network::Network network_;
    learning::TapeRequest tape_request_;
    hw::chip::ChipTape chip_tape_;
    std::uint64_t network_steps_ = 0;  // that state comes from
    std::vector<float> consumed_;      // delayed readouts: their sums of the last step
    hw::chip::ChipPlan plan_;
    std::unique_ptr<hw::chip::Chip> chip_;
    std::unique_ptr<HostProcessor> processor_;
    std::uint64_t load_cycles_ = 0;
    std::size_t loaded_projections_ = 0;
    const learning::Trial* trial_ = nullptr;  // under way, and where it leaves what learning needs
    learning::Tape<float>* tape_ = nullptr;
    bool window_told_ = true;
    hw::chip::LearningMode mode_;  // of samples that are learned
    std::vector<std::uint32_t> words_, spikes_;
};

}  // namespace memprop::host
