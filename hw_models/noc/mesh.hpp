// SystemC modules of the network on chip: EventMesh (all routers of a chip) and EventRouter (one).
// Protocol, latency and what is modelled: fabric.hpp. These modules only add ports and time.
//
// One process per mesh, not per router: a wake-up of a process costs 25 to 55 ns and a signal 25 ns
// (SystemC 2.3.4), a hop in arrays about as much as one of them. At 10 % load on 8 x 8 routers each
// cycle has some 34 hops in 25 routers, so separate processes would spend most of the time in the
// kernel. The process sleeps until the next cycle in which any router, arrival or credit is due
// (Fabric::next_cycle) and there only visits those; an idle mesh costs nothing, there is no clock.
//
// Users bind sc_port<FlitPortIf> to `port[n]` (node n of a mesh, port n of a router) and call it from
// processes that run at multiples of the clock period; a call between two of them counts as made at the
// earlier one. The order of calls and of processes within a cycle does not matter.
#pragma once

#include <cstdint>
#include <memory>
#include <systemc>
#include <vector>

#include "hw_models/noc/fabric.hpp"

namespace memprop::hw::noc {

class FlitPortIf : public virtual sc_core::sc_interface {
public:
    /// At most one flit a cycle. After `full`, space_event() tells when to try again.
    virtual SendResult try_send(const Flit& flit) = 0;
    virtual bool try_receive(Flit& flit) = 0;
    virtual const sc_core::sc_event& space_event() const = 0;
    /// Once for each flit, in the cycle it arrives. Receive until there is none.
    virtual const sc_core::sc_event& arrival_event() const = 0;
};

/// What EventMesh and EventRouter share.
class FabricModule : public sc_core::sc_module {
public:
    sc_core::sc_vector<sc_core::sc_export<FlitPortIf>> port;

    ~FabricModule() override;

    /// Tables, counters, observers; between two cycles or from a process of the current one.
    Fabric& fabric() { return fabric_; }
    const Fabric& fabric() const { return fabric_; }
    const sc_core::sc_time& clock_period() const { return period_; }
    std::uint64_t cycle() const { return sc_core::sc_time_stamp().value() / period_.value(); }
    /// After a step in which flits arrived or ports got room: fabric().arrivals() and fabric().spaces()
    /// list them until the next step. For a process that serves many ports; costs less than their events.
    const sc_core::sc_event& activity_event() const {
        activity_is_heard_ = true;
        return activity_;
    }
    /// How often the process ran.
    std::uint64_t activations() const { return activations_; }

protected:
    FabricModule(const sc_core::sc_module_name& name, Fabric fabric, const sc_core::sc_time& clock_period);

private:
    class Terminal;

    void step();
    void sleep_until_due();

    Fabric fabric_;
    const sc_core::sc_time period_;
    mutable bool activity_is_heard_ = false;  // a notification costs as much as a hop
    sc_core::sc_event due_, activity_;
    std::uint64_t planned_cycle_ = kNever;  // for which due_ is notified
    std::uint64_t activations_ = 0;
    std::vector<std::unique_ptr<Terminal>> terminals_;
};

/// A mesh of params.width x params.height routers; port[n] is the local port of node n.
class EventMesh : public FabricModule {
public:
    EventMesh(const sc_core::sc_module_name& name, const NocParams& params,
              const sc_core::sc_time& clock_period)
        : FabricModule(name, Fabric::mesh(params), clock_period) {}
};

/// The router `node` of such a mesh; port[p] is its port p (routing.hpp).
class EventRouter : public FabricModule {
public:
    EventRouter(const sc_core::sc_module_name& name, const NocParams& params, NodeId node,
                const sc_core::sc_time& clock_period)
        : FabricModule(name, Fabric::single_router(params, node), clock_period) {}
};

}  // namespace memprop::hw::noc
