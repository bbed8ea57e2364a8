// E-prop in a network of several populations: synaptic currents of several receptors, time constants of each
// neuron, delays, bias lines, graded events, adaptation, populations with objectives of their own, relays.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "crossbar/base/random.hpp"
#include "learning/eprop/arrivals.hpp"
#include "learning/rules/rules.hpp"
#include "learning/tests/eprop_bench.hpp"

using namespace memprop;
using namespace memprop::learning;
using network::ProjectionId;

namespace {

constexpr std::size_t kSteps = 80;
constexpr std::size_t kInputs = 0, kCuba = 1, kAdaptive = 2, kReadouts = 3, kRelay = 4;
constexpr std::array<std::uint32_t, 5> kSizes{6, 70, 5, 3, 4};
constexpr std::size_t kProjections = 11;

constexpr RateRegularizer<double> kPerTrial{.strength = 4.0, .target_per_step = 0.02};
constexpr RateRegularizer<double> kRunning{
    .strength = 0.5, .target_per_step = 0.02, .form = RegularizerForm::running_average, .decay = 0.95};

/// A random trial of a network whose weights do not matter.
struct RandomNetwork {
    EpropPlan<double> plan;
    FeedbackWeights<double> feedback;
    Tape<double> tape;
    std::uint32_t draw = 0;

    double uniform(double low, double high) {
        return low + (high - low) * double(random_uniform({.seed = 3, .stream = Stream::test}, draw++));
    }
    std::vector<double> uniforms(std::size_t count, double low, double high) {
        std::vector<double> values(count);
        for (double& v : values) {
            v = uniform(low, high);
        }
        return values;
    }

    RandomNetwork() {
        make_plan();
        make_tape();
    }

    LearnedProjection learned(std::uint32_t id, std::size_t from, std::size_t to, std::uint32_t delay,
                              std::uint32_t receptor, bool bias) const {
        return {.id = ProjectionId{id},
                .from = from,
                .rows = kSizes[from] + (bias ? 1 : 0),
                .columns = kSizes[to],
                .delay = delay,
                .receptor = receptor,
                .bias = bias,
                .self = from != to};
    }

    void make_plan() {
        const ErrorSource readouts{.objective = 0, .size = kSizes[kReadouts], .delay = 0};
        const ErrorSource late_readouts{.objective = 0, .size = kSizes[kReadouts], .delay = 1};
        const ErrorSource adaptive{.objective = 1, .size = kSizes[kAdaptive], .delay = 0};
        LearningPopulation<double> cuba{
            .population = kCuba,
            .size = kSizes[kCuba],
            .eligibility = {.alpha = uniforms(kSizes[kCuba], 0.7, 0.95),
                            .gain = uniforms(kSizes[kCuba], 0.05, 0.3)},
            .projections = {learned(0, kInputs, kCuba, 0, 0, true), learned(1, kCuba, kCuba, 1, 1, false),
                            learned(2, kCuba, kCuba, 3, 0, false), learned(3, kAdaptive, kCuba, 2, 1, false)},
            .sources = {readouts, adaptive},
            .objective = {},
            .eligibility_decay = 0.9,
            .eligibility_gain = 0.1,
            .regularized = true};
        cuba.eligibility.receptors = {
            {.decay = uniforms(kSizes[kCuba], 0.5, 0.99), .gain = uniforms(kSizes[kCuba], 0.5, 1.5)},
            {.decay = {0.8}, .gain = {0.7}}};
        cuba.projections[2].self = true;
        LearningPopulation<double> alif{.population = kAdaptive,
                                        .size = kSizes[kAdaptive],
                                        .eligibility = {.alpha = {0.9},
                                                        .gain = {0.1},
                                                        .beta = uniforms(kSizes[kAdaptive], 0.0, 0.1),
                                                        .rho = 0.97},
                                        .projections = {learned(4, kCuba, kAdaptive, 0, 0, false),
                                                        learned(5, kAdaptive, kAdaptive, 1, 1, true),
                                                        learned(6, kInputs, kAdaptive, 2, 0, false)},
                                        .sources = {late_readouts},
                                        .objective = 1,
                                        .eligibility_decay = 0.85,
                                        .eligibility_gain = 0.15,
                                        .regularized = true};
        alif.eligibility.receptors = {{}, {.decay = {0.6}, .gain = {1.0}}};
        alif.projections[1].bias_before_arrival = false;
        LearningPopulation<double> read{
            .population = kReadouts,
            .size = kSizes[kReadouts],
            .eligibility = {.alpha = uniforms(kSizes[kReadouts], 0.8, 0.95), .gain = {0.2}, .spiking = false},
            .projections = {learned(7, kCuba, kReadouts, 0, 0, true),
                            learned(8, kAdaptive, kReadouts, 1, 1, false),
                            learned(9, kRelay, kReadouts, 0, 1, false)},
            .sources = {},
            .objective = 0};
        read.eligibility.receptors = {{.decay = {0.7}, .gain = {0.3}}, {}};
        read.projections[1].counts_carried = false;
        LearningPopulation<double> relay{.population = kRelay,
                                         .size = kSizes[kRelay],
                                         .eligibility = {.alpha = {0.0}, .gain = {1.0}, .spiking = false},
                                         .projections = {learned(10, kInputs, kRelay, 0, 0, false)},
                                         .sources = {adaptive, readouts},
                                         .objective = {},
                                         .eligibility_decay = 0.9,
                                         .eligibility_gain = 1.0};
        relay.eligibility.receptors.resize(1);
        plan = {cuba, alif, read, relay};
        for (const LearningPopulation<double>& population : plan) {
            auto& to = feedback.emplace_back();
            for (const ErrorSource& source : population.sources) {
                to.push_back(uniforms(std::size_t{source.size} * population.size, -0.5, 0.5));
            }
        }
    }

