// NIR graphs as networks of populations and projections, and back.
#include <doctest/doctest.h>

#include <algorithm>

#include "crossbar/base/error.hpp"
#include "host_runtime/graph/functional_network.hpp"
#include "host_runtime/nir/from_network.hpp"
#include "host_runtime/nir/to_network.hpp"
#include "host_runtime/tests/networks.hpp"

using memprop::InputError;
using namespace memprop::host;
using memprop::network::ConnectKind;
using memprop::network::Network;
using memprop::network::PopulationId;
using memprop::network::Projection;
using nir::NodeType;

namespace {

NetworkOfGraph converted(const nir::Network& graph, const Discretisation& d = {}) {
    return to_network(nir::flatten(graph, "net"), "net", d);
}

const Projection& projection(const NetworkOfGraph& net, std::string_view name) {
    return net.network.at(net.network.find_projection(name).value());
}

nir::Node delay_node(const std::string& name, std::vector<double> seconds) {
    const std::uint64_t count = seconds.size();
    return nir::node(name, NodeType::delay, {nir::doubles("delay", {count}, std::move(seconds))});
}

}  // namespace

TEST_CASE("NIR network: linear maps are projections, feedback comes a step later") {
    const NetworkOfGraph net = converted(recurrent_network());
    CHECK(net.network.populations.size() == 2);
    const Projection& fc = projection(net, "fc");
    CHECK(net.network.at(fc.from).name == "input");
    CHECK(net.network.at(fc.to).name == "lif");
    CHECK(fc.delay_steps == 0);
    const Projection& rec = projection(net, "rec");
    CHECK(rec.from == rec.to);
    CHECK(rec.delay_steps == 1);
    CHECK(rec.bias);
    CHECK(rec.bias_before_arrival);
    // [pre][post], then the bias
    const std::vector<float> expected{0, 1, 0.5F, 1, 0, 0, 0, -1, 0, 0.25F, 0, -0.5F};
    CHECK(std::get<std::vector<float>>(rec.weights) == expected);
    CHECK(net.outputs.front() == net.network.find_population("lif"));
    const NetworkOfGraph off =
        converted(recurrent_network(),
                  {.dt_seconds = 1e-3, .integrator = {}, .reset = {}, .first_step_recurrence = false});
    CHECK_FALSE(projection(off, "rec").bias_before_arrival);
}

TEST_CASE("NIR network: sums are made by relays, and only where they are needed") {
    const auto graph = nir::network(
        {input_node({2}), linear_node("a", {2, 2}, {1, 2, 3, 4}), linear_node("b", {2, 2}, {1, 0, 0, 1}),
         lif_node("n", {2}, 4e-3), lif_node("m", {2}, 4e-3), output_node({2})},
        {{"input", "a"}, {"a", "b"}, {"b", "n"}, {"b", "m"}, {"n", "output"}, {"m", "output"}});
    const NetworkOfGraph net = converted(graph);
    // input, a and b hold sums; the Output is one of n and m.
    CHECK(net.network.populations.size() == 6);
    CHECK(net.network.at(net.network.find_population("a").value()).model == "input");
    CHECK(net.network.at(projection(net, "b").from).name == "a");
    const Projection& pass = projection(net, "b -> n");
    CHECK(pass.connect.kind == ConnectKind::one_to_one);
    CHECK(memprop::network::size_of(pass.weights) == 0);
    CHECK(net.network.to(net.outputs.front()).size() == 2);
}

TEST_CASE("NIR network: delays go to projections where all elements wait alike") {
    const auto with = [](std::vector<double> seconds) {
        return nir::network({input_node({2}), delay_node("d", std::move(seconds)),
                             linear_node("fc", {1, 2}, {1, 2}), if_node("n"), output_node({1})},
                            {{"input", "d"}, {"d", "fc"}, {"fc", "n"}, {"n", "output"}});
    };
    const NetworkOfGraph alike = converted(with({3e-3, 3e-3}));
    CHECK(projection(alike, "fc").delay_steps == 3);
    CHECK(alike.network.populations.size() == 2);
    CHECK(alike.longest_delay_steps == 3);
    const NetworkOfGraph differ = converted(with({3e-3, 1e-3}));
    CHECK(projection(differ, "fc").delay_steps == 0);
    const auto& held = differ.network.at(differ.network.find_population("d").value());
    CHECK(held.model == "delay");
    CHECK(held.find("delay_steps")->values == std::vector<double>{3, 1});
    CHECK(differ.longest_delay_steps == 3);
}

