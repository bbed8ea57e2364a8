#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <functional>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"
#include "host_runtime/graph/functional_network.hpp"
#include "host_runtime/nir/window.hpp"
#include "host_runtime/tests/networks.hpp"

using memprop::InputError;
using memprop::RunError;
using namespace memprop::host;
using nir::NodeType;

namespace {

using Events = std::vector<std::vector<std::uint32_t>>;

std::vector<double> outputs(const nir::Network& network, const Events& events, const Discretisation& d = {}) {
    FunctionalNetwork simulator(network, "net", d);
    std::vector<double> result;
    for (const auto& step : events) {
        simulator.step(step);
        std::vector<double> out(simulator.output_size());
        simulator.read_output(out);
        result.insert(result.end(), out.begin(), out.end());
    }
    return result;
}

nir::Network chain(std::vector<nir::Node> middle, std::vector<std::int64_t> in,
                   std::vector<std::int64_t> out) {
    nir::EdgeList edges;
    std::vector<nir::Node> nodes{input_node(std::move(in))};
    for (nir::Node& node : middle) {
        edges.emplace_back(nodes.back().name, node.name);
        nodes.push_back(std::move(node));
    }
    edges.emplace_back(nodes.back().name, "output");
    nodes.push_back(output_node(std::move(out)));
    return nir::network(std::move(nodes), edges);
}

std::vector<float> random_weights(std::size_t count, std::uint32_t event) {
    std::vector<float> weights(count);
    memprop::fill_normals({.seed = 7, .stream = {}, .array = 0, .block = 0, .event = event, .step = 0}, 0,
                          weights);
    return weights;
}

/// Cross-correlation by its definition: the loop over every output element.
std::vector<double> convolve(const nir::Window& w, const std::vector<float>& weight,
                             const std::vector<double>& x) {
    std::vector<double> y(w.channels_out * w.height_out * w.width_out, 0.0);
    const std::uint64_t in_per_group = w.channels_in / w.groups, out_per_group = w.channels_out / w.groups;
    for (std::uint64_t o = 0; o < w.channels_out; ++o) {
        for (std::uint64_t r = 0; r < w.height_out; ++r) {
            for (std::uint64_t c = 0; c < w.width_out; ++c) {
                for (std::uint64_t i = 0; i < in_per_group; ++i) {
                    for (std::uint64_t ky = 0; ky < w.kernel_height; ++ky) {
                        for (std::uint64_t kx = 0; kx < w.kernel_width; ++kx) {
                            const auto row = static_cast<std::int64_t>(r * w.stride_y + ky * w.dilation_y) -
                                             static_cast<std::int64_t>(w.padding_top);
                            const auto column =
                                static_cast<std::int64_t>(c * w.stride_x + kx * w.dilation_x) -
                                static_cast<std::int64_t>(w.padding_left);
                            if (row < 0 || column < 0 || row >= static_cast<std::int64_t>(w.height_in) ||
                                column >= static_cast<std::int64_t>(w.width_in)) {
                                continue;
                            }
                            const std::uint64_t channel = o / out_per_group * in_per_group + i;
                            y[(o * w.height_out + r) * w.width_out + c] +=
                                static_cast<double>(
                                    weight[((o * in_per_group + i) * w.kernel_height + ky) * w.kernel_width +
                                           kx]) *
                                x[(channel * w.height_in + static_cast<std::uint64_t>(row)) * w.width_in +
                                  static_cast<std::uint64_t>(column)];
                        }
                    }
                }
            }
        }
    }
    return y;
}

}  // namespace

