// Slices that learn by themselves, step by step, against the gradient of the whole trial and the whole
// network.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"
#include "learning/eprop/arrivals.hpp"
#include "learning/eprop/make_plan.hpp"
#include "learning/eprop/slice_learner.hpp"
#include "learning/eprop/slice_update.hpp"
#include "learning/network/models/models.hpp"
#include "learning/trainer.hpp"

namespace memprop::learning {
namespace {

constexpr std::uint32_t kReadouts = 3, kInputs = 11, kNeurons = 37;

class Draws {
public:
    explicit Draws(std::uint32_t seed) : seed_(seed) {}
    double between(double low, double high) {
        return low + (high - low) * static_cast<double>(
                                        random_uniform({.seed = seed_, .stream = Stream::test}, next_++));
    }
    bool chance(double p) { return between(0.0, 1.0) < p; }
    std::vector<double> values(std::size_t count, double low, double high) {
        std::vector<double> v(count);
        std::generate(v.begin(), v.end(), [&] { return between(low, high); });
        return v;
    }

private:
    std::uint32_t seed_, next_ = 0;
};

/// What varies between the networks of the test.
struct Form {
    std::string model;
    bool own_constants = false;  ///< time constants differ between neurons
    bool is_objective = false;   ///< an objective looks at the population itself
    std::uint32_t late_by = 0;   ///< errors of the first source come that many steps late
    bool second_source = false;
    bool graded = false;
};

/// A population onto which inputs, itself and a bias project, with the tape of a trial.
template <class Real>
struct RandomNetwork {
    EpropPlan<Real> plan;
    FeedbackWeights<Real> feedback;
    SpikeTrain input;
    Tape<Real> tape;
    Draws draws;

    RandomNetwork(const Form& form, std::uint32_t seed) : draws(seed) {
        network::Population population{
            .name = "n", .size = kNeurons, .model = form.model, .parameters = {}, .shape = {}};
        const bool cuba = form.model.starts_with("cuba");
        if (form.own_constants) {
            population.set(form.model == "leaky_readout" ? "tau_seconds" : "tau_membrane_seconds",
                           draws.values(kNeurons, 5e-3, 40e-3));
        }
        if (cuba) {
            population.set("tau_synapse_seconds",
                           draws.values(form.own_constants ? kNeurons : 1, 2e-3, 20e-3));
        }
        if (form.model == "alif") {
            std::vector<double> beta = draws.values(kNeurons, 0.0, 0.1);
            std::fill(beta.begin() + 4, beta.begin() + 20, 0.0);  // whole slices that do not adapt
            population.set("adaptation_beta", beta);
        }
        LearningPopulation<Real>& p = plan.emplace_back();
        p.population = 1;
        p.size = kNeurons;
        p.eligibility = *network::make_neurons<Real>(population, 1e-3)->eligibility();
        p.regularized = p.eligibility.spiking;
        const auto project = [&](std::uint32_t id, std::size_t from, std::uint32_t rows) {
            p.projections.push_back(
                {.id = network::ProjectionId{id}, .from = from, .rows = rows, .columns = kNeurons});
        };
        project(0, 0, kInputs + 1);
        p.projections[0].bias = true;
        p.projections[0].delay = 1;
        p.projections[0].bias_before_arrival = seed % 2 == 0;
        if (p.eligibility.spiking) {
            project(1, 1, kNeurons);
            p.projections[1].delay = 1;
            p.projections[1].self = false;
        }
        if (cuba) {
            project(2, 0, kInputs);
            p.projections.back().receptor = 1;
        }
        if (form.is_objective) {
            p.objective = 1;
        }
        if (p.eligibility.spiking || !form.is_objective) {
            p.sources.push_back({.objective = 0, .size = kReadouts, .delay = form.late_by});
            if (form.second_source) {
                p.sources.push_back({.objective = 2, .size = 2, .delay = 1});
            }
            p.eligibility_decay = static_cast<Real>(0.93);
            p.eligibility_gain = Real{1} - p.eligibility_decay;
        }
        feedback.emplace_back();
        for (const ErrorSource& source : p.sources) {
            const auto weights = draws.values(std::size_t{source.size} * kNeurons, -0.5, 0.5);
            feedback[0].emplace_back(weights.begin(), weights.end());
        }
    }

