// What check() refuses, in the words of the user, and the tables of fields.
#include "learning/network/network.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <set>

#include "learning/network/tests/support.hpp"

namespace memprop::network {
namespace {

using namespace test;

Network small() {
    Network network;
    network.populations = {population("in", 2, "input"), population("exc", 3, "cuba_lif"),
                           population("out", 1, "leaky_readout")};
    network.projections = {projection("in_exc", 0, 1), projection("rec", 1, 1, {}, 1),
                           projection("exc_out", 1, 2)};
    network.objectives = {{.name = "answer", .population = PopulationId{2}}};
    return network;
}

TEST_CASE("a network that is wrong is refused with the name of what is wrong") {
    check(small());
    struct Wrong {
        std::function<void(Network&)> change;
        const char* message;
    };
    const std::vector<Wrong> cases{
        {[](Network& n) { n.time_step_seconds = 0; }, "time_step_seconds = 0"},
        {[](Network& n) { n.time_step_seconds = std::nan(""); }, "time_step_seconds = nan"},
        {[](Network& n) { n.populations[1].name = ""; }, "a population has no name"},
        {[](Network& n) { n.populations[1].name = "in"; }, "population = in: is the name of two"},
        {[](Network& n) { n.projections[1].name = "in_exc"; }, "projection = in_exc: is the name of two"},
        {[](Network& n) { n.populations[1].size = 0; }, "population.exc.size = 0"},
        {[](Network& n) { n.populations[1].model = "izhikevich"; },
         "population.exc.model = izhikevich: must be one of input, lif"},
        {[](Network& n) { n.populations[1].set("tau", {1.0}); }, "population.exc.tau: neurons of model"},
        {[](Network& n) {
             n.populations[1].set("threshold", {1.0, 2.0});
         },
         "population.exc.threshold = 2: values: must be one, or one for each of the 3"},
        {[](Network& n) {
             n.populations[1].set("refractory_steps", {1.0, 2.0, 3.0});
         },
         "population.exc.refractory_steps = 3: values: must be one"},
        {[](Network& n) { n.populations[1].set("tau_membrane_seconds", {0.0}); },
         "population.exc.tau_membrane_seconds = 0: must be in"},
        {[](Network& n) { n.populations[1].set("threshold", {std::nan("")}); },
         "population.exc.threshold = nan: must be finite"},
        {[](Network& n) { n.populations[1].set("pseudo_table_edges", {1.0}); },
         "population.exc.pseudo_table_edges = 1: numbers: must be 4"},
        {[](Network& n) { n.projections[0].to = PopulationId{7}; }, "projection.in_exc.from, to = 7"},
        {[](Network& n) { n.projections[0].receptor = 2; },
         "projection.in_exc.receptor = 2: must be below 2: population exc"},
        {[](Network& n) { n.projections[2].receptor = 1; },
         "projection.exc_out.receptor = 1: must be below 1"},
        {[](Network& n) { n.projections[1].delay_steps = 2'000'000; },
         "projection.rec.delay_steps = 2000000"},
        {[](Network& n) { n.projections[1].delay_steps = 0; }, "exc, out close a cycle without delay"},
        {[](Network& n) { n.projections[0].weights = std::vector<double>(5); },
         "projection.in_exc.weights = 5: must be 6 numbers"},
        {[](Network& n) {
             n.projections[0].bias = true;
             n.projections[0].weights = std::vector<float>(6);
         },
         "projection.in_exc.weights = 6: must be 9 numbers"},
        {[](Network& n) { n.projections[0].connect.kind = ConnectKind::one_to_one; },
         "needs populations of one size: in has 2 neurons, exc has 3"},
        {[](Network& n) { n.projections[0].connect.mask = {1}; }, "projection.in_exc.mask = 1"},
        {[](Network& n) { n.projections[0].connect.kind = ConnectKind::sparse; },
         "projection.in_exc.connect = sparse"},
        {[](Network& n) { n.projections[0].connect.kind = ConnectKind::pool; },
         "projection.in_exc.connect = a window"},
        {[](Network& n) {
             n.projections[1].connect.kind = ConnectKind::one_to_one;
             n.projections[1].connect.self = false;
         },
         "projection.rec.self_connections = false"},
        {[](Network& n) { n.objectives[0].population = PopulationId{3}; },
         "objective.answer.population = 3"}};
    for (const Wrong& wrong : cases) {
        Network network = small();
        wrong.change(network);
        const std::string message = input_error([&] { check(network); });
        CAPTURE(message);
        CAPTURE(wrong.message);
        CHECK(message.find(wrong.message) != std::string::npos);
    }
}

TEST_CASE("fields of a model have names of their own, defaults in their ranges, and states that exist") {
    for (const NeuronModel* model : models()) {
        CAPTURE(model->name);
        std::set<std::string_view> names;
        const auto neurons = make_neurons<double>(population("n", 2, std::string(model->name)), 1e-3);
        for (const Field& field : model->fields) {
            CAPTURE(field.name);
            CHECK(names.insert(field.name).second);
            CHECK_FALSE(field.text.empty());
            if (field.role == FieldRole::state) {
                CHECK((field.name == "silent" || neurons->state(field.name).size() == 2));
                continue;
            }
            CHECK(((field.missing >= field.low && field.missing <= field.high) || field.list > 0));
            CHECK((field.choices.empty() || field.high == double(field.choices.size()) - 1.0));
        }
        REQUIRE(neurons->eligibility() != nullptr);
        CHECK(neurons->eligibility()->spiking == (model->spiking));
        CHECK(neurons->eligibility()->receptors.size() == model->receptors);
    }
}

}  // namespace
}  // namespace memprop::network
