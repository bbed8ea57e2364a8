// A sample that comes in step by step teaches what it teaches as a whole, bit for bit.
#include <doctest/doctest.h>

#include <string>

#include "learning/trainer.hpp"

using namespace memprop::learning;

namespace {

ExperimentConfig experiment(const std::string& scheme) {
    ExperimentConfig config;
    config.task.samples = 1;
    config.task.steps = 150;
    config.network.inputs = 30;
    config.network.recurrent = 25;
    config.update.scheme = scheme;
    config.run.seed = 3;
    return config;
}

void check_equal(const ExperimentConfig& config) {
    Trainer whole(config), stepwise(config);
    for (int round = 0; round < 3; ++round) {
        const double loss = whole.train_sample();
        Trial buffer;
        const Trial& trial = whole.task().trial(Split::training, 0, buffer);
        const auto steps = static_cast<std::uint32_t>(trial.input.steps());
        stepwise.begin_stream(steps);
        std::vector<double> y(1);
        for (std::uint32_t t = 0; t < steps; ++t) {
            stepwise.stream_step(trial.input.at(t), std::span(trial.target).subspan(t, 1), -1);
            stepwise.stream_output(y);
            CHECK(y[0] == whole.last_output()[t]);
        }
        CHECK(stepwise.end_stream() == loss);
    }
    for (const ProjectionId id : {classic::w_in, classic::w_rec, classic::w_out}) {
        CHECK(whole.snapshot(id) == stepwise.snapshot(id));
    }
    CHECK(whole.history().loss == stepwise.history().loss);
    CHECK(whole.counters().device_reads == stepwise.counters().device_reads);
}

}  // namespace

TEST_CASE("stream: updates after the sample") {
    check_equal(experiment("vanilla"));
    check_equal(experiment("mixed_precision"));
}

TEST_CASE("stream: updates within the sample") {
    ExperimentConfig config = experiment("mixed_precision");
    config.learning.gradient = GradientForm::online;
    config.learning.update_every_steps = 4;
    config.learning.regularizer = RegularizerForm::running_average;
    check_equal(config);
}

TEST_CASE("stream: steps without a target teach nothing") {
    const ExperimentConfig config = experiment("vanilla");
    Trainer trainer(config);
    const auto before = trainer.snapshot(classic::w_in);
    const std::vector<std::uint32_t> inputs{1, 2, 3};
    trainer.begin_stream(20);
    for (int t = 0; t < 20; ++t) {
        trainer.stream_step(inputs, {}, -1);
    }
    CHECK(trainer.end_stream() == 0.0);
    CHECK(trainer.snapshot(classic::w_in) == before);
    CHECK(trainer.samples_done() == 1);

    trainer.begin_stream(40);  // a sample may end early
    for (int t = 0; t < 15; ++t) {
        const std::vector<double> target{t == 10 ? 1.0 : 0.0};
        trainer.stream_step(inputs, t == 10 ? std::span<const double>(target) : std::span<const double>(),
                            -1);
    }
    CHECK(trainer.end_stream() > 0.0);
    CHECK(trainer.snapshot(classic::w_in) != before);
}
