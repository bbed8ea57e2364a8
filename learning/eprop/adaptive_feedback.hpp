// Adaptive feedback (Kolen and Pollack, "Backpropagation without weight transport", ICNN 1994): feedback and
// readout weights get the same changes and decay alike, so they come to be equal.
#pragma once

namespace memprop::learning {

/// A feedback weight after an update that asks for `change` of its readout weight.
template <class Real>
Real adapted_feedback(Real feedback, Real change, Real decay) {
    return feedback + (change - decay * feedback);
}

}  // namespace memprop::learning
