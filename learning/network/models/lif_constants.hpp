// From the parameters of a population of LIF neurons to the constants of their equations, and the table of
// these parameters, which other models that fire and learn alike share.
#pragma once

#include <span>

#include "learning/network/models/lif_kernels.hpp"
#include "learning/network/neurons.hpp"

namespace memprop::network {

std::span<const Field> lif_fields();
std::span<const Field> alif_fields();

/// `fields` has those of lif_fields(). Throws InputError naming population and parameter for what contradicts
/// each other.
template <class Real>
LifConstants<Real> lif_constants(const Population& population, std::span<const Field> fields,
                                 double time_step_seconds);

template <class Real>
Eligibility<Real> lif_eligibility(const LifConstants<Real>& c, std::uint32_t size);

/// NeuronModel::fit_slice: neurons that are all alike divide by their threshold where they take the
/// pseudo-derivative; those that differ multiply by its reciprocal, which rounds otherwise. Where the whole
/// differs and the slice does not, the slice has height and slope spelled out, which makes it do the latter.
void fit_lif_slice(const Population& whole, std::span<const Field> fields, double time_step_seconds,
                   Population& slice);

}  // namespace memprop::network
