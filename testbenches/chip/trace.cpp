#include "testbenches/chip/trace.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace memprop::tb {

using namespace hw::chip;
using hw::tile::TileActivity;

namespace {

// In the order of Core::Engine, without idle.
constexpr std::array<const char*, 10> kEngineNames{"learning",     "planning", "writing",  "refreshing",
                                                   "measuring",    "sharing",  "limiting", "adapting",
                                                   "transferring", "rewarding"};

}  // namespace

ChipTrace::ChipTrace(const sc_core::sc_module_name& name, std::vector<const Core*> cores,
                     const hw::noc::EventMesh& mesh, const HostInterface* host,
                     const std::filesystem::path& file)
    : sc_module(name),
      cores_(std::move(cores)),
      mesh_(mesh),
      host_(host),
      file_(file),
      signals_(cores_.size()) {
    if (host != nullptr) {
        file_.add(host_busy_, "host.busy");
        file_.add(host_step_, "host.step");
    }
    file_.add(flits_inside_, "mesh.flits_inside");
    for (std::size_t c = 0; c < cores_.size(); ++c) {
        add(*cores_[c], signals_[c], fmt::format("core_{}.", c));
    }
    SC_METHOD(sample);
}

void ChipTrace::add(const Core& core, CoreSignals& signals, const std::string& name) {
    file_.add(signals.neurons_reading, name + "neurons_reading");
    file_.add(signals.neurons_updating, name + "neurons_updating");
    file_.add(signals.readouts_reading, name + "readouts_reading");
    file_.add(signals.readouts_updating, name + "readouts_updating");
    for (std::size_t e = 0; e < kEngines; ++e) {
        file_.add(signals.engine[e], fmt::format("{}engine_{}", name, kEngineNames[e]));
    }
    file_.add(signals.flits_to_send, name + "flits_to_send");
    file_.add(signals.spikes, name + "spikes");
    signals.tiles.resize(core.tiles().size());
    for (std::size_t t = 0; t < signals.tiles.size(); ++t) {
        TileSignals& tile = signals.tiles[t];
        const std::string of_tile = fmt::format("{}tile_{}.", name, t);
        file_.add(tile.driving, of_tile + "driving");
        file_.add(tile.reading_out, of_tile + "reading_out");
        file_.add(tile.writing, of_tile + "writing");
        file_.add(tile.refreshing, of_tile + "refreshing");
        file_.add(tile.measuring, of_tile + "measuring");
        file_.add(tile.active_rows, of_tile + "active_rows");
    }
}

void ChipTrace::show(const Core& core, CoreSignals& signals) const {
    signals.neurons_reading = core.neuron_phase() == Core::Phase::reading;
    signals.neurons_updating = core.neuron_phase() == Core::Phase::updating;
    signals.readouts_reading = core.readout_phase() == Core::Phase::reading;
    signals.readouts_updating = core.readout_phase() == Core::Phase::updating;
    signals.engine.fill(false);
    if (core.engine() != Core::Engine::idle) {
        signals.engine[static_cast<std::size_t>(core.engine()) - 1] = true;
    }
    signals.flits_to_send = static_cast<std::uint32_t>(core.flits_to_send());
    signals.spikes = static_cast<std::uint32_t>(core.stats()[CoreCounter::spikes]);
    for (std::size_t t = 0; t < signals.tiles.size(); ++t) {
        const TileActivity activity = core.tiles()[t]->activity();
        TileSignals& tile = signals.tiles[t];
        tile.driving = activity == TileActivity::driving;
        tile.reading_out = activity == TileActivity::reading_out;
        tile.writing = activity == TileActivity::writing;
        tile.refreshing = activity == TileActivity::refreshing;
        tile.measuring = activity == TileActivity::measuring;
        tile.active_rows = static_cast<std::uint32_t>(core.tiles()[t]->active_rows().size());
    }
}

void ChipTrace::sample() {
    if (sc_core::sc_time_stamp() == sc_core::SC_ZERO_TIME) {
        next_trigger(mesh_.clock_period() / 4);
        return;
    }
    for (std::size_t c = 0; c < cores_.size(); ++c) {
        show(*cores_[c], signals_[c]);
    }
    flits_inside_ = static_cast<std::uint32_t>(mesh_.fabric().flits_inside());
    if (host_ != nullptr) {
        host_busy_ = host_->busy();
        host_step_ = host_->step();
    }
    next_trigger(mesh_.clock_period());
}

}  // namespace memprop::tb
