#include "host_runtime/results/chip_passes.hpp"

#include <fmt/format.h>

#include <iterator>

namespace memprop::host {

ChipPasses::ChipPasses(const ChipSession& session, const learning::TrainerBase& trainer,
                       const crossbar::EnergyConfig& device_energy)
    : chip_(session.chip()),
      trainer_(trainer),
      device_energy_(device_energy),
      before_(spent()),
      csv_(
          "epoch,pass,cycles,synaptic_operations,devices_j,routing_j,tile_periphery_j,neuron_units_j,"
          "learning_engines_j\n") {}

ChipPasses::Spent ChipPasses::spent() const {
    Spent now{.cycles = chip_.cycle()};
    const crossbar::EnergyBreakdown devices = trainer_.counters().energy(device_energy_);
    // The costs of devices on a chip are known, or there are none: weights that are numbers spend nothing
    // here. Conversions are charged once, by the tiles.
    now.devices_j = devices.total_j().value_or(0.0) - devices.adc_j;
    const hw::chip::ChipEnergy energy = chip_.energy();
    now.routing_j = energy.routing_j;
    now.tile_periphery_j = energy.tile_periphery_j;
    for (const auto& core : chip_.cores()) {
        now.neuron_units_j += core->neuron_energy_j();
        now.learning_engines_j += core->learning_energy_j();
        now.synaptic_operations += core->synaptic_operations();
    }
    return now;
}

void ChipPasses::close(std::uint64_t epochs_done, std::string_view pass) {
    const Spent now = spent();
    fmt::format_to(std::back_inserter(csv_), "{},{},{},{},{},{},{},{},{}\n", epochs_done, pass,
                   now.cycles - before_.cycles, now.synaptic_operations - before_.synaptic_operations,
                   now.devices_j - before_.devices_j, now.routing_j - before_.routing_j,
                   now.tile_periphery_j - before_.tile_periphery_j,
                   now.neuron_units_j - before_.neuron_units_j,
                   now.learning_engines_j - before_.learning_engines_j);
    before_ = now;
}

}  // namespace memprop::host
