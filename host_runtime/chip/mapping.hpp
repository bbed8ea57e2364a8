// Places a recurrent network on a chip: which core holds which neurons, readouts and tiles, which word line
// a spike drives, and along which trees flits travel.
//
// Neurons are split evenly over the cores, in whole columns of tiles; readouts go to the cores with the most
// room. A layer larger than a tile's columns takes several tiles side by side, a fan-in larger than its rows
// several tiles that are summed. Cores are used in order of their distance from the host, so a network that
// needs few stays near it. The same network always gets the same place.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "host_runtime/config/experiment.hpp"
#include "hw_models/chip/chip_config.hpp"
#include "hw_models/chip/chip_plan.hpp"

namespace memprop::host {

/// What is to be placed: the layers, and the tiles that hold their weights.
struct NetworkShape {
    std::uint32_t inputs = 0, recurrent = 0;
    std::uint32_t outputs = 0;                 ///< readouts; 0: the neurons' spikes are all there is
    std::array<std::uint32_t, 3> rows{};       ///< of each projection; 0: there is none
    std::array<std::uint32_t, 3> tile_rows{};  ///< word lines of a tile
    std::uint32_t tile_columns = 0;            ///< at most; 0: as wide as a core's share of a layer
    std::uint32_t columns_per_converter = 1;
    std::uint32_t tiles_per_part = 1;  ///< 2: the update scheme has devices of its own beside the weights
    std::array<bool, 3> bias{};        ///< whether its last row is driven by the last input

    bool has(learning::ProjectionId id) const { return rows[static_cast<std::size_t>(id)] > 0; }
};

/// Of the network that an experiment trains.
NetworkShape shape_of(const Experiment& experiment);

/// Throws InputError naming the resource of which there is too little, the need and the limit.
hw::chip::ChipPlan map_network(const NetworkShape& shape, const hw::chip::ChipConfig& chip);
hw::chip::ChipPlan map_network(const Experiment& experiment);

/// A table of what went where and how full it is.
std::string describe_plan(const hw::chip::ChipPlan& plan, const NetworkShape& shape,
                          const hw::chip::ChipConfig& chip);
std::string describe_plan(const hw::chip::ChipPlan& plan, const Experiment& experiment);

}  // namespace memprop::host
