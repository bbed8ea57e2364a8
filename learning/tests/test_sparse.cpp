// Sparse projections that learn, against matrices in which the other synapses are masked.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"
#include "learning/eprop/gradient.hpp"
#include "learning/trainer.hpp"
#include "learning/weights/sparse_weights.hpp"

using namespace memprop;
using namespace memprop::learning;
using network::Connect;
using network::ConnectKind;

namespace {

double uniform(std::uint32_t family, std::uint32_t index) {
    return double(random_uniform({.seed = family, .stream = Stream::test}, index));
}

/// Some synapses of every row.
Connect lists(std::uint32_t rows, std::uint32_t columns, std::uint32_t family) {
    Connect connect;
    connect.kind = ConnectKind::sparse;
    connect.row_begin.push_back(0);
    for (std::uint32_t i = 0; i < rows; ++i) {
        for (std::uint32_t j = 0; j < columns; ++j) {
            if (uniform(family, i * columns + j) < 0.2) {
                connect.column.push_back(j);
            }
        }
        connect.row_begin.push_back(connect.column.size());
    }
    return connect;
}

constexpr std::uint32_t kInputs = 9, kNeurons = 83, kReadouts = 3;
constexpr std::size_t kSteps = 60;

template <class Real>
std::vector<Real> uniforms(std::uint32_t family, std::size_t count, double low, double high) {
    std::vector<Real> values(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        values[i] = static_cast<Real>(low + (high - low) * uniform(family, i));
    }
    return values;
}

/// Inputs (with a bias) and recurrent neurons onto adaptive neurons behind one current, and onto readouts.
template <class Real>
EpropPlan<Real> plan_of(const Connect* in, const Connect* rec, const Connect* out) {
    LearningPopulation<Real> neurons{.population = 1,
                                     .size = kNeurons,
                                     .eligibility = {.alpha = {Real(0.9)},
                                                     .gain = {Real(0.1)},
                                                     .beta = uniforms<Real>(10, kNeurons, 0.0, 0.1),
                                                     .rho = Real(0.97)},
                                     .projections = {{.id = network::ProjectionId{0},
                                                      .from = 0,
                                                      .rows = kInputs + 1,
                                                      .columns = kNeurons,
                                                      .receptor = 1,
                                                      .bias = true,
                                                      .sparse = in},
                                                     {.id = network::ProjectionId{1},
                                                      .from = 1,
                                                      .rows = kNeurons,
                                                      .columns = kNeurons,
                                                      .delay = 1,
                                                      .self = false,
                                                      .sparse = rec}},
                                     .sources = {{.objective = 0, .size = kReadouts}},
                                     .objective = {},
                                     .eligibility_decay = Real(0.85),
                                     .eligibility_gain = Real(0.15),
                                     .regularized = true};
    neurons.eligibility.receptors = {{},
                                     {.decay = {Real(0.8)}, .gain = uniforms<Real>(11, kNeurons, 0.5, 1.0)}};
    LearningPopulation<Real> readouts{
        .population = 2,
        .size = kReadouts,
        .eligibility = {.alpha = {Real(0.9)}, .gain = {Real(0.1)}, .spiking = false},
        .projections = {{.id = network::ProjectionId{2},
                         .from = 1,
                         .rows = kNeurons,
                         .columns = kReadouts,
                         .sparse = out}},
        .sources = {},
        .objective = 0};
    readouts.eligibility.receptors.resize(1);
    return {neurons, readouts};
}

template <class Real>
Tape<Real> random_tape() {
    Tape<Real> tape;
    tape.steps = kSteps;
    const std::uint32_t sizes[] = {kInputs, kNeurons, kReadouts};
    for (std::uint32_t p = 0; p < 3; ++p) {
        PopulationTape<Real>& population = tape.populations.emplace_back();
        population.spike_count.assign(sizes[p], 0);
        for (std::uint32_t t = 0; t < kSteps; ++t) {
            for (std::uint32_t i = 0; p < 2 && i < sizes[p]; ++i) {
                if (uniform(20 + p, t * sizes[p] + i) < 0.1) {
                    population.own.add(i);
                    ++population.spike_count[i];
                }
            }
            population.own.end_step();
        }
        population.pseudo_derivative = uniforms<Real>(30 + p, kSteps * sizes[p], 0.0, 0.3);
    }
    tape.objectives.resize(1);
    tape.objectives[0].error = uniforms<Real>(40, kSteps * kReadouts, -1.0, 1.0);
    return tape;
}

template <class Real>
void check_gradients(const RateRegularizer<Real>& regularizer) {
    const Connect connects[] = {lists(kInputs + 1, kNeurons, 1), lists(kNeurons, kNeurons, 2),
                                lists(kNeurons, kReadouts, 3)};
    const std::uint32_t columns[] = {kNeurons, kNeurons, kReadouts};
    const Tape<Real> tape = random_tape<Real>();
    const FeedbackWeights<Real> feedback{{uniforms<Real>(50, kReadouts * kNeurons, -0.5, 0.5)}, {}};
    Gradients<Real> full(3), some(3);
    make_gradient(GradientForm::factorised, plan_of<Real>(nullptr, nullptr, nullptr))
        ->compute(tape, feedback, regularizer, full);
    for (int kept = 0; kept < 3; ++kept) {  // one of them may stay a matrix
        const auto sparse = [&](int p) { return p == kept ? nullptr : &connects[p]; };
        const auto gradient =
            make_gradient(GradientForm::factorised, plan_of<Real>(sparse(0), sparse(1), sparse(2)));
        for (int twice = 0; twice < 2; ++twice) {
            gradient->compute(tape, feedback, regularizer, some);
            for (int p = 0; p < 3; ++p) {
                if (p == kept) {
                    CHECK(some[p] == full[p]);
                    continue;
                }
                REQUIRE(some[p].size() == connects[p].column.size());
                const network::SynapseLists synapses(connects[p]);
                for (std::uint32_t i = 0; i < synapses.rows(); ++i) {
                    synapses.for_each(i, [&](std::uint64_t s, std::uint32_t j) {
                        CHECK(some[p][s] == full[p][std::size_t{i} * columns[p] + j]);
                    });
                }
            }
        }
    }
}

/// in (6) -> a (7, to itself) -> out (1), all of them learning.
ExperimentConfig experiment(ConnectKind kind) {
    ExperimentConfig config;
    config.task.steps = 100;
    config.network.inputs = 6;
    PopulationTable in, a, out;
    in.name = "in", in.size = 6, in.model = "input";
    a.name = "a", a.size = 7, a.parameters = {{"threshold", {0.02}}};
    out.name = "out", out.size = 1, out.model = "leaky_readout";
    config.tables.populations = {in, a, out};
    const auto connect = [&](const char* name, const char* from, const char* to, std::int64_t delay) {
        ProjectionTable p;
        p.name = name, p.from = from, p.to = to, p.delay_steps = delay, p.rule = "eprop";
        p.init_std = 0.3;
        config.tables.projections.push_back(p);
    };
    connect("w_in", "in", "a", 0);
    connect("w_rec", "a", "a", 1);
    connect("w_out", "a", "out", 0);
    config.tables.projections[0].connect = kind;
    config.tables.projections[0].fan_out = 7;
    config.tables.projections[0].bias = true;
    config.tables.projections[1].self = true;
    config.tables.projections[1].connect = kind;
    config.tables.projections[1].fan_out = 7;
    ObjectiveTable objective;
    objective.name = "answer", objective.population = "out";
    config.tables.objectives = {objective};
    config.learning.optimizer = OptimizerKind::adam;
    config.learning.batch = 2;
    return config;
}

template <class Act>
std::string input_error(Act&& act) {
    try {
        act();
    } catch (const InputError& error) {
        return error.what();
    }
    return {};
}

}  // namespace

