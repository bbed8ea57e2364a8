// What a network says of the step it was written for, and the options that run it so.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "crossbar/base/error.hpp"
#include "host_runtime/graph/functional_network.hpp"
#include "host_runtime/graph/step_warnings.hpp"
#include "host_runtime/tests/networks.hpp"

using namespace memprop::host;
using nir::NodeType;

namespace {

nir::Node neurons(NodeType type, std::vector<nir::Dataset> parameters) {
    return nir::node("n", type, std::move(parameters));
}

nir::Dataset two(const char* name, double a, double b) {
    return nir::doubles(name, {2}, {a, b});
}

nir::Network around(nir::Node node) {
    return nir::network({input_node({2}), std::move(node), output_node({2})},
                        {{"input", "n"}, {"n", "output"}});
}

nir::Node lif(double tau_a, double tau_b, double r_a, double r_b) {
    return neurons(NodeType::lif, {two("tau", tau_a, tau_b), two("r", r_a, r_b), two("v_leak", 0, 0),
                                   two("v_threshold", 1, 1)});
}

nir::Node integrate_fire(double r) {
    return neurons(NodeType::integrate_fire, {two("r", r, r), two("v_threshold", 1, 1)});
}

nir::Node cuba(double w_in) {
    return neurons(NodeType::cuba_lif,
                   {two("tau_mem", 10e-3, 10e-3), two("tau_syn", 5e-3, 5e-3), two("r", 1, 1),
                    two("v_leak", 0, 0), two("v_threshold", 1, 1), two("w_in", w_in, w_in)});
}

Discretisation with_dt(double dt) {
    Discretisation d;
    d.dt_seconds = dt;
    return d;
}

void check_says(const std::vector<std::string>& warnings, const std::vector<std::string>& parts) {
    REQUIRE(warnings.size() == parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
        CAPTURE(warnings[i]);
        CHECK(warnings[i].find(parts[i]) != std::string::npos);
    }
}

std::vector<double> outputs(const nir::Network& network, const Discretisation& d, int steps) {
    FunctionalNetwork simulator(network, "net", d);
    std::vector<double> row(2), all;
    const std::vector<std::uint32_t> events{0, 1, 1};
    for (int k = 0; k < steps; ++k) {
        simulator.step(events);
        simulator.read_output(row);
        all.insert(all.end(), row.begin(), row.end());
    }
    return all;
}

}  // namespace

TEST_CASE("step warnings: r = tau/X in every neuron tells of steps of X") {
    const auto network = around(lif(2e-3, 5e-3, 20, 50));
    check_says(step_warnings(network, "net", with_dt(1e-3)),
               {"r = tau/0.0001 in every leaky neuron", "dt/tau up to 0.5"});
    CHECK(step_warnings(network, "net", with_dt(1e-3))[0].find("--dt 0.0001") != std::string::npos);
    CHECK(step_warnings(network, "net", with_dt(1e-4)).empty());
    check_says(step_warnings(around(lif(2e-4, 4e-4, 2, 4)), "net", with_dt(5e-5)),
               {"r = tau/0.0001 in every"});
    CHECK(step_warnings(around(lif(2e-3, 5e-3, 20, 51)), "net", with_dt(1e-4)).empty());
    CHECK(step_warnings(around(lif(20e-3, 20e-3, 1, 1)), "net", with_dt(1e-3)).empty());
    CHECK(step_warnings(around(lif(20e-3, 20e-3, 2, 2)), "net", with_dt(1e-3)).empty());
    check_says(step_warnings(around(lif(20e-3, 50e-3, 20, 50)), "net", with_dt(1e-4)),
               {"r = tau/0.001 in every"});
}

