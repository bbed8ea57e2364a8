// Learning through the chip's bus alone gives the weights of the functional engine, bit for bit.
#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "host_runtime/chip/chip_hardware.hpp"
#include "host_runtime/chip/chip_learning.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/tasks/file_tasks.hpp"
#include "learning/trainer.hpp"

using namespace memprop;

namespace {

host::Experiment experiment(const std::vector<std::string>& more) {
    std::vector<std::string> settings{"network.inputs=11",
                                      "network.recurrent=13",
                                      "network.outputs=2",
                                      "network.init_std_in=0.5",
                                      "task.steps=60",
                                      "learning.gradient=online",
                                      "run.epochs=4",
                                      "chip.mesh_width=2",
                                      "chip.mesh_height=2",
                                      "learning.lr=0.01",
                                      "learning.lr_out=0.02",
                                      "crossbar.energy.set_pulse_pj=6.75",
                                      "crossbar.energy.reset_pulse_pj=33.75",
                                      "crossbar.energy.set_pulse_ns=50",
                                      "crossbar.energy.reset_pulse_ns=50",
                                      "crossbar.energy.read_voltage_v=0.2",
                                      "crossbar.energy.read_pulse_ns=130",
                                      "crossbar.energy.source=figures of a test"};
    settings.insert(settings.end(), more.begin(), more.end());
    return host::parse_experiment("", "test", settings);
}

/// The chip as a trainer's engine only as far as loading goes; then its cores learn by themselves.
class LoadedChip final : public learning::Hardware {
public:
    LoadedChip(const host::Experiment& e, const learning::HardwareRequest& request)
        : plan_(e), session_(e.chip, request.config.crossbar, request.resolved.network.time_step_seconds) {
        host::CompiledNetwork compiled = plan_.compile();
        compiled.image.learning = host::learning_image(e, request.resolved);
        std::vector<hw::chip::Chip::Attached> attached(request.stores.size());
        for (std::size_t p = 0; p < attached.size(); ++p) {
            attached[p].store = request.stores[p];
            attached[p].tile_rows = plan_.request().weights[p].tile_rows;
            attached[p].tile_columns = compiled.tile_columns[p];
        }
        projections_ = attached.size();
        stores_ = request.stores;
        session_.load(std::move(compiled), attached);
        trainer_ = std::make_unique<host::ChipTrainer>(session_, e);
    }
    host::ChipTrainer& trainer() { return *trainer_; }
    /// At a device time.
    std::vector<double> weights(learning::ProjectionId id, std::int32_t tick) {
        learning::WeightStore& store = *stores_[network::index_of(id)];
        std::vector<float> weights(store.shape().weights());
        store.snapshot(tick, weights);
        return {weights.begin(), weights.end()};
    }
    host::ChipSession& session() { return session_; }

