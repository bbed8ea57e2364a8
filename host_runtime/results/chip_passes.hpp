// What each pass of a run over trials cost on the cycle-level chip.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crossbar/config.hpp"
#include "host_runtime/chip/chip_session.hpp"
#include "learning/trainer.hpp"

namespace memprop::host {

class ChipPasses {
public:
    /// Counting begins now. Both must live as long.
    ChipPasses(const ChipSession& session, const learning::TrainerBase& trainer,
               const crossbar::EnergyConfig& device_energy);

    /// What was spent since the last call belongs to `pass` after so many epochs.
    void close(std::uint64_t epochs_done, std::string_view pass);

    /// epoch, pass, cycles; synaptic_operations (a spike times the columns of each tile it reaches); energy
    /// in joule of devices (pulses and reads), routing, tile_periphery, neuron_units, learning_engines.
    const std::string& csv() const { return csv_; }

private:
    struct Spent {
        std::uint64_t cycles = 0, synaptic_operations = 0;
        double devices_j = 0.0, routing_j = 0.0, tile_periphery_j = 0.0, neuron_units_j = 0.0,
               learning_engines_j = 0.0;
    };
    Spent spent() const;

    const hw::chip::Chip& chip_;
    const learning::TrainerBase& trainer_;
    const crossbar::EnergyConfig device_energy_;
    Spent before_;
    std::string csv_;
};

}  // namespace memprop::host
