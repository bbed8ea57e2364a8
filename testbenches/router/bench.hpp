// The testbench around an EventMesh: sources and receivers of all nodes. They are served by two processes
// (one for flits that are due, one for what the mesh reports), not by two per node, which would cost more
// kernel time than the mesh takes.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <systemc>
#include <vector>

#include "hw_models/noc/mesh.hpp"
#include "testbenches/router/injections.hpp"
#include "testbenches/router/traffic.hpp"

namespace memprop::tb {

class TrafficDriver : public sc_core::sc_module {
public:
    sc_core::sc_vector<sc_core::sc_port<hw::noc::FlitPortIf>> port;  ///< of node n

    SC_HAS_PROCESS(TrafficDriver);
    /// One source per node of `mesh`. Counts flits created from cycle `measured_from` on.
    TrafficDriver(const sc_core::sc_module_name& name, const hw::noc::EventMesh& mesh,
                  std::vector<std::unique_ptr<TrafficSource>> sources, std::uint64_t measured_from);

    Injections& injections() { return injections_; }
    const Injections& injections() const { return injections_; }
    std::uint64_t last_receive_cycle() const { return last_receive_cycle_; }

private:
    void send_due();
    void answer_mesh();
    void send(std::uint32_t index, std::uint64_t now);

    const hw::noc::EventMesh& mesh_;
    Injections injections_;
    sc_core::sc_event wake_;
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
    TrafficDriver driver_;
    std::chrono::steady_clock::time_point last_line_;
};

}  // namespace memprop::tb