    void make_tape() {
        tape.steps = kSteps;
        tape.populations.resize(kSizes.size());
        for (std::size_t p = 0; p < kSizes.size(); ++p) {
            PopulationTape<double>& population = tape.populations[p];
            const bool graded = p == kInputs || p == kRelay;
            const auto events = [&](auto&& add) {
                for (std::uint32_t i = 0; i < kSizes[p]; ++i) {
                    if (uniform(0.0, 1.0) < 0.15 && i % 4 != 2) {  // some never do
                        add(i);
                    }
                }
            };
            population.spike_count.assign(kSizes[p], 0);
            for (std::size_t t = 0; t < kSteps; ++t) {
                events([&](std::uint32_t i) {
                    population.own.add(i);
                    ++population.spike_count[i];
                    if (graded) {
                        population.values.push_back(uniform(-1.0, 2.0));
                    }
                });
                population.own.end_step();
            }
            population.pseudo_derivative = uniforms(kSteps * kSizes[p], 0.0, 0.7);
            for (std::size_t before = 0; before < 3; ++before) {
                auto& carried = population.carried.emplace_back();
                events([&](std::uint32_t i) { carried.push_back(i); });
                if (graded) {
                    population.carried_values.push_back(uniforms(carried.size(), -1.0, 2.0));
                }
            }
        }
        tape.objectives.resize(2);
        tape.objectives[0].error = uniforms(kSteps * kSizes[kReadouts], -0.5, 0.5);
        tape.objectives[1].error = uniforms(kSteps * kSizes[kAdaptive], -0.5, 0.5);
    }

    /// What arrives at row `i` of a projection in step t: the sum of its events' values.
    double arriving(const LearnedProjection& p, std::size_t t, std::uint32_t i) const {
        if (p.bias && i == p.rows - 1) {
            return p.bias_before_arrival || t >= p.delay ? 1.0 : 0.0;
        }
        const PopulationTape<double>& from = tape.populations[p.from];
        double sum = 0.0;
        if (t >= p.delay) {
            const auto events = from.own.at(t - p.delay);
            for (std::size_t e = 0; e < events.size(); ++e) {
                const double value =
                    from.values.empty() ? 1.0 : from.values[from.own.first_of(t - p.delay) + e];
                sum += events[e] == i ? value : 0.0;
            }
        } else if (p.counts_carried) {
            const std::size_t before = p.delay - t - 1;
            for (std::size_t e = 0; e < from.carried[before].size(); ++e) {
                const double value = from.carried_values.empty() ? 1.0 : from.carried_values[before][e];
                sum += from.carried[before][e] == i ? value : 0.0;
            }
        }
        return sum;
    }

