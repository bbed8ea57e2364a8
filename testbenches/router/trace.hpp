// Waveforms of a mesh as a VCD file. Per router and port: how full the input FIFO is (flits on the link
// to it included) and, in cycles in which a flit crosses to the output, its source and its target.
// A cycle's values are drawn a quarter into it, when all that happens in the cycle has happened. Meant for
// short runs: with a trace, all signals are compared in every cycle.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <systemc>
#include <vector>

#include "hw_models/noc/mesh.hpp"
#include "testbenches/support/vcd_file.hpp"

namespace memprop::tb {

class RouterTrace : public sc_core::sc_module, public hw::noc::FabricObserver {
public:
    SC_HAS_PROCESS(RouterTrace);
    /// Throws RunError if the file cannot be written. The file appears with finish().
    RouterTrace(const sc_core::sc_module_name& name, hw::noc::EventMesh& mesh,
                const std::filesystem::path& file);
    ~RouterTrace() override;
    RouterTrace(const RouterTrace&) = delete;
    RouterTrace& operator=(const RouterTrace&) = delete;

    void finish() { file_.finish(); }

private:
    struct PortSignals {
        std::uint32_t level = 0;
        bool valid = false;
        std::uint32_t source = 0, target = 0;
    };
    using RouterSignals = std::array<PortSignals, hw::noc::kPorts>;

    void flit_crossed(std::uint64_t cycle, hw::noc::NodeId router, hw::noc::Port output,
                      const hw::noc::Flit& flit) override;
    void sample();

    hw::noc::EventMesh& mesh_;
    VcdFile file_;
    std::vector<RouterSignals> crossing_;  // written during the cycle
    std::vector<RouterSignals> shown_;     // what the file records
};

}  // namespace memprop::tb
