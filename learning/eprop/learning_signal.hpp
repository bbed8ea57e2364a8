// Learning signals: errors on their way back, L_j[t] = sum_k err_k[t] B_kj, readout by readout.
#pragma once

#include <cstddef>
#include <span>

namespace memprop::learning {

/// Adds what the error of one readout brings to each neuron; `feedback` has its row, [neuron].
template <class Real>
void add_feedback(Real error, const Real* feedback, std::span<Real> signal) {
    for (std::size_t j = 0; error != Real{0} && j < signal.size(); ++j) {
        signal[j] += error * feedback[j];
    }
}

}  // namespace memprop::learning
