// What goes where on a chip: the result of mapping a network, from which the chip is built and loaded.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "hw_models/noc/flit.hpp"
#include "learning/weights/weight_store.hpp"

namespace memprop::hw::chip {

/// Neurons first .. first + count - 1 of a layer.
struct Slice {
    std::uint32_t first = 0, count = 0;
    bool operator==(const Slice&) const = default;
};

/// A tile of a core: number `tile` of the array of a projection (tile::TiledArray's numbering).
struct TilePlacement {
    learning::ProjectionId projection{};
    std::size_t tile = 0;
};

/// Spikes first_address .. + count - 1 drive the word lines first_row .. of tile `tile` of the core, in the
/// time step of the spike (delay 0) or in the next one (1).
struct AxonRange {
    std::uint32_t first_address = 0, count = 0;
    std::uint32_t tile = 0, first_row = 0;
    std::uint32_t delay = 0;
};

struct CorePlan {
    noc::NodeId node{};
    Slice neurons, readouts;
    std::vector<TilePlacement> tiles;
    std::vector<AxonRange> axons;
    noc::TreeId spike_tree{};  ///< of its neurons
};

struct TreePlan {
    noc::TreeId tree{};
    noc::NodeId root{};
    std::vector<noc::NodeId> leaves;
};

/// Spike addresses: inputs from 0 on, recurrent neurons after them.
struct ChipPlan {
    static constexpr noc::NodeId kHostNode{0};
    static constexpr noc::TreeId kInputTree{0};    ///< host -> cores with neurons
    static constexpr noc::TreeId kCommandTree{1};  ///< host -> all cores of the plan

    std::uint32_t inputs = 0, recurrent = 0, outputs = 0;
    std::array<std::uint32_t, 3> tile_columns{};  ///< of each projection, at most
    std::array<std::uint32_t, 3> tile_rows{};     ///< likewise
    std::vector<CorePlan> cores;
    std::vector<TreePlan> trees;

    std::uint32_t cores_with_neurons() const;
};

inline std::uint32_t ChipPlan::cores_with_neurons() const {
    std::uint32_t n = 0;
    for (const CorePlan& core : cores) {
        n += core.neurons.count > 0 ? 1U : 0U;
    }
    return n;
}

}  // namespace memprop::hw::chip
