// A small network of the short form with its trial, tape and e-prop plan, and what the tests of gradients
// compare.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <vector>

#include "learning/classic.hpp"
#include "learning/config/config.hpp"
#include "learning/eprop/gradient.hpp"
#include "learning/eprop/make_plan.hpp"
#include "learning/forward.hpp"
#include "learning/network/connect/connections.hpp"
#include "learning/resolve.hpp"

namespace memprop::learning {

template <class Real>
struct EpropBench {
    ResolvedNetwork resolved;
    NetworkParameters<Real> p;  ///< the constants of its equations
    EpropPlan<Real> plan;
    FeedbackWeights<Real> feedback;
    std::vector<Real> w_in, w_rec, w_out;  ///< [pre][post]
    Trial trial;
    Tape<Real> tape;

    explicit EpropBench(const ExperimentConfig& config)
        : resolved(resolve(config)),
          p(config.network, config.learning),
          plan(make_eprop_plan<Real>(resolved, "eprop")),
          w_in(std::size_t{p.inputs} * p.recurrent),
          w_rec(std::size_t{p.recurrent} * p.recurrent),
          w_out(std::size_t{p.recurrent} * p.outputs) {
        for (const LearningPopulation<Real>& population : plan) {
            auto& of_population = feedback.emplace_back();
            for (const ErrorSource& source : population.sources) {
                of_population.emplace_back(std::size_t{source.size} * population.size);
            }
        }
    }

    void run() {
        network::Network& network = resolved.network;
        std::vector<std::unique_ptr<network::Connection<Real>>> connections;
        std::vector<network::Connection<Real>*> pointers;
        const std::array weights{&w_in, &w_rec, &w_out};
        for (std::size_t w = 0; w < weights.size(); ++w) {
            network.projections[w].weights = *weights[w];
            connections.push_back(network::make_connection<Real>(network, network.projections[w]));
            pointers.push_back(connections.back().get());
        }
        ForwardPass<Real> forward(network, pointers,
                                  {.events = {false, true, false},
                                   .pseudo_derivative = {false, true, false},
                                   .spike_count = {false, true, false}},
                                  false);
        forward.run(trial, tape);
    }

    Gradients<Real> gradient(GradientForm form, const RateRegularizer<Real>& regularizer) const {
        Gradients<Real> g(3);
        make_gradient(form, plan)->compute(tape, feedback, regularizer, g);
        return g;
    }

    /// Feedback weights to the neurons, [readout][neuron].
    std::vector<Real>& back() { return feedback[0][0]; }
    const std::vector<Real>& back() const { return feedback[0][0]; }
    const PopulationTape<Real>& neurons() const { return tape.populations[1]; }
    const ObjectiveTape<Real>& answer() const { return tape.objectives[0]; }
};

inline double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
    REQUIRE(a.size() == b.size());
    double scale = 0, difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        scale = std::max(scale, std::abs(a[i]));
        difference = std::max(difference, std::abs(a[i] - b[i]));
    }
    REQUIRE(scale > 0);
    return difference / scale;
}

inline void check_equal(const Gradients<double>& a, const Gradients<double>& b) {
    REQUIRE(a.size() == b.size());
    for (std::size_t p = 0; p < a.size(); ++p) {
        CAPTURE(p);
        CHECK(largest_difference(a[p], b[p]) < 1e-12);
    }
}

}  // namespace memprop::learning
