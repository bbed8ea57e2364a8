// From a network to the image of a chip: which core computes which neurons, which synapses lie on its tiles,
// along which trees events travel.
//
// Populations are computed in phases (network::waves without what the host feeds). Each is spread over the
// cores, in whole columns of tiles where its synapses lie on arrays; readouts, and populations whose devices
// are shared, go to as few cores as hold them, those with the most room. Cores are used in order of their
// distance from the host, so a network that needs few stays near it. An event goes only to cores that hold a
// synapse of its neuron's slice, and to the host if it is shown. The same network always gets the same place.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hw_models/chip/chip_config.hpp"
#include "hw_models/chip/chip_image.hpp"

namespace memprop::host {

/// What the weights of a projection are on.
struct WeightPlace {
    enum class Kind : std::uint8_t {
        numbers,  ///< of the image
        array,    ///< tiles of an array that learns or is made of devices
        shared,   ///< devices that no tile has
    };
    Kind kind = Kind::numbers;
    std::uint32_t tile_rows = 0;     ///< array: word lines of a tile
    std::uint32_t tile_columns = 0;  ///< array: at most; 0: as wide as a core's share of the population
    std::uint32_t columns_per_converter = 1;
    std::uint32_t tiles_per_part = 1;  ///< 2: the update scheme has devices of its own beside the weights
};

struct CompileRequest {
    const network::Network& network;
    std::vector<WeightPlace> weights;  ///< by projection
    std::vector<bool> shown;           ///< by population: its events go to the host
    bool moves_cores = false;          ///< whether placement.hpp may exchange them
};

struct CompiledNetwork {
    hw::chip::ChipImage image;
    std::vector<std::uint32_t> tile_columns;  ///< by projection on an array: of its tiles, at most
    std::uint64_t first_hop_cost = 0;         ///< before cores were moved
};

/// Throws InputError naming the resource of which there is too little, the need and the limit, or the
/// projection that the chip has no place for.
CompiledNetwork compile(const CompileRequest& request, const hw::chip::ChipConfig& chip);

/// The hardware for an image: resources that `chip` leaves to the mapping (0) become what the fullest core
/// needs. A chip is built from these; the next image has to fit.
hw::chip::ChipConfig with_resources(const hw::chip::ChipConfig& chip, const CompiledNetwork& compiled,
                                    const CompileRequest& request);

/// A table of what went where and how full it is.
std::string describe(const CompiledNetwork& compiled, const CompileRequest& request,
                     const hw::chip::ChipConfig& chip);

}  // namespace memprop::host
