// A small network of the short form with its trial, tape and e-prop plan, and what the tests of gradients
// compare.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <vector>

#include "learning/config/config.hpp"
#include "learning/eprop/gradient.hpp"
#include "learning/eprop/make_plan.hpp"
#include "learning/forward.hpp"
#include "learning/network/connect/connections.hpp"
#include "learning/network/models/lif_constants.hpp"
#include "learning/network/models/models.hpp"
#include "learning/resolve.hpp"

namespace memprop::learning {

/// Sizes, and the constants of the equations of neurons and readouts.
template <class Real>
struct EpropConstants : network::LifConstants<Real> {
    std::size_t inputs, recurrent, outputs;
    Real kappa, readout_gain;
    Real eligibility_decay, eligibility_gain;  ///< eb = decay eb + gain e

    EpropConstants(const network::Network& network, const LearningConfig& learning)
        : network::LifConstants<Real>(network::lif_constants<Real>(
              network.at(classic::neurons),
              network::find_model("network.neuron", network.at(classic::neurons).model).fields,
              network.time_step_seconds)),
          inputs(network.at(classic::inputs).size),
          recurrent(network.at(classic::neurons).size),
          outputs(network.at(classic::readouts).size) {
        const auto readouts =
            network::make_neurons<Real>(network.at(classic::readouts), network.time_step_seconds);
        kappa = readouts->eligibility()->alpha.front();
        readout_gain = readouts->eligibility()->gain.front();
        eligibility_decay =
            learning.eligibility_decay > 0.0 ? static_cast<Real>(learning.eligibility_decay) : kappa;
        eligibility_gain =
            learning.eligibility_scaling == LeakScaling::one ? Real{1} : Real{1} - eligibility_decay;
    }
};

template <class Real>
struct EpropBench {
    ResolvedNetwork resolved;
    EpropConstants<Real> p;
    EpropPlan<Real> plan;
    FeedbackWeights<Real> feedback;
    std::vector<Real> w_in, w_rec, w_out;  ///< [pre][post]
    Trial trial;
    Tape<Real> tape;

    explicit EpropBench(const ExperimentConfig& config)
        : resolved(resolve(config)),
          p(resolved.network, config.learning),
          plan(make_eprop_plan<Real>(resolved, "eprop")),
          w_in(p.inputs * p.recurrent),
          w_rec(p.recurrent * p.recurrent),
          w_out(p.recurrent * p.outputs) {
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