    void load(learning::ProjectionId id, std::span<const float> initial) override {
        session_.load_weights(static_cast<std::uint32_t>(id), initial);
        if (++loaded_ == projections_) {
            session_.program();
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
    [[noreturn]] static void unused() { throw std::logic_error("the cores learn by themselves"); }

    host::TrainedPlan plan_;
    host::ChipSession session_;
    std::unique_ptr<host::ChipTrainer> trainer_;
    std::vector<learning::WeightStore*> stores_;
    std::size_t projections_ = 0, loaded_ = 0;
};

void check_same_weights(const std::vector<std::string>& more, std::uint32_t samples = 4) {
    host::Experiment e = experiment(more);
    const auto functional = learning::make_trainer(e, host::make_any_task(e));
    LoadedChip* chip = nullptr;
    const auto owner = learning::make_trainer(e, host::make_any_task(e), nullptr,
                                              [&](const learning::HardwareRequest& around) {
                                                  auto made = std::make_unique<LoadedChip>(e, around);
                                                  chip = made.get();
                                                  return made;
                                              });
    learning::Trial buffer;
    const auto all_weights = [&] {
        const std::int32_t now = functional->tick();
        std::vector<double> all;
        for (std::size_t p = 0; p < functional->network().projections.size(); ++p) {
            const std::vector<double> own = chip->weights(static_cast<learning::ProjectionId>(p), now);
            all.insert(all.end(), own.begin(), own.end());
        }
        return all;
    };
    const std::vector<double> before = all_weights();
    for (std::uint32_t i = 0; i < samples; ++i) {
        functional->train_sample();
        chip->trainer().train(owner->task().trial(learning::Split::training, i, buffer));
        for (std::size_t p = 0; p < functional->network().projections.size(); ++p) {
            const auto id = static_cast<learning::ProjectionId>(p);
            CAPTURE(i);
            CAPTURE(functional->network().projections[p].name);
            CHECK(functional->snapshot(id) == chip->weights(id, functional->tick()));
        }
    }
    CAPTURE(more[0]);
    CHECK(all_weights() != before);
}

}  // namespace

TEST_CASE("learning through the bus: numbers") {
    check_same_weights({"update.scheme=vanilla"});
}

TEST_CASE("learning through the bus: mixed_precision, sign and batch_accumulate on devices") {
    check_same_weights({"update.scheme=mixed_precision", "learning.lr=5", "learning.lr_out=5"});
    check_same_weights(
        {"update.scheme=sign", "learning.feedback=symmetric", "learning.lr=5", "learning.lr_out=5"});
    check_same_weights({"update.scheme=batch_accumulate", "update.accumulate_samples=2", "learning.batch=2",
                        "learning.lr=5", "learning.lr_out=5"},
                       6);
}

TEST_CASE("learning through the bus: adaptive neurons, adam, a running rate") {
    check_same_weights({"update.scheme=vanilla", "network.neuron=alif", "learning.optimizer=adam",
                        "learning.regularizer=running_average", "learning.average_over_window=true"});
}

TEST_CASE("learning through the bus: what the engines have no part for is refused by name") {
    for (const std::string setting :
         {"learning.gradient=factorised", "learning.gradient_clip=1", "learning.weight_decay=0.1",
          "network.readout_delay_steps=1", "network.density_rec=0.5"}) {
        CAPTURE(setting);
        const host::Experiment e = experiment({setting, "update.scheme=vanilla"});
        CHECK_THROWS_WITH_AS(host::learning_image(e, learning::resolve(e)), doctest::Contains("must be"),
                             InputError);
    }
}

TEST_CASE("learning through the bus: the learning memory is read and written in the middle of a batch") {
    host::Experiment e = experiment({"update.scheme=mixed_precision", "learning.batch=3"});
    const auto run = [&](bool through_the_bus) {
        LoadedChip* chip = nullptr;
        const auto owner = learning::make_trainer(e, host::make_any_task(e), nullptr,
                                                  [&](const learning::HardwareRequest& around) {
                                                      auto made = std::make_unique<LoadedChip>(e, around);
                                                      chip = made.get();
                                                      return made;
                                                  });
        learning::Trial buffer;
        for (std::uint32_t i = 0; i < 3; ++i) {
            chip->trainer().train(owner->task().trial(learning::Split::training, i, buffer));
            host::ChipSession& session = chip->session();
            for (std::size_t c = 0; through_the_bus && c < session.image().cores.size(); ++c) {
                const std::uint32_t core = session.core_number(c);
                std::vector<std::uint32_t> words(
                    session.read_core(core, hw::chip::CoreRegister::learning_words));
                CHECK(words.size() > 100);
                session.read_core(core, hw::chip::kLearningWords, words);
                session.write_core(core, hw::chip::kLearningWords, std::vector<std::uint32_t>(words.size()));
                session.write_core(core, hw::chip::kLearningWords, words);
                session.settle_writes();
            }
        }
        return owner->snapshot(learning::ProjectionId{1});
    };
    CHECK(run(true) == run(false));
}
