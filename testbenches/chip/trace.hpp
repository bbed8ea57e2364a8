// Waveforms of cores as a VCD file: what neuron unit, readouts, learning engine and every tile of each core
// do, flits that wait to leave and flits in the network; of a whole chip its host interface too. A cycle's
// values are drawn a quarter into it. Input spikes are drawn in the tiles from the step flit on, which is
// when a core looks at them. Meant for short runs: with a trace, all signals are compared in every cycle.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <systemc>
#include <vector>

#include "hw_models/chip/chip.hpp"
#include "testbenches/support/vcd_file.hpp"

namespace memprop::tb {

class ChipTrace : public sc_core::sc_module {
public:
    SC_HAS_PROCESS(ChipTrace);
    /// `host` may be null. Throws RunError if the file cannot be written. The file appears with finish().
    ChipTrace(const sc_core::sc_module_name& name, std::vector<const hw::chip::Core*> cores,
              const hw::noc::EventMesh& mesh, const hw::chip::HostInterface* host,
              const std::filesystem::path& file);

    void finish() { file_.finish(); }

private:
    static constexpr std::size_t kEngines = 10;

    struct TileSignals {
        bool driving = false, reading_out = false, writing = false, refreshing = false, measuring = false;
        std::uint32_t active_rows = 0;
    };
    struct CoreSignals {
        bool neurons_reading = false, neurons_updating = false;
        bool readouts_reading = false, readouts_updating = false;
        std::array<bool, kEngines> engine{};
        std::uint32_t flits_to_send = 0, spikes = 0;
        std::vector<TileSignals> tiles;
    };
    void add(const hw::chip::Core& core, CoreSignals& signals, const std::string& name);
    void show(const hw::chip::Core& core, CoreSignals& signals) const;
    void sample();

    const std::vector<const hw::chip::Core*> cores_;
    const hw::noc::EventMesh& mesh_;
    const hw::chip::HostInterface* const host_;
    VcdFile file_;
    std::vector<CoreSignals> signals_;
    std::uint32_t flits_inside_ = 0;
    bool host_busy_ = false;
    std::uint32_t host_step_ = 0;
};

}  // namespace memprop::tb
