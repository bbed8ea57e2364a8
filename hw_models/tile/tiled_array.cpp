#include "hw_models/tile/tiled_array.hpp"

#include <algorithm>

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
    if (current_.operation == Operation::write || current_.operation == Operation::refresh) {
        return false;
    }
    if (stale_ || tick != renewed_tick_) {
        array_.account_reads();  // at the conductances they saw
        array_.renew(tick);
        renewed_tick_ = tick;
        stale_ = false;
    }
    return true;
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
    if (leave()) {
        array_.program(pulses_, update.phase, update.event, update.tick);
        stale_ = true;
    }
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
    const std::vector<std::uint32_t> set_before = array_.devices().set_pulses;
    const std::vector<std::uint32_t> reset_before = array_.devices().reset_pulses;
    last_refresh_ = array_.refresh(request.limits, request.event, request.tick);
    stale_ = true;
    refresh_work_.clear();
    for (const TileRegion& region : regions_) {
        refresh_work_.push_back(work_in(region, request, set_before, reset_before));
    }
}

// What was done to each pair follows from its devices' pulse counts: every device of a refreshed pair was
// RESET once, and there is a verifying read before each SET pulse and, unless the pulses ran out, one after.
RefreshWork TiledArray::work_in(const TileRegion& region, const RefreshRequest& request,
                                const std::vector<std::uint32_t>& set_before,
                                const std::vector<std::uint32_t>& reset_before) const {
    const crossbar::DeviceState& devices = array_.devices();
    RefreshWork work;
    for (std::uint32_t r = 0; r < region.rows; ++r) {
        for (std::uint32_t c = 0; c < region.columns; ++c) {
            const std::uint32_t synapse = (region.first_row + r) * array_.columns() + region.first_column + c;
            std::uint64_t resets = 0, sets = 0;
            for (std::size_t d = synapse; d < devices.size(); d += array_.synapses()) {
                resets += devices.reset_pulses[d] - reset_before[d];
                sets += devices.set_pulses[d] - set_before[d];
            }
            if (resets != 0) {
                ++work.pairs;
                work.reset_pulses += resets;
                work.set_pulses += sets;
                work.verify_reads +=
                    std::min<std::uint64_t>(sets + 1, array_.most_refresh_pulses(request.limits));
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

void TiledArray::report(const std::string& prefix, const crossbar::EnergyConfig& cost,
                        std::vector<Counter>& out) const {
    const crossbar::ArrayCounters& counters = array_.counters();
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
    add("energy_set", energy.set_j, "J", "SET pulses; " + cost.source);
    add("energy_reset", energy.reset_j, "J", "RESET pulses; " + cost.source);
    add("energy_read", energy.read_j, "J", "devices read by events; " + cost.source);
    add("energy_wires", energy.wires_j, "J", "reads, in wires, drivers and sense amplifiers");
    add("energy_verify", energy.verify_read_j, "J", "verifying reads of devices; " + cost.source);
}

}  // namespace memprop::hw::tile
