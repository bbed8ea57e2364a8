// What is loaded into a chip: which cores compute which neurons of a network, which synapses they hold, and
// along which trees events travel. host_runtime/chip/compile.hpp makes an image from a network;
// image_words.hpp says which words of which core hold it. An image may hold several networks side by side:
// populations without projections between them.
//
// Time step: sources (populations fed by the host) put out their events, then phase 1, 2, ... each compute
// the units whose events of this step come from earlier phases only (network::waves), then their events
// travel, then a barrier passes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hw_models/noc/flit.hpp"
#include "learning/config/learning_config.hpp"
#include "learning/eprop/gradient.hpp"
#include "learning/eprop/plan.hpp"
#include "learning/network/network.hpp"

namespace memprop::hw::chip {

using network::Slice;

inline constexpr noc::NodeId kHostNode{0};
inline constexpr noc::TreeId kCommandTree{0};  ///< host -> all cores of the image

/// Neurons of a population on a core.
struct UnitImage {
    std::uint32_t population = 0;  ///< of ChipImage::network
    Slice slice;
    std::uint32_t phase = 1;
    std::optional<noc::TreeId> tree;  ///< of its events; none: nobody takes them
};

/// The synapses of a projection onto a unit.
struct BlockImage {
    std::uint32_t projection = 0;  ///< of ChipImage::network
    std::uint32_t unit = 0;        ///< of the core
    bool on_array = false;  ///< on `tiles` of an array that learns or is made of devices (weight_array.hpp)
    bool is_shared =
        false;  ///< on devices that no tile has (SharedConnection); neither: numbers of the image
    std::vector<std::uint32_t> tiles;  ///< in the numbering of the array, row blocks ascending
};

/// Events first_address .. + count - 1 arrive at the rows first_row .. of a block.
struct AxonImage {
    std::uint32_t first_address = 0, count = 0;
    std::uint32_t block = 0, first_row = 0;
    bool operator==(const AxonImage&) const = default;
};

struct CoreImage {
    noc::NodeId node{};
    std::vector<UnitImage> units;    ///< by phase, then by population
    std::vector<BlockImage> blocks;  ///< by unit, then in the order of the projections, which is that of sums
    std::vector<AxonImage> axons;    ///< by first address
};

struct TreeImage {
    noc::TreeId tree{};
    noc::NodeId root{};
    std::vector<noc::NodeId> leaves;
    std::uint64_t flits = 0;  ///< that pass it in a step in which everybody fires
};

/// A population that the host feeds.
struct SourceImage {
    std::uint32_t population = 0;
    std::optional<noc::TreeId> tree;  ///< none: nobody listens
};

/// What the learning engines of the cores do by themselves: online e-prop, and the optimiser's part on the
/// gradients.
struct LearningImage {
    learning::EpropPlan<float> plan;
    learning::RateRegularizer<float> regularizer;
    learning::LearningConfig settings;   ///< batch, average_over_window, optimiser
    std::vector<double> learning_rates;  ///< [projection]
};

struct ChipImage {
    network::Network network;
    std::vector<std::uint32_t> first_address;  ///< [population]: event address of its first neuron
    std::vector<bool> shown;                   ///< [population]: its events go to the host, too
    std::uint32_t phases = 1;
    std::vector<SourceImage> sources;
    std::vector<CoreImage> cores;
    std::vector<TreeImage> trees;
    std::optional<LearningImage> learning;  ///< none: somebody else finds the changes of weights

    /// One more than the last event address.
    std::uint32_t addresses() const;
};

}  // namespace memprop::hw::chip