TEST_CASE("NIR network: what a relay holds at rest reaches feedback in step 0") {
    // w = bias of an Affine with two targets, one of them by an edge that closes a cycle.
    const auto graph =
        nir::network({input_node({1}), linear_node("fc", {1, 1}, {1.0F}), if_node("n", 10.0),
                      nir::node("w", NodeType::affine,
                                {nir::floats("weight", {1, 1}, {0.0F}), nir::floats("bias", {1}, {2.0F})}),
                      output_node({1}), output_node({1}, "shown")},
                     {{"input", "fc"}, {"fc", "n"}, {"n", "w"}, {"w", "n"}, {"w", "shown"}, {"n", "output"}});
    for (const bool on : {true, false}) {
        FunctionalNetwork network(
            graph, "net", {.dt_seconds = 1e-3, .integrator = {}, .reset = {}, .first_step_recurrence = on});
        network.step({});
        CHECK(network.membrane(network.find("n").value())[0] == (on ? 2.0 : 0.0));
    }
}

TEST_CASE("NIR network: a network comes back from its graph") {
    Network network;
    const auto add = [&](std::string name, std::uint32_t size, std::string model) {
        network.populations.push_back({.name = std::move(name),
                                       .size = size,
                                       .model = std::move(model),
                                       .parameters = {},
                                       .shape = {}});
        return static_cast<PopulationId>(network.populations.size() - 1);
    };
    const PopulationId in = add("in", 2, "input"), exc = add("exc", 3, "lif"),
                       inh = add("inh", 2, "cuba_lif"), out = add("out", 1, "li");
    std::vector<GraphWeights> weights;
    const auto connect = [&](std::string name, PopulationId from, PopulationId to, std::uint32_t delay,
                             bool bias = false) {
        Projection& p = network.projections.emplace_back();
        p.name = std::move(name);
        p.from = from;
        p.to = to;
        p.delay_steps = delay;
        p.bias = bias;
        GraphWeights& w = weights.emplace_back();
        for (std::size_t i = 0; i < std::size_t{rows_of(network, p)} * columns_of(network, p); ++i) {
            w.values.push_back(0.25 * static_cast<double>(i) - 0.5);
        }
    };
    connect("w_in", in, exc, 2, true);
    connect("ee", exc, exc, 1);
    connect("ei", exc, inh, 3);
    connect("ie", inh, exc, 1);
    connect("w_out", exc, out, 0);
    network.objectives.push_back({.name = "answer", .population = out, .loss = {}, .filter_seconds = 0.0});
    const nir::Network graph = from_network(network, weights, true, "net");
    bool found = false;
    const NetworkOfGraph back = converted(graph, discretisation_of(graph, "net", found));
    CHECK(found);
    CHECK(back.network.populations.size() == network.populations.size());
    for (std::size_t p = 0; p < network.projections.size(); ++p) {
        const Projection &ours = network.projections[p], &theirs = projection(back, ours.name);
        CHECK(back.network.at(theirs.from).name == network.at(ours.from).name);
        CHECK(back.network.at(theirs.to).name == network.at(ours.to).name);
        CHECK(theirs.delay_steps == ours.delay_steps);
        CHECK(theirs.bias == ours.bias);
        const auto& values = std::get<std::vector<float>>(theirs.weights);
        CHECK(std::equal(values.begin(), values.end(), weights[p].values.begin(), weights[p].values.end(),
                         [](float a, double b) { return static_cast<double>(a) == b; }));
    }
    // Sums onto exc are made in the order of the projections, not of their names.
    const auto onto = back.network.to(back.network.find_population("exc").value());
    REQUIRE(onto.size() == 3);
    CHECK(back.network.at(onto[0]).name == "w_in");
    CHECK(back.network.at(onto[1]).name == "ee");
    CHECK(back.network.at(onto[2]).name == "ie");
    CHECK(back.network.at(back.outputs.front()).name == "out");
}