    void run(std::uint32_t steps, bool graded, bool late) {
        tape = {};
        input = {};
        tape.steps = steps;
        tape.populations.resize(2);
        tape.objectives.resize(3);
        tape.populations[0].given = &input;
        PopulationTape<Real>& neurons = tape.populations[1];
        neurons.spike_count.assign(kNeurons, 0);
        for (std::uint32_t t = 0; t < steps; ++t) {
            for (std::uint32_t i = 0; i < kInputs; ++i) {
                for (int times = !graded && draws.chance(0.02) ? 2 : 1;
                     times > 0 && i % 5 != 2 && draws.chance(0.15); --times) {
                    input.add(i);
                    if (graded) {
                        tape.populations[0].values.push_back(static_cast<Real>(draws.between(-1.0, 1.0)));
                    }
                }
            }
            for (std::uint32_t j = 0; j < kNeurons; ++j) {
                if (draws.chance(0.1)) {
                    neurons.own.add(j);
                    ++neurons.spike_count[j];
                }
                neurons.pseudo_derivative.push_back(
                    static_cast<Real>(std::max(0.0, draws.between(-0.3, 0.7))));
            }
            input.end_step();
            neurons.own.end_step();
            const std::vector<std::uint32_t> sizes{kReadouts, kNeurons, 2};
            for (std::size_t o = 0; o < sizes.size(); ++o) {
                for (std::uint32_t k = 0; k < sizes[o]; ++k) {
                    tape.objectives[o].error.push_back(
                        t < steps / 3 ? Real{0} : static_cast<Real>(draws.between(-0.5, 0.5)));
                }
            }
        }
        neurons.carried = {{0, 3}};
        if (late) {
            tape.populations[0].late = {1, 4};
        }
    }
};

/// Step t of a tape as the core that holds a slice sees it.
template <class Real>
class Feed {
public:
    Feed(const Tape<Real>& tape, SliceLearner<Real>& learner) : tape_(tape), learner_(learner) {}

    void step(std::size_t t) {
        const LearningPopulation<Real>& p = learner_.plan();
        const network::Slice slice = learner_.slice();
        const PopulationTape<Real>& own = tape_.populations[p.population];
        std::vector<SliceEvents<Real>> arriving;
        for (const LearnedProjection& projection : p.projections) {
            const Arrivals<Real> arrivals(tape_, projection);
            const auto& late = tape_.populations[projection.from].late;
            arriving.push_back(
                {.rows = arrivals.at(t),
                 .values = arrivals.values_at(t),
                 .late = t + 1 == tape_.steps ? std::span(late) : std::span<const std::uint32_t>()});
        }
        std::vector<std::uint32_t> spikes;
        const std::span<const std::uint32_t> all =
            p.eligibility.spiking ? own.events().at(t) : std::span<const std::uint32_t>();
        for (const std::uint32_t j : all) {
            if (slice.holds(j)) {
                spikes.push_back(j - slice.first);
            }
        }
        std::span<const Real> psi = own.pseudo_derivative;
        if (!psi.empty()) {
            psi = psi.subspan(t * (psi.size() / tape_.steps) + slice.first, slice.count);
        }
        learner_.record({.arriving = arriving, .psi = psi, .spikes = spikes});
        std::vector<std::span<const Real>> errors;
        for (const ErrorSource& source : p.sources) {
            errors.push_back(
                std::span(tape_.objectives[source.objective].error).subspan(t * source.size, source.size));
        }
        const std::span<const Real> self =
            p.objective
                ? std::span(tape_.objectives[*p.objective].error)
                      .subspan(t * (tape_.objectives[*p.objective].error.size() / tape_.steps) + slice.first,
                               slice.count)
                : std::span<const Real>();
        learner_.learn({.sources = errors, .own = self});
    }

private:
    const Tape<Real>& tape_;
    SliceLearner<Real>& learner_;
};

template <class Real>
bool same_bits(std::span<const Real> a, std::span<const Real> b) {
    using Bits = std::conditional_t<std::is_same_v<Real, float>, std::uint32_t, std::uint64_t>;
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](Real x, Real y) { return std::bit_cast<Bits>(x) == std::bit_cast<Bits>(y); });
}

