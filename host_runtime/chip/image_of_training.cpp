#include "host_runtime/chip/image_of_training.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "host_runtime/chip/chip_hardware.hpp"
#include "host_runtime/chip/chip_learning.hpp"
#include "host_runtime/chip/image_recorder.hpp"
#include "host_runtime/tasks/file_tasks.hpp"
#include "learning/trainer.hpp"

namespace memprop::host {
namespace {

using namespace hw::chip;

/// The hardware of a trainer that only loads it: what the trainer draws reaches the chip as ever.
class LoadedHardware final : public learning::Hardware {
public:
    LoadedHardware(const Experiment& experiment, const learning::HardwareRequest& request, ImageFile& file)
        : plan_(experiment), recorder_(file.bursts) {
        CompiledNetwork compiled = plan_.compile();
        compiled.image.learning = learning_image(experiment, request.resolved);
        const ChipConfig chip = plan_.chip_for(compiled);
        file = describe_image(compiled, chip);
        const network::Network& network = request.resolved.network;
        std::vector<Chip::Attached> attached(request.stores.size());
        for (std::uint32_t p = 0; p < attached.size(); ++p) {
            attached[p].store = request.stores[p];
            attached[p].tile_rows = plan_.request().weights[p].tile_rows;
            attached[p].tile_columns = compiled.tile_columns[p];
            file.arrays.push_back({.projection = p,
                                   .tile_rows = attached[p].tile_rows,
                                   .tile_columns = attached[p].tile_columns,
                                   .name = network.projections[p].name});
        }
        session_.emplace(chip, request.config.crossbar, network.time_step_seconds);
        session_->chip().observe(recorder_);
        session_->load(std::move(compiled), attached);
        trainer_.emplace(*session_, experiment);
    }

    void load(learning::ProjectionId id, std::span<const float> initial) override {
        session_->load_weights(static_cast<std::uint32_t>(id), initial);
        if (++loaded_ == plan_.request().weights.size()) {
            session_->program();
        }
    }
    void load_feedback(std::size_t, const learning::FeedbackWeights<float>& feedback) override {
        trainer_->load_feedback(feedback.front().front());
    }

    void refresh_feedback(std::uint32_t, std::int32_t) override { unused(); }
    void adapt_feedback(const learning::Gradients<float>&) override { unused(); }
    void run(const learning::Trial&, std::uint32_t, std::int32_t, bool, learning::Tape<float>&) override {
        unused();
    }
    void begin(const learning::Trial&, std::uint32_t, std::int32_t, learning::Tape<float>&) override {
        unused();
    }
    void step(std::uint32_t) override { unused(); }
    void end() override { unused(); }
    void measure(learning::ProjectionId, std::uint32_t, std::int32_t, std::span<float>) override { unused(); }
    void update(std::span<const std::span<const float>>, std::uint32_t, std::int32_t) override { unused(); }
    void serialize(StateArchive&) override { unused(); }

private:
    [[noreturn]] static void unused() { throw std::logic_error("the chip is only loaded"); }

    TrainedPlan plan_;
    ImageRecorder recorder_;  // outlives the session
    std::optional<ChipSession> session_;
    std::optional<ChipTrainer> trainer_;
    std::size_t loaded_ = 0;
};

}  // namespace

ImageFile image_file_of(Experiment experiment) {
    experiment.run.engine = learning::EngineKind::cycle;
    experiment.chip.check_costs();
    std::unique_ptr<learning::Task> task = make_any_task(experiment);
    if (auto& devices = experiment.crossbar; devices.energy.missing().empty()) {
        devices.energy = experiment.chip.device_costs(devices.energy, devices.device);
    }
    ImageFile file;
    learning::make_trainer(experiment, std::move(task), nullptr,
                           [&](const learning::HardwareRequest& around) {
                               return std::make_unique<LoadedHardware>(experiment, around, file);
                           });
    return file;
}

}  // namespace memprop::host
