// What the nodes of a graph do in a step, in double precision. Weighted nodes scatter: their work goes
// with the number of non-zero entries that arrive. Sums run over ascending input index.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

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

    virtual std::span<const double> membrane() const { return {}; }
    virtual std::span<const double> current() const { return {}; }
    virtual std::uint64_t longest_delay_steps() const { return 0; }
};

/// `place` names file and node. Throws InputError for what this time step cannot do.
std::unique_ptr<Operator> make_operator(const nir::FlatNode& node, const Discretisation& discretisation,
                                        const std::string& place);

// By file: linear.cpp, window_operators.cpp, neurons.cpp, elementwise.cpp.
std::unique_ptr<Operator> make_linear(const nir::FlatNode& node);
std::unique_ptr<Operator> make_convolution(const nir::FlatNode& node, const std::string& place);
std::unique_ptr<Operator> make_pool(const nir::FlatNode& node, const std::string& place);
std::unique_ptr<Operator> make_neurons(const nir::FlatNode& node, const Discretisation& discretisation,
                                       const std::string& place);
std::unique_ptr<Operator> make_delay(const nir::FlatNode& node, const Discretisation& discretisation);
std::unique_ptr<Operator> make_scale(const nir::FlatNode& node);
std::unique_ptr<Operator> make_threshold(const nir::FlatNode& node);
std::unique_ptr<Operator> make_pass();

}  // namespace memprop::host