TEST_CASE("simulator: the reset rules") {
    // One IF neuron, threshold 1, v_reset 0.25, input 1.5 in steps 0 and 1, nothing after.
    const auto network = chain({linear_node("fc", {1, 1}, {1.5F}), if_node("n", 1.0, 0.25)}, {1}, {1});
    const Events events{{0}, {0}, {}, {}};
    const auto run = [&](ResetRule rule) {
        FunctionalNetwork simulator(
            network, "net",
            {.dt_seconds = 1e-3, .integrator = {}, .reset = rule, .first_step_recurrence = true});
        const auto n = simulator.find("n").value();
        std::vector<double> trace;
        for (const auto& step : events) {
            simulator.step(step);
            trace.push_back(simulator.membrane(n)[0]);
            trace.push_back(static_cast<double>(simulator.spikes(n).size()));
        }
        return trace;
    };
    CHECK(run(ResetRule::file) == std::vector<double>{0.25, 1, 0.25, 1, 0.25, 0, 0.25, 0});
    CHECK(run(ResetRule::zero) == std::vector<double>{0, 1, 0, 1, 0, 0, 0, 0});
    // 1.5 - 1 = 0.5; 0.5 + 1.5 - 1 = 1; not above 1 any more
    CHECK(run(ResetRule::subtract) == std::vector<double>{0.5, 1, 1, 1, 1, 0, 1, 0});
    // step 1: v_old = 0.5 is not above, v = 2 -> 1; step 2: 1 is not above 1
    CHECK(run(ResetRule::subtract_carry) == std::vector<double>{0.5, 1, 1, 1, 1, 0, 1, 0});
    // v keeps its value in the step of the spike: 1.5 | 1.5+1.5-1 = 2 | 2-1 = 1 | 1
    CHECK(run(ResetRule::subtract_next) == std::vector<double>{1.5, 1, 2, 1, 1, 0, 1, 0});
}

TEST_CASE("simulator: a carried subtraction waits for the next step") {
    // Input 3.5: v = 2.5 after the first subtraction; v_old above the threshold then subtracts once more per
    // step.
    const auto network = chain({linear_node("fc", {1, 1}, {3.5F}), if_node("n")}, {1}, {1});
    FunctionalNetwork simulator(network, "net",
                                {.dt_seconds = 1e-3,
                                 .integrator = {},
                                 .reset = ResetRule::subtract_carry,
                                 .first_step_recurrence = true});
    const auto n = simulator.find("n").value();
    std::vector<double> membrane;
    std::size_t spikes = 0;
    for (const auto& step : Events{{0}, {}, {}, {}, {}}) {
        simulator.step(step);
        membrane.push_back(simulator.membrane(n)[0]);
        spikes += simulator.spikes(n).size();
    }
    // r = 1 at steps 1 and 2: v - 1, spike if still above, then v -= (z - r)
    CHECK(membrane == std::vector<double>{2.5, 1.5, 1.5 - 1 + 1, 1.5, 1.5});
    CHECK(spikes == 2);
}

TEST_CASE("simulator: integrators") {
    const double dt = 1e-3, tau = 5e-3;
    auto li = nir::node(
        "n", NodeType::leaky_integrator,
        {nir::doubles("tau", {1}, {tau}), nir::doubles("r", {1}, {2.0}), nir::doubles("v_leak", {1}, {0.5})});
    const auto network = chain({li}, {1}, {1});
    for (const Integrator integrator : {Integrator::euler, Integrator::exponential}) {
        const double a = integrator == Integrator::euler ? dt / tau : 1 - std::exp(-dt / tau);
        double v = 0;
        std::vector<double> expected;
        for (const double x : {1.0, 0.0, 2.0}) {
            v += a * ((0.5 - v) + 2.0 * x);
            expected.push_back(v);
        }
        const auto got =
            outputs(network, {{0}, {}, {0, 0}},
                    {.dt_seconds = dt, .integrator = integrator, .reset = {}, .first_step_recurrence = true});
        for (std::size_t i = 0; i < 3; ++i) {
            CHECK(got[i] == doctest::Approx(expected[i]).epsilon(1e-14));
        }
    }
    // forward Euler with a step of more than 2 tau diverges: refused by name
    CHECK_THROWS_WITH_AS(
        FunctionalNetwork(
            network, "net",
            {.dt_seconds = 0.011, .integrator = {}, .reset = {}, .first_step_recurrence = true}),
        doctest::Contains("net: node n: dataset tau"), InputError);
    CHECK_THROWS_AS(
        FunctionalNetwork(
            network, "net",
            {.dt_seconds = std::nan(""), .integrator = {}, .reset = {}, .first_step_recurrence = true}),
        InputError);
}

