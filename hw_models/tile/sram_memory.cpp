#include "hw_models/tile/sram_memory.hpp"

#include <algorithm>

namespace memprop::hw::tile {

SramMemory::SramMemory(const SramTileParams& params, const std::string& where) : params_(params) {
    params.validate(where);
    weights_.assign(std::size_t{params.rows} * params.columns, 0);
    changes_.assign(weights_.size(), 0);
    sums_.assign(params.columns, 0);
}

void SramMemory::read(std::span<const std::uint32_t> active, std::uint32_t, ReadMode, std::span<float> sums) {
    std::fill(sums_.begin(), sums_.end(), 0);
    for (const std::uint32_t row : active) {
        const std::int16_t* const weights = weights_.data() + std::size_t{row} * params_.columns;
        for (std::uint32_t c = 0; c < params_.columns; ++c) {
            sums_[c] += weights[c];
        }
    }
    std::transform(sums_.begin(), sums_.end(), sums.begin(),
                   [](std::int32_t s) { return static_cast<float>(s); });
    stats_.words_read += active.size() * words_per_row(params_.timing, params_.columns);
    stats_.additions += active.size() * params_.columns;
}

std::optional<std::uint64_t> SramMemory::begin_write(const WriteBurst& burst) {
    for (std::uint32_t r = 0; r < params_.rows; ++r) {
        const auto row = burst.steps.row(r);
        std::copy(row.begin(), row.end(), changes_.begin() + std::ptrdiff_t{r} * params_.columns);
    }
    const WriteWork work = write_work(params_.timing, burst.steps);
    stats_.words_read += work.slots;
    stats_.words_written += work.slots;
    stats_.additions += work.pulses;
    return work.cycles;
}

void SramMemory::finish_write() {
    const int highest = (1 << (params_.timing.weight_bits - 1)) - 1;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
        const int wanted = weights_[i] + changes_[i];
        const int limited = std::clamp(wanted, -highest - 1, highest);
        stats_.limited_weights += limited != wanted;
        weights_[i] = static_cast<std::int16_t>(limited);
    }
}

std::optional<std::uint64_t> SramMemory::begin_measure(std::uint32_t, std::int32_t) {
    stats_.words_read += params_.rows * words_per_row(params_.timing, params_.columns);
    return measure_cycles(params_.timing, params_.rows, params_.columns);
}

void SramMemory::finish_measure(std::span<float> values) {
    std::copy(weights_.begin(), weights_.end(), values.begin());
}

double SramMemory::energy_j() const {
    return sram_energy_j(params_.cost, stats_);
}

void SramMemory::report(const std::string& prefix, std::vector<Counter>& out) const {
    report_sram(prefix, params_.cost, stats_, out);
}

void SramStats::record(WordRecord& record) {
    for (std::uint64_t* count : {&words_read, &words_written, &additions, &limited_weights}) {
        record(*count);
    }
}

double sram_energy_j(const SramCost& cost, const SramStats& stats) {
    return 1e-12 * (cost.word_read_pj.value() * static_cast<double>(stats.words_read) +
                    cost.word_write_pj.value() * static_cast<double>(stats.words_written) +
                    cost.add_pj.value() * static_cast<double>(stats.additions));
}

void report_sram(const std::string& prefix, const SramCost& cost, const SramStats& stats,
                 std::vector<Counter>& out) {
    const auto count = [&](const char* name, std::uint64_t value, const char* unit, const char* description) {
        out.push_back({prefix + name, static_cast<double>(value), unit, description});
    };
    const auto energy = [&](const char* name, double cost_pj, std::uint64_t events, const char* description) {
        out.push_back({prefix + name, 1e-12 * cost_pj * static_cast<double>(events), "J",
                       std::string(description) + "; " + cost.source});
    };
    count("words_read", stats.words_read, "words", "words read");
    count("words_written", stats.words_written, "words", "words written back");
    count("additions", stats.additions, "additions", "weights added to a sum or changed");
    count("limited_weights", stats.limited_weights, "weights", "changes cut short by the range of a weight");
    energy("energy_word_reads", cost.word_read_pj.value(), stats.words_read, "words read");
    energy("energy_word_writes", cost.word_write_pj.value(), stats.words_written, "words written");
    energy("energy_additions", cost.add_pj.value(), stats.additions, "additions");
}

}  // namespace memprop::hw::tile