TEST_CASE("gradients of synapses in lists have the bits of those in a matrix") {
    check_gradients<double>({.strength = 4.0, .target_per_step = 0.02});
    check_gradients<float>({.strength = 4.0F, .target_per_step = 0.02F});
    check_gradients<double>(
        {.strength = 0.5, .target_per_step = 0.02, .form = RegularizerForm::running_average, .decay = 0.95});
}

TEST_CASE("weights in lists change one by one, within their limit, and not on the diagonal") {
    Connect connect;
    connect.kind = ConnectKind::sparse;
    connect.row_begin = {0, 2, 3, 3};
    connect.column = {0, 2, 0};
    WeightStoreShape shape;
    shape.pre = shape.post = 3;
    shape.no_diagonal = true;
    shape.sparse = &connect;
    SparseWeights<float> store(shape, 1.5F);
    store.load(std::vector<float>{5.0F, 0.5F, 2.0F});
    std::vector<float> weights(3), out(3);
    store.snapshot(0, weights);
    CHECK(weights == std::vector<float>{0.0F, 0.5F, 1.5F});
    store.update(std::vector<float>{1.0F, 0.25F, -1.0F}, 0, 0);
    store.measure(0, 0, weights);
    CHECK(weights == std::vector<float>{0.0F, 0.75F, 0.5F});
    store.sum_inputs(std::vector<std::uint32_t>{0, 1}, 0, out);
    CHECK(out == std::vector<float>{0.5F, 0.0F, 0.75F});
    store.sum_graded(std::vector<std::uint32_t>{0, 1, 2}, std::vector<float>{2.0F, -1.0F, 7.0F}, 0, out);
    CHECK(out == std::vector<float>{-0.5F, 0.0F, 1.5F});
}

TEST_CASE("a list of all synapses learns as the matrix does") {
    Trainer matrix(experiment(ConnectKind::dense)), sparse(experiment(ConnectKind::sparse));
    CHECK(sparse.synapses(network::ProjectionId{0}) == 49);
    const auto before = sparse.snapshot(network::ProjectionId{1});
    for (int i = 0; i < 8; ++i) {
        matrix.train_sample();
        sparse.train_sample();
    }
    CHECK(sparse.snapshot(network::ProjectionId{1}) != before);
    for (std::uint32_t p = 0; p < 3; ++p) {
        CHECK(sparse.snapshot(network::ProjectionId{p}) == matrix.snapshot(network::ProjectionId{p}));
    }
}

TEST_CASE("what sparse projections cannot do is refused by name") {
    ExperimentConfig config = experiment(ConnectKind::sparse);
    config.learning.gradient = GradientForm::online;
    CHECK(input_error([&] { Trainer trainer(config); }).find("projection.w_in.rule = eprop: sparse") !=
          std::string::npos);
    config = experiment(ConnectKind::sparse);
    config.tables.devices.push_back({.name = "fine", .crossbar = {}});
    config.tables.projections[0].device = "fine";
    CHECK(input_error([&] { Trainer trainer(config); }).find("projection.w_in") != std::string::npos);
}
