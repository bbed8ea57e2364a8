// What the nodes of a graph do in a step, in double precision (or as in training, trained.cpp). Weighted
// nodes scatter: their work goes with the number of non-zero entries that arrive. Sums run over ascending
// input index.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "crossbar/base/state_archive.hpp"
#include "host_runtime/graph/discretisation.hpp"
#include "host_runtime/graph/signal.hpp"
#include "host_runtime/nir/flat_graph.hpp"

namespace memprop::host {

class Operator {
public:
    Operator() = default;
    Operator(const Operator&) = delete;
    Operator& operator=(const Operator&) = delete;
    virtual ~Operator() = default;

    /// One step: y from x; they are different objects.
    virtual void step(const Signal& x, Signal& y) = 0;

    /// What it puts out before the first step, x being what arrives at rest.
    virtual void rest(const Signal& x, Signal& y) { step(x, y); }

    /// Back to the state before the first step.
    virtual void reset() {}

    /// What the steps so far have left behind, for checkpoints; weights are no part of it.
    virtual void serialize(StateArchive&) {}
    /// What devices hold that weights have been programmed onto: conductances, wear, noise.
    virtual void serialize_devices(StateArchive&) {}

    virtual std::span<const double> membrane() const { return {}; }
    virtual std::span<const double> current() const { return {}; }
    virtual std::uint64_t longest_delay_steps() const { return 0; }
};

/// Takes nodes away from the operators below: a crossbar in place of the numbers of a weighted node.
class OperatorMapping {
public:
    virtual ~OperatorMapping() = default;
    /// Null for nodes that it leaves alone. `arrives_late`: what the node puts out is delivered in the next
    /// step. Throws InputError, starting with `place`, for what it cannot do.
    virtual std::unique_ptr<Operator> map(const nir::FlatNode& node, const std::string& place,
                                          bool arrives_late) = 0;
    /// After the last node. Throws InputError for what was asked of nodes that there are none of.
    virtual void finish() const {}
};

/// `place` names file and node. Throws InputError for what this time step cannot do.
std::unique_ptr<Operator> make_operator(const nir::FlatNode& node, const Discretisation& discretisation,
                                        const std::string& place);

// By file: linear.cpp, trained.cpp, window_operators.cpp, neurons.cpp, elementwise.cpp.
std::unique_ptr<Operator> make_linear(const nir::FlatNode& node);
/// The bias of every output of a Linear or Affine node; empty if there is none or all are 0.
std::vector<double> linear_bias(const nir::FlatNode& node);
/// dt/tau or 1 - exp(-dt/tau) of each time constant. Throws InputError if forward Euler diverges.
std::vector<double> leak_coefficients(std::vector<double> tau, std::string_view name,
                                      const Discretisation& discretisation, const std::string& place);
std::unique_ptr<Operator> make_convolution(const nir::FlatNode& node, const std::string& place);
std::unique_ptr<Operator> make_pool(const nir::FlatNode& node, const std::string& place);
std::unique_ptr<Operator> make_neurons(const nir::FlatNode& node, const Discretisation& discretisation,
                                       const std::string& place);
/// LIF, LI, Linear and Affine in the arithmetic of training; null for what it does not know.
std::unique_ptr<Operator> make_trained(const nir::FlatNode& node, const Discretisation& discretisation,
                                       const std::string& place);
std::unique_ptr<Operator> make_delay(const nir::FlatNode& node, const Discretisation& discretisation);
std::unique_ptr<Operator> make_scale(const nir::FlatNode& node);
std::unique_ptr<Operator> make_threshold(const nir::FlatNode& node);
std::unique_ptr<Operator> make_pass();

}  // namespace memprop::host