TEST_CASE("simulator: feedback arrives one step later, with its bias in step 0 if wanted") {
    // n spikes when it gets more than 1; the feedback Affine gives 2 z + 0.5.
    const auto network =
        nir::network({input_node({1}), if_node("n", 1.0),
                      nir::node("rec", NodeType::affine,
                                {nir::floats("weight", {1, 1}, {2}), nir::floats("bias", {1}, {0.5F})}),
                      output_node({1})},
                     {{"input", "n"}, {"n", "rec"}, {"rec", "n"}, {"n", "output"}});
    FunctionalNetwork simulator(network, "net", {});
    CHECK(simulator.delayed_edges() == std::vector<std::pair<std::string, std::string>>{{"rec", "n"}});
    CHECK(outputs(network, {{}, {}, {}, {}}) == std::vector<double>{0, 0, 1, 1});  // v = .5, 1, 1.5 | 2.5
    Discretisation off;
    off.first_step_recurrence = false;
    CHECK(outputs(network, {{}, {}, {}, {}}, off) == std::vector<double>{0, 0, 0, 1});
    // a self loop, and reset() brings everything back
    const auto self = nir::network({input_node({1}), if_node("n", 0.5), output_node({1})},
                                   {{"input", "n"}, {"n", "n"}, {"n", "output"}});
    FunctionalNetwork loop(self, "net", {});
    for (int round = 0; round < 2; ++round) {
        std::vector<double> out(1), trace;
        for (const auto& step : Events{{}, {0}, {}, {}}) {
            loop.step(step);
            loop.read_output(out);
            trace.push_back(out[0]);
        }
        CHECK(trace == std::vector<double>{0, 1, 1, 1});
        loop.reset();
    }
}

TEST_CASE("simulator: a cycle is cut where depth-first search in byte order closes it") {
    // input -> b -> a -> b: the edge a -> b closes the cycle although a comes before b by name.
    const auto network =
        nir::network({input_node({1}), if_node("b", 0.5), if_node("a", 0.5), output_node({1})},
                     {{"input", "b"}, {"b", "a"}, {"a", "b"}, {"a", "output"}});
    CHECK(FunctionalNetwork(network, "net", {}).delayed_edges() ==
          std::vector<std::pair<std::string, std::string>>{{"a", "b"}});
    // input -> {a, b}, a <-> b: a is visited first, so b -> a is delayed
    const auto both = nir::network({input_node({1}), if_node("b", 0.5), if_node("a", 0.5), output_node({1})},
                                   {{"input", "b"}, {"input", "a"}, {"b", "a"}, {"a", "b"}, {"b", "output"}});
    CHECK(FunctionalNetwork(both, "net", {}).delayed_edges() ==
          std::vector<std::pair<std::string, std::string>>{{"b", "a"}});
    // a long chain needs no deep recursion
    std::vector<nir::Node> nodes;
    for (int i = 0; i < 20000; ++i) {
        nodes.push_back(
            nir::node(fmt::format("n{:05}", i), NodeType::scale, {nir::doubles("scale", {}, {1.0})}));
    }
    CHECK(outputs(chain(std::move(nodes), {1}, {1}), {{0}}) == std::vector<double>{1});
}

TEST_CASE("simulator: delays, per element, add to one another and to feedback") {
    const auto delay = [](const std::string& name, std::vector<double> seconds) {
        const std::uint64_t n = seconds.size();
        return nir::node(name, NodeType::delay, {nir::doubles("delay", {n}, std::move(seconds))});
    };
    const auto network = chain({delay("d1", {0.0, 2e-3}), delay("d2", {1e-3})}, {2}, {2});
    CHECK(FunctionalNetwork(network, "net", {}).longest_delay_steps() == 3);
    CHECK(outputs(network, {{0, 1}, {0}, {}, {}, {}}) == std::vector<double>{0, 0, 1, 0, 1, 0, 0, 1, 0, 0});
    // n -> wait(1 step) -> n: one step of its own and one for the cycle
    const auto loop =
        nir::network({input_node({1}), if_node("n", 0.5), delay("wait", {1e-3}), output_node({1})},
                     {{"input", "n"}, {"n", "wait"}, {"wait", "n"}, {"n", "output"}});
    CHECK(outputs(loop, {{0}, {}, {}, {}, {}}) == std::vector<double>{1, 0, 1, 0, 1});
}

