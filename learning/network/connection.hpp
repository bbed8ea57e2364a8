// The synapses of one projection as an executor sees them: it gives what arrives and asks for the summed
// input of every postsynaptic neuron, and does not know what holds the weights.
#pragma once

#include <cstdint>
#include <span>

#include "crossbar/base/state_archive.hpp"
#include "learning/network/signal.hpp"

namespace memprop::network {

template <class Real>
class Connection {
public:
    virtual ~Connection() = default;

    /// out[post] = sum over what arrives of value times weight, presynaptic neurons ascending. `step` keys
    /// the noise of devices. False: nothing arrived, and `out` was left alone. Weights that are numbers may
    /// be summed by several threads at a time.
    virtual bool sum(const Signal<Real>& arriving, std::uint32_t step, std::span<Real> out) = 0;

    /// Whether the bias of the projection is a presynaptic line like the others, the last one: the executor
    /// then adds its event. Else `sum` adds the bias itself.
    virtual bool bias_is_a_line() const { return true; }
    /// State that steps change: nothing but for devices.
    virtual void serialize(StateArchive&) {}
};

}  // namespace memprop::network
