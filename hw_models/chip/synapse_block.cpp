#include "hw_models/chip/synapse_block.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace memprop::hw::chip {

ArrayBlock::ArrayBlock(WeightArray& array, std::span<const std::uint32_t> tiles, std::uint32_t first_column,
                       const ChipConfig& config, std::int64_t columns_per_converter, const Clock& clock,
                       const std::string& name)
    : array_(array), first_column_(first_column) {
    for (const std::uint32_t number : tiles) {
        const tile::TileRegion& region = array.tiles()[number];
        row_blocks_ += region.first_column == first_column ? 1 : 0;
        const std::string where = fmt::format("{}.tile_{}", name, tiles_.size());
        tiles_.push_back(
            {.number = number,
             .region = region,
             .tile = array.make_tile(where, number, config, columns_per_converter, clock),
             .fast = array.make_fast_tile(where + ".fast", number, config, columns_per_converter)});
    }
}

void ArrayBlock::begin_sample(std::uint32_t sample, std::int32_t tick) {
    for (PlacedTile& placed : tiles_) {
        placed.tile->abandon_step();
        placed.tile->begin_sample(sample, tick);
    }
}

void ArrayBlock::end_sample() {
    for (PlacedTile& placed : tiles_) {
        placed.tile->end_sample();
    }
}

void ArrayBlock::open(std::uint32_t step) {
    events_ = 0;
    for (PlacedTile& placed : tiles_) {
        placed.tile->begin_step(step);
    }
}

bool ArrayBlock::event(std::uint32_t row, float value, std::uint64_t arrival) {
    bool taken = value == 1.0F;  // word lines are driven with spikes
    bool exists = false;
    for (PlacedTile& placed : tiles_) {
        const std::uint32_t of_tile = row - placed.region.first_row;
        if (taken && row >= placed.region.first_row && of_tile < placed.region.rows) {
            exists = true;
            taken = placed.tile->row_event_of(of_tile, arrival) == tile::TileResponse::accepted;
        }
    }
    events_ += taken && exists ? 1 : 0;
    return taken && exists;
}

std::uint64_t ArrayBlock::end(std::uint32_t key) {
    std::uint64_t due = 0;
    for (PlacedTile& placed : tiles_) {
        placed.tile->end_step(key);
        due = std::max(due, placed.tile->sums_cycle());
    }
    return due;
}

bool ArrayBlock::take(std::span<float> out) {
    // Ascending row block: that of the tiles. A tile whose word lines were not driven adds nothing.
    std::fill(out.begin(), out.end(), 0.0F);
    std::uint32_t added_column = ~0U;
    for (PlacedTile& placed : tiles_) {
        placed.tile->take_sums();
        if (placed.tile->rows_read() == 0) {
            continue;
        }
        const std::span<const float> part = placed.tile->sums();
        float* const to = out.data() + (placed.region.first_column - first_column_);
        if (added_column == placed.region.first_column) {
            for (std::size_t c = 0; c < part.size(); ++c) {
                to[c] += part[c];
            }
        } else {
            std::copy(part.begin(), part.end(), to);
        }
        added_column = placed.region.first_column;
    }
    array_.scale(out);
    return true;
}

std::span<const std::uint32_t> ArrayBlock::rows_taken() {
    rows_taken_.clear();
    for (const PlacedTile& placed : tiles_) {
        if (placed.region.first_column == first_column_) {
            for (const std::uint32_t row : placed.tile->active_rows()) {
                rows_taken_.push_back(placed.region.first_row + row);
            }
        }
    }
    return rows_taken_;
}

std::uint64_t ArrayBlock::synaptic_operations() const {
    std::uint64_t operations = 0;
    for (const PlacedTile& placed : tiles_) {
        operations += placed.tile->stats().row_events * placed.tile->columns();
    }
    return operations;
}

double ArrayBlock::energy_j() const {
    double energy = 0.0;
    for (const PlacedTile& placed : tiles_) {
        energy += placed.tile->memory().energy_j();
    }
    for (const PlacedTile& placed : tiles_) {
        energy += placed.fast != nullptr ? placed.fast->energy_j() : 0.0;
    }
    return energy;
}

void ArrayBlock::report(const std::string& prefix, std::vector<Counter>& out) const {
    for (std::size_t t = 0; t < tiles_.size(); ++t) {
        for (Counter& counter : tiles_[t].tile->report(fmt::format("{}tile_{}.", prefix, t))) {
            out.push_back(std::move(counter));
        }
    }
    for (std::size_t t = 0; t < tiles_.size(); ++t) {
        if (tiles_[t].fast != nullptr) {
            tiles_[t].fast->report(fmt::format("{}fast_tile_{}.", prefix, t), out);
        }
    }
}

void ArrayBlock::record(WordRecord& record) {
    for (PlacedTile& placed : tiles_) {
        placed.tile->record(record);
        if (placed.fast != nullptr) {
            placed.fast->record(record);
        }
    }
}

void ConnectionBlock::open(std::uint32_t) {
    signal_.index.clear();
    signal_.value.clear();
    sorted_ = all_ones_ = true;
    events_ = 0;
    drivers_free_cycle_ = clock_.cycle;
}

