// Inhibitory plasticity: the sign of each term, limits, synapses that do not exist, its drift, and a network
// that learns by it without targets. Against independent weights: memprop golden --kind local_rules.
#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"
#include "learning/rules/rules.hpp"
#include "learning/trainer.hpp"

using namespace memprop;
using namespace memprop::learning;

namespace {

using Parameters = std::vector<network::Parameter>;

/// Presynaptic and postsynaptic spikes of each step over one projection.
struct Pairing {
    std::uint32_t pre, post;
    std::vector<double> weights;
    std::vector<std::uint8_t> exists{};
    Parameters parameters{};
    bool bias = false, post_spikes = true;
    SpikeTrain before{}, after{};
    int writes = 0;

    void step(const std::vector<std::uint32_t>& i, const std::vector<std::uint32_t>& j) {
        for (const std::uint32_t spike : i) {
            before.add(spike);
        }
        for (const std::uint32_t spike : j) {
            after.add(spike);
        }
        before.end_step();
        after.end_step();
    }

    void run() {
        RuleProjection projection{.name = "p",
                                  .from = 0,
                                  .to = 1,
                                  .rows = pre,
                                  .columns = post,
                                  .bias = bias,
                                  .post_spikes = post_spikes};
        if (!exists.empty()) {
            projection.connected = std::make_shared<const std::vector<std::uint8_t>>(exists);
        }
        const auto rule = make_rule<double>(
            find_rule_kind("rule", "inhibitory"),
            {.name = "r",
             .time_step_seconds = 1e-3,
             .all_projections = 1,
             .projections = std::span(&projection, 1),
             .parameters = parameters,
             .read = [&](network::ProjectionId,
                         std::span<double> to) { std::copy(weights.begin(), weights.end(), to.begin()); },
             .write =
                 [&](std::span<const std::span<const double>> changes, std::uint32_t event) {
                     CHECK(event == static_cast<std::uint32_t>(writes++));
                     for (std::size_t at = 0; at < weights.size(); ++at) {
                         weights[at] += changes[0][at];
                     }
                 }});
        Tape<double> tape;
        tape.steps = before.steps();
        tape.populations.resize(2);
        tape.populations[0].given = &before;
        tape.populations[1].given = &after;
        Gradients<double> none;
        rule->begin_trial();
        for (std::size_t t = 0; t < tape.steps; ++t) {
            rule->after_step(tape, t);
        }
        rule->end_trial(tape, none);
    }
};

Parameters parameters(double eta, double least, double most, double every = 1) {
    return {{"tau_seconds", {20e-3}}, {"target_rate_hz", {5.0}}, {"eta", {eta}},
            {"w_min", {least}},       {"w_max", {most}},         {"update_every_steps", {every}}};
}

constexpr double kOffset = 2 * 5.0 * 20e-3;

}  // namespace

TEST_CASE("inhibition grows where spikes meet within tau, and falls with a presynaptic spike alone") {
    const double decay = std::exp(-1.0 / 20.0);
    {
        Pairing alone{.pre = 1, .post = 1, .weights = {1.0}, .parameters = parameters(0.1, 0, 5)};
        alone.step({0}, {});
        alone.run();
        CHECK(alone.weights[0] == doctest::Approx(1.0 - 0.1 * kOffset).epsilon(1e-14));
    }
    for (const bool post_first : {false, true}) {
        Pairing pair{.pre = 1, .post = 1, .weights = {1.0}, .parameters = parameters(0.1, 0, 5)};
        post_first ? pair.step({}, {0}) : pair.step({0}, {});
        pair.step({}, {});
        post_first ? pair.step({0}, {}) : pair.step({}, {0});
        pair.run();
        CHECK(pair.weights[0] == doctest::Approx(1.0 + 0.1 * (decay * decay - kOffset)).epsilon(1e-14));
    }
    {  // of one step: they do not see each other
        Pairing together{.pre = 1, .post = 1, .weights = {1.0}, .parameters = parameters(0.1, 0, 5)};
        together.step({0}, {0});
        together.run();
        CHECK(together.weights[0] == doctest::Approx(1.0 - 0.1 * kOffset).epsilon(1e-14));
    }
    {  // inhibition by weights below 0
        Pairing below{.pre = 1, .post = 1, .weights = {-1.0}, .parameters = parameters(-0.1, -5, 0)};
        below.step({0}, {});
        below.step({}, {0});
        below.run();
        CHECK(below.weights[0] == doctest::Approx(-1.0 + 0.1 * (kOffset - decay)).epsilon(1e-14));
    }
}

TEST_CASE("inhibitory weights stay within limits, and synapses that do not exist stay as they are") {
    Pairing p{.pre = 2,
              .post = 2,
              .weights = {0.5, 0.0, 0.9, 0.5},
              .exists = {1, 0, 1, 1},
              .parameters = parameters(0.3, 0.45, 1.0)};
    p.step({0, 1}, {});
    p.step({}, {0, 1});
    p.step({0, 1}, {});
    p.run();
    CHECK(p.weights[0] > 0.9);
    CHECK(p.weights[1] == 0.0);
    CHECK(p.weights[2] == 1.0);
    CHECK(p.writes == 3);
}

