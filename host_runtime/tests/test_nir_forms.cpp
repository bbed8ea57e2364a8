// Forms in which other writers store networks: axes of 1, values shared along axes, ports that are missing,
// shapes that are not known, numbers of other types, very many nodes.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "crossbar/base/error.hpp"
#include "host_runtime/graph/functional_network.hpp"
#include "host_runtime/nir/layer_values.hpp"
#include "host_runtime/nir/read.hpp"
#include "host_runtime/nir/write.hpp"
#include "host_runtime/tests/networks.hpp"
#include "host_runtime/tests/temporary_directory.hpp"

using memprop::InputError;
using namespace memprop::host;
using nir::NodeType;

namespace {

nir::Network parsed(const nir::Network& network) {
    return nir::parse_network(nir::to_tree(network), "net");
}

std::string refusal_of(const nir::Network& network) {
    try {
        nir::flatten(parsed(network), "net");
    } catch (const InputError& error) {
        return error.what();
    }
    return "accepted";
}

using Events = std::vector<std::vector<std::uint32_t>>;

std::vector<double> outputs(const nir::Network& network, const Events& events,
                            const Discretisation& discretisation = {}) {
    FunctionalNetwork simulator(network, "net", discretisation);
    std::vector<double> row(simulator.output_size()), all;
    for (const auto& step : events) {
        simulator.step(step);
        simulator.read_output(row);
        all.insert(all.end(), row.begin(), row.end());
    }
    return all;
}

const Events kSpikes{
    {0, 3, 7, 11}, {1, 3, 3, 20}, {}, {2, 5, 23}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {}};

/// `node` over an Input of this shape, seen by an Output that states no shape.
nir::Network around(nir::Node node, std::vector<std::int64_t> in) {
    const std::string name = node.name;
    return nir::network({input_node(std::move(in)), std::move(node), nir::node("output", NodeType::output)},
                        {{"input", name}, {name, "output"}});
}

/// Values 1, 2, ... times `unit`, one for each of three channels or for each of 3 x 2 x 4 elements.
nir::Dataset channels(const std::string& name, nir::Shape shape, double unit) {
    const std::uint64_t count = h5::element_count(shape);
    std::vector<double> values(count);
    for (std::uint64_t i = 0; i < count; ++i) {
        values[i] = unit * static_cast<double>(1 + (count == 3 ? i : i / 8));
    }
    return nir::doubles(name, std::move(shape), values);
}

/// A node of every type that works element by element.
nir::Node elementwise(NodeType type, const nir::Shape& shape) {
    std::vector<nir::Dataset> parameters;
    const auto add = [&](const char* name, double unit) {
        parameters.push_back(channels(name, shape, unit));
    };
    switch (type) {
        case NodeType::scale:
            add("scale", 0.5);
            break;
        case NodeType::threshold:
            add("threshold", 0.4);
            break;
        case NodeType::delay:
            add("delay", 1e-3);
            break;
        case NodeType::integrator:
            add("r", 0.3);
            break;
        case NodeType::integrate_fire:
            add("r", 0.3);
            add("v_threshold", 0.4);
            add("v_reset", 0.01);
            break;
        default:
            add(nir::has_current(type) ? "tau_mem" : "tau", 3e-3);
            add("r", 2.0);
            add("v_leak", 0.1);
            if (nir::has_current(type)) {
                add("tau_syn", 2e-3);
                add("w_in", 1.5);
            }
            if (nir::is_spiking(type)) {
                add("v_threshold", 0.2);
                add("v_reset", -0.02);
            }
    }
    return nir::node("n", type, std::move(parameters));
}

constexpr NodeType kElementwise[] = {
    NodeType::scale,      NodeType::threshold,      NodeType::delay,
    NodeType::integrator, NodeType::integrate_fire, NodeType::leaky_integrator,
    NodeType::lif,        NodeType::cuba_li,        NodeType::cuba_lif};

}  // namespace

