#include "hw_models/tile/float_memory.hpp"

#include <algorithm>

#include "learning/weights/digital_weights.hpp"

namespace memprop::hw::tile {

FloatMemory::FloatMemory(const FloatMatrix& weights, const TileRegion& region, const SramTileParams& params,
                         const std::string& where)
    : matrix_(weights), region_(region), params_(params) {
    params.validate_timing(where);
    changes_.resize(std::size_t{region.rows} * region.columns);
}

std::span<float> FloatMemory::row(std::uint32_t r) const {
    return {
        matrix_.weights->data() + std::size_t{region_.first_row + r} * matrix_.columns + region_.first_column,
        region_.columns};
}

void FloatMemory::read(std::span<const std::uint32_t> active, std::uint32_t, ReadMode,
                       std::span<float> sums) {
    std::fill(sums.begin(), sums.end(), 0.0F);
    for (const std::uint32_t r : active) {
        const std::span<const float> weights = row(r);
        for (std::size_t c = 0; c < weights.size(); ++c) {
            sums[c] += weights[c];
        }
    }
    stats_.words_read += active.size() * words_per_row(params_.timing, region_.columns);
    stats_.additions += active.size() * region_.columns;
}

std::optional<std::uint64_t> FloatMemory::begin_write(const WriteBurst& burst) {
    for (std::uint32_t r = 0; r < region_.rows; ++r) {
        const auto from = burst.changes.row(r);
        std::copy(from.begin(), from.end(), changes_.begin() + std::ptrdiff_t{r} * region_.columns);
    }
    const WriteWork work = write_work(params_.timing, burst.changes);
    stats_.words_read += work.slots;
    stats_.words_written += work.slots;
    stats_.additions += work.pulses;
    return work.cycles;
}

void FloatMemory::finish_write() {
    for (std::uint32_t r = 0; r < region_.rows; ++r) {
        learning::add_limited(
            row(r),
            std::span<const float>(changes_).subspan(std::size_t{r} * region_.columns, region_.columns),
            matrix_.limit);
    }
}

std::optional<std::uint64_t> FloatMemory::begin_measure(std::uint32_t, std::int32_t) {
    stats_.words_read += region_.rows * words_per_row(params_.timing, region_.columns);
    return measure_cycles(params_.timing, region_.rows, region_.columns);
}

void FloatMemory::finish_measure(std::span<float> values) {
    for (std::uint32_t r = 0; r < region_.rows; ++r) {
        const std::span<const float> weights = row(r);
        std::copy(weights.begin(), weights.end(), values.begin() + std::ptrdiff_t{r} * region_.columns);
    }
}

double FloatMemory::energy_j() const {
    return sram_energy_j(params_.cost, stats_);
}

void FloatMemory::report(const std::string& prefix, std::vector<Counter>& out) const {
    report_sram(prefix, params_.cost, stats_, out);
}

}  // namespace memprop::hw::tile