TEST_CASE("NIR network: neurons under windows keep their shape") {
    using memprop::network::Window;
    Network network;
    const auto add = [&](std::string name, std::vector<std::uint64_t> shape, std::string model) {
        const auto size = static_cast<std::uint32_t>(h5::element_count(shape));
        if (shape.size() == 1) {
            shape.clear();
        }
        network.populations.push_back({.name = std::move(name),
                                       .size = size,
                                       .model = std::move(model),
                                       .parameters = {},
                                       .shape = std::move(shape)});
        return static_cast<PopulationId>(network.populations.size() - 1);
    };
    std::vector<GraphWeights> weights;
    const auto connect = [&](std::string name, PopulationId from, PopulationId to, ConnectKind kind,
                             std::size_t count, const Window& window = {}) -> Projection& {
        Projection& p = network.projections.emplace_back();
        p.name = std::move(name);
        p.from = from;
        p.to = to;
        p.connect.kind = kind;
        p.connect.window = window;
        for (std::size_t i = 0; i < count; ++i) {
            weights.resize(network.projections.size());
            weights.back().values.push_back(0.125 * static_cast<double>(i % 16) - 0.5);
        }
        weights.resize(network.projections.size());
        return p;
    };
    const PopulationId in = add("in", {2, 4, 6}, "input"), a = add("a", {3, 4, 6}, "if"),
                       b = add("b", {3, 2, 3}, "if"), line = add("line", {2, 5}, "input"),
                       c = add("c", {2, 3}, "if"), out = add("out", {4}, "if");
    const Window conv{.channels_in = 2,
                      .channels_out = 3,
                      .height_in = 4,
                      .width_in = 6,
                      .height_out = 4,
                      .width_out = 6,
                      .kernel_height = 3,
                      .kernel_width = 3,
                      .padding_top = 1,
                      .padding_left = 1};
    const Window pool{.channels_in = 3,
                      .channels_out = 3,
                      .groups = 3,
                      .height_in = 4,
                      .width_in = 6,
                      .height_out = 2,
                      .width_out = 3,
                      .kernel_height = 2,
                      .kernel_width = 2,
                      .stride_y = 2,
                      .stride_x = 2};
    const Window flat{.channels_in = 2, .channels_out = 2, .width_in = 5, .width_out = 3, .kernel_width = 3};
    connect("conv", in, a, ConnectKind::convolution, 54, conv);
    connect("pool", a, b, ConnectKind::pool, 0, pool);
    connect("flat", line, c, ConnectKind::convolution, 12, flat);
    connect("scaled", a, a, ConnectKind::one_to_one, 72).delay_steps = 2;
    connect("b_out", b, out, ConnectKind::dense, 18 * 4).delay_steps = 3;
    connect("c_out", c, out, ConnectKind::dense, 6 * 4);
    SUBCASE("they come back with it") {
        const nir::Network graph = from_network(network, weights, true, "net");
        bool found = false;
        const NetworkOfGraph back = converted(graph, discretisation_of(graph, "net", found));
        REQUIRE(back.network.populations.size() == network.populations.size());
        for (const auto& population : network.populations) {
            CAPTURE(population.name);
            const auto& theirs = back.network.at(back.network.find_population(population.name).value());
            CHECK(theirs.size == population.size);
            CHECK(theirs.shape == (population.shape.empty() ? std::vector<std::uint64_t>{population.size}
                                                            : population.shape));
        }
        for (std::size_t p = 0; p < network.projections.size(); ++p) {
            const Projection &ours = network.projections[p], &theirs = projection(back, ours.name);
            CAPTURE(ours.name);
            CHECK(theirs.connect.kind == ours.connect.kind);
            CHECK(theirs.connect.window == ours.connect.window);
            CHECK(theirs.delay_steps == ours.delay_steps);
            CHECK(memprop::network::doubles_of(theirs.weights) == weights[p].values);
        }
    }
    SUBCASE("a matrix does not lead to them") {
        connect("matrix", line, b, ConnectKind::dense, 10 * 18);
        CHECK_THROWS_WITH_AS(check_nir_has(network, "net"),
                             "net: projection matrix: leads to population b of shape [3, 2, 3], which NIR "
                             "reaches by windows alone",
                             InputError);
    }
    SUBCASE("pools have two dimensions") {
        network.projections[2].connect.kind = ConnectKind::pool;
        CHECK_THROWS_WITH_AS(check_nir_has(network, "net"),
                             "net: projection flat: is a pool over [channel, position], which NIR does not "
                             "have",
                             InputError);
    }
}

TEST_CASE("NIR network: what graphs cannot say is named") {
    Network network;
    network.populations = {{.name = "in", .size = 1, .model = "input", .parameters = {}, .shape = {}},
                           {.name = "a", .size = 1, .model = "lif", .parameters = {}, .shape = {}},
                           {.name = "b", .size = 1, .model = "lif", .parameters = {}, .shape = {}}};
    CHECK_NOTHROW(check_nir_has(network, "net"));
    network.populations[2].set("reset", {1.0});
    CHECK_THROWS_WITH_AS(
        check_nir_has(network, "net"),
        "net: population b: its reset is another than that of a: a NIR graph is run with one", InputError);
    network.populations[2].model = "adex";
    network.populations[2].parameters.clear();
    CHECK_THROWS_AS(check_nir_has(network, "net"), InputError);
}