TEST_CASE("nir forms: values shared along axes are those stored for every element") {
    for (const NodeType type : kElementwise) {
        CAPTURE(nir::to_string(type));
        const auto whole = outputs(parsed(around(elementwise(type, {3, 2, 4}), {3, 2, 4})), kSpikes);
        CHECK(std::any_of(whole.begin(), whole.end(), [](double v) { return v != 0.0; }));
        for (const nir::Shape& shape : {nir::Shape{3, 1, 1}, {1, 3, 1, 1}, {1, 3, 2, 4}}) {
            for (const bool batch : {false, true}) {
                const auto in =
                    batch ? std::vector<std::int64_t>{1, 3, 2, 4} : std::vector<std::int64_t>{3, 2, 4};
                CHECK(outputs(parsed(around(elementwise(type, shape), in)), kSpikes) == whole);
            }
        }
    }
    // one parameter of each kind
    auto mixed = elementwise(NodeType::lif, {3, 2, 4});
    for (auto& parameter : mixed.parameters) {
        if (parameter.name == "tau") {
            parameter = channels("tau", {3, 1, 1}, 3e-3);
        } else if (parameter.name == "r") {
            parameter = channels("r", {1, 3, 1, 1}, 2.0);
        }
    }
    CHECK(outputs(around(mixed, {3, 2, 4}), kSpikes) ==
          outputs(around(elementwise(NodeType::lif, {3, 2, 4}), {3, 2, 4}), kSpikes));
    // along the last axis, as numpy aligns shapes
    const auto row = nir::node("n", NodeType::scale, {nir::doubles("scale", {4}, {1, 2, 3, 4})});
    CHECK(outputs(around(row, {2, 4}), {{0, 1, 7}}) == std::vector<double>{1, 2, 0, 0, 0, 0, 0, 4});
    CHECK(refusal_of(around(nir::node("n", NodeType::scale, {nir::doubles("scale", {3}, {1, 2, 3})}), {3, 4}))
              .find("node n takes [3]") != std::string::npos);
}

TEST_CASE("nir forms: the arithmetic of training knows shared values and axes of 1") {
    Discretisation single;
    single.arithmetic = Arithmetic::single;
    for (const NodeType type : {NodeType::lif, NodeType::integrate_fire, NodeType::leaky_integrator}) {
        CHECK(outputs(around(elementwise(type, {1, 3, 1, 1}), {3, 2, 4}), kSpikes, single) ==
              outputs(around(elementwise(type, {3, 2, 4}), {3, 2, 4}), kSpikes, single));
    }
    const std::vector<float> weight{0.1F, 0.2F, 0.3F, -0.4F, 0.5F, 1e-3F};
    const auto one = outputs(around(linear_node("n", {2, 3}, weight), {3}), {{0, 1}, {2, 2}}, single);
    CHECK(outputs(around(linear_node("n", {1, 2, 3}, weight), {3}), {{0, 1}, {2, 2}}, single) == one);
    CHECK(outputs(around(linear_node("n", {1, 1, 2, 3}, weight), {1, 3}), {{0, 1}, {2, 2}}, single) == one);
}

