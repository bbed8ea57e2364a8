// How a run is set up: rules, stores, optimisers, the engine, initial weights.
#include "learning/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <thread>
#include <type_traits>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"
#include "learning/eprop/make_plan.hpp"
#include "learning/functional_engine.hpp"
#include "learning/network/models/models.hpp"
#include "learning/weights/connectivity.hpp"

namespace memprop::learning {
namespace {

using network::ConnectKind;
using network::index_of;

constexpr std::size_t kFirstFeedbackArray = 2;  // number of the draws of the first feedback matrix

template <class Real>
std::vector<Real> draw_normals(std::uint64_t seed, Stream stream, std::size_t array, std::size_t count,
                               double mean, double standard_deviation) {
    std::vector<float> drawn(count);
    fill_normals({.seed = seed, .stream = stream, .array = static_cast<std::uint8_t>(array)}, 0, drawn);
    for (float& w : drawn) {
        w *= static_cast<float>(standard_deviation);
    }
    if (mean != 0.0) {
        for (float& w : drawn) {
            w += static_cast<float>(mean);
        }
    }
    return {drawn.begin(), drawn.end()};
}

bool is_matrix(const network::Projection& projection) {
    return projection.connect.kind == ConnectKind::dense || projection.connect.kind == ConnectKind::masked;
}

/// Weights that a projection holds; 0: it has none.
std::size_t weight_count(const network::Network& network, const network::Projection& p) {
    switch (p.connect.kind) {
        case ConnectKind::dense:
        case ConnectKind::masked:
            return std::size_t{rows_of(network, p)} * columns_of(network, p);
        case ConnectKind::sparse:
            return p.connect.column.size();
        case ConnectKind::one_to_one:
            return columns_of(network, p);
        case ConnectKind::convolution:
            return p.connect.window.channels_out *
                   (p.connect.window.channels_in / p.connect.window.groups * p.connect.window.kernel_height *
                        p.connect.window.kernel_width +
                    (p.bias ? 1 : 0));
        case ConnectKind::pool:
            return 0;
    }
    return 0;
}

const std::vector<double>* of_task(const InitialNetwork* given, std::size_t projection) {
    return given == nullptr  ? nullptr
           : projection == 0 ? &given->w_in
           : projection == 1 ? &given->w_rec
                             : &given->w_out;
}

/// The adaptation strengths that a task brings along.
void take_beta(ResolvedNetwork& resolved, const InitialNetwork* given) {
    if (given == nullptr || given->beta.empty()) {
        return;
    }
    if (!resolved.is_classic) {
        throw InputError("task.name", "golden", "needs a network of one recurrent population");
    }
    network::Population& neurons = resolved.network.populations[index_of(classic::neurons)];
    const bool adapts =
        std::any_of(given->beta.begin(), given->beta.end(), [](double b) { return b != 0.0; });
    if (neurons.model == "alif") {
        neurons.set("adaptation_beta", given->beta);
    } else if (adapts) {
        throw InputError("network.neuron", "lif", "must be \"alif\": the task has adaptive neurons");
    }
}

}  // namespace

bool TrainerBase::has_devices() const {
    for (std::size_t p = 0; p < network().projections.size(); ++p) {
        if (array(static_cast<ProjectionId>(p)) != nullptr) {
            return true;
        }
    }
    return false;
}

template <class Real>
BasicTrainer<Real>::BasicTrainer(const ExperimentConfig& config, std::unique_ptr<Task> task,
                                 const NetworkWeights* given_weights, const HardwareFactory& make_hardware)
    : config_(config), task_(std::move(task)), resolved_(resolve(config)) {
    take_beta(resolved_, task_->initial_network());
    network::check(resolved_.network);
    make_groups();
    check_settings();
    make_stores();
    check_fault_map();
    make_frozen(given_weights);
    make_optimizers();
    make_engine(make_hardware);
    load_initial_weights(given_weights);
    load_initial_feedback();
    make_workers(engine_->workers());
    const crossbar::ArrayCounters initial = counters();  // initial programming belongs to no epoch
    epoch_set_pulses_ = initial.set_pulses;
    epoch_reset_pulses_ = initial.reset_pulses;
}

template <class Real>
void BasicTrainer<Real>::make_groups() {
    const network::Network& network = resolved_.network;
    for (std::size_t p = 0; p < network.projections.size(); ++p) {
        const ProjectionPlan& plan = resolved_.projections[p];
        if (plan.rule.empty()) {
            continue;
        }
        auto group = std::find_if(groups_.begin(), groups_.end(),
                                  [&](const RuleGroup& g) { return g.name == plan.rule_name; });
        if (group == groups_.end()) {
            const RuleKind& kind = find_rule_kind(fmt::format("rule.{}.kind", plan.rule_name), plan.rule);
            groups_.push_back({.kind = &kind,
                               .needs = kind.needs(plan.learning),
                               .name = plan.rule_name,
                               .learning = plan.learning,
                               .parameters = plan.rule_parameters,
                               .projections = {},
                               .plan = {},
                               .feedback = {},
                               .regularizer = {},
                               .rules = {}});
            group = groups_.end() - 1;
        }
        const network::Projection& projection = network.projections[p];
        const auto id = static_cast<ProjectionId>(p);
        if (!is_matrix(projection) && projection.connect.kind != ConnectKind::sparse) {
            throw InputError(fmt::format("projection.{}.rule", projection.name), plan.rule_name,
                             "needs connect = \"dense\", \"masked\" or \"sparse\": other weights are frozen");
        }
        if (projection.connect.kind == ConnectKind::sparse &&
            (!group->needs.gradients || plan.learning.gradient != GradientForm::factorised)) {
            throw InputError(fmt::format("projection.{}.rule", projection.name), plan.rule_name,
                             "sparse projections learn by e-prop after the trial, gradient = \"factorised\"");
        }
        const bool axonal = projection.delay_kind == network::DelayKind::axonal;
        group->projections.push_back(
            {.id = id,
             .name = projection.name,
             .from = index_of(projection.from),
             .to = index_of(projection.to),
             .rows = rows_of(network, projection),
             .columns = columns_of(network, projection),
             .delay = axonal ? projection.delay_steps : 0,
             .bias = projection.bias,
             .post_spikes = network::find_model("model", network.at(projection.to).model).spiking,
             .self = projection.connect.self || projection.from != projection.to,
             .connected = connected(network, id, seed())});
    }
    for (RuleGroup& group : groups_) {
        if (!group.needs.errors) {
            continue;
        }
        group.plan = make_eprop_plan<Real>(resolved_, group.name);
        group.regularizer = {
            .strength = static_cast<Real>(group.learning.rate_regularization),
            .target_per_step = static_cast<Real>(group.learning.target_rate_hz * network.time_step_seconds),
            .form = group.learning.regularizer,
            .decay = static_cast<Real>(group.learning.regularizer_decay)};
        for (const LearningPopulation<Real>& population : group.plan) {
            auto& feedback = group.feedback.emplace_back();
            for (const ErrorSource& source : population.sources) {
                feedback.emplace_back(std::size_t{source.size} * population.size);
            }
        }
    }
}

template <class Real>
void BasicTrainer<Real>::make_stores() {
    const network::Network& network = resolved_.network;
    for (std::size_t p = 0; p < network.projections.size(); ++p) {
        const network::Projection& projection = network.projections[p];
        const auto id = static_cast<ProjectionId>(p);
        stores_.emplace_back();
        frozen_.emplace_back();
        const bool sparse = projection.connect.kind == ConnectKind::sparse;
        if (sparse && resolved_.projections[p].on_devices) {
            throw InputError(fmt::format("projection.{}.connect", projection.name), "sparse",
                             "weights are numbers: it goes without a device");
        }
        if (!is_matrix(projection) && (!sparse || resolved_.projections[p].rule.empty())) {
            continue;
        }
        stores_.back() = make_weight_store<Real>(
            {.plan = resolved_.projections[p],
             .seed = seed_of(seed(), id),
             .array = array_number(id),
             .tick_seconds = config_.task.update_interval_seconds},
            {.id = id,
             .name = projection.name,
             .pre = rows_of(network, projection),
             .post = columns_of(network, projection),
             .no_diagonal = !projection.connect.self && projection.from == projection.to,
             .connected = connected(network, id, seed()),
             .sparse = sparse ? &projection.connect : nullptr});
    }
}

template <class Real>
void BasicTrainer<Real>::make_optimizers() {
    optimizers_.resize(stores_.size());
    batch_sum_.resize(stores_.size());
    for (const RuleGroup& group : groups_) {
        for (const RuleProjection& p : group.projections) {
            const std::size_t count = weight_count(resolved_.network, resolved_.network.at(p.id));
            if (group.needs.errors) {
                batch_sum_[index_of(p.id)].resize(count);
                optimizers_[index_of(p.id)] = std::make_unique<Optimizer<Real>>(
                    group.learning, resolved_.projections[index_of(p.id)].lr, count);
            }
        }
    }
}

template <class Real>
TapeRequest BasicTrainer<Real>::tape_request() const {
    const network::Network& network = resolved_.network;
    TapeRequest request;
    for (const network::Population& population : network.populations) {
        request.events.push_back(network::find_model("model", population.model).spiking);
        request.pseudo_derivative.push_back(false);
        request.spike_count.push_back(false);
    }
    for (const RuleGroup& group : groups_) {
        for (const RuleProjection& p : group.projections) {
            request.events[p.from] = true;
        }
        for (const LearningPopulation<Real>& population : group.plan) {
            const bool is_read = population.objective && !population.eligibility.spiking;
            request.pseudo_derivative[population.population] = !is_read;
            request.spike_count[population.population] = population.eligibility.spiking;
        }
    }
    return request;
}

template <class Real>
void BasicTrainer<Real>::make_engine(const HardwareFactory& make_hardware) {
    std::vector<BasicWeightStore<Real>*> stores;
    std::vector<network::Connection<Real>*> connections;
    for (std::size_t p = 0; p < stores_.size(); ++p) {
        stores.push_back(stores_[p].get());
        connections.push_back(stores_[p] != nullptr
                                  ? static_cast<network::Connection<Real>*>(stores_[p].get())
                                  : frozen_[p].get());
    }
    std::vector<LearnedSet<Real>> learned;
    for (RuleGroup& group : groups_) {
        if (group.needs.errors) {
            learned.push_back(
                {.learning = &group.learning, .plan = &group.plan, .feedback = &group.feedback});
        }
    }
    const EngineRequest<Real> request{.config = config_,
                                      .resolved = resolved_,
                                      .learned = std::move(learned),
                                      .stores = std::move(stores),
                                      .connections = std::move(connections),
                                      .tape = tape_request(),
                                      .keeps_state = config_.network.state_reset == StateReset::never};
    if (!make_hardware) {
        engine_ = std::make_unique<FunctionalEngine<Real>>(request, workers_wanted());
        return;
    }
    if constexpr (std::is_same_v<Real, float>) {
        engine_ = make_hardware(request);
    } else {
        throw InputError("run.precision", "double",
                         "must be \"single\" on run.engine = \"cycle\": the chip has 32-bit numbers");
    }
}

/// One worker, or several if trials may run side by side: weights that are numbers can be read by several
/// threads, and trials are independent if state is reset.
template <class Real>
std::size_t BasicTrainer<Real>::workers_wanted() const {
    const bool numbers = std::all_of(stores_.begin(), stores_.end(), [](const auto& store) {
        return store == nullptr || store->array() == nullptr;
    });
    if (config_.run.engine != EngineKind::functional || !numbers || learns_in_steps() ||
        config_.network.state_reset == StateReset::never) {
        return 1;
    }
    const std::size_t wanted = config_.run.threads > 0 ? static_cast<std::size_t>(config_.run.threads)
                                                       : std::thread::hardware_concurrency();
    return std::clamp<std::size_t>(wanted, 1, static_cast<std::size_t>(config_.learning.batch));
}

template <class Real>
void BasicTrainer<Real>::make_workers(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        auto& worker = *workers_.emplace_back(std::make_unique<Worker>());
        worker.gradients.resize(stores_.size());
        for (const RuleGroup& group : groups_) {
            for (const RuleProjection& p : group.projections) {
                if (group.needs.gradients) {
                    worker.gradients[index_of(p.id)].resize(std::size_t{p.rows} * p.columns);
                }
            }
        }
    }
    last_ = workers_[0].get();
    threads_ = std::make_unique<ThreadPool>(count);
    std::vector<Optimizer<Real>*> optimizers;
    for (const auto& optimizer : optimizers_) {
        optimizers.push_back(optimizer.get());
    }
    for (RuleGroup& group : groups_) {
        for (std::size_t i = 0; i < (group.needs.steps ? 1 : count); ++i) {
            group.rules.push_back(make_rule<Real>(
                *group.kind,
                {.name = group.name,
                 .time_step_seconds = resolved_.network.time_step_seconds,
                 .all_projections = stores_.size(),
                 .keeps_state = config_.network.state_reset == StateReset::never,
                 .projections = group.projections,
                 .parameters = group.parameters,
                 .read =
                     [this](ProjectionId id, std::span<Real> weights) {
                         engine_->measure(id, static_cast<std::uint32_t>(samples_done_), tick(), weights);
                     },
                 .write = [this](std::span<const std::span<const Real>> changes,
                                 std::uint32_t event) { engine_->update(changes, event, tick()); },
                 .learning = group.learning,
                 .plan = &group.plan,
                 .feedback = &group.feedback,
                 .regularizer = group.regularizer,
                 .optimizers = optimizers}));
        }
    }
    if (config_.learning.supervision == Supervision::reward) {
        reward_ = std::make_unique<RewardSignal>(seed(), config_.learning.reward_decay);
    }
}

