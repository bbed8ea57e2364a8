#include "hw_models/chip/weight_array.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crossbar/base/error.hpp"

namespace memprop::hw::chip {

WeightArray::WeightArray(learning::WeightStore& store, std::uint32_t tile_rows, std::uint32_t tile_columns)
    : store_(store),
      devices_(dynamic_cast<learning::DeviceWeights*>(&store)),
      numbers_(dynamic_cast<learning::DigitalWeights<float>*>(&store)),
      trained_(dynamic_cast<learning::CrossbarWeights*>(&store)),
      staged_(std::size_t{store.shape().pre} * store.shape().post) {
    const learning::WeightStoreShape& s = store.shape();
    if (devices_ != nullptr) {
        if (trained_ != nullptr && trained_->compensates_drift()) {
            throw InputError("crossbar.drift_compensation", true, "must be false on run.engine = \"cycle\"");
        }
        tiled_ = std::make_unique<tile::TiledArray>(devices_->devices(), tile_columns);
        regions_.assign(tiled_->tiles().begin(), tiled_->tiles().end());
        fast_ = trained_ != nullptr ? trained_->scheme().fast_array() : nullptr;
        if (fast_ != nullptr) {
            fast_->keep_log();
        }
    } else if (numbers_ != nullptr) {
        for (std::uint32_t row = 0; row < s.pre; row += tile_rows) {
            for (std::uint32_t column = 0; column < s.post; column += tile_columns) {
                regions_.push_back({.first_row = row,
                                    .rows = std::min(tile_rows, s.pre - row),
                                    .first_column = column,
                                    .columns = std::min(tile_columns, s.post - column)});
            }
        }
    } else {
        throw InputError(
            fmt::format("the weights of {} cannot be put on tiles: this update scheme has no "
                        "run.engine = \"cycle\"",
                        learning::classic::kProjectionNames[static_cast<std::size_t>(s.id)]));
    }
}

std::unique_ptr<tile::Tile> WeightArray::make_tile(const std::string& name, std::size_t tile,
                                                   const ChipConfig& config,
                                                   std::int64_t columns_per_converter, const Clock& clock) {
    if (devices_ != nullptr) {
        return std::make_unique<tile::Tile>(
            std::make_unique<tile::CrossbarMemory>(*tiled_, tile, config.crossbar_tile(columns_per_converter),
                                                   name),
            config.read_mode, clock);
    }
    const tile::TileRegion& region = regions_[tile];
    return std::make_unique<tile::Tile>(
        std::make_unique<tile::FloatMemory>(
            tile::FloatMatrix{
                .weights = &numbers_->memory(), .columns = shape().post, .limit = numbers_->limit()},
            region, config.float_tile(region.rows, region.columns), name),
        config.read_mode, clock);
}

std::unique_ptr<tile::FastTile> WeightArray::make_fast_tile(const std::string& name, std::size_t tile,
                                                            const ChipConfig& config,
                                                            std::int64_t columns_per_converter) const {
    if (fast_ == nullptr) {
        return nullptr;
    }
    return std::make_unique<tile::FastTile>(regions_[tile], config.crossbar_tile(columns_per_converter),
                                            fast_->array(), name);
}

void WeightArray::stage(std::uint32_t row, std::uint32_t column, float weight) {
    staged_[std::size_t{row} * shape().post + column] = weight;
}

double WeightArray::program() {
    store_.load(staged_);
    devices_changed();
    return store_.programmed().known_seconds;
}

void WeightArray::scale(std::span<float> sums) const {
    if (devices_ != nullptr) {
        devices_->scale(sums);
    } else if (unit_ != 1.0F) {
        std::transform(sums.begin(), sums.end(), sums.begin(), [this](float sum) { return sum * unit_; });
    }
}

void WeightArray::asked(const tile::TileRegion& region, std::vector<float>& changes) const {
    changes.clear();
    for (std::uint32_t r = 0; r < region.rows; ++r) {
        const auto row = asked_.subspan(
            std::size_t{region.first_row + r} * shape().post + region.first_column, region.columns);
        changes.insert(changes.end(), row.begin(), row.end());
    }
}

void WeightArray::ask_columns(std::uint32_t first_column, std::uint32_t columns,
                              std::span<const float> changes) {
    const std::size_t post = shape().post;
    own_changes_.resize(std::size_t{shape().pre} * post);
    for (std::size_t row = 0; row * columns < changes.size(); ++row) {
        std::copy_n(changes.begin() + static_cast<std::ptrdiff_t>(row * columns), columns,
                    own_changes_.begin() + static_cast<std::ptrdiff_t>(row * post + first_column));
    }
    asked_ = own_changes_;
}

bool WeightArray::plan(std::uint32_t event, std::int32_t tick) {
    if (planned_event_ != event) {
        planned_event_ = event;
        writes_ =
            asks() && (numbers_ != nullptr || (trained_ != nullptr && trained_->plan(asked_, event, tick)));
    }
    return writes_;
}

tile::FastUpdate WeightArray::fast_update(std::size_t tile) const {
    const tile::TileRegion& region = regions_[tile];
    const std::size_t at = std::size_t{region.first_row} * shape().post + region.first_column;
    const learning::FastArrayLog& log = fast_->log();
    tile::FastUpdate update{
        .pulses = {fast_->pulses().data() + at, shape().post, region.rows, region.columns},
        .refreshed = log.refreshed};
    if (log.refreshed) {
        update.refresh = tile::refresh_work(region, shape().post, log.refresh, fast_->most_refresh_pulses());
    }
    for (const std::uint32_t row : log.rows_read) {
        update.rows_read += row >= region.first_row && row - region.first_row < region.rows ? 1U : 0U;
    }
    if (!log.reset.empty()) {
        update.reset = {log.reset.data() + at, shape().post, region.rows, region.columns};
    }
    return update;
}

std::uint64_t WeightArray::transfer_operations() const {
    return fast_ == nullptr || !asks()
               ? 0
               : fast_->log().rows_read.size() * trained_->scheme().numbers_per_transfer();
}

tile::WriteBurst WeightArray::burst(std::size_t tile, std::uint32_t event, std::int32_t tick) const {
    const tile::TileRegion& region = regions_[tile];
    const std::size_t at = std::size_t{region.first_row} * shape().post + region.first_column;
    tile::WriteBurst burst{.event = event, .tick = tick};
    if (devices_ != nullptr) {
        burst.steps = {trained_->pulses().data() + at, shape().post, region.rows, region.columns};
        burst.verified = trained_->verified();
        burst.steps_of_array = trained_->pulses();
    } else {
        burst.changes = {asked_.data() + at, shape().post, region.rows, region.columns};
    }
    return burst;
}

std::optional<tile::RefreshRequest> WeightArray::refresh(std::uint32_t event, std::int32_t tick) {
    if (refresh_event_ != event) {
        refresh_event_ = event;
        refreshes_ = asks() && trained_ != nullptr && trained_->refresh_is_due();
    }
    if (!refreshes_) {
        return std::nullopt;
    }
    return tile::RefreshRequest{.limits = trained_->refresh_limits(), .event = event, .tick = tick};
}

void WeightArray::refresh_finished(std::uint32_t event) {
    if (refreshed_event_ != event) {
        refreshed_event_ = event;
        trained_->note_refresh(tiled_->last_refresh());
    }
}

void WeightArray::measured(std::span<float> weights) const {
    if (devices_ != nullptr) {
        std::copy(tiled_->measured().begin(), tiled_->measured().end(), weights.begin());
    } else {
        std::copy(numbers_->memory().begin(), numbers_->memory().end(), weights.begin());
    }
    scale(weights);
}

void WeightArray::devices_changed() {
    if (tiled_) {
        tiled_->devices_changed();
    }
}

float WeightArray::weight(std::uint32_t row, std::uint32_t column, std::int32_t tick) {
    std::vector<float> all(staged_.size());
    store_.snapshot(tick, all);
    if (devices_ == nullptr) {
        scale(all);
    }
    return all[std::size_t{row} * shape().post + column];
}

void WeightArray::report(const std::string& prefix, const crossbar::EnergyConfig& cost,
                         std::vector<Counter>& out) const {
    if (tiled_) {
        tiled_->report(prefix, cost, out);
    }
    if (fast_ != nullptr) {
        tile::report_devices(prefix + "fast.", fast_->array().counters(), cost, out);
    }
}

}  // namespace memprop::hw::chip
