// A file with all that a host writes to load a network into a chip, for boot loaders, firmware and test
// benches of hardware: little-endian 32-bit words (docs/chip_image.md, "Image file"). `memprop image` makes
// it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hw_models/chip/chip_config.hpp"

namespace memprop::hw::chip {

struct ImageFile {
    /// Words to consecutive addresses. After one that writes the host's register `command` the loader waits
    /// for the interrupt.
    struct Burst {
        std::uint32_t address = 0;
        std::vector<std::uint32_t> words;
        bool operator==(const Burst&) const = default;
    };
    /// Events first_address .. + size - 1.
    struct Population {
        std::uint32_t first_address = 0, size = 0;
        bool spikes = true;  ///< else values
        std::string name;
        bool operator==(const Population&) const = default;
    };
    /// Tiles of a projection whose weights are on an array that learns or is made of devices; the chip must
    /// have it attached (Chip::attach).
    struct Array {
        std::uint32_t projection = 0, tile_rows = 0, tile_columns = 0;
        std::string name;
        bool operator==(const Array&) const = default;
    };
    /// What a chip needs for it; the mesh exactly, of the others at least as much.
    struct Resources {
        std::uint32_t mesh_width = 1, mesh_height = 1, neurons_per_core = 0, tiles_per_core = 0,
                      axon_ranges = 0, delay_slots = 0, multicast_trees = 0;
        bool operator==(const Resources&) const = default;
    };

    Resources resources;
    double time_step_seconds = 1e-3;
    bool settles = false;             ///< command settle comes before the first step
    std::vector<Population> sources;  ///< fed by the host
    std::vector<Population> outputs;  ///< whose events come to the host
    std::vector<Array> arrays;
    std::vector<Burst> bursts;
    bool operator==(const ImageFile&) const = default;
};

std::vector<std::uint32_t> words_of(const ImageFile& image);
/// Throws InputError naming `place` for anything else than what words_of() gives.
ImageFile decode_image_file(std::span<const std::uint32_t> words, std::string_view place);

std::string bytes_of(std::span<const std::uint32_t> words);
/// Throws InputError naming the file.
ImageFile read_image_file(const std::filesystem::path& file);

/// Throws InputError naming the resource of which the chip has too little, or a mesh that is another one.
void check_fits(const ImageFile& image, const ChipConfig& chip);

}  // namespace memprop::hw::chip