template <class Real>
std::vector<Real> BasicTrainer<Real>::initial_weights(ProjectionId id,
                                                      const NetworkWeights* given_weights) const {
    const network::Network& network = resolved_.network;
    const network::Projection& projection = network.at(id);
    const std::size_t count = weight_count(network, projection), p = index_of(id);
    const std::vector<double>* given = given_weights != nullptr && !(*given_weights)[p].empty()
                                           ? &(*given_weights)[p]
                                           : of_task(task_->initial_network(), p);
    if (given != nullptr && given->size() != count) {
        throw InputError(
            projection.name, given->size(),
            is_matrix(projection)
                ? fmt::format("must be {} x {} weights, as {} of the experiment says",
                              rows_of(network, projection), columns_of(network, projection),
                              config_.tables.empty() ? "network.*" : "the network")
                : fmt::format("must be {} weights, as the network of the experiment says", count));
    }
    std::vector<Real> initial;
    if (given != nullptr) {
        initial.assign(given->begin(), given->end());
    } else if (network::size_of(projection.weights) > 0) {
        const std::vector<double> own = network::doubles_of(projection.weights);
        initial.assign(own.begin(), own.end());
    } else {
        initial = draw_normals<Real>(seed_of(seed(), id), Stream::initial_weight, array_number(id), count,
                                     projection.weight_mean, projection.weight_std);
    }
    if (const auto& store = stores_[p]; store != nullptr) {
        const WeightStoreShape& shape = store->shape();
        if (shape.no_diagonal && shape.sparse == nullptr) {
            for (std::size_t i = 0; i < std::min(shape.pre, shape.post); ++i) {
                initial[i * shape.post + i] = Real{0};
            }
        }
        cut_unconnected(shape, std::span(initial));
    }
    return initial;
}

