// The testbench around an EventMesh: one module per node that sends and receives through the interface
// cores use. Source queues are unbounded and take no memory: a flit that waits is the next injection of
// its source, and those behind it have not been drawn yet.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <systemc>
#include <vector>

#include "hw_models/noc/mesh.hpp"
#include "testbenches/router/traffic.hpp"

namespace memprop::tb {

class TrafficNode : public sc_core::sc_module {
public:
    sc_core::sc_port<hw::noc::FlitPortIf> port{"port"};

    SC_HAS_PROCESS(TrafficNode);
    TrafficNode(const sc_core::sc_module_name& name, const hw::noc::FabricModule& network,
                hw::noc::NodeId node, std::unique_ptr<TrafficSource> source, std::uint64_t measured_from);

    /// Nothing left to send.
    bool exhausted() const { return next_.cycle == hw::noc::kNever; }
    std::uint64_t last_receive_cycle() const { return last_receive_cycle_; }
    /// Flits created from cycle `measured_from` to before `end`, those that still wait included. Draws
    /// what has not been drawn yet, so the node cannot go on afterwards.
    std::uint64_t created_before(std::uint64_t end);

private:
    void end_of_elaboration() override;
    void send();
    void receive();
    void draw();

    const hw::noc::FabricModule& network_;
    hw::noc::NodeId node_;
    std::unique_ptr<TrafficSource> source_;
    Injection next_;
    std::uint64_t measured_from_;
    std::uint64_t created_ = 0;  // from measured_from_ on, next_ included
    std::uint64_t last_receive_cycle_ = 0;
};

struct RunLength {
    std::uint64_t warmup_cycles = 0;
    std::uint64_t cycles = 0;  ///< measured; 0 = until all flits have been received
};

struct RunResult {
    std::uint64_t measured_cycles = 0;
    std::uint64_t created_flits = 0, received_flits = 0;  ///< in the measured cycles, all nodes
    std::uint64_t flits_inside = 0;                       ///< at the end, source queues not included
    std::uint64_t activations = 0;                        ///< of the mesh process, warm-up included
    double wall_s = 0.0;
};

class RouterBench {
public:
    RouterBench(const hw::noc::NocParams& params, std::vector<std::unique_ptr<TrafficSource>> sources,
                const RunLength& length);

    hw::noc::EventMesh& mesh() { return mesh_; }

    /// Call once. Prints a line to stderr every 10 s.
    RunResult run();

private:
    bool drained() const;
    void run_to(std::uint64_t end_cycle);
    void progress(std::uint64_t cycle);

    RunLength length_;
    hw::noc::EventMesh mesh_;
    std::vector<std::unique_ptr<TrafficNode>> nodes_;
    std::chrono::steady_clock::time_point last_line_;
};

}  // namespace memprop::tb