TEST_CASE("changes of several steps may be written together") {
    std::vector<double> weights[2];
    int writes[2]{};
    for (const int every : {1, 4}) {
        Pairing p{.pre = 3,
                  .post = 2,
                  .weights = std::vector<double>(6, 0.5),
                  .parameters = parameters(0.01, 0, 1, every)};
        for (std::uint32_t t = 0; t < 30; ++t) {
            t % 3 == 0 ? p.step({t % 2, 2}, {t / 3 % 2}) : p.step({}, {});
        }
        p.run();
        weights[every / 4] = p.weights;
        writes[every / 4] = p.writes;
    }
    CHECK(writes[0] == 10);
    CHECK(writes[1] == 7);  // of ten spikes, three times two in four steps
    for (std::size_t at = 0; at < 6; ++at) {
        CHECK(weights[0][at] == doctest::Approx(weights[1][at]).epsilon(1e-12));
    }
}

TEST_CASE("the drift under independent spikes is eta r_pre 2 tau (r_post - r0)") {
    constexpr std::uint32_t kSteps = 400000, kSynapses = 40;
    for (const double rate : {2.0, 5.0, 12.0}) {  // Hz
        Pairing p{.pre = kSynapses,
                  .post = 1,
                  .weights = std::vector<double>(kSynapses),
                  .parameters = parameters(1e-3, -1e6, 1e6, kSteps)};
        for (std::uint32_t t = 0; t < kSteps; ++t) {
            std::vector<std::uint32_t> pre, post;
            for (std::uint32_t i = 0; i < kSynapses; ++i) {
                if (random_uniform({.seed = 1, .stream = Stream::test, .step = t}, i) < 8e-3F) {
                    pre.push_back(i);
                }
            }
            if (random_uniform({.seed = 1, .stream = Stream::test, .step = t}, kSynapses) < rate * 1e-3) {
                post.push_back(0);
            }
            p.step(pre, post);
        }
        p.run();
        double mean = 0.0;
        for (const double w : p.weights) {
            mean += w / kSynapses / (kSteps * 1e-3);
        }
        // The spikes that count are counted: the drift is that of their rate.
        const double measured = double(p.after.spikes()) / (kSteps * 1e-3);
        const double drift = 1e-3 * 8.0 * 2 * 20e-3 * (measured - 5.0);
        CHECK(mean == doctest::Approx(drift).epsilon(0.1).scale(1e-3 * 8.0 * 2 * 20e-3));
    }
}

TEST_CASE("what the inhibitory rule cannot do is refused by name") {
    const auto run = [](const Parameters& given, bool bias, bool post_spikes) {
        Pairing p{.pre = 1,
                  .post = 1,
                  .weights = {1.0},
                  .parameters = given,
                  .bias = bias,
                  .post_spikes = post_spikes};
        p.run();
    };
    CHECK_NOTHROW(run({}, false, true));
    CHECK_THROWS_WITH_AS(run({{"tau_seconds", {0.0}}}, false, true), doctest::Contains("rule.r.tau_seconds"),
                         InputError);
    CHECK_THROWS_WITH_AS(run({{"w_min", {1.0}}}, false, true), doctest::Contains("rule.r.w_min"), InputError);
    CHECK_THROWS_WITH_AS(run({}, true, true), doctest::Contains("projection.p.rule"), InputError);
    CHECK_THROWS_WITH_AS(run({}, false, false), doctest::Contains("projection.p.rule"), InputError);
    CHECK_THROWS_WITH_AS(find_rule_kind("rule", "triplet"), doctest::Contains("inhibitory"), InputError);
}

TEST_CASE("neurons come to fire at the target rate without targets of a task, on numbers and on devices") {
    for (const bool devices : {false, true}) {
        CAPTURE(devices);
        ExperimentConfig config;
        config.task.name = "pattern_generation";
        config.task.samples = 1;
        config.task.steps = 500;
        PopulationTable in, neurons;
        in.name = "in";
        in.model = "input";
        in.size = 100;
        neurons.name = "neurons";
        neurons.size = 10;
        config.tables.populations = {in, neurons};
        RuleTable rule;
        rule.name = "balance";
        rule.kind = "inhibitory";
        rule.parameters = {{"target_rate_hz", {10.0}}, {"eta", {-2e-3}}, {"update_every_steps", {20.0}}};
        config.tables.rules = {rule};
        ProjectionTable excite;
        excite.name = "excite";
        excite.from = "in";
        excite.to = "neurons";
        excite.init_mean = 0.15;
        excite.init_std = 0.05;
        ProjectionTable inhibit = excite;
        inhibit.name = "inhibit";
        inhibit.init_mean = -0.02;
        inhibit.init_std = 0.0;
        inhibit.rule = "balance";
        if (devices) {
            config.tables.devices.push_back({.name = "array", .crossbar = {}});
            inhibit.device = "array";
        }
        config.tables.projections = {excite, inhibit};
        Trainer trainer(config);
        std::vector<double> rates;
        for (int epoch = 0; epoch < 60; ++epoch) {
            trainer.train_sample();
            rates.push_back(double(trainer.last_spikes(PopulationId{1}).spikes()) / 10 / 0.5);
        }
        CHECK(rates.front() > 30.0);
        CHECK(rates.back() < 13.0);
        CHECK(rates.back() > 7.0);
    }
}
