// Sparse projections and stacks of recurrent layers: which synapses exist, and that the others never do
// anything, whatever holds the weights and whenever they change.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "crossbar/base/error.hpp"
#include "learning/trainer.hpp"
#include "learning/weights/connectivity.hpp"

using namespace memprop;
using namespace memprop::learning;

namespace {

ExperimentConfig sparse_experiment(const std::string& scheme) {
    ExperimentConfig config;
    config.task.steps = 120;
    config.network.inputs = 20;
    config.network.recurrent = 24;
    config.network.outputs = 2;
    config.network.layers = 3;
    config.network.density_in = 0.7;
    config.network.density_rec = 0.5;
    config.network.density_out = 0.8;
    config.update.scheme = scheme;
    return config;
}

void check_cut(Trainer& trainer) {
    for (std::size_t p = 0; p < trainer.network().projections.size(); ++p) {
        const auto id = static_cast<ProjectionId>(p);
        const WeightStoreShape shape = trainer.weights(id).shape();
        REQUIRE(shape.connected != nullptr);
        const std::vector<double> weights = trainer.snapshot(id);
        std::size_t alive = 0;
        for (std::size_t i = 0; i < weights.size(); ++i) {
            const bool diagonal = shape.no_diagonal && i / shape.post == i % shape.post;
            if ((*shape.connected)[i] == 0 || diagonal) {
                CHECK(weights[i] == 0.0);
            } else {
                alive += weights[i] != 0.0 ? 1 : 0;
            }
        }
        CHECK(alive > 0);
    }
}

}  // namespace

TEST_CASE("a network is fully connected unless told otherwise") {
    Trainer trainer{ExperimentConfig{}};
    CHECK(trainer.weights(classic::w_rec).shape().connected == nullptr);
}

TEST_CASE("inputs reach the first layer, layers themselves and the next, and the last one the readouts") {
    ExperimentConfig config = sparse_experiment("vanilla");
    using Edge = std::tuple<std::string, std::string, std::uint32_t>;
    const auto edges = [&] {
        const network::Network network = resolve(config).network;
        std::vector<Edge> found;
        for (const network::Projection& p : network.projections) {
            found.emplace_back(network.at(p.from).name, network.at(p.to).name, p.delay_steps);
        }
        return found;
    };
    CHECK(edges() == std::vector<Edge>{{"inputs", "layer1", 0},
                                       {"layer1", "layer1", 1},
                                       {"layer1", "layer2", 1},
                                       {"layer2", "layer2", 1},
                                       {"layer2", "layer3", 1},
                                       {"layer3", "layer3", 1},
                                       {"layer3", "readouts", 0}});
    config.network.layer_readout = LayerReadout::all;
    CHECK(edges().size() == 9);
    config.network.recurrent = 25;  // neuron i is of layer i layers / n
    const network::Network network = resolve(config).network;
    CHECK(network.populations[1].size == 9);
    CHECK(network.populations[2].size == 8);
    CHECK(network.populations[3].size == 8);
}

TEST_CASE("layers have time constants and adaptation of their own neurons") {
    ExperimentConfig config = sparse_experiment("vanilla");
    config.network.neuron = NeuronKind::alif;
    config.network.tau_membrane_max_seconds = 0.3;
    config.network.adaptive_fraction = 0.5;
    const network::Network stack = resolve(config).network;
    config.network.layers = 1;
    const network::Network whole = resolve(config).network;
    for (const std::string parameter : {"tau_membrane_seconds", "adaptation_beta"}) {
        std::vector<double> joined;
        for (std::size_t p = 1; p < 4; ++p) {
            const auto& values = stack.populations[p].find(parameter)->values;
            joined.insert(joined.end(), values.begin(), values.end());
        }
        CHECK(joined == whole.populations[1].find(parameter)->values);
    }
}

TEST_CASE("a density is the part of the synapses that exist") {
    ExperimentConfig config;
    config.network.density_rec = 0.3;
    Trainer trainer(config);
    const auto rec = trainer.weights(classic::w_rec).shape().connected;
    double count = 0.0;
    for (const auto exists : *rec) {
        count += exists;
    }
    const auto n = static_cast<double>(rec->size());
    CHECK(std::abs(count / n - 0.3) < 4 * std::sqrt(0.3 * 0.7 / n));
    CHECK(trainer.weights(classic::w_in).shape().connected == nullptr);
}

TEST_CASE("synapses that do not exist stay so while the others learn") {
    for (const std::string scheme : {"vanilla", "mixed_precision", "stochastic", "batch_accumulate"}) {
        CAPTURE(scheme);
        ExperimentConfig config = sparse_experiment(scheme);
        config.learning.optimizer = OptimizerKind::adam;
        config.learning.weight_decay = 0.01;
        config.learning.gradient_clip = 10.0;
        Trainer trainer(config);
        check_cut(trainer);
        const std::vector<double> before = trainer.snapshot(classic::w_rec);
        for (int i = 0; i < 12; ++i) {
            trainer.train_sample();
        }
        check_cut(trainer);
        CHECK(trainer.snapshot(classic::w_rec) != before);
    }
}

TEST_CASE("updates within a trial leave out what does not exist") {
    ExperimentConfig config = sparse_experiment("vanilla");
    config.learning.gradient = GradientForm::online;
    config.learning.update_every_steps = 2;
    config.learning.regularizer = RegularizerForm::running_average;
    Trainer trainer(config);
    for (int i = 0; i < 6; ++i) {
        trainer.train_sample();
    }
    check_cut(trainer);
}

TEST_CASE("where there is no synapse there is no device") {
    ExperimentConfig config = sparse_experiment("mixed_precision");
    config.learning.weight_decay = 0.02;
    config.network.layers = 1;
    Trainer trainer(config);
    for (int i = 0; i < 12; ++i) {
        trainer.train_sample();
    }
    const WeightStoreShape& shape = trainer.weights(classic::w_rec).shape();
    const crossbar::DeviceState& devices = trainer.array(classic::w_rec)->devices();
    const std::size_t synapses = shape.connected->size();
    std::uint64_t pulses_of_others = 0;
    for (std::size_t i = 0; i < devices.size(); ++i) {
        if ((*shape.connected)[i % synapses] == 0) {
            CHECK(devices.set_pulses[i] + devices.reset_pulses[i] == 0);
        } else {
            pulses_of_others += devices.set_pulses[i];
        }
    }
    CHECK(pulses_of_others > 0);
}

TEST_CASE("a stack of layers learns the pattern through random feedback") {
    ExperimentConfig config;
    config.update.scheme = "vanilla";
    config.task.steps = 300;
    config.network.inputs = 40;
    config.network.recurrent = 60;
    config.network.layers = 2;
    config.network.init_std_rec = 0.2;
    Trainer trainer(config);
    double first = 0.0, last = 0.0;
    for (int i = 0; i < 450; ++i) {
        const double loss = trainer.train_sample();
        first += i < 3 ? loss / 3 : 0.0;
        last += i >= 420 ? loss / 30 : 0.0;
    }
    CHECK(last < 0.5 * first);
}

TEST_CASE("a stack without readouts of the lower layers needs random feedback, and a neuron per layer") {
    ExperimentConfig config = sparse_experiment("vanilla");
    config.learning.feedback = Feedback::symmetric;
    CHECK_THROWS_WITH_AS(Trainer{config}, doctest::Contains("learning.feedback"), InputError);
    config.network.layer_readout = LayerReadout::all;
    CHECK_NOTHROW(Trainer{config});
    config.network.layers = 25;
    CHECK_THROWS_WITH_AS(Trainer{config}, doctest::Contains("network.layers"), InputError);
}
