#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "crossbar/base/error.hpp"
#include "learning/task/task.hpp"
#include "learning/trainer.hpp"

using namespace memprop;
using namespace memprop::learning;

namespace {

ExperimentConfig experiment(const std::string& task) {
    ExperimentConfig config;
    config.task.name = task;
    config.task.samples = 400;
    config.task.validation_samples = 300;
    config.task.test_samples = 300;
    config.task.noise_rate_hz = 0.0;
    config.task.cue_rate_hz = 200.0;
    config.network.inputs = 40;
    config.network.outputs = 2;
    config.learning.loss = Loss::cross_entropy;
    config.update.scheme = "vanilla";
    return config;
}

/// Spikes of each of `groups` groups of the 40 inputs in the steps [begin, end).
std::vector<std::size_t> counts(const Trial& trial, std::uint32_t groups, std::uint32_t begin,
                                std::uint32_t end) {
    std::vector<std::size_t> count(groups);
    for (std::uint32_t t = begin; t < end; ++t) {
        for (const std::uint32_t i : trial.input.at(t)) {
            ++count[i * groups / 40];
        }
    }
    return count;
}

double part_of_label_1(const Task& task) {
    Trial buffer;
    double ones = 0;
    for (std::uint32_t i = 0; i < task.trials(Split::training); ++i) {
        ones += task.trial(Split::training, i, buffer).label;
    }
    return ones / task.trials(Split::training);
}

}  // namespace

TEST_CASE("cue accumulation: the label is the side with more cues") {
    const auto task = make_task(experiment("cue_accumulation"));
    Trial buffer;
    for (std::uint32_t i = 0; i < 100; ++i) {
        const Trial& trial = task->trial(Split::training, i, buffer);
        REQUIRE(trial.input.steps() == 2250);
        CHECK(trial.window_begin == 2100);
        int right = 0;
        for (std::uint32_t c = 0; c < 7; ++c) {
            CHECK(counts(trial, 4, 150 * c, 150 * c + 50) == std::vector<std::size_t>(4, 0));
            const auto cue = counts(trial, 4, 150 * c + 50, 150 * c + 150);
            CHECK((cue[0] == 0) != (cue[1] == 0));
            right += cue[1] > 0;
        }
        CHECK(counts(trial, 4, 1050, 2100) == std::vector<std::size_t>(4, 0));
        CHECK(counts(trial, 4, 2100, 2250)[2] > 100);
        CHECK(trial.label == (right > 3));
    }
    CHECK(part_of_label_1(*task) == doctest::Approx(0.5).epsilon(0.2));
}

TEST_CASE("delayed match: the label says whether the cues were the same") {
    const auto task = make_task(experiment("delayed_match"));
    Trial buffer;
    for (std::uint32_t i = 0; i < 50; ++i) {
        const Trial& trial = task->trial(Split::training, i, buffer);
        const auto sample = counts(trial, 4, 50, 150), test = counts(trial, 4, 1200, 1300);
        CHECK(trial.label == ((sample[0] > 0) == (test[0] > 0)));
        CHECK(counts(trial, 4, 150, 1200) == std::vector<std::size_t>(4, 0));
    }
    CHECK(part_of_label_1(*task) == doctest::Approx(0.5).epsilon(0.2));
}

TEST_CASE("store-recall: the label is the value shown with the store command") {
    const auto task = make_task(experiment("store_recall"));
    Trial buffer;
    for (std::uint32_t i = 0; i < 50; ++i) {
        const Trial& trial = task->trial(Split::training, i, buffer);
        int stored = -1;
        for (std::uint32_t c = 0; c < 7; ++c) {
            const auto cue = counts(trial, 5, 150 * c + 50, 150 * c + 150);
            if (cue[2] > 0) {
                CHECK(stored == -1);
                stored = cue[1] > 0;
            }
        }
        CHECK(stored == trial.label);
    }
}

TEST_CASE("interval discrimination: the label says whether the second was longer") {
    ExperimentConfig config = experiment("interval_discrimination");
    config.task.cue_rate_hz = 1000.0;  // every input of a group spikes in every step of its interval
    const auto task = make_task(config);
    Trial buffer;
    std::set<std::size_t> lengths;
    for (std::uint32_t i = 0; i < 300; ++i) {
        const Trial& trial = task->trial(Split::test, i, buffer);
        std::size_t first = 0, second = 0;
        for (std::uint32_t t = 0; t < trial.input.steps(); ++t) {
            const auto now = counts(trial, 4, t, t + 1);
            first += now[0] > 0;
            second += now[1] > 0;
        }
        lengths.insert(second);
        CHECK(trial.label == (second > first));
        const std::vector<double> shown = task->conditions(Split::test, i);
        CHECK(shown[0] == doctest::Approx(1e-3 * double(first)));
        CHECK(shown[1] == doctest::Approx(1e-3 * double(second)));
        CHECK(std::max(shown[0], shown[1]) / std::min(shown[0], shown[1]) ==
              doctest::Approx(1.5).epsilon(0.02));
    }
    CHECK(lengths.size() > 50);
    CHECK(*lengths.begin() >= 100);
    CHECK(*lengths.rbegin() <= 400);
}