template <class Real>
SliceLearner<Real> learner_of(const LearningPopulation<Real>& population,
                              const std::vector<std::vector<Real>>& feedback, network::Slice slice,
                              const RateRegularizer<Real>& regularizer) {
    SliceLearner<Real> learner(population, slice, regularizer);
    for (std::size_t s = 0; s < feedback.size(); ++s) {
        const std::vector<Real> part = columns_of(std::span<const Real>(feedback[s]), population.size, slice);
        std::copy(part.begin(), part.end(), learner.feedback(s).begin());
    }
    return learner;
}

/// All words that a learner remembers.
template <class Real>
std::vector<std::vector<std::uint32_t>> dump(SliceLearner<Real>& learner) {
    std::vector<std::vector<std::uint32_t>> words;
    for (const SliceMemory& memory : learner.memories()) {
        auto& of_memory = words.emplace_back();
        for (std::size_t i = 0; i < memory.words(); ++i) {
            of_memory.push_back(memory.read(i));
        }
    }
    return words;
}

template <class Real>
void load(SliceLearner<Real>& learner, const std::vector<std::vector<std::uint32_t>>& words) {
    std::vector<SliceMemory> memories = learner.memories();
    REQUIRE(memories.size() == words.size());
    for (std::size_t m = 0; m < memories.size(); ++m) {
        REQUIRE(memories[m].words() == words[m].size());
        for (std::size_t i = 0; i < words[m].size(); ++i) {
            memories[m].write(i, words[m][i]);
        }
    }
}

template <class Real>
void compare(const RandomNetwork<Real>& network, SliceLearner<Real>& learner, const Gradients<Real>& whole) {
    for (std::size_t w = 0; w < network.plan[0].projections.size(); ++w) {
        CAPTURE(w);
        const LearnedProjection& projection = network.plan[0].projections[w];
        const std::vector<Real> columns = columns_of(std::span<const Real>(whole[index_of(projection.id)]),
                                                     projection.columns, learner.slice());
        REQUIRE(same_bits<Real>(learner.gradient(w), columns));
    }
}

/// Several trials on slices of `count` neurons; in the middle of each, another learner takes over from
/// memory.
template <class Real>
void check_slices(const Form& form, RegularizerForm regularizer_form, std::uint32_t count) {
    CAPTURE(form.model);
    CAPTURE(form.late_by);
    CAPTURE(count);
    RandomNetwork<Real> network(form, count + form.late_by);
    const RateRegularizer<Real> regularizer{Real{3}, static_cast<Real>(0.02), regularizer_form,
                                            static_cast<Real>(0.9)};
    const auto gradient = make_gradient(GradientForm::online, network.plan);
    std::vector<SliceLearner<Real>> learners, others;
    for (std::uint32_t first = 0; first < kNeurons; first += count) {
        const network::Slice slice{.first = first, .count = std::min(count, kNeurons - first)};
        for (auto* to : {&learners, &others}) {
            to->push_back(learner_of(network.plan[0], network.feedback[0], slice, regularizer));
        }
    }
    for (const std::uint32_t steps : {40U, 3U, 25U}) {
        network.run(steps, form.graded, steps == 40);
        Gradients<Real> whole(3);
        gradient->compute(network.tape, network.feedback, regularizer, whole);
        for (const LearnedProjection& projection : network.plan[0].projections) {
            if (steps < 40) {
                break;
            }
            const std::vector<Real>& all = whole[index_of(projection.id)];
            CHECK(std::count(all.begin(), all.end(), Real{0}) < static_cast<std::ptrdiff_t>(all.size()) / 2);
        }
        for (std::size_t i = 0; i < learners.size(); ++i) {
            learners[i].begin_trial();
            for (std::size_t t = 0; t < steps / 2; ++t) {
                Feed(network.tape, learners[i]).step(t);
            }
            load(others[i], dump(learners[i]));
            for (std::size_t t = steps / 2; t < steps; ++t) {
                Feed(network.tape, others[i]).step(t);
            }
            others[i].end_trial();
            compare(network, others[i], whole);
            std::swap(learners[i], others[i]);
        }
    }
}

