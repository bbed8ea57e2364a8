// Neuron models and running populations. A model is a table of fields and a kernel over the state of a
// population, each in a file of models/; nothing else in the program knows a model by name.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "crossbar/base/state_archive.hpp"
#include "learning/network/fields.hpp"
#include "learning/network/network.hpp"
#include "learning/network/signal.hpp"

namespace memprop::network {

/// What learning needs of a model: the coefficients of the linear recursion that its synapses' eligibility
/// follows (Bellec et al., Nat. Commun. 11, 3625, 2020; with a synaptic current one component more). For a
/// synapse of receptor r onto neuron j with presynaptic events p[t]:
///   i[t] = decay_r i[t-1] + gain_r p[t]               (if the receptor has a current; else i = p)
///   zb[t] = alpha_j zb[t-1] + gain_j i[t]
///   e[t] = psi_j[t] (zb[t] - beta_j eps[t]),  eps[t+1] = rho eps[t] + e[t]
/// Vectors hold one value for all neurons or one per neuron.
template <class Real>
struct Eligibility {
    std::vector<Real> alpha{}, gain{};
    std::vector<Real> beta{};  ///< per neuron; empty: nobody adapts
    Real rho = 0;
    struct Receptor {
        std::vector<Real> decay{}, gain{};  ///< empty: events reach the membrane directly
        bool has_current() const { return !decay.empty(); }
    };
    std::vector<Receptor> receptors{};
    bool spiking = true;  ///< false: the output is the membrane itself, psi = 1
};

/// What arrives at a population in a step.
template <class Real>
struct Arriving {
    /// Sums, [receptor][neuron]; 0 if nothing arrives. Receptors behind the first that no projection has are
    /// empty.
    std::span<const std::span<const Real>> receptors;
    bool nothing = false;  ///< no projection delivers anything
};

/// A population that runs.
template <class Real>
class Neurons {
public:
    virtual ~Neurons() = default;

    /// State as before the first step.
    virtual void clear() = 0;
    /// One step. `psi` gets the pseudo-derivatives, [neuron], unless it is empty. Allocates nothing once
    /// warm.
    virtual void step(const Arriving<Real>& arriving, Signal<Real>& out, std::span<Real> psi) = 0;
    virtual void serialize(StateArchive& archive) = 0;
    /// The state field of that name (fields.hpp), [neuron]; empty if the model has none.
    virtual std::span<const Real> state(std::string_view field) const = 0;
    /// Whether what it puts out follows from what arrives in the same step alone.
    virtual bool is_memoryless() const { return false; }
    /// Null: synapses onto this model cannot learn by e-prop.
    virtual const Eligibility<Real>* eligibility() const { return nullptr; }
};

struct NeuronModel {
    std::string_view name, text;
    std::string_view nir_type = {};  ///< type of its NIR nodes; empty: NIR has no such model
    std::span<const Field> fields;
    std::uint32_t receptors = 1;       ///< a projection's receptor is below this
    bool spiking = true;               ///< puts out spikes
    double operations_per_step = 0.0;  ///< arithmetic operations of a neuron in a step
    /// Throw InputError naming population, parameter and value for what the equations cannot do.
    std::unique_ptr<Neurons<float>> (*make_float)(const Population&, double time_step_seconds) = nullptr;
    std::unique_ptr<Neurons<double>> (*make_double)(const Population&, double time_step_seconds) = nullptr;
    /// Gives a slice the parameters by which it rounds as the whole does; null: it does so anyway.
    void (*fit_slice)(const Population& whole, double time_step_seconds, Population& slice) = nullptr;
};

/// Values of a parameter, one per neuron, or the default of the field.
std::vector<double> values_of(const Population& population, const Field& field);
/// The same where all neurons share one value.
double value_of(const Population& population, std::span<const Field> fields, std::string_view name);
std::vector<double> values_of(const Population& population, std::span<const Field> fields,
                              std::string_view name);
const Field& find_field(std::span<const Field> fields, std::string_view name);

/// A slice as a population of its own: make_neurons() of it computes, bit for bit, what the whole computes on
/// these neurons (the sign of a zero aside) if it is given their sums; what it puts out is numbered from 0.
/// Parameters with a value per neuron are cut; the shape is dropped. Throws InputError for an unknown model,
/// a slice that is not within the population, and what make_neurons() would refuse.
Population slice_of(const Population& population, Slice slice, double time_step_seconds);

}  // namespace memprop::network