TEST_CASE("step warnings: a step that is no small part of a time constant") {
    check_says(step_warnings(around(lif(1.9e-3, 5e-3, 1, 1)), "net", with_dt(1e-3)), {"node n (tau)"});
    CHECK(step_warnings(around(lif(2.1e-3, 5e-3, 1, 1)), "net", with_dt(1e-3)).empty());
    check_says(step_warnings(around(cuba(1)), "net", with_dt(3e-3)), {"node n (tau_syn)"});
}

TEST_CASE("IF neurons integrate dt r x where dv/dt = r x is meant") {
    const auto written = around(integrate_fire(1e4));
    check_says(step_warnings(written, "net", with_dt(1e-4)), {"--if-integration per_second"});
    Discretisation d = with_dt(1e-4);
    d.if_integration = IfIntegration::per_second;
    CHECK(step_warnings(written, "net", d).empty());
    d.dt_seconds = 1e-3;
    check_says(step_warnings(written, "net", d), {"--dt 0.0001"});
    CHECK(step_warnings(around(integrate_fire(1)), "net", with_dt(1e-3)).empty());
    for (const Arithmetic arithmetic : {Arithmetic::graph, Arithmetic::single, Arithmetic::double_}) {
        Discretisation per_second = with_dt(0.25), per_step = per_second;  // an exact product
        per_second.arithmetic = per_step.arithmetic = arithmetic;
        per_second.if_integration = IfIntegration::per_second;
        CHECK(outputs(around(integrate_fire(1.5)), per_second, 9) ==
              outputs(around(integrate_fire(0.375)), per_step, 9));
        CHECK(outputs(around(integrate_fire(1.5)), per_second, 9) !=
              outputs(around(integrate_fire(1.5)), per_step, 9));
    }
    const auto integrator = [](double r) { return around(neurons(NodeType::integrator, {two("r", r, r)})); };
    CHECK(outputs(integrator(2), d, 3) == outputs(integrator(2e-3), with_dt(1e-3), 3));
}

TEST_CASE("currents that jump unscaled are those of a w_in of tau_syn/dt, and their silence is noticed") {
    const Discretisation scaled = with_dt(1e-3);
    Discretisation unscaled = scaled;
    unscaled.current_jump = CurrentJump::unscaled;
    const auto spikes = outputs(around(cuba(5)), scaled, 60);
    CHECK(std::count(spikes.begin(), spikes.end(), 1.0) > 5);
    CHECK(outputs(around(cuba(1)), unscaled, 60) == spikes);
    const auto watch = [](const nir::Network& network, const Discretisation& d) {
        FunctionalNetwork simulator(network, "net", d);
        SilenceWatch silence(network, "net", d);
        const std::vector<std::uint32_t> events{0};
        for (int k = 0; k < 60; ++k) {
            simulator.step(events);
            silence.note(simulator);
        }
        return silence.warnings();
    };
    check_says(watch(around(cuba(1)), scaled), {"CubaLIF n never spiked"});
    CHECK(watch(around(cuba(1)), scaled)[0].find("--current-jump unscaled") != std::string::npos);
    CHECK(watch(around(cuba(1)), unscaled).empty());
    CHECK(watch(around(cuba(5)), scaled).empty());
    CHECK(watch(around(lif(10e-3, 10e-3, 1e-3, 1e-3)), scaled).empty());
}

TEST_CASE("both options travel in the metadata of a file") {
    nir::Network network = around(integrate_fire(1));
    Discretisation d = with_dt(2e-3);
    bool found = false;
    store(d, network);
    CHECK(network.graph.metadata->find_group("memprop")->find_dataset("if_integration") == nullptr);
    d.if_integration = IfIntegration::per_second;
    d.current_jump = CurrentJump::unscaled;
    store(d, network);
    CHECK(discretisation_of(network, "net", found) == d);
    CHECK_THROWS_WITH_AS(if_integration_from("dt"), doctest::Contains("per_step, per_second"),
                         memprop::InputError);
    CHECK_THROWS_WITH_AS(current_jump_from("x"), doctest::Contains("scaled, unscaled"), memprop::InputError);
}
