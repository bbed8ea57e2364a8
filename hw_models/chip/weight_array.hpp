// The weights of one projection on the tiles of a chip: the store of learning/ with the tiles cut from it.
// What concerns the array as a whole (renewal, update scheme, refresh) is done once, whichever tile asks
// first, as in tile::TiledArray.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "hw_models/chip/chip_config.hpp"
#include "hw_models/tile/crossbar_memory.hpp"
#include "hw_models/tile/fast_tile.hpp"
#include "hw_models/tile/float_memory.hpp"
#include "hw_models/tile/tile.hpp"
#include "learning/update/fast_array.hpp"
#include "learning/weights/crossbar_weights.hpp"
#include "learning/weights/digital_weights.hpp"

namespace memprop::hw::chip {

class WeightArray {
public:
    /// Tiles of at most `tile_rows` word lines and `tile_columns` columns; the devices of a store have their
    /// own number of word lines. Throws InputError for a store that a chip cannot hold.
    WeightArray(learning::WeightStore& store, std::uint32_t tile_rows, std::uint32_t tile_columns);

    /// Weights that are numbers are stored in units of this; 1 if nobody says otherwise.
    void set_unit(float weight) { unit_ = weight; }

    std::span<const tile::TileRegion> tiles() const { return regions_; }
    const learning::WeightStoreShape& shape() const { return store_.shape(); }
    /// `name` is for messages.
    std::unique_ptr<tile::Tile> make_tile(const std::string& name, std::size_t tile, const ChipConfig& config,
                                          std::int64_t columns_per_converter, const Clock& clock);

    /// The tile of the update scheme's own array beside tile `tile`; null if there is none.
    std::unique_ptr<tile::FastTile> make_fast_tile(const std::string& name, std::size_t tile,
                                                   const ChipConfig& config,
                                                   std::int64_t columns_per_converter) const;

    /// Initial weights arrive one by one; program() writes them and tells how long that takes.
    void stage(std::uint32_t row, std::uint32_t column, float weight);
    double program();

    /// Sums of what the tiles store to weights.
    void scale(std::span<float> sums) const;

    // An update: the changes asked for (empty: none, the array takes no part), then for each tile its part.
    void ask(std::span<const float> changes) { asked_ = changes; }
    bool asks() const { return !asked_.empty(); }
    /// The same, from the cores: each gives the changes of its columns, [row][column].
    void ask_columns(std::uint32_t first_column, std::uint32_t columns, std::span<const float> changes);
    /// Those of a tile, [row * columns + column].
    void asked(const tile::TileRegion& region, std::vector<float>& changes) const;
    /// Whether anything is to be written.
    bool plan(std::uint32_t event, std::int32_t tick);
    /// What the plan did in the part of the fast array beside a tile.
    tile::FastUpdate fast_update(std::size_t tile) const;
    /// Digital work on rows that were read there, per column.
    std::uint64_t transfer_operations() const;
    tile::WriteBurst burst(std::size_t tile, std::uint32_t event, std::int32_t tick) const;
    /// Null if no refresh is due after update `event`.
    std::optional<tile::RefreshRequest> refresh(std::uint32_t event, std::int32_t tick);
    /// A tile has finished its part of a refresh.
    void refresh_finished(std::uint32_t event);

    /// Of the last measurement of all tiles, [pre][post], as weights.
    void measured(std::span<float> weights) const;
    void devices_changed();

    /// Exact noise-free weight, for debugging.
    float weight(std::uint32_t row, std::uint32_t column, std::int32_t tick);
    /// Energy and wear of the devices behind the tiles.
    void report(const std::string& prefix, const crossbar::EnergyConfig& cost,
                std::vector<Counter>& out) const;

private:
    static constexpr std::uint64_t kNoEvent = ~std::uint64_t{0};

    learning::WeightStore& store_;
    learning::DeviceWeights* devices_;  // one of these two
    learning::DigitalWeights<float>* numbers_;
    learning::CrossbarWeights* trained_;       // devices_, if they learn
    std::unique_ptr<tile::TiledArray> tiled_;  // of devices_
    float unit_ = 1.0F;                        // of numbers_
    learning::FastArray* fast_ = nullptr;      // of their update scheme, if it has one
    std::vector<tile::TileRegion> regions_;
    std::vector<float> staged_, own_changes_;
    std::span<const float> asked_;
    std::uint64_t planned_event_ = kNoEvent, refresh_event_ = kNoEvent, refreshed_event_ = kNoEvent;
    bool writes_ = false, refreshes_ = false;
};

}  // namespace memprop::hw::chip
