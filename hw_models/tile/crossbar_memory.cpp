#include "hw_models/tile/crossbar_memory.hpp"

#include <fmt/format.h>

#include "crossbar/base/error.hpp"

namespace memprop::hw::tile {
namespace {

const TileRegion& find_region(TiledArray& array, std::size_t tile, const std::string& where) {
    if (tile >= array.tiles().size()) {
        throw InputError(fmt::format("{}.tile", where), tile,
                         fmt::format("the array has {} tiles, counted from 0", array.tiles().size()));
    }
    return array.tiles()[tile];
}

// The errors of a converter belong to its columns, so both descriptions have to name the same ones.
void check_converters(const crossbar::AdcBank& bank, const CrossbarTiming& timing, const TileRegion& region,
                      const std::string& where) {
    if (bank.ideal()) {
        return;
    }
    if (bank.conversions_in_sequence() != timing.columns_per_converter) {
        throw InputError(
            fmt::format("{}.columns_per_converter", where), timing.columns_per_converter,
            fmt::format("must be crossbar.adc.columns_per_converter, {}", bank.conversions_in_sequence()));
    }
    if (region.first_column % timing.columns_per_converter != 0) {
        throw InputError(fmt::format("{}.columns_per_converter", where), timing.columns_per_converter,
                         fmt::format("must divide the first column of the tile, {}", region.first_column));
    }
}

}  // namespace

CrossbarMemory::CrossbarMemory(TiledArray& array, std::size_t tile, const CrossbarTileParams& params,
                               const std::string& where)
    : array_(array), tile_(tile), region_(find_region(array, tile, where)), params_(params) {
    params.validate(where);
    check_converters(array.array().converters(), params.timing, region_, where);
    array_rows_.reserve(region_.rows);
}

bool CrossbarMemory::begin_sample(std::uint32_t sample, std::int32_t tick) {
    sample_ = sample;
    return array_.begin_sample(tick);
}

void CrossbarMemory::read(std::span<const std::uint32_t> active, std::uint32_t step, ReadMode mode,
                          std::span<float> sums) {
    array_rows_.clear();
    for (const std::uint32_t row : active) {
        array_rows_.push_back(region_.first_row + row);
    }
    array_.array().read_part(array_rows_, sample_, step, region_.first_column, sums);
    stats_.word_line_drives += active.size();
    stats_.integrations += std::uint64_t{region_.columns} * (mode == ReadMode::per_event ? active.size() : 1);
    stats_.conversions += region_.columns;
}

std::optional<std::uint64_t> CrossbarMemory::begin_write(const WriteBurst& burst) {
    if (!array_.begin_write(tile_, burst)) {
        return std::nullopt;
    }
    const WriteWork work = write_work(params_.timing, burst.steps);
    stats_.word_line_drives += work.rows;
    stats_.pulse_slots += work.slots;
    stats_.pulses += work.pulses;
    return work.cycles;
}

void CrossbarMemory::count_measurement() {
    const std::uint64_t synapses = std::uint64_t{region_.rows} * region_.columns;
    stats_.word_line_drives += region_.rows;
    stats_.integrations += 2 * synapses;
    stats_.conversions += 2 * synapses;
}

std::optional<std::uint64_t> CrossbarMemory::begin_refresh(const RefreshRequest& request) {
    const RefreshWork* const work = array_.begin_refresh(tile_, request);
    if (work == nullptr) {
        return std::nullopt;
    }
    count_measurement();
    stats_.word_line_drives += work->verify_reads + work->set_pulses + work->pairs;
    stats_.integrations += 2 * work->verify_reads;
    stats_.conversions += 2 * work->verify_reads;
    stats_.pulse_slots += work->set_pulses;
    stats_.pulses += work->set_pulses + work->reset_pulses;
    return refresh_cycles(params_.timing, region_.rows, region_.columns, *work);
}

std::optional<std::uint64_t> CrossbarMemory::begin_measure(std::uint32_t event, std::int32_t tick) {
    if (!array_.begin_measure(tile_, event, tick)) {
        return std::nullopt;
    }
    count_measurement();
    return measure_cycles(params_.timing, region_.rows, region_.columns);
}

double CrossbarMemory::energy_j() const {
    const CrossbarCost& cost = params_.cost;
    return 1e-12 * (cost.word_line_pj.value() * static_cast<double>(stats_.word_line_drives) +
                    cost.integration_pj.value() * static_cast<double>(stats_.integrations) +
                    cost.conversion_pj.value() * static_cast<double>(stats_.conversions) +
                    cost.pulse_driver_pj.value() * static_cast<double>(stats_.pulses));
}

void CrossbarMemory::report(const std::string& prefix, std::vector<Counter>& out) const {
    const auto add = [&](const char* name, double value, const char* unit, std::string description) {
        out.push_back({prefix + name, value, unit, std::move(description)});
    };
    const auto count = [&](const char* name, std::uint64_t value, const char* unit, const char* description) {
        add(name, static_cast<double>(value), unit, description);
    };
    const auto energy = [&](const char* name, double cost_pj, std::uint64_t events, const char* description) {
        add(name, 1e-12 * cost_pj * static_cast<double>(events), "J",
            std::string(description) + "; " + params_.cost.source);
    };
    const CrossbarCost& cost = params_.cost;
    count("word_line_drives", stats_.word_line_drives, "drives",
          "word lines driven by events, measurements, verifying reads and writes");
    count("integrations", stats_.integrations, "integrations", "columns times integration windows");
    count("conversions", stats_.conversions, "conversions", "analogue-to-digital conversions");
    count("pulse_slots", stats_.pulse_slots, "slots", "time slots of SET pulses");
    count("driver_pulses", stats_.pulses, "pulses", "SET and RESET pulses given by the programming drivers");
    energy("energy_word_lines", cost.word_line_pj.value(), stats_.word_line_drives, "word-line drivers");
    energy("energy_integrators", cost.integration_pj.value(), stats_.integrations, "integrators");
    energy("energy_converters", cost.conversion_pj.value(), stats_.conversions, "converters");
    energy("energy_pulse_drivers", cost.pulse_driver_pj.value(), stats_.pulses, "programming drivers");
}

}  // namespace memprop::hw::tile
