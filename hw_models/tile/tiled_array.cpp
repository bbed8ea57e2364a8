#include "hw_models/tile/tiled_array.hpp"

#include <algorithm>
#include <optional>

#include "crossbar/base/error.hpp"

namespace memprop::hw::tile {

TiledArray::TiledArray(crossbar::SynapseArray& array, std::uint32_t tile_columns) : array_(array) {
    if (tile_columns == 0) {
        throw InputError("tile_columns", tile_columns, "must be at least 1");
    }
    for (std::uint32_t row = 0; row < array.rows(); row += array.tile_rows()) {
        for (std::uint32_t column = 0; column < array.columns(); column += tile_columns) {
            regions_.push_back({.first_row = row,
                                .rows = std::min(array.tile_rows(), array.rows() - row),
                                .first_column = column,
                                .columns = std::min(tile_columns, array.columns() - column)});
        }
    }
    begun_.resize(regions_.size());
    pulses_.resize(array.synapses());
    verified_pulses_.resize(array.synapses());
    measured_.resize(array.synapses());
}

bool TiledArray::join(std::size_t tile, const Current& operation) {
    if (begun_count_ == 0) {
        std::fill(begun_.begin(), begun_.end(), false);
        current_ = operation;
    } else if (current_ != operation || begun_[tile]) {
        return false;
    }
    begun_[tile] = true;
    ++begun_count_;
    return true;
}

bool TiledArray::leave() {
    if (++finished_count_ < regions_.size()) {
        return false;
    }
    begun_count_ = finished_count_ = 0;
    current_ = {};
    return true;
}

bool TiledArray::begin_sample(std::int32_t tick) {
    if (current_.operation != Operation::none && current_.operation != Operation::measure) {
        return false;
    }
    if (stale_ || tick != renewed_tick_) {
        renew(tick);
    }
    in_sample_ = true;
    return true;
}

void TiledArray::end_sample() {
    array_.account_reads();
    in_sample_ = false;
}

void TiledArray::renew(std::int32_t tick) {
    array_.account_reads();  // at the conductances they saw
    array_.renew(tick);
    renewed_tick_ = tick;
    stale_ = false;
}

void TiledArray::changed(std::int32_t tick) {
    stale_ = true;
    if (in_sample_) {
        renew(tick);
    }
}

bool TiledArray::begin_write(std::size_t tile, const WriteBurst& burst) {
    if (!join(tile, {Operation::write, burst.event, burst.tick, burst.phase})) {
        return false;
    }
    const TileRegion& region = regions_[tile];
    for (std::uint32_t r = 0; r < region.rows; ++r) {
        const auto row = burst.steps.row(r);
        const std::size_t to = std::size_t{region.first_row + r} * array_.columns() + region.first_column;
        std::copy(row.begin(), row.end(), pulses_.begin() + static_cast<std::ptrdiff_t>(to));
    }
    return true;
}

void TiledArray::finish_write() {
    const Current update = current_;
    if (leave() && update.operation == Operation::write) {
        array_.program(pulses_, update.phase, update.event, update.tick);
        changed(update.tick);
    }
}

const VerifyWork* TiledArray::begin_verified_write(std::size_t tile, const WriteBurst& burst) {
    const bool first = begun_count_ == 0;
    if (!join(tile, {Operation::verified_write, burst.event, burst.tick, burst.phase})) {
        return nullptr;
    }
    if (first) {
        write_verified(burst);
    }
    return &verify_work_[tile];
}

void TiledArray::write_verified(const WriteBurst& burst) {
    array_.write_verified(burst.steps_of_array, burst.verified, burst.event, burst.tick, &verified_);
    changed(burst.tick);
    verify_work_.assign(regions_.size(), {});
    std::fill(verified_pulses_.begin(), verified_pulses_.end(), std::int16_t{0});
    for (const crossbar::VerifiedSynapse& done : verified_) {
        verified_pulses_[done.synapse] = static_cast<std::int16_t>(done.pulses);
        VerifyWork& work = verify_work_[tile_of(done.synapse)];
        work.reads += done.reads;
        work.corrections += done.corrections;
        work.correction_pulses += done.correction_pulses;
    }
}

SynapseView<std::int16_t> TiledArray::verified_pulses(const TileRegion& region) const {
    const std::size_t first = std::size_t{region.first_row} * array_.columns() + region.first_column;
    return {verified_pulses_.data() + first, array_.columns(), region.rows, region.columns};
}

std::size_t TiledArray::tile_of(std::uint32_t synapse) const {
    const std::uint32_t width = regions_.front().columns;
    const std::size_t ranges = (array_.columns() + width - 1) / width;
    return synapse / array_.columns() / array_.tile_rows() * ranges + synapse % array_.columns() / width;
}

const RefreshWork* TiledArray::begin_refresh(std::size_t tile, const RefreshRequest& request) {
    const bool first = begun_count_ == 0;
    if (!join(tile, {Operation::refresh, request.event, request.tick, Phase::refresh})) {
        return nullptr;
    }
    if (first) {
        refresh(request);
    }
    return &refresh_work_[tile];
}

void TiledArray::refresh(const RefreshRequest& request) {
    pulses_before_.count(array_);
    last_refresh_ = array_.refresh(request.limits, request.event, request.tick);
    changed(request.tick);
    refresh_pulses_.count(array_);
    refresh_pulses_.subtract(pulses_before_);
    refresh_work_.clear();
    for (const TileRegion& region : regions_) {
        refresh_work_.push_back(refresh_work(region, array_.columns(), refresh_pulses_,
                                             array_.most_refresh_pulses(request.limits)));
    }
}

RefreshWork refresh_work(const TileRegion& region, std::uint32_t columns,
                         const crossbar::SynapsePulses& pulses, std::uint32_t most_pulses) {
    RefreshWork work;
    for (std::uint32_t r = 0; r < region.rows; ++r) {
        for (std::uint32_t c = 0; c < region.columns; ++c) {
            const std::size_t synapse = std::size_t{region.first_row + r} * columns + region.first_column + c;
            if (pulses.reset[synapse] != 0) {
                ++work.pairs;
                work.reset_pulses += pulses.reset[synapse];
                work.set_pulses += pulses.set[synapse];
                work.verify_reads += std::min(pulses.set[synapse] + 1, most_pulses);
            }
        }
    }
    return work;
}

bool TiledArray::begin_measure(std::size_t tile, std::uint32_t event, std::int32_t tick) {
    const bool first = begun_count_ == 0;
    if (!join(tile, {Operation::measure, event, tick, Phase::update})) {
        return false;
    }
    if (first) {
        array_.measure(event, tick, measured_);
    }
    return true;
}

void TiledArray::finish_measure(std::size_t tile, std::span<float> values) {
    const TileRegion& region = regions_[tile];
    for (std::uint32_t r = 0; r < region.rows; ++r) {
        const float* const row =
            measured_.data() + std::size_t{region.first_row + r} * array_.columns() + region.first_column;
        std::copy_n(row, region.columns, values.begin() + std::ptrdiff_t{r} * region.columns);
    }
    leave();
}

void report_devices(const std::string& prefix, const crossbar::ArrayCounters& counters,
                    const crossbar::EnergyConfig& cost, std::vector<Counter>& out) {
    const crossbar::EnergyBreakdown energy = counters.energy(cost);
    const auto add = [&](const char* name, double value, const char* unit, std::string description) {
        out.push_back({prefix + name, value, unit, std::move(description)});
    };
    add("set_pulses", static_cast<double>(counters.set_pulses), "pulses", "SET pulses on devices");
    add("reset_pulses", static_cast<double>(counters.reset_pulses), "pulses", "RESET pulses on devices");
    add("device_reads", static_cast<double>(counters.device_reads), "reads",
        "devices on word lines driven by events");
    add("verify_reads", static_cast<double>(counters.verify_reads), "reads",
        "devices read one by one, for measurements and refresh");
    const auto add_if_known = [&](const char* name, const std::optional<double>& joule, std::string what) {
        if (joule) {
            add(name, *joule, "J", std::move(what));
        }
    };
    add_if_known("energy_set", energy.set_j, "SET pulses; " + cost.source);
    add_if_known("energy_reset", energy.reset_j, "RESET pulses; " + cost.source);
    add_if_known("energy_read", energy.read_j, "devices read by events; " + cost.source);
    add_if_known("energy_wires", energy.wires_j, "reads, in wires, drivers and sense amplifiers");
    add_if_known("energy_verify", energy.verify_read_j, "verifying reads of devices; " + cost.source);
}

}  // namespace memprop::hw::tile
