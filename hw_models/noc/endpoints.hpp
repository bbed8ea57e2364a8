// Network interfaces at the terminals of a fabric, in plain C++: a queue of flits to send, one per cycle, and
// a receiver that takes every flit in the cycle it arrives. A whole mesh with them advances by step().
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "hw_models/clock.hpp"
#include "hw_models/noc/fabric.hpp"

namespace memprop::hw::noc {

struct ArrivedFlit {
    Flit flit;
    std::uint64_t cycle = 0;  ///< of its arrival
};

class Endpoints {
public:
    /// A mesh of params; endpoint n is at node n. `clock` outlives it.
    Endpoints(const NocParams& params, const Clock& clock);

    Fabric& fabric() { return fabric_; }
    const Fabric& fabric() const { return fabric_; }

    /// The flit leaves now, or when those before it have left and the router has room; its latency counts
    /// from now. A flit without a route is discarded and counted (TerminalStats::refused_no_route).
    void send(NodeId node, const Flit& flit);
    /// The same for a flit that comes into being in the cycle flit.created_cycle, which may be later.
    void send_later(NodeId node, const Flit& flit);
    /// The next flit that has arrived at a node, in order of arrival.
    bool take(NodeId node, ArrivedFlit& delivery) {
        Endpoint& endpoint = at(node);
        if (endpoint.next_delivery == endpoint.arrived.size()) {
            return false;
        }
        delivery = endpoint.arrived[endpoint.next_delivery];
        if (++endpoint.next_delivery == endpoint.arrived.size()) {
            endpoint.arrived.clear();
            endpoint.next_delivery = 0;
        }
        return true;
    }
    /// Which flits wake(): others wait for the next take(). None at first.
    void set_wake_filter(NodeId node, bool (*wakes)(const Flit&)) { at(node).wakes = wakes; }

    std::size_t waiting_to_leave(NodeId node) const;
    /// Cycles in which a flit could not leave because the router had no room.
    std::uint64_t stall_cycles(NodeId node) const { return at(node).stall_cycles; }
    bool idle() const { return sending_.empty() && fabric_.flits_inside() == 0; }
    /// Forgets the flits that wait to leave and those that have arrived.
    void clear();

    /// The next cycle in which step() has something to do; kNever if all is idle.
    std::uint64_t next_cycle() const { return std::min(fabric_.next_cycle(), next_send_cycle_); }
    /// Does the work of the clock's cycle. Returns the nodes where a flit arrived that wakes.
    std::span<const std::uint32_t> step();

private:
    struct Endpoint {
        bool (*wakes)(const Flit&) = nullptr;
        std::vector<Flit> to_leave;
        std::vector<ArrivedFlit> arrived;
        std::size_t next_to_leave = 0, next_delivery = 0;
        std::uint64_t next_send_cycle = 0;
        std::uint64_t blocked_since = kNever, stall_cycles = 0;
    };
    Endpoint& at(NodeId node) { return endpoints_[static_cast<std::size_t>(node)]; }
    const Endpoint& at(NodeId node) const { return endpoints_[static_cast<std::size_t>(node)]; }
    bool send_queued(std::uint32_t index);

    Fabric fabric_;
    const Clock& clock_;
    std::vector<Endpoint> endpoints_;
    std::vector<std::uint32_t> sending_;      // endpoints with flits to send and room in front
    std::vector<std::uint32_t> woken_;        // by the last step
    std::uint64_t next_send_cycle_ = kNever;  // of these
};

}  // namespace memprop::hw::noc