    /// The equations of gradient.hpp and neurons.hpp for one synapse.
    double synapse(std::size_t l, const LearnedProjection& w, std::uint32_t i, std::size_t j,
                   const RateRegularizer<double>& reg) const {
        const LearningPopulation<double>& p = plan[l];
        const auto of = [&](const std::vector<double>& values) {
            return values.size() == 1 ? values[0] : values[j];
        };
        const auto& receptor = p.eligibility.receptors[w.receptor];
        const PopulationTape<double>& own = tape.populations[p.population];
        const double beta = p.eligibility.beta.empty() ? 0.0 : p.eligibility.beta[j];
        double current = 0, zb = 0, eps = 0, eb = 0, er = 0, sum_e = 0, rate = 0, total = 0;
        for (std::size_t t = 0; t < kSteps; ++t) {
            const double x = arriving(w, t, i);
            current = receptor.has_current() ? of(receptor.decay) * current + of(receptor.gain) * x : x;
            zb = of(p.eligibility.alpha) * zb + of(p.eligibility.gain) * current;
            const double psi = p.eligibility.spiking ? own.pseudo_derivative[t * p.size + j] : 1.0;
            const double e = psi * (zb - beta * eps);
            eps = p.eligibility.rho * eps + e;
            eb = p.eligibility_decay * eb + p.eligibility_gain * e;
            sum_e += e;
            double signal = p.objective ? tape.objectives[*p.objective].error[t * p.size + j] : 0.0;
            for (std::size_t s = 0; s < p.sources.size(); ++s) {
                const ErrorSource& source = p.sources[s];
                for (std::size_t k = 0; k < source.size && t + source.delay < kSteps; ++k) {
                    signal += feedback[l][s][k * p.size + j] *
                              tape.objectives[source.objective].error[(t + source.delay) * source.size + k];
                }
            }
            total += signal * eb;
            const auto spikes = own.own.at(t);
            const double z = std::find(spikes.begin(), spikes.end(), j) != spikes.end() ? 1.0 : 0.0;
            if (p.regularized && reg.form == RegularizerForm::running_average) {
                rate = reg.decay * rate + (1 - reg.decay) * z;
                er = reg.decay * er + (1 - reg.decay) * e;
                total += reg.strength * (rate - reg.target_per_step) * er;
            }
        }
        if (p.regularized && reg.form == RegularizerForm::per_trial) {
            total += reg.strength / double(kSteps) *
                     (own.spike_count[j] / double(kSteps) - reg.target_per_step) * sum_e;
        }
        return total;
    }

    Gradients<double> transcribed(const RateRegularizer<double>& reg) const {
        Gradients<double> g(kProjections);
        for (std::size_t l = 0; l < plan.size(); ++l) {
            for (const LearnedProjection& w : plan[l].projections) {
                for (std::uint32_t i = 0; i < w.rows; ++i) {
                    for (std::size_t j = 0; j < w.columns; ++j) {
                        g[index_of(w.id)].push_back(!w.self && i == j ? 0.0 : synapse(l, w, i, j, reg));
                    }
                }
            }
        }
        return g;
    }
};

}  // namespace

TEST_CASE("both forms of the gradient equal the equations in a network of several populations") {
    const RandomNetwork network;
    for (const RateRegularizer<double>& regularizer : {kPerTrial, kRunning}) {
        const Gradients<double> expected = network.transcribed(regularizer);
        Gradients<double> factorised(kProjections), online(kProjections);
        make_gradient(GradientForm::factorised, network.plan)
            ->compute(network.tape, network.feedback, regularizer, factorised);
        make_gradient(GradientForm::online, network.plan)
            ->compute(network.tape, network.feedback, regularizer, online);
        check_equal(expected, factorised);
        check_equal(expected, online);
        check_equal(factorised, online);
    }
}

TEST_CASE("changes of weights within a trial add up to the gradient of the whole trial") {
    RandomNetwork network;
    network.plan[2].projections[1].counts_carried = true;  // all in the order of arrival
    LearningConfig learning;
    learning.gradient = GradientForm::online;
    learning.update_every_steps = 1;
    std::vector<std::unique_ptr<Optimizer<double>>> optimizers(kProjections);
    std::vector<Optimizer<double>*> pointers(kProjections);
    std::vector<RuleProjection> projections;
    Gradients<double> sum(kProjections), expected(kProjections);
    for (const LearningPopulation<double>& population : network.plan) {
        for (const LearnedProjection& w : population.projections) {
            const std::size_t p = index_of(w.id), count = std::size_t{w.rows} * w.columns;
            optimizers[p] = std::make_unique<Optimizer<double>>(learning, 1.0, count);
            pointers[p] = optimizers[p].get();
            sum[p].resize(count);
            projections.push_back({.id = w.id,
                                   .from = w.from,
                                   .to = population.population,
                                   .rows = w.rows,
                                   .columns = w.columns,
                                   .delay = w.delay,
                                   .bias = w.bias,
                                   .self = w.self});
        }
    }
    std::uint32_t next_event = 0;
    const RuleContext<double> context{
        .name = "eprop",
        .all_projections = kProjections,
        .projections = projections,
        .parameters = {},
        .read = {},
        .write =
            [&](std::span<const std::span<const double>> changes, std::uint32_t event) {
                CHECK(event >= next_event);
                next_event = event + 1;
                for (std::size_t p = 0; p < kProjections; ++p) {
                    for (std::size_t at = 0; at < changes[p].size(); ++at) {
                        sum[p][at] -= changes[p][at];
                    }
                }
            },
        .learning = learning,
        .plan = &network.plan,
        .feedback = &network.feedback,
        .regularizer = kRunning,
        .optimizers = pointers};
    const auto rule = make_rule(find_rule_kind("rule", "eprop"), context);
    make_gradient(GradientForm::online, network.plan)
        ->compute(network.tape, network.feedback, kRunning, expected);
    for (int trial = 0; trial < 2; ++trial) {  // nothing of the first is left in the second
        for (auto& s : sum) {
            std::fill(s.begin(), s.end(), 0.0);
        }
        Gradients<double> none;
        rule->begin_trial();
        for (std::size_t t = 0; t < kSteps; ++t) {
            rule->before_step(network.tape, t);
            rule->after_step(network.tape, t);
        }
        rule->end_trial(network.tape, none);
        check_equal(expected, sum);
    }
}

