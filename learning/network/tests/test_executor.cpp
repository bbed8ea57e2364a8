// The executor against recurrences written out by hand.
#include "learning/network/executor.hpp"

#include <doctest/doctest.h>

#include "learning/network/connect/connections.hpp"
#include "learning/network/tests/support.hpp"

namespace memprop::network {
namespace {

using namespace test;

/// A network with its connections.
template <class Real>
class Running {
public:
    explicit Running(Network value) : network(std::move(value)) {
        check(network);
        for (const Projection& p : network.projections) {
            owned_.push_back(make_connection<Real>(network, p));
            pointers_.push_back(owned_.back().get());
        }
        executor.emplace(network, pointers_);
    }
    std::vector<Real> values(std::uint32_t population) const {
        const Signal<Real>& out = executor->output(PopulationId{population});
        std::vector<Real> result(network.populations[population].size);
        for_each_nonzero(out, [&](std::uint32_t i, Real v) { result[i] += v; });
        return result;
    }

    Network network;
    std::optional<Executor<Real>> executor;

private:
    std::vector<std::unique_ptr<Connection<Real>>> owned_;
    std::vector<Connection<Real>*> pointers_;
};

/// One input, and one population that puts out what arrives at it in the same step.
Network relay(std::uint32_t delay, DelayKind kind, bool bias, bool before = true) {
    Network network;
    network.populations = {population("in", 1, "input"), population("out", 1, "input")};
    Projection p = projection("p", 0, 1, std::vector<double>{2.0}, delay);
    if (bias) {
        p.weights = std::vector<double>{2.0, 0.5};
    }
    p.bias = bias;
    p.delay_kind = kind;
    p.bias_before_arrival = before;
    network.projections = {p};
    return network;
}

TEST_CASE("events arrive after the delay of their projection, wherever they wait") {
    for (const DelayKind kind : {DelayKind::axonal, DelayKind::dendritic}) {
        for (const std::uint32_t delay : {0U, 1U, 2U, 5U}) {
            for (const int bias : {0, 1, 2}) {  // none, from the start, from the first arrival
                CAPTURE(delay);
                CAPTURE(bias);
                Running<double> run(relay(delay, kind, bias > 0, bias == 1));
                CHECK(run.executor->longest_delay_steps() == delay);
                for (int twice = 0; twice < 2; ++twice) {
                    run.executor->clear();
                    for (std::uint32_t t = 0; t < 20; ++t) {
                        if (t % 3 == 0) {
                            run.executor->set_input(PopulationId{0}, std::vector<std::uint32_t>{0});
                        }
                        run.executor->step(t);
                        const bool event = t >= delay && (t - delay) % 3 == 0;
                        const bool biased = bias == 1 || (bias == 2 && t >= delay);
                        CHECK(run.values(1)[0] == (event ? 2.0 : 0.0) + (biased ? 0.5 : 0.0));
                    }
                }
            }
        }
    }
}

TEST_CASE("populations are computed in waves, whatever their order") {
    // 3 -> 1 -> 0 without delay; 2 hangs on 0 with delay 1 and feeds 3.
    Network network;
    network.populations = {population("last", 1, "i"), population("middle", 1, "i"),
                           population("loop", 1, "i"), population("first", 1, "i"),
                           population("in", 1, "input")};
    const std::vector<double> one{1.0};
    network.projections = {projection("a", 3, 1, one), projection("b", 1, 0, one),
                           projection("c", 0, 2, one, 1), projection("d", 2, 3, one),
                           projection("e", 4, 3, one)};
    const auto found = waves(network);
    REQUIRE(found.size() == 4);
    CHECK(found[0] == std::vector{PopulationId{2}, PopulationId{4}});
    CHECK(found[1] == std::vector{PopulationId{3}});
    CHECK(found[2] == std::vector{PopulationId{1}});
    CHECK(found[3] == std::vector{PopulationId{0}});
    Running<double> run(network);
    double first = 0, middle = 0, last = 0, loop = 0, last_before = 0;
    for (std::uint32_t t = 0; t < 12; ++t) {
        const double x = t % 4 == 1 ? 1.0 : 0.0;
        if (x > 0) {
            run.executor->set_input(PopulationId{4}, std::vector<std::uint32_t>{0});
        }
        run.executor->step(t);
        loop += last_before;
        first += loop + x;
        middle += first;
        last += middle;
        last_before = last;
        CHECK(run.values(0)[0] == last);
        CHECK(run.values(1)[0] == middle);
        CHECK(run.values(2)[0] == loop);
        CHECK(run.values(3)[0] == first);
    }
}

/// Two populations that excite and inhibit each other over several receptors and delays, and a readout.
Network three_populations() {
    Network network;
    network.populations = {
        population("in", 6, "input"),
        population(
            "exc", 12, "cuba_lif",
            {{"tau_synapse_seconds", {5e-3}}, {"tau_synapse_1_seconds", {12e-3}}, {"threshold", {0.2}}}),
        population("inh", 5, "lif", {{"threshold", {0.3}}, {"refractory_steps", {2.0}}}),
        population("out", 2, "leaky_readout")};
    const auto add = [&](std::string name, std::uint32_t from, std::uint32_t to, double low, double high,
                         std::uint32_t delay, std::uint32_t receptor = 0, bool bias = false) {
        const std::size_t rows = network.populations[from].size + (bias ? 1 : 0);
        Projection p = projection(std::move(name), from, to,
                                  draws(static_cast<std::uint32_t>(network.projections.size()) + 20,
                                        rows * network.populations[to].size, low, high),
                                  delay);
        p.receptor = receptor;
        p.bias = bias;
        network.projections.push_back(std::move(p));
    };
    add("in_exc", 0, 1, 0.0, 4.0, 0);
    add("exc_inh", 1, 2, 0.0, 2.0, 2, 0, true);
    add("inh_exc", 2, 1, -2.0, 0.0, 1, 1);
    add("inh_inh", 2, 2, -1.0, 0.0, 1);
    add("exc_out", 1, 3, -1.0, 1.0, 3);
    network.projections.back().delay_kind = DelayKind::dendritic;
    return network;
}

template <class Real>
void feed(Running<Real>& run, std::uint32_t t) {
    std::vector<std::uint32_t> events;
    for (std::uint32_t i = 0; i < 6; ++i) {
        if (draw(77, t * 6 + i) > 0.4) {
            events.push_back(i);
        }
    }
    run.executor->set_input(PopulationId{0}, events);
    run.executor->step(t);
}

TEST_CASE("receptors keep the sums of their projections apart") {
    Running<double> run(three_populations());
    const Network& n = run.network;
    const double alpha = std::exp(-1.0 / 30), fast = std::exp(-1.0 / 5), slow = std::exp(-1.0 / 12);
    std::vector<double> i0(12), i1(12), v(12), z(12), inhibition(5);
    for (std::uint32_t t = 0; t < 150; ++t) {
        feed(run, t);
        const auto in = run.values(0), spikes = run.values(1);
        for (std::size_t j = 0; j < 12; ++j) {
            double x0 = 0, x1 = 0;
            for (std::size_t i = 0; i < 6; ++i) {
                x0 += in[i] * number_at(n.projections[0].weights, i * 12 + j);
            }
            for (std::size_t i = 0; i < 5; ++i) {
                x1 += inhibition[i] * number_at(n.projections[2].weights, i * 12 + j);
            }
            i0[j] = fast * i0[j] + (1 - fast) * x0;
            i1[j] = slow * i1[j] + (1 - slow) * x1;
            v[j] = alpha * v[j] + (1 - alpha) * (i0[j] + i1[j]) - 0.2 * z[j];
            z[j] = spikes[j];
            CHECK((v[j] >= 0.2) == (z[j] == 1.0));
        }
        inhibition = run.values(2);
    }
}

template <class Real>
void check_restored() {
    Running<Real> run(three_populations());
    std::size_t spikes = 0;
    for (std::uint32_t t = 0; t < 40; ++t) {
        feed(run, t);
        spikes += run.executor->output(PopulationId{2}).spikes().size();
    }
    CHECK(spikes > 0);
    MemoryArchive archive;
    run.executor->serialize(archive);
    std::vector<std::vector<Real>> outputs;
    for (std::uint32_t t = 40; t < 90; ++t) {
        feed(run, t);
        outputs.push_back(run.values(1));
        outputs.push_back(run.values(3));
    }
    Running<Real> other(three_populations());
    feed(other, 3);
    archive.rewind();
    other.executor->serialize(archive);
    std::size_t k = 0;
    for (std::uint32_t t = 40; t < 90; ++t) {
        feed(other, t);
        CHECK(other.values(1) == outputs[k++]);
        CHECK(other.values(3) == outputs[k++]);
    }
    run.executor->clear();
    Running<Real> fresh(three_populations());
    for (std::uint32_t t = 0; t < 40; ++t) {
        feed(run, t);
        feed(fresh, t);
        CHECK(run.values(1) == fresh.values(1));
    }
}

TEST_CASE("a network goes on from its saved state as if nothing had been") {
    check_restored<float>();
    check_restored<double>();
}

TEST_CASE("a saved state of other neurons is refused") {
    Signal<float> signal;
    signal.set_spikes(std::vector<std::uint32_t>{1, 5});
    MemoryArchive archive;
    serialize_signal(archive, "output", signal, 6);
    archive.rewind();
    CHECK(input_error([&] {
              serialize_signal(archive, "output", signal, 5);
          }).find("output = a saved signal: must be of 5 neurons") != std::string::npos);
}

TEST_CASE("what a population put out earlier can be asked for as far back as delays reach") {
    Running<double> run(relay(4, DelayKind::axonal, false));
    for (std::uint32_t t = 0; t < 9; ++t) {
        if (t == 3 || t == 7) {
            run.executor->set_input(PopulationId{0}, std::vector<std::uint32_t>{0});
        }
        run.executor->step(t);
    }
    for (std::size_t ago = 0; ago <= 4; ++ago) {
        CHECK(run.executor->past(PopulationId{0}, ago).spikes().size() == (ago == 1 ? 1 : 0));
    }
}

TEST_CASE("pseudo-derivatives are written where they are asked for") {
    Running<double> run(three_populations());
    std::vector<double> psi(12, -1.0);
    const std::vector<std::span<double>> wanted{{}, psi, {}, {}};
    run.executor->step(0, wanted);
    for (const double value : psi) {
        CHECK(value >= 0.0);
    }
}

}  // namespace
}  // namespace memprop::network
