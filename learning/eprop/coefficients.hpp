// The coefficients of a learning population's eligibility, one value per neuron.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "crossbar/base/aligned.hpp"
#include "learning/eprop/plan.hpp"

namespace memprop::learning {

template <class Real>
AlignedVector<Real> per_neuron(const std::vector<Real>& values, std::size_t count) {
    return values.size() == 1 ? AlignedVector<Real>(count, values[0])
                              : AlignedVector<Real>(values.begin(), values.end());
}

template <class Real>
struct EligibilityCoefficients {
    struct Receptor {
        bool has_current = false;
        bool alike = true;                ///< all neurons share decay and gain
        AlignedVector<Real> decay, gain;  ///< of the current
    };

    bool alike;                       ///< all neurons share alpha and gain
    bool adaptive;                    ///< some neuron adapts
    AlignedVector<Real> alpha, gain;  ///< of the membrane
    AlignedVector<Real> beta;         ///< 0 for neurons that do not adapt
    std::vector<Receptor> receptors;
    /// Its membrane is compared with targets and nothing else is known of it: the error is the learning
    /// signal, and the trace of the events that arrive the eligibility.
    bool is_read_only;

    explicit EligibilityCoefficients(const LearningPopulation<Real>& p)
        : alike(p.eligibility.alpha.size() == 1 && p.eligibility.gain.size() == 1),
          adaptive(!p.eligibility.beta.empty()),
          alpha(per_neuron(p.eligibility.alpha, p.size)),
          gain(per_neuron(p.eligibility.gain, p.size)),
          beta(adaptive ? per_neuron(p.eligibility.beta, p.size) : AlignedVector<Real>(p.size)),
          is_read_only(!p.eligibility.spiking && p.objective && p.sources.empty() && !adaptive &&
                       !p.regularized && p.eligibility_decay == Real{0} && p.eligibility_gain == Real{1}) {
        for (const auto& receptor : p.eligibility.receptors) {
            receptors.push_back({.has_current = receptor.has_current(),
                                 .alike = receptor.decay.size() == 1 && receptor.gain.size() == 1,
                                 .decay = per_neuron(receptor.decay, p.size),
                                 .gain = per_neuron(receptor.gain, p.size)});
        }
        for (const LearnedProjection& projection : p.projections) {
            receptors.resize(std::max<std::size_t>(receptors.size(), projection.receptor + std::size_t{1}));
        }
    }

    /// Whether one trace of a presynaptic neuron serves all its synapses onto the receptor.
    bool one_trace(std::size_t receptor) const {
        return alike && (!receptors[receptor].has_current || receptors[receptor].alike);
    }
};

}  // namespace memprop::learning