TEST_CASE("splits are disjoint, trials repeat unless fresh ones are asked for") {
    ExperimentConfig config = experiment("cue_accumulation");
    const auto fixed = make_task(config);
    config.task.fresh_trials = true;
    const auto fresh = make_task(config);
    const auto spikes = [](const Task& task, Split split, std::uint64_t index) {
        Trial buffer;
        const Trial& trial = task.trial(split, index, buffer);
        std::vector<std::uint32_t> all;
        for (std::size_t t = 0; t < trial.input.steps(); ++t) {
            for (const std::uint32_t i : trial.input.at(t)) {
                all.push_back(static_cast<std::uint32_t>(t) * 64 + i);
            }
        }
        return all;
    };
    CHECK(spikes(*fixed, Split::training, 3) == spikes(*fixed, Split::training, 403));
    CHECK(spikes(*fresh, Split::training, 3) != spikes(*fresh, Split::training, 403));
    CHECK(spikes(*fresh, Split::test, 3) == spikes(*fresh, Split::test, 303));
    CHECK(spikes(*fixed, Split::training, 3) != spikes(*fixed, Split::test, 3));
    CHECK(spikes(*fixed, Split::validation, 3) != spikes(*fixed, Split::test, 3));
}

TEST_CASE("tasks with classes refuse settings that cannot work") {
    const auto refused = [](auto change) {
        ExperimentConfig config = experiment("cue_accumulation");
        change(config);
        CHECK_THROWS_AS(make_task(config), InputError);
    };
    refused([](ExperimentConfig& c) { c.network.outputs = 1; });
    refused([](ExperimentConfig& c) { c.learning.loss = Loss::mse; });
    refused([](ExperimentConfig& c) { c.network.inputs = 3; });
    refused([](ExperimentConfig& c) { c.task.cue_rate_hz = 2000; });
    refused([](ExperimentConfig& c) { c.task.cue_seconds = 0; });
}

TEST_CASE(
    "a network of slow neurons learns to accumulate cues; splits are evaluated in any number of threads") {
    ExperimentConfig config = experiment("cue_accumulation");
    config.task.samples = 80;
    config.task.validation_samples = 20;
    config.task.test_samples = 60;
    config.task.cue_rate_hz = 100.0;
    config.task.cue_seconds = 0.04;
    config.task.gap_seconds = 0.01;
    config.task.delay_seconds = 0.1;
    config.task.response_seconds = 0.05;
    config.network.recurrent = 50;
    config.network.tau_membrane_seconds = 1.0;
    config.network.tau_readout_seconds = 20e-3;
    config.network.threshold = 0.6;
    config.network.input_scaling = LeakScaling::one;
    config.network.readout_scaling = LeakScaling::one;
    config.network.init_std_rec = 0.014;
    config.network.init_std_out = 0.07;
    config.learning.feedback = Feedback::symmetric;
    config.learning.optimizer = OptimizerKind::adam;
    config.learning.lr = 1e-3;
    config.learning.lr_out = 3e-3;
    config.learning.batch = 5;
    config.learning.rate_regularization = 10.0;
    std::vector<double> accuracies;
    for (const std::int64_t threads : {1, 2}) {
        config.run.threads = threads;
        Trainer trainer(config);
        for (int i = 0; i < 8 * 80; ++i) {
            trainer.train_sample();
        }
        trainer.validate();
        CHECK(trainer.history().validation_loss.size() == 1);
        CHECK(trainer.history().accuracy.size() == 8);
        const Evaluation found = trainer.evaluate_all(Split::test);
        CHECK(found.accuracy > 0.85);
        std::uint32_t shown = 0;
        for (const std::uint32_t n : found.confusion) {
            shown += n;
        }
        CHECK(shown == 60);
        CHECK(double(found.confusion[0] + found.confusion[3]) / 60 == doctest::Approx(found.accuracy));
        accuracies.push_back(found.loss);
    }
    CHECK(accuracies[0] == accuracies[1]);
}
