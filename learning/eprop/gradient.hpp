// The e-prop gradient of E (1/2 sum (y - y*)^2 or the cross-entropy, over the learning window) plus the
// firing-rate regulariser (Bellec et al., Nat. Commun. 11, 3625, 2020):
//   zb_i[t]    = alpha zb_i[t-1] + (1 - alpha) p_i[t]    p = x[t] for W_in, z[t-1] for W_rec
//   e_ji[t]    = psi_j[t] (zb_i[t] - beta_j eps_ji[t])   eligibility trace; LIF: beta = 0
//   eps_ji[t+1] = rho eps_ji[t] + e_ji[t]
//   eb_ji[t]   = kappa eb_ji[t-1] + (1 - kappa) e_ji[t]
//   L_j[t]     = sum_k B_jk err_k[t]                     learning signal; err = dE/dy
//   dE/dW_ji   = sum_t L_j[t] eb_ji[t] + (c_reg / T) (f_j - f*) sum_t e_ji[t]
//   dE/dWout_kj = sum_t err_k[t] zo_j[t],  zo_j[t] = kappa zo_j[t-1] + (1 - kappa) z_j[t]
// f_j and f* are in spikes per step. The regulariser's other form, running_average, has
//   sum_t c_reg (f_j[t] - f*) er_ji[t],  f_j[t] = k f_j[t-1] + (1 - k) z_j[t],  er = k er + (1 - k) e.
// Factors 1 - alpha and 1 - kappa are 1 if the configuration says so; eb may have a kappa of its own.
// The reset carries no gradient; there are no self-connections.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "learning/config/config.hpp"
#include "learning/eprop/plan.hpp"
#include "learning/tape.hpp"

namespace memprop::learning {

template <class Real>
struct RateRegularizer {
    Real strength = 0;         ///< c_reg
    Real target_per_step = 0;  ///< f*
    RegularizerForm form = RegularizerForm::per_trial;
    Real decay = 0;  ///< k of running_average
};

template <class Real>
class Gradient {
public:
    virtual ~Gradient() = default;

    /// Replaces the gradients of the learned projections. Allocates nothing once warm.
    virtual void compute(const Tape<Real>& tape, const FeedbackWeights<Real>& feedback,
                         const RateRegularizer<Real>& regularizer, Gradients<Real>& out) = 0;
};

/// Real is float or double.
template <class Real>
std::unique_ptr<Gradient<Real>> make_gradient(GradientForm form, const EpropPlan<Real>& plan);

extern template std::unique_ptr<Gradient<float>> make_gradient(GradientForm, const EpropPlan<float>&);
extern template std::unique_ptr<Gradient<double>> make_gradient(GradientForm, const EpropPlan<double>&);

}  // namespace memprop::learning
