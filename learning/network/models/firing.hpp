// Spikes and resets of a population whose membranes have been integrated (fields `firing` and `pseudo` of
// common_fields.hpp, threshold).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "crossbar/base/state_archive.hpp"
#include "learning/network/models/pseudo_parameters.hpp"
#include "learning/network/neurons.hpp"

namespace memprop::network {

template <class Real>
class Firing {
public:
    Firing(const Population& population, std::span<const Field> fields);

    void clear();
    /// To be called with the membranes before they are integrated.
    void before_integration(std::span<const Real> v);
    /// Puts out the neurons that fire and resets them; `psi`, unless empty, gets the pseudo-derivatives at
    /// the membranes before that. Returns whether nobody is above the threshold and no reset is due.
    bool fire(std::span<Real> v, Signal<Real>& out, std::span<Real> psi);
    bool is_quiet(std::span<const Real> v) const;
    void serialize(StateArchive& archive);
    /// "spike"; else empty.
    std::span<const Real> state(std::string_view field) const;

private:
    bool reaches(Real v, Real threshold) const { return at_threshold_ ? v >= threshold : v > threshold; }
    bool is_late() const { return reset_ == ResetKind::subtract_next || reset_ == ResetKind::subtract_carry; }
    /// Resets of the last step's spikes, and membranes that a refractory neuron keeps.
    void finish_integration(std::span<Real> v) const;
    bool fire_at_once(std::span<Real> v, Signal<Real>& out);
    bool fire_late(std::span<Real> v, Signal<Real>& out);
    bool is_awake(std::size_t n) const { return silent_.empty() || silent_[n] == 0; }

    ResetKind reset_;
    bool at_threshold_;
    std::int32_t silent_steps_;
    PseudoDerivatives<Real> pseudo_;
    std::vector<Real> threshold_, reset_value_;
    std::vector<Real> spike_;           // 1 where the neuron has spiked in the last step
    std::vector<Real> carry_;           // subtract_carry: 1 where v was above the threshold before the step
    std::vector<Real> before_;          // membranes before the step; empty: nobody keeps his
    std::vector<std::int32_t> silent_;  // refractory steps left; empty: nobody is refractory
};

}  // namespace memprop::network
