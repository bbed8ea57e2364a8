// Runs of networks of tables: what several populations share, and what is refused before a run.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "crossbar/base/error.hpp"
#include "learning/trainer.hpp"

using namespace memprop;
using namespace memprop::learning;

namespace {

PopulationTable population(std::string name, std::string model, std::int64_t size) {
    PopulationTable table;
    table.name = std::move(name);
    table.model = std::move(model);
    table.size = size;
    return table;
}

ProjectionTable projection(std::string name, std::string from, std::string to) {
    ProjectionTable table;
    table.name = std::move(name);
    table.from = std::move(from);
    table.to = std::move(to);
    table.rule = "eprop";
    return table;
}

constexpr std::int64_t kNeurons = 5;

/// Input populations of these sizes, neurons, readouts.
ExperimentConfig experiment(const std::vector<std::int64_t>& inputs) {
    ExperimentConfig config;
    config.task.steps = 60;
    config.task.samples = 2;
    config.task.input_rate_hz = 200.0;
    config.run.precision = Precision::double_;
    config.update.scheme = "vanilla";
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const std::string name = "in" + std::to_string(i);
        config.tables.populations.push_back(population(name, "input", inputs[i]));
        config.tables.projections.push_back(projection("w_" + name, name, "neurons"));
    }
    config.tables.populations.push_back(population("neurons", "lif", kNeurons));
    config.tables.populations.push_back(population("readouts", "leaky_readout", 1));
    config.tables.projections.push_back(projection("w_out", "neurons", "readouts"));
    ObjectiveTable objective;
    objective.name = "answer";
    objective.population = "readouts";
    config.tables.objectives.push_back(objective);
    set_sizes(config);
    return config;
}

std::vector<double> weights_of(std::size_t count, double first) {
    std::vector<double> weights;
    for (std::size_t i = 0; i < count; ++i) {
        weights.push_back(0.2 * std::sin(first + double(i)) + 0.1);
    }
    return weights;
}

}  // namespace

TEST_CASE("inputs in two populations learn as those in one, late ones too") {
    for (const bool late : {false, true}) {
        CAPTURE(late);
        ExperimentConfig whole = experiment({6}), split = experiment({2, 4});
        for (ExperimentConfig* config : {&whole, &split}) {
            config->learning.gradient = GradientForm::online;
            config->learning.early_spikes_lose_last_error = late;
        }
        const std::vector<double> in = weights_of(6 * kNeurons, 1.0), out = weights_of(kNeurons, 7.0);
        const NetworkWeights of_whole{in, out},
            of_split{{in.begin(), in.begin() + 2 * kNeurons}, {in.begin() + 2 * kNeurons, in.end()}, out};
        BasicTrainer<double> one(whole, make_task(whole), &of_whole), two(split, make_task(split), &of_split);
        for (int i = 0; i < 4; ++i) {
            CHECK(one.train_sample() == two.train_sample());
        }
        std::vector<double> joined = two.snapshot(ProjectionId{0});
        const std::vector<double> rest = two.snapshot(ProjectionId{1});
        joined.insert(joined.end(), rest.begin(), rest.end());
        const std::vector<double> of_one = one.snapshot(ProjectionId{0});
        double moved = 0.0;
        for (std::size_t i = 0; i < in.size(); ++i) {
            CHECK(std::abs(joined[i] - of_one[i]) < 1e-12);  // sums in two parts round otherwise
            moved = std::max(moved, std::abs(joined[i] - in[i]));
        }
        CHECK(moved > 1e-6);
    }
}

TEST_CASE("adaptive feedback needs readout weights that learn") {
    ExperimentConfig config = experiment({6});
    config.learning.feedback = Feedback::adaptive;
    CHECK_NOTHROW(BasicTrainer<double>{config});
    config.tables.projections.back().rule.clear();
    CHECK_THROWS_WITH_AS(BasicTrainer<double>{config},
                         doctest::Contains("follows the changes of projection w_out"), InputError);
}

TEST_CASE("feedback that follows weights names itself where there are none to follow") {
    for (const auto& [feedback, name] :
         {std::pair(Feedback::symmetric, "symmetric"), std::pair(Feedback::adaptive, "adaptive")}) {
        ExperimentConfig config = experiment({6});
        config.learning.feedback = feedback;
        config.tables.populations.push_back(population("deep", "lif", kNeurons));
        config.tables.projections.front().to = "deep";
        config.tables.projections.push_back(projection("w_deep", "deep", "neurons"));
        const std::string words = fmt::format(
            "learning.feedback = {}: must be \"random\": population deep has no projection to readouts",
            name);
        CHECK_THROWS_WITH_AS(BasicTrainer<double>{config}, doctest::Contains(words.c_str()), InputError);
    }
}

TEST_CASE("a rule's table does not hold what holds for the whole run") {
    ExperimentConfig config = experiment({6});
    RuleTable rule;
    rule.name = "slow";
    rule.eprop = config.learning;
    config.tables.rules.push_back(rule);
    config.tables.projections.front().rule = "slow";
    CHECK_NOTHROW(BasicTrainer<double>{config});
    config.tables.rules.front().eprop.gradient_clip = 1.0;
    CHECK_THROWS_WITH_AS(BasicTrainer<double>{config}, doctest::Contains("rule.slow.gradient_clip"),
                         InputError);
}

TEST_CASE("a task gives as many input lines as the network takes") {
    ExperimentConfig config = experiment({6});
    config.network.inputs = 7;
    CHECK_THROWS_WITH_AS(BasicTrainer<double>{config}, doctest::Contains("network.inputs = 7: must be 6"),
                         InputError);
}