TEST_CASE("Gradients of slices have the bits of the whole population's") {
    std::vector<Form> forms;
    for (const char* model : {"lif", "alif", "cuba_lif", "leaky_readout", "li", "cuba_li", "threshold"}) {
        const bool spikes = std::string(model).ends_with("lif") || std::string(model) == "threshold";
        for (const bool own : {false, true}) {
            forms.push_back({.model = model,
                             .own_constants = own && std::string(model) != "threshold",
                             .is_objective = !spikes});
        }
        forms.push_back({.model = model, .late_by = 2, .second_source = true});
        forms.push_back({.model = model, .is_objective = true, .late_by = 1, .graded = true});
    }
    for (const Form& form : forms) {
        for (const RegularizerForm regularizer :
             {RegularizerForm::per_trial, RegularizerForm::running_average}) {
            for (const std::uint32_t count : {1U, 3U, 17U, kNeurons}) {
                check_slices<float>(form, regularizer, count);
            }
            check_slices<double>(form, regularizer, 5);
        }
    }
}

TEST_CASE("Slices refuse what they cannot learn from") {
    RandomNetwork<float> network({.model = "lif", .late_by = 1}, 1);
    LearningPopulation<float> population = network.plan[0];
    CHECK_THROWS_AS(SliceLearner<float>(population, {.first = 30, .count = 8}, {}), InputError);
    const network::Connect lists;
    population.projections[0].sparse = &lists;
    CHECK_THROWS_AS(SliceLearner<float>(population, {.first = 0, .count = 8}, {}), InputError);

    network.run(5, false, false);
    SliceLearner<float> learner =
        learner_of(network.plan[0], network.feedback[0], {.first = 3, .count = 9}, {});
    learner.begin_trial();
    Feed feed(network.tape, learner);
    feed.step(0);
    CHECK_THROWS_AS(learner.learn({}), std::logic_error);  // of a step that was not recorded
    for (SliceMemory& memory : learner.memories()) {
        if (memory.name() == "projection1.waiting0.rows") {
            memory.write(0, 4711);
        } else if (memory.name() == "projection1.events") {
            memory.write(0, 1);
        }
    }
    CHECK_THROWS_WITH_AS(feed.step(1), doctest::Contains("must be below 37"), InputError);
    for (SliceMemory& memory : learner.memories()) {
        if (memory.name() == "steps") {
            memory.write(0, 4'000'000'000U);
        }
    }
    CHECK_THROWS_AS(learner.end_trial(), InputError);
}

/// The input, hidden and readout synapses of a network in slices that learn beside a trainer.
struct SlicedNetwork {
    struct Part {
        SliceLearner<float> learner;
        std::vector<SliceUpdate<float>> updates;  // [projection]
    };
    std::vector<Part> parts;

    SlicedNetwork(const ExperimentConfig& config, BasicTrainer<float>& trainer, std::uint32_t count) {
        const ResolvedNetwork& resolved = trainer.resolved();
        const EpropPlan<float> plan = make_eprop_plan<float>(resolved, "eprop");
        const double dt = resolved.network.time_step_seconds;
        const RateRegularizer<float> regularizer{
            .strength = static_cast<float>(config.learning.rate_regularization),
            .target_per_step = static_cast<float>(config.learning.target_rate_hz * dt),
            .form = config.learning.regularizer,
            .decay = static_cast<float>(config.learning.regularizer_decay)};
        for (const LearningPopulation<float>& population : plan) {
            std::vector<std::vector<float>> feedback;
            for (const ErrorSource& source : population.sources) {
                // As the trainer draws it: its first matrix is array 2 of the stream.
                std::vector<float>& weights =
                    feedback.emplace_back(std::size_t{source.size} * population.size);
                fill_normals({.seed = static_cast<std::uint64_t>(config.run.seed),
                              .stream = Stream::feedback_weight,
                              .array = 2},
                             0, weights);
                for (float& w : weights) {
                    w *= static_cast<float>(config.learning.feedback_std);
                }
            }
            for (std::uint32_t first = 0; first < population.size; first += count) {
                const network::Slice slice{.first = first, .count = std::min(count, population.size - first)};
                Part part{.learner = learner_of(population, feedback, slice, regularizer), .updates = {}};
                for (const LearnedProjection& projection : population.projections) {
                    const auto connected = trainer.weights(projection.id).shape().connected;
                    part.updates.emplace_back(
                        config.learning, config.learning, resolved.projections[index_of(projection.id)].lr,
                        std::size_t{projection.rows} * slice.count,
                        connected == nullptr ? std::vector<std::uint8_t>()
                                             : columns_of(std::span<const std::uint8_t>(*connected),
                                                          projection.columns, slice));
                }
                parts.push_back(std::move(part));
            }
        }
    }

    /// Changes the weights of the network as its trainer is expected to.
    void learn(const Tape<float>& tape, std::vector<std::vector<float>>& weights) {
        for (Part& part : parts) {
            part.learner.begin_trial();
            Feed feed(tape, part.learner);
            for (std::size_t t = 0; t < tape.steps; ++t) {
                feed.step(t);
            }
            part.learner.end_trial();
            for (std::size_t w = 0; w < part.updates.size(); ++w) {
                const std::span<float> change = part.learner.gradient(w);
                if (!part.updates[w].add_trial(change, tape.objectives[0].window_steps)) {
                    continue;
                }
                const LearnedProjection& projection = part.learner.plan().projections[w];
                const network::Slice slice = part.learner.slice();
                std::vector<float>& all = weights[index_of(projection.id)];
                const std::size_t columns = all.size() / projection.rows;
                const std::vector<float> own = columns_of(std::span<const float>(all), columns, slice);
                part.updates[w].change(change);
                part.updates[w].decay(change, own);
                for (std::size_t at = 0; at < change.size(); ++at) {
                    all[at / slice.count * columns + slice.first + at % slice.count] += change[at];
                }
            }
        }
    }
};

std::vector<std::vector<float>> weights_of(BasicTrainer<float>& trainer) {
    std::vector<std::vector<float>> weights;
    for (std::uint32_t p = 0; p < 3; ++p) {
        const std::vector<double> w = trainer.snapshot(ProjectionId{p});
        weights.emplace_back(w.begin(), w.end());
    }
    return weights;
}

TEST_CASE("Slices that learn by themselves come to the weights of the trainer") {
    for (const OptimizerKind optimizer : {OptimizerKind::gd, OptimizerKind::momentum, OptimizerKind::adam}) {
        for (const bool rich : {false, true}) {
            CAPTURE(static_cast<int>(optimizer));
            ExperimentConfig config;
            config.task.steps = 120;
            config.network.inputs = 21;
            config.network.recurrent = 37;
            config.network.refractory_steps = 3;
            config.update.scheme = "vanilla";
            config.learning.gradient = GradientForm::online;
            config.learning.optimizer = optimizer;
            config.run.epochs = 6;
            if (rich) {
                config.network.neuron = NeuronKind::alif;
                config.network.adaptive_fraction = 0.5;
                config.network.readout_delay_steps = 1;
                config.network.density_rec = 0.5;
                config.learning.batch = 2;
                config.learning.average_over_window = true;
                config.learning.weight_decay = 1e-3;
                config.learning.regularizer = RegularizerForm::running_average;
                config.learning.early_spikes_lose_last_error = true;
            }
            BasicTrainer<float> trainer(config);
            REQUIRE((trainer.weights(ProjectionId{1}).shape().connected != nullptr) == rich);
            SlicedNetwork slices(config, trainer, 10);
            std::vector<std::vector<float>> weights = weights_of(trainer);
            const std::vector<std::vector<float>> before = weights;
            for (int sample = 0; sample < 5; ++sample) {
                trainer.train_sample();
                slices.learn(trainer.tape(), weights);
                for (std::size_t p = 0; p < 3; ++p) {
                    CAPTURE(p);
                    REQUIRE(same_bits<float>(weights[p], weights_of(trainer)[p]));
                    CHECK((weights[p] == before[p]) == (config.learning.batch == 2 && sample == 0));
                }
            }
        }
    }
}

}  // namespace
}  // namespace memprop::learning