template <class Real>
void BasicTrainer<Real>::make_frozen(const NetworkWeights* given_weights) {
    for (std::size_t p = 0; p < stores_.size(); ++p) {
        if (stores_[p] == nullptr) {
            const std::vector<Real> initial = initial_weights(static_cast<ProjectionId>(p), given_weights);
            network::Projection projection = resolved_.network.projections[p];
            projection.weights = std::vector<double>(initial.begin(), initial.end());
            frozen_[p] = std::make_unique<FrozenWeights<Real>>(resolved_.network, std::move(projection));
        }
    }
}

template <class Real>
void BasicTrainer<Real>::load_initial_weights(const NetworkWeights* given_weights) {
    for (std::size_t p = 0; p < stores_.size(); ++p) {
        if (stores_[p] != nullptr) {
            const auto id = static_cast<ProjectionId>(p);
            engine_->load(id, initial_weights(id, given_weights));
        }
    }
}

template <class Real>
void BasicTrainer<Real>::load_initial_feedback() {
    const InitialNetwork* given = task_->initial_network();
    std::size_t set = 0, matrix = 0;
    for (RuleGroup& group : groups_) {
        if (!group.needs.errors) {
            continue;
        }
        FeedbackWeights<Real> initial = group.feedback;
        for (auto& population : initial) {
            for (std::vector<Real>& weights : population) {
                if (given != nullptr) {
                    weights.assign(given->feedback.begin(), given->feedback.end());
                } else {
                    weights =
                        draw_normals<Real>(seed(), Stream::feedback_weight, kFirstFeedbackArray + matrix,
                                           weights.size(), 0.0, group.learning.feedback_std);
                }
                ++matrix;
            }
        }
        engine_->load_feedback(set++, initial);
    }
}

template class BasicTrainer<float>;
template class BasicTrainer<double>;

std::unique_ptr<TrainerBase> make_trainer(const ExperimentConfig& config, std::unique_ptr<Task> task,
                                          const NetworkWeights* given_weights,
                                          const HardwareFactory& make_hardware) {
    if (config.run.precision == Precision::double_) {
        return std::make_unique<BasicTrainer<double>>(config, std::move(task), given_weights, make_hardware);
    }
    return std::make_unique<BasicTrainer<float>>(config, std::move(task), given_weights, make_hardware);
}

}  // namespace memprop::learning