TEST_CASE("nir forms: an axis of 1 in front of convolutions, pools and biases changes nothing") {
    const auto conv = [](nir::Shape weight, nir::Shape bias, std::vector<std::int64_t> groups,
                         NodeType type = NodeType::conv2d) {
        std::vector<float> values(h5::element_count(weight)), offsets(h5::element_count(bias));
        for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = 0.25F * static_cast<float>(i % 7) - 0.5F;
        }
        for (std::size_t i = 0; i < offsets.size(); ++i) {
            offsets[i] = 0.125F * static_cast<float>(i);
        }
        const std::uint64_t pair = groups.size();
        return nir::node(
            "n", type,
            {nir::floats("weight", std::move(weight), values), nir::floats("bias", std::move(bias), offsets),
             nir::whole_numbers("stride", {}, {1}), nir::whole_numbers("padding", {}, {1}),
             nir::whole_numbers("dilation", {}, {1}),
             nir::whole_numbers("groups", {pair}, std::move(groups))});
    };
    const auto plain = outputs(around(conv({4, 1, 2, 2}, {4}, {2}), {2, 3, 4}), kSpikes);
    for (const auto& in : {std::vector<std::int64_t>{2, 3, 4}, {1, 2, 3, 4}, {1, 1, 2, 3, 4}}) {
        CHECK(outputs(parsed(around(conv({4, 1, 2, 2}, {4, 1, 1}, {2, 2}), in)), kSpikes) == plain);
        CHECK(outputs(parsed(around(conv({1, 4, 1, 2, 2}, {1, 4, 1, 1}, {2}), in)), kSpikes) == plain);
    }
    const auto line = outputs(around(conv({3, 2, 3}, {3}, {1}, NodeType::conv1d), {2, 12}), kSpikes);
    CHECK(outputs(parsed(around(conv({1, 3, 2, 3}, {3, 1}, {1, 1}, NodeType::conv1d), {1, 2, 12})),
                  kSpikes) == line);
    CHECK(refusal_of(around(conv({4, 1, 2, 2}, {4}, {2, 1}), {2, 3, 4})).find("dataset groups is [2, 1]") !=
          std::string::npos);
    CHECK(refusal_of(around(conv({4, 1, 2, 2}, {3, 1, 1}, {2}), {2, 3, 4})).find("dataset bias") !=
          std::string::npos);
    const auto pool = [](const std::vector<std::int64_t>& in) {
        return parsed(
            around(nir::node("n", NodeType::avg_pool2d,
                             {nir::whole_numbers("kernel_size", {}, {2}),
                              nir::whole_numbers("stride", {}, {1}), nir::whole_numbers("padding", {}, {0})}),
                   in));
    };
    CHECK(outputs(pool({1, 2, 3, 4}), kSpikes) == outputs(pool({2, 3, 4}), kSpikes));
    CHECK(nir::flatten(pool({1, 2, 3, 4}), "net").nodes[1].output_shape == nir::Shape{1, 2, 2, 3});
    // biases of Affine nodes broadcast to what they put out
    const auto affine = [](nir::Shape bias) {
        return around(nir::node("n", NodeType::affine,
                                {nir::floats("weight", {2, 2, 1}, {1, 2, 3, 4}),
                                 nir::floats("bias", std::move(bias), {10, 20})}),
                      {2, 1});
    };
    CHECK(outputs(affine({2}), {{0, 1}}) == std::vector<double>{11, 22, 13, 24});
    CHECK(outputs(affine({2, 1}), {{0, 1}}) == std::vector<double>{11, 12, 23, 24});
}

TEST_CASE("nir forms: shapes that are empty, zero or absent are found") {
    const auto network = [](const nir::Dataset& input_shape, std::vector<nir::Dataset> input) {
        return nir::network(
            {nir::node("input", NodeType::input, std::move(input)),
             nir::node("conv", NodeType::conv2d,
                       {nir::floats("weight", {2, 2, 2, 2}, std::vector<float>(16, 0.5F)),
                        nir::whole_numbers("stride", {}, {1}), nir::whole_numbers("padding", {}, {0}),
                        nir::whole_numbers("dilation", {}, {1}), nir::whole_numbers("groups", {}, {1}),
                        input_shape}),
             nir::node("flat", NodeType::flatten,
                       {nir::whole_numbers("start_dim", {}, {0}),
                        nir::whole_numbers("input_type", {3}, {0, 0, 0})}),
             linear_node("fc", {1, 12}, std::vector<float>(12, 1.0F)),
             nir::node("output", NodeType::output, {nir::whole_numbers("shape", {1}, {0})})},
            {{"input", "conv"}, {"conv", "flat"}, {"flat", "fc"}, {"fc", "output"}});
    };
    const nir::Dataset stated = nir::whole_numbers("shape", {3}, {2, 3, 4});
    for (const nir::Dataset& unknown :
         {nir::doubles("input_shape", {0}, {}), nir::whole_numbers("input_shape", {2}, {0, 0}),
          nir::whole_numbers("input_shape", {}, {0})}) {
        CHECK(outputs(parsed(network(unknown, {stated})), {{0, 1}}) == std::vector<double>{3});
    }
    const nir::Dataset known = nir::whole_numbers("input_shape", {2}, {3, 4});
    CHECK(refusal_of(network(known, {})).find("node input: dataset shape is missing") != std::string::npos);
    CHECK(refusal_of(network(nir::whole_numbers("input_shape", {2}, {-3, 4}), {stated})) ==
          "net: node conv: dataset input_shape: entry 0 is -3, must be a whole number in [1, 2^31]");
}

