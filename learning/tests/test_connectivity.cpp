// Sparse projections and stacks of recurrent layers: which synapses exist, and that the others never do
// anything, whatever holds the weights and whenever they change.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
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
    for (const ProjectionId id : {learning::classic::w_in, learning::classic::w_rec, learning::classic::w_out}) {
        const WeightStoreShape shape = trainer.shape(id);
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
    CHECK(connect(ExperimentConfig{}, learning::classic::w_rec) == nullptr);
}

TEST_CASE("inputs reach the first layer, layers themselves and the next, and the last one the readouts") {
    ExperimentConfig config = sparse_experiment("vanilla");
    config.network.density_in = config.network.density_rec = config.network.density_out = 1.0;
    const auto in = connect(config, learning::classic::w_in), rec = connect(config, learning::classic::w_rec),
               out = connect(config, learning::classic::w_out);
    for (std::size_t j = 0; j < 24; ++j) {
        CHECK((*in)[3 * 24 + j] == (j < 8 ? 1 : 0));
        CHECK((*out)[j * 2] == (j >= 16 ? 1 : 0));
        for (std::size_t i = 0; i < 24; ++i) {
            const std::size_t from = i / 8, to = j / 8;
            CHECK((*rec)[i * 24 + j] == (to == from || to == from + 1 ? 1 : 0));
        }
    }
    config.network.layer_readout = LayerReadout::all;
    const auto all = connect(config, learning::classic::w_out);
    CHECK((*all)[0] == 1);
}

TEST_CASE("a density is the part of the synapses that exist") {
    ExperimentConfig config;
    config.network.density_rec = 0.3;
    const auto rec = connect(config, learning::classic::w_rec);
    double count = 0.0;
    for (const auto connected : *rec) {
        count += connected;
    }
    const auto n = static_cast<double>(rec->size());
    CHECK(std::abs(count / n - 0.3) < 4 * std::sqrt(0.3 * 0.7 / n));
    CHECK(connect(config, learning::classic::w_in) == nullptr);
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
        const std::vector<double> before = trainer.snapshot(learning::classic::w_rec);
        for (int i = 0; i < 12; ++i) {
            trainer.train_sample();
        }
        check_cut(trainer);
        CHECK(trainer.snapshot(learning::classic::w_rec) != before);
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
    Trainer trainer(config);
    for (int i = 0; i < 12; ++i) {
        trainer.train_sample();
    }
    const auto shape = trainer.shape(learning::classic::w_rec);
    const crossbar::DeviceState& devices = trainer.array(learning::classic::w_rec)->devices();
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
    CHECK_THROWS_WITH_AS(Trainer{config}, doctest::Contains("network.layers"), InputError);
    config.network.layer_readout = LayerReadout::all;
    CHECK_NOTHROW(Trainer{config});
    config.network.layers = 25;
    CHECK_THROWS_WITH_AS(Trainer{config}, doctest::Contains("network.layers"), InputError);
}
