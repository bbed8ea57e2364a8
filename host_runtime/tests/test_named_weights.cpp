// Weights of NIR graphs for networks of tables, by the names of their projections.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/exchange/named_weights.hpp"
#include "host_runtime/nir/from_network.hpp"
#include "learning/resolve.hpp"

using memprop::InputError;
using namespace memprop;
using namespace memprop::host;

namespace {

const std::string kText = R"(
[population.in]
model = "input"
size = 6

[population.exc]
model = "cuba_lif"
size = 4
threshold = 0.5

[population.out]
model = "leaky_readout"
size = 1

[projection.sparse]
from = "in"
to = "exc"
connect = "sparse"
fan_out = 2
bias = true

[projection.w_out]
from = "exc"
to = "out"

[objective.answer]
population = "out"
)";

Experiment experiment(const std::vector<std::string>& changes = {}) {
    return parse_experiment(kText, "file", changes);
}

std::vector<GraphWeights> some_weights(const network::Network& network) {
    std::vector<GraphWeights> weights;
    for (const network::Projection& p : network.projections) {
        const std::size_t count = p.connect.kind == network::ConnectKind::sparse
                                      ? p.connect.column.size()
                                      : std::size_t{rows_of(network, p)} * columns_of(network, p);
        GraphWeights& w = weights.emplace_back();
        for (std::size_t i = 0; i < count; ++i) {
            w.values.push_back(0.25 * static_cast<double>(i + 1));
        }
    }
    return weights;
}

nir::Network exported(const Experiment& config) {
    const network::Network network = learning::resolve(config).network;
    return from_network(network, some_weights(network), true, "net");
}

}  // namespace

TEST_CASE("named weights: a sparse projection takes back the matrix that it became") {
    const Experiment config = experiment();
    const network::Network network = learning::resolve(config).network;
    const auto taken = named_weights(exported(config), "net.nir", config);
    const auto wanted = some_weights(network);
    REQUIRE(taken.size() == wanted.size());
    REQUIRE(taken[0].size() == 6 * 2 + 4);
    for (std::size_t p = 0; p < taken.size(); ++p) {
        REQUIRE(taken[p].size() == wanted[p].values.size());
        for (std::size_t i = 0; i < taken[p].size(); ++i) {
            CHECK(taken[p][i] == doctest::Approx(wanted[p].values[i]).epsilon(1e-6));
        }
    }
    // Other synapses are drawn with another seed.
    CHECK_THROWS_WITH_AS(named_weights(exported(config), "net.nir", experiment({"run.seed=77"})),
                         doctest::Contains("the experiment has no such synapse"), InputError);
}

TEST_CASE("named weights: what a file states of its neurons has to be that of the experiment") {
    const auto refused = [](const std::string& change, const std::string& words) {
        CAPTURE(change);
        CHECK_THROWS_WITH_AS(named_weights(exported(experiment()), "net.nir", experiment({change})),
                             doctest::Contains(words.c_str()), InputError);
    };
    refused("population.exc.reset=subtract",
            "population exc: reset = \"subtract_next\", but population.exc.reset = \"subtract\"");
    refused("population.exc.firing_test=above",
            "population exc: firing_test = \"at_or_above\", but population.exc.firing_test = \"above\"");
    refused("population.exc.current_jump=unscaled",
            "population exc: current_jump = \"scaled\", but population.exc.current_jump = \"unscaled\"");
    // A file that states nothing is taken as the experiment has it.
    nir::Network silent = exported(experiment());
    silent.graph.metadata.reset();
    CHECK_NOTHROW(named_weights(silent, "net.nir", experiment({"population.exc.current_jump=unscaled"})));
}