bool ConnectionBlock::event(std::uint32_t row, float value, std::uint64_t arrival) {
    if (row >= rows_) {
        return false;
    }
    sorted_ = sorted_ && (signal_.index.empty() || signal_.index.back() < row);
    all_ones_ = all_ones_ && value == 1.0F;
    signal_.index.push_back(row);
    signal_.value.push_back(value);
    ++events_;
    if (mode_ == tile::ReadMode::per_event) {
        drivers_free_cycle_ = std::max(drivers_free_cycle_, arrival) + row_cycles(row);
    }
    return true;
}

const network::Signal<float>& ConnectionBlock::arrived(bool as_listed) {
    using Form = network::Signal<float>::Form;
    if (!as_listed && !sorted_) {
        order_.clear();
        for (std::size_t k = 0; k < signal_.index.size(); ++k) {
            order_.emplace_back(signal_.index[k], signal_.value[k]);
        }
        std::stable_sort(order_.begin(), order_.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
        for (std::size_t k = 0; k < order_.size(); ++k) {
            std::tie(signal_.index[k], signal_.value[k]) = order_[k];
        }
        sorted_ = true;
    }
    signal_.form = signal_.index.empty() ? Form::zero : all_ones_ ? Form::spikes : Form::graded;
    return signal_;
}

NumberBlock::NumberBlock(std::unique_ptr<network::Connection<float>> connection, std::uint32_t rows,
                         bool as_listed, std::vector<RowWork> work, RowWork bias_work,
                         const ChipConfig& config, const Clock& clock)
    : ConnectionBlock(rows, config.read_mode, clock),
      connection_(std::move(connection)),
      as_listed_(as_listed),
      work_(std::move(work)),
      bias_work_(bias_work),
      cost_(config.float_tile(1, 1).cost) {}

std::uint64_t NumberBlock::end(std::uint32_t key) {
    key_ = key;
    std::uint64_t cycles = bias_work_.words;
    stats_.words_read += bias_work_.words;
    stats_.additions += bias_work_.adds;
    for (const std::uint32_t row : rows_of_events()) {
        const RowWork& of_row = work(row);
        stats_.words_read += of_row.words;
        stats_.additions += of_row.adds;
        cycles += mode() == tile::ReadMode::per_timestep ? row_cycles(row) : 0;
    }
    const std::uint64_t now = clock().cycle;
    return (mode() == tile::ReadMode::per_timestep ? now : std::max(now, drivers_free_cycle())) + cycles;
}

bool NumberBlock::take(std::span<float> out) {
    return connection_->sum(arrived(as_listed_), key_, out);
}

double NumberBlock::energy_j() const {
    return tile::sram_energy_j(cost_, stats_);
}

void NumberBlock::report(const std::string& prefix, std::vector<Counter>& out) const {
    tile::report_sram(prefix, cost_, stats_, out);
}

std::span<const float> SharedConnection::sums(const network::Signal<float>& arriving, std::uint32_t key) {
    const bool same =
        computed_ && key == key_ && arriving.form == arrived_.form && arriving.index == arrived_.index &&
        (arriving.form != network::Signal<float>::Form::graded || arriving.value == arrived_.value);
    if (!same) {
        arrived_ = arriving;
        key_ = key;
        computed_ = true;
        is_nothing_ = !connection_.sum(arrived_, key, sums_);
    }
    return is_nothing_ ? std::span<const float>() : std::span<const float>(sums_);
}

DeviceBlock::DeviceBlock(SharedConnection& connection, std::uint32_t rows, Slice columns,
                         std::vector<std::uint32_t> drives, std::uint32_t converted,
                         const tile::CrossbarTileParams& params, const Clock& clock)
    : ConnectionBlock(rows, params.read_mode, clock),
      connection_(connection),
      columns_(columns),
      drives_(std::move(drives)),
      converted_(converted),
      params_(params) {}

std::uint64_t DeviceBlock::end(std::uint32_t key) {
    key_ = key;
    const std::uint64_t now = clock().cycle;
    if (events() == 0) {
        return now;
    }
    std::uint64_t driven = 0, reads = 1;
    for (const std::uint32_t row : rows_of_events()) {
        driven += drives(row);
        reads = std::max<std::uint64_t>(reads, drives(row));
    }
    const tile::ReadTiming timing = tile::read_timing(params_.timing, converted_);
    stats_.word_line_drives += driven;
    stats_.integrations += converted_ * (mode() == tile::ReadMode::per_event ? driven : reads);
    stats_.conversions += converted_ * reads;
    const std::uint64_t free = mode() == tile::ReadMode::per_timestep ? now + reads * timing.row_cycles
                                                                      : std::max(now, drivers_free_cycle());
    return free + reads * timing.readout_cycles;
}

bool DeviceBlock::take(std::span<float> out) {
    const std::span<const float> sums = connection_.sums(arrived(false), key_);
    if (sums.empty()) {
        return false;
    }
    std::copy_n(sums.begin() + columns_.first, columns_.count, out.begin());
    return true;
}

}  // namespace memprop::hw::chip