TEST_CASE("a network learns from all objectives at once: a gradient is the sum of those of each") {
    RandomNetwork network;
    const auto gradient = [&] {
        Gradients<double> g(kProjections);
        make_gradient(GradientForm::factorised, network.plan)->compute(network.tape, network.feedback, {}, g);
        return g;
    };
    const Gradients<double> both = gradient();
    Gradients<double> sum(kProjections);
    const auto errors = network.tape.objectives;
    for (std::size_t o = 0; o < errors.size(); ++o) {
        network.tape.objectives = errors;
        std::fill(network.tape.objectives[1 - o].error.begin(), network.tape.objectives[1 - o].error.end(),
                  0.0);
        const Gradients<double> one = gradient();
        for (std::size_t p = 0; p < kProjections; ++p) {
            sum[p].resize(one[p].size());
            for (std::size_t at = 0; at < one[p].size(); ++at) {
                sum[p][at] += one[p][at];
            }
        }
    }
    check_equal(both, sum);
}

TEST_CASE("a trial that continues another one gets what was on its way, spikes and values") {
    network::Network n;
    const auto add = [&](std::string name, std::uint32_t size, std::string model) {
        n.populations.push_back({.name = std::move(name),
                                 .size = size,
                                 .model = std::move(model),
                                 .parameters = {},
                                 .shape = {}});
    };
    add("in", 12, "input");
    add("a", 15, "lif");
    add("relay", 8, "input");
    add("b", 9, "lif");
    std::uint32_t draw = 0;
    const auto connect = [&](std::uint32_t from, std::uint32_t to, std::uint32_t delay) {
        network::Projection p;
        p.name = fmt::format("p{}", n.projections.size());
        p.from = PopulationId{from};
        p.to = PopulationId{to};
        p.delay_steps = delay;
        std::vector<double> weights(std::size_t{n.populations[from].size} * n.populations[to].size);
        for (double& w : weights) {
            w = 0.25 + 0.3 * double(random_normal({.seed = 8, .stream = Stream::test}, draw++));
        }
        p.weights = std::move(weights);
        n.projections.push_back(std::move(p));
    };
    connect(0, 1, 2);
    connect(1, 2, 0);
    connect(2, 3, 3);
    connect(3, 3, 1);
    std::vector<std::unique_ptr<network::Connection<double>>> connections;
    std::vector<network::Connection<double>*> pointers;
    for (const network::Projection& p : n.projections) {
        connections.push_back(network::make_connection<double>(n, p));
        pointers.push_back(connections.back().get());
    }
    Trial whole, first, second;
    constexpr std::uint32_t kHalf = 25;
    for (std::uint32_t t = 0; t < 2 * kHalf; ++t) {
        SpikeTrain& half = t < kHalf ? first.input : second.input;
        for (std::uint32_t i = 0; i < 12; ++i) {
            if (random_uniform({.seed = 8, .stream = Stream::task_input, .step = t}, i) < 0.2F) {
                whole.input.add(i);
                half.add(i);
            }
        }
        whole.input.end_step();
        half.end_step();
    }
    const TapeRequest request{.events = std::vector<bool>(4, true),
                              .pseudo_derivative = std::vector<bool>(4, false),
                              .spike_count = std::vector<bool>(4, false)};
    ForwardPass<double> at_once(n, pointers, request, true), in_two(n, pointers, request, true);
    Tape<double> long_tape, tape;
    at_once.run(whole, long_tape);
    in_two.run(first, tape);
    in_two.run(second, tape);
    std::size_t events = 0, carried = 0;
    for (const network::Projection& p : n.projections) {
        const LearnedProjection learned{.from = index_of(p.from), .delay = p.delay_steps};
        const Arrivals<double> wanted(long_tape, learned), found(tape, learned);
        for (std::size_t t = 0; t < kHalf; ++t) {
            const auto list = [](auto values) { return std::vector(values.begin(), values.end()); };
            CHECK(list(wanted.at(kHalf + t)) == list(found.at(t)));
            CHECK(list(wanted.values_at(kHalf + t)) == list(found.values_at(t)));
            events += found.at(t).size();
            carried += t < p.delay_steps ? found.at(t).size() : 0;
        }
    }
    CHECK(events > 100);
    CHECK(carried > 10);
}