TEST_CASE("nir forms: Inputs and Outputs that are missing are put where the graph begins and ends") {
    // two roots, two leaves, and a name that is taken
    const auto network = parsed(nir::network(
        {linear_node("a", {2, 3}, {1, 2, 3, 4, 5, 6}), linear_node("b", {2, 1}, {1, 1}), if_node("c", 5.0),
         linear_node("d", {1, 2}, {1, -1}), linear_node("input_a", {2, 2}, {1, 0, 0, 1})},
        {{"a", "c"}, {"b", "c"}, {"c", "d"}, {"c", "input_a"}}));
    const nir::FlatGraph flat = nir::flatten(network, "net");
    const auto names = [&](const std::vector<std::uint32_t>& nodes) {
        std::vector<std::string> result;
        for (const std::uint32_t node : nodes) {
            result.push_back(flat.nodes[node].name);
        }
        return result;
    };
    CHECK(names(flat.inputs) == std::vector<std::string>{"input_a_0", "input_b"});
    CHECK(names(flat.outputs) == std::vector<std::string>{"output_d", "output_input_a"});
    CHECK(network.warnings.size() == 4);
    CHECK(network.warnings[0] == "node a: no edge leads to it; the Input input_a_0 was put in front of it");
    CHECK(outputs(network, {{2}, {3, 3, 3}}) == std::vector<double>{-1, 0, 1, 1, 1, 0});
    // what was read can be written and is whole then
    const TemporaryDirectory directory;
    nir::write_network(network, directory / "whole.nir");
    const nir::Network back = nir::read_network(directory / "whole.nir");
    CHECK(back.graph == network.graph);
    CHECK(back.warnings.empty());
    // an Input for one root, an Output for one leaf; the shape comes from behind a node without one
    const auto half =
        parsed(nir::network({input_node({2}, "in"), if_node("n"),
                             nir::node("t", NodeType::threshold, {nir::doubles("threshold", {}, {0.5})}),
                             linear_node("u", {1, 4}, {1, 1, 1, 1}), output_node({2}, "out")},
                            {{"in", "n"}, {"n", "out"}, {"t", "u"}}));
    CHECK(outputs(half, {{2, 5}, {1, 3}}).size() == 6);
    CHECK(half.warnings.size() == 2);
    // ends that nobody asked to see stay unseen where there is an Output
    const auto dead_end =
        parsed(nir::network({input_node({1}), if_node("n"), if_node("end"), output_node({1})},
                            {{"input", "n"}, {"n", "output"}, {"n", "end"}}));
    CHECK(dead_end.warnings.empty());
    CHECK(nir::flatten(dead_end, "net").outputs.size() == 1);
    // nested graphs
    const auto inner = nir::graph({linear_node("w", {2, 2}, {1, 2, 3, 4}), if_node("n", 0.5)}, {{"w", "n"}});
    const auto nested =
        parsed(nir::network({nir::nested("sub", inner), linear_node("v", {1, 2}, {1, 10})}, {{"sub", "v"}}));
    CHECK(outputs(nested, {{0}, {1}}) == std::vector<double>{11, 11});
    CHECK(nested.warnings.size() == 4);
    CHECK(outputs(parsed(nir::network({nir::nested("sub", inner)}, {})), {{0}}) == std::vector<double>{1, 1});
    // nothing says what the first node takes, or nothing is an end
    CHECK(refusal_of(nir::network({if_node("n"), output_node({3})}, {{"n", "output"}})) == "accepted");
    CHECK(refusal_of(nir::network({if_node("n"), nir::node("output", NodeType::output)}, {{"n", "output"}}))
              .find("node n: no edge leads to it, and its parameters do not state the shape") !=
          std::string::npos);
    CHECK(refusal_of(nir::network({input_node({1}), if_node("n")}, {{"input", "n"}, {"n", "n"}}))
              .find("it has no Output node") != std::string::npos);
    CHECK(refusal_of(nir::network({input_node({1}), if_node("n"), output_node({1})}, {{"input", "n"}}))
              .find("node output: is not reached from any Input") != std::string::npos);
}

