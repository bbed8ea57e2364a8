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
    stats_.integrations +=
        sums_per_column() * region_.columns * (mode == ReadMode::per_event ? active.size() : 1);
    stats_.conversions += sums_per_column() * region_.columns;
}

std::optional<std::uint64_t> CrossbarMemory::begin_write(const WriteBurst& burst) {
    const VerifyWork* checks = nullptr;
    if (burst.verified.on) {
        checks = array_.begin_verified_write(tile_, burst);
    }
    if (burst.verified.on ? checks == nullptr : !array_.begin_write(tile_, burst)) {
        return std::nullopt;
    }
    if (checks == nullptr) {
        const WriteWork work = write_work(params_.timing, burst.steps, [this](std::uint32_t steps) {
            return array_.array().given_for(steps);
        });
        stats_.count(work);
        return work.cycles;
    }
    const WriteWork work = write_work(params_.timing, array_.verified_pulses(region_));
    stats_.count(work);
    stats_.count(*checks, sums_per_column());
    return work.cycles + verify_cycles(params_.timing, *checks);
}

std::optional<std::uint64_t> CrossbarMemory::begin_refresh(const RefreshRequest& request) {
    const RefreshWork* const work = array_.begin_refresh(tile_, request);
    if (work == nullptr) {
        return std::nullopt;
    }
    stats_.count_measurement(region_.rows, region_.columns, sums_per_column());
    stats_.count(*work, sums_per_column());
    return refresh_cycles(params_.timing, region_.rows, region_.columns, *work);
}

std::optional<std::uint64_t> CrossbarMemory::begin_measure(std::uint32_t event, std::int32_t tick) {
    if (!array_.begin_measure(tile_, event, tick)) {
        return std::nullopt;
    }
    stats_.count_measurement(region_.rows, region_.columns, sums_per_column());
    return measure_cycles(params_.timing, region_.rows, region_.columns);
}

void CrossbarStats::count(const WriteWork& work) {
    word_line_drives += work.rows;
    pulse_slots += work.slots;
    pulses += work.pulses;
}

void CrossbarStats::count(const RefreshWork& work, std::uint64_t sums) {
    word_line_drives += work.verify_reads + work.set_pulses + work.pairs;
    integrations += 2 * sums * work.verify_reads;
    conversions += 2 * sums * work.verify_reads;
    pulse_slots += work.set_pulses;
    pulses += work.set_pulses + work.reset_pulses;
}

void CrossbarStats::count(const VerifyWork& work, std::uint64_t sums) {
    word_line_drives += work.reads + work.corrections;
    integrations += 2 * sums * work.reads;
    conversions += 2 * sums * work.reads;
    pulse_slots += work.correction_pulses;
    pulses += work.correction_pulses;
}

void CrossbarStats::count_measurement(std::uint64_t rows, std::uint64_t columns, std::uint64_t sums) {
    word_line_drives += rows;
    integrations += 2 * sums * rows * columns;
    conversions += 2 * sums * rows * columns;
}

void CrossbarStats::record(WordRecord& record) {
    for (std::uint64_t* count : {&word_line_drives, &integrations, &conversions, &pulse_slots, &pulses}) {
        record(*count);
    }
}

double crossbar_energy_j(const CrossbarCost& cost, const CrossbarStats& stats) {
    return 1e-12 * (cost.word_line_pj.value() * static_cast<double>(stats.word_line_drives) +
                    cost.integration_pj.value() * static_cast<double>(stats.integrations) +
                    cost.conversion_pj.value() * static_cast<double>(stats.conversions) +
                    cost.pulse_driver_pj.value() * static_cast<double>(stats.pulses));
}

void report_crossbar(const std::string& prefix, const CrossbarCost& cost, const CrossbarStats& stats,
                     std::vector<Counter>& out) {
    const auto add = [&](const char* name, double value, const char* unit, std::string description) {
        out.push_back({prefix + name, value, unit, std::move(description)});
    };
    const auto count = [&](const char* name, std::uint64_t value, const char* unit, const char* description) {
        add(name, static_cast<double>(value), unit, description);
    };
    const auto energy = [&](const char* name, double cost_pj, std::uint64_t events, const char* description) {
        add(name, 1e-12 * cost_pj * static_cast<double>(events), "J",
            std::string(description) + "; " + cost.source);
    };
    count("word_line_drives", stats.word_line_drives, "drives",
          "word lines driven by events, measurements, verifying reads and writes");
    count("integrations", stats.integrations, "integrations", "columns times integration windows");
    count("conversions", stats.conversions, "conversions", "analogue-to-digital conversions");
    count("pulse_slots", stats.pulse_slots, "slots", "time slots of SET pulses");
    count("driver_pulses", stats.pulses, "pulses", "SET and RESET pulses given by the programming drivers");
    energy("energy_word_lines", cost.word_line_pj.value(), stats.word_line_drives, "word-line drivers");
    energy("energy_integrators", cost.integration_pj.value(), stats.integrations, "integrators");
    energy("energy_converters", cost.conversion_pj.value(), stats.conversions, "converters");
    energy("energy_pulse_drivers", cost.pulse_driver_pj.value(), stats.pulses, "programming drivers");
}

}  // namespace memprop::hw::tile