TEST_CASE("simulator: elementwise and reshaping nodes") {
    const auto scale = nir::node("s", NodeType::scale, {nir::doubles("scale", {2}, {2.0, -3.0})});
    const auto threshold = nir::node("t", NodeType::threshold, {nir::doubles("threshold", {2}, {1.0, -4.0})});
    CHECK(outputs(chain({scale}, {2}, {2}), {{0, 0, 1}}) == std::vector<double>{4, -3});
    CHECK(outputs(chain({scale, threshold}, {2}, {2}), {{0}, {1, 1}, {}}) ==
          std::vector<double>{1, 1, 0, 0, 0, 1});
    // a Threshold sees the sum of what arrives: two sources, each below it
    const auto fan = nir::network(
        {input_node({1}), linear_node("a", {1, 1}, {0.75F}), linear_node("b", {1, 1}, {0.75F}),
         nir::node("t", NodeType::threshold, {nir::doubles("threshold", {}, {1.0})}), output_node({1})},
        {{"input", "a"}, {"input", "b"}, {"a", "t"}, {"b", "t"}, {"t", "output"}});
    CHECK(outputs(fan, {{0}, {}}) == std::vector<double>{1, 0});
    const auto integrator = nir::node("i", NodeType::integrator, {nir::doubles("r", {1}, {0.5})});
    CHECK(outputs(chain({integrator}, {1}, {1}), {{0}, {}, {0, 0}}) == std::vector<double>{0.5, 0.5, 1.5});
    // matrices along a leading axis: each row of the input has its own
    const auto batched = linear_node("fc", {2, 1, 2}, {1, 2, 3, 4});
    CHECK(outputs(chain({batched}, {2, 2}, {2, 1}), {{0, 3}, {1, 2}}) == std::vector<double>{1, 4, 2, 3});
}

TEST_CASE("simulator: current-based neurons use the new current") {
    auto cuba = nir::node(
        "n", NodeType::cuba_li,
        {nir::doubles("tau_syn", {}, {2e-3}), nir::doubles("tau_mem", {}, {4e-3}), nir::doubles("r", {}, {2}),
         nir::doubles("v_leak", {}, {0}), nir::doubles("w_in", {}, {3})});
    // i = 0.5 * 3 = 1.5, v = 0.25 * 2 * 1.5 = 0.75; i = 0.75, v = 0.75 + 0.25 (-0.75 + 1.5)
    CHECK(outputs(chain({cuba}, {1}, {1}), {{0}, {}}) == std::vector<double>{0.75, 0.9375});
}

TEST_CASE("simulator: convolution and pooling agree with their definition") {
    struct Case {
        nir::Shape in, weight;
        std::vector<std::int64_t> stride, padding, dilation;
        std::int64_t groups;
    };
    std::uint32_t number = 0;
    for (const Case& c : {Case{{2, 7, 9}, {4, 2, 3, 2}, {1, 1}, {1, 1}, {1, 1}, 1},
                          Case{{2, 7, 9}, {4, 1, 3, 3}, {2, 3}, {0, 2}, {1, 1}, 2},
                          Case{{4, 8, 6}, {6, 2, 2, 3}, {1, 2}, {3, 1}, {3, 2}, 2},
                          Case{{1, 5, 5}, {1, 1, 5, 5}, {5, 5}, {2, 2}, {1, 1}, 1}}) {
        const auto weight = random_weights(h5::element_count(c.weight), number++);
        const auto conv = nir::node(
            "conv", NodeType::conv2d,
            {nir::floats("weight", c.weight, weight), nir::whole_numbers("stride", {2}, c.stride),
             nir::whole_numbers("padding", {2}, c.padding), nir::whole_numbers("dilation", {2}, c.dilation),
             nir::whole_numbers("groups", {}, {c.groups})});
        const nir::Window window = nir::window_of(conv, c.in, "conv");
        std::vector<std::uint32_t> events;
        std::vector<double> x(h5::element_count(c.in), 0.0);
        for (std::uint32_t i = 0; i < x.size(); i += 3) {
            events.push_back(i);
            x[i] = 1.0;
        }
        const std::vector<double> expected = convolve(window, weight, x);
        const auto got =
            outputs(chain({conv}, {c.in.begin(), c.in.end()}, {static_cast<std::int64_t>(expected.size())}),
                    {events, {}});
        REQUIRE(got.size() == 2 * expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) {
            CHECK(got[i] == doctest::Approx(expected[i]).epsilon(1e-12));
            CHECK(got[expected.size() + i] == 0.0);
        }
    }
    const auto conv1d =
        nir::node("conv", NodeType::conv1d,
                  {nir::floats("weight", {1, 1, 4}, {1, 10, 100, 1000}), nir::floats("bias", {1}, {0.5F}),
                   nir::whole_numbers("stride", {}, {1}), nir::text("padding", "same"),
                   nir::whole_numbers("dilation", {}, {1}), nir::whole_numbers("groups", {}, {1}),
                   nir::whole_numbers("input_shape", {}, {5})});
    // 'same' with an even kernel pads one more zero behind: y[0] sees x[-1..2]
    CHECK(outputs(chain({conv1d}, {1, 5}, {1, 5}), {{0}, {4}}) ==
          std::vector<double>{10.5, 1.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1000.5, 100.5, 10.5});
    for (const NodeType type : {NodeType::sum_pool2d, NodeType::avg_pool2d}) {
        const auto pool = nir::node(
            "pool", type,
            {nir::whole_numbers("kernel_size", {2}, {2, 2}), nir::whole_numbers("stride", {2}, {2, 2}),
             nir::whole_numbers("padding", {2}, {1, 1})});
        const double unit = type == NodeType::avg_pool2d ? 0.25 : 1.0;
        CHECK(outputs(chain({pool}, {1, 2, 2}, {1, 2, 2}), {{0, 1, 1, 3}}) ==
              std::vector<double>{unit, 2 * unit, 0, unit});
    }
}