TEST_CASE("nir forms: loops that no Input reaches run by themselves") {
    // bias -> n -> bias: n gets 0.6 - 0.2 z of the step before; m hears of n and of the Input
    const auto network = parsed(nir::network(
        {input_node({1}),
         nir::node("bias", NodeType::affine,
                   {nir::floats("weight", {1, 1}, {-0.25F}), nir::floats("bias", {1}, {0.75F})}),
         if_node("n"), linear_node("w", {1, 1}, {2}), output_node({1}), if_node("alone", 0.1)},
        {{"bias", "n"}, {"n", "bias"}, {"n", "w"}, {"w", "output"}, {"input", "output"}, {"n", "alone"}}));
    const nir::FlatGraph flat = nir::flatten(network, "net");
    CHECK(flat.warnings ==
          std::vector<std::string>{"no Input reaches alone, bias, n, w: they run by themselves"});
    CHECK(FunctionalNetwork(network, "net", {}).delayed_edges() ==
          std::vector<std::pair<std::string, std::string>>{{"n", "bias"}});
    // v = .75, 1.5 spike, .5, 1.25 spike, .5, ...
    CHECK(outputs(network, {{}, {}, {0}, {}, {}, {}}) == std::vector<double>{0, 2, 1, 2, 0, 2});
    // without memory it is none
    CHECK(refusal_of(nir::network({input_node({1}), linear_node("a", {1, 1}, {1}),
                                   linear_node("b", {1, 1}, {1}), output_node({1})},
                                  {{"input", "output"}, {"a", "b"}, {"b", "a"}}))
              .find("holds neither state nor a delay") != std::string::npos);
}

TEST_CASE("nir forms: boolean and whole weights are numbers") {
    const std::vector<std::int64_t> ones{1, 0, 0, 1, 1, 0};
    const std::vector<float> same(ones.begin(), ones.end());
    const nir::Dataset booleans{"weight", nir::ElementType::boolean, {2, 3}, ones};
    const TemporaryDirectory directory;
    for (const nir::Dataset& weight : {booleans, nir::whole_numbers("weight", {2, 3}, ones)}) {
        const auto network = around(nir::node("n", NodeType::linear, {weight}), {3});
        nir::write_network(network, directory / "n.nir");
        const auto back = nir::read_network(directory / "n.nir");
        for (const Arithmetic arithmetic : {Arithmetic::graph, Arithmetic::single}) {
            Discretisation d;
            d.arithmetic = arithmetic;
            CHECK(outputs(back, {{0}, {1, 2}, {2, 2}}, d) ==
                  outputs(around(linear_node("n", {2, 3}, same), {3}), {{0}, {1, 2}, {2, 2}}, d));
        }
    }
    // more than is loaded at once
    std::vector<std::int64_t> many(100 * 90);
    for (std::size_t i = 0; i < many.size(); ++i) {
        many[i] = static_cast<std::int64_t>(i * 7 % 3 == 0);
    }
    const auto large = around(
        nir::node("n", NodeType::linear, {{"weight", nir::ElementType::boolean, {100, 90}, many}}), {90});
    nir::write_network(large, directory / "large.nir");
    CHECK(nir::read_network(directory / "large.nir").graph.nodes[1] == large.graph.nodes[1]);
}

TEST_CASE("nir forms: as many nodes as a file holds") {
    constexpr int kNodes = 3000;
    std::vector<nir::Node> nodes{input_node({2}), output_node({2})};
    nir::EdgeList edges;
    std::string last = "input";
    for (int i = 0; i < kNodes; ++i) {
        const std::string name = fmt::format("n{}", i);
        nodes.push_back(i % 2 == 0 ? lif_node(name, {2}, 5e-3, 0.1)
                                   : linear_node(name, {2, 2}, {3, 0, 0, 3}));
        edges.emplace_back(last, name);
        last = name;
    }
    edges.emplace_back(last, "output");
    const auto network = nir::network(std::move(nodes), edges);
    const TemporaryDirectory directory;
    nir::write_network(network, directory / "many.nir");
    CHECK(nir::read_network(directory / "many.nir").graph == network.graph);
}
