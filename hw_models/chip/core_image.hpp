// The image of one core as it lies in the core's image memory, 32-bit words; docs/chip_image.md says which
// word is what. Encoding is the compiler's, decoding the core's part.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hw_models/chip/chip_image.hpp"
#include "learning/network/connection.hpp"

namespace memprop::hw::chip {

enum class UnitRole : std::uint8_t {
    plain,    ///< does not learn
    neurons,  ///< learning signals reach its neurons
    readout,  ///< compared with targets
};

/// What a core knows of its part of the network. Parameters, weights, lists and masks are those of the
/// slices.
struct CoreProgram {
    struct Unit {
        std::uint32_t population = 0, first_neuron = 0, phase = 1, first_address = 0;
        std::uint32_t tree = kNoTree;
        UnitRole role = UnitRole::plain;
        network::Population neurons;  ///< those of the slice
    };
    struct Block {
        std::uint32_t number = 0, unit = 0;  ///< projection of the network; unit of the core
        std::uint32_t pre = 0;               ///< presynaptic neurons
        std::uint32_t source_phase = 0;      ///< in which they put out their events; 0: the host's
        Slice columns;                       ///< of the postsynaptic population
        network::Projection projection;      ///< without its populations
        bool on_array = false, is_shared = false;
        std::vector<std::uint32_t> tiles;
    };
    /// Learns the synapses onto a unit.
    struct Rule {
        std::uint32_t unit = 0;
        std::vector<std::uint32_t> blocks;         ///< of its projections
        learning::LearningPopulation<float> plan;  ///< of the whole population
        learning::RateRegularizer<float> regularizer;
        learning::LearningConfig settings;
        std::vector<double> learning_rates;  ///< of its projections
    };
    static constexpr std::uint32_t kNoTree = 0xFFFF'FFFF;

    double time_step_seconds = 1e-3;
    std::uint32_t phases = 1;
    std::vector<Unit> units;
    std::vector<Block> blocks;
    std::vector<AxonImage> axons;
    std::vector<Rule> rules;
};

/// What core `core` of an image is to be told.
CoreProgram program_of(const ChipImage& image, std::size_t core);

std::vector<std::uint32_t> words_of(const CoreProgram& program);
/// Throws InputError naming the word that says what a core cannot do.
CoreProgram decode(std::span<const std::uint32_t> words);

/// The connection of a block that is made of numbers.
std::unique_ptr<network::Connection<float>> make_numbers(const CoreProgram::Block& block);

}  // namespace memprop::hw::chip