TEST_CASE("simulator: nested graphs and several inputs and outputs") {
    const auto inner =
        nir::graph({input_node({2}, "in"), linear_node("w", {2, 2}, {0, 1, 1, 0}), output_node({2}, "out")},
                   {{"in", "w"}, {"w", "out"}});
    const auto network = nir::network(
        {input_node({2}, "b"), input_node({1}, "a"),
         nir::nested("swap",
                     nir::graph({input_node({2}, "x"), nir::nested("core", inner), output_node({2}, "y")},
                                {{"x", "core"}, {"core", "y"}})),
         output_node({2}, "p"), output_node({1}, "q")},
        {{"b", "swap"}, {"swap", "p"}, {"a", "q"}});
    FunctionalNetwork simulator(network, "net", {});
    CHECK(simulator.find("swap/core/w").has_value());
    CHECK(simulator.input_size() == 3);
    CHECK_FALSE(simulator.input_shape().has_value());
    // index 0 is a, 1 and 2 are b; outputs are p (2), q (1)
    CHECK(outputs(network, {{0}, {1, 1}, {2}}) == std::vector<double>{0, 0, 1, 0, 2, 0, 1, 0, 0});
}

TEST_CASE("simulator: growth beyond all bounds is an error, not a NaN") {
    const auto li = nir::node(
        "n", NodeType::leaky_integrator,
        {nir::doubles("tau", {}, {1e-3}), nir::doubles("r", {}, {1}), nir::doubles("v_leak", {}, {0})});
    const auto network =
        nir::network({input_node({1}), li, linear_node("w", {1, 1}, {100.0F}), output_node({1})},
                     {{"input", "n"}, {"n", "w"}, {"w", "n"}, {"n", "output"}});
    FunctionalNetwork simulator(network, "net", {});
    const std::vector<std::uint32_t> event{0};
    for (int k = 0; k < 1000; ++k) {
        simulator.step(event);
    }
    CHECK_THROWS_WITH_AS(simulator.check_finite(), doctest::Contains("node n"), RunError);
}

TEST_CASE("discretisation: stored in metadata and read back") {
    nir::Network network = recurrent_network();
    bool found = true;
    CHECK(discretisation_of(network, "net", found) == Discretisation{});
    CHECK_FALSE(found);
    const Discretisation stated{1e-4, Integrator::exponential, ResetRule::subtract_next, false};
    store(stated, network);
    store(stated, network);
    CHECK(discretisation_of(network, "net", found) == stated);
    CHECK(found);
    CHECK_THROWS_WITH_AS(reset_rule_from("sub"), doctest::Contains("subtract_carry"), InputError);
    CHECK_THROWS_WITH_AS(integrator_from("rk4"), doctest::Contains("exponential"), InputError);
}
