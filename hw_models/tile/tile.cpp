#include "hw_models/tile/tile.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "crossbar/base/error.hpp"

namespace memprop::hw::tile {

Tile::Tile(std::unique_ptr<TileMemory> memory, ReadMode mode, const Clock& clock)
    : memory_(std::move(memory)),
      mode_(mode),
      timing_(memory_->read_timing()),
      clock_(clock),
      latched_((memory_->rows() + 63) / 64),
      sums_(memory_->columns()),
      measured_(std::size_t{memory_->rows()} * memory_->columns()) {
    active_rows_.reserve(memory_->rows());
}

TileResponse Tile::answer(TileResponse response) {
    ++stats_.responses[static_cast<std::size_t>(response)];
    return response;
}

TileResponse Tile::begin_sample(std::uint32_t sample, std::int32_t tick) {
    if (state_ != State::idle || !memory_->begin_sample(sample, tick)) {
        return answer(TileResponse::busy);
    }
    in_sample_ = true;
    ++stats_.samples;
    return answer(TileResponse::accepted);
}

TileResponse Tile::end_sample() {
    if (state_ != State::idle) {
        return answer(TileResponse::busy);
    }
    if (!in_sample_) {
        return answer(TileResponse::no_sample);
    }
    in_sample_ = false;
    memory_->end_sample();
    return answer(TileResponse::accepted);
}

TileResponse Tile::begin_step(std::uint32_t step) {
    if (state_ != State::idle) {
        return answer(TileResponse::busy);
    }
    if (!in_sample_) {
        return answer(TileResponse::no_sample);
    }
    for (const std::uint32_t row : active_rows_) {
        latched_[row / 64] = 0;
    }
    active_rows_.clear();
    rows_read_ = 0;
    step_ = step;
    drivers_free_cycle_ = clock_.cycle;
    state_ = State::step;
    return answer(TileResponse::accepted);
}

TileResponse Tile::row_event_of(std::uint32_t row, std::uint64_t arrival) {
    if (state_ != State::step) {
        return answer(TileResponse::no_step);
    }
    if (row >= memory_->rows()) {
        return answer(TileResponse::out_of_range);
    }
    const std::uint64_t bit = std::uint64_t{1} << row % 64;
    if ((latched_[row / 64] & bit) != 0) {
        return answer(TileResponse::duplicate_row);
    }
    latched_[row / 64] |= bit;
    active_rows_.push_back(row);
    if (mode_ == ReadMode::per_event) {
        drivers_free_cycle_ = drivers_free_after(timing_, drivers_free_cycle_, arrival);
    }
    return answer(TileResponse::accepted);
}

void Tile::sort_active_rows() {
    if (latched_.size() > 2 * active_rows_.size()) {  // few events of many rows
        std::sort(active_rows_.begin(), active_rows_.end());
        return;
    }
    active_rows_.clear();
    for (std::size_t word = 0; word < latched_.size(); ++word) {
        for (std::uint64_t left = latched_[word]; left != 0; left &= left - 1) {
            active_rows_.push_back(static_cast<std::uint32_t>(64 * word) +
                                   static_cast<std::uint32_t>(std::countr_zero(left)));
        }
    }
}

TileResponse Tile::end_step(std::optional<std::uint32_t> key) {
    if (state_ != State::step) {
        return answer(TileResponse::no_step);
    }
    step_ = key.value_or(step_);
    const std::uint64_t now = clock_.cycle, events = active_rows_.size();
    ++stats_.steps;
    stats_.row_events += events;
    if (events == 0) {
        std::fill(sums_.begin(), sums_.end(), 0.0F);
        state_ = State::idle;
        sums_cycle_ = now;
        return answer(TileResponse::accepted);
    }
    sort_active_rows();
    if (mode_ == ReadMode::per_timestep) {
        drivers_free_cycle_ = now + batch_cycles(timing_, events);
        stats_.driving_cycles += batch_cycles(timing_, events);
    } else {
        stats_.driving_cycles += events * timing_.row_cycles;
    }
    const std::uint64_t cycles = std::max(now, drivers_free_cycle_) + timing_.readout_cycles - now;
    ++stats_.steps_with_events;
    stats_.readout_cycles += timing_.readout_cycles;
    stats_.step_cycles += cycles;
    state_ = State::reading;
    sums_cycle_ = now + cycles;
    return answer(TileResponse::accepted);
}

TileResponse Tile::start(State state, std::optional<std::uint64_t> cycles, std::uint64_t& operations,
                         std::uint64_t& busy_cycles) {
    if (!cycles) {
        return answer(TileResponse::busy);
    }
    ++operations;
    busy_cycles += *cycles;
    state_ = state;
    busy_until_ = clock_.cycle + *cycles;
    finish();
    return answer(TileResponse::accepted);
}

TileResponse Tile::write(const WriteBurst& burst) {
    if (state_ != State::idle) {
        return answer(TileResponse::busy);
    }
    if (!burst.has_shape(rows(), columns())) {
        return answer(TileResponse::out_of_range);
    }
    return start(State::writing, memory_->begin_write(burst), stats_.writes, stats_.write_cycles);
}

TileResponse Tile::refresh(const RefreshRequest& request) {
    if (state_ != State::idle) {
        return answer(TileResponse::busy);
    }
    return start(State::refreshing, memory_->begin_refresh(request), stats_.refreshes, stats_.refresh_cycles);
}

TileResponse Tile::measure(std::uint32_t event, std::int32_t tick) {
    if (state_ != State::idle) {
        return answer(TileResponse::busy);
    }
    return start(State::measuring, memory_->begin_measure(event, tick), stats_.measurements,
                 stats_.measure_cycles);
}

void Tile::take_sums() {
    if (state_ == State::reading && clock_.cycle >= sums_cycle_) {
        end_operation();
    }
}

void Tile::finish() {
    if (busy() && state_ != State::reading && clock_.cycle >= busy_until_) {
        end_operation();
    }
}

void Tile::end_operation() {
    switch (std::exchange(state_, State::idle)) {
        case State::idle:
        case State::step:
            break;
        case State::reading:
            memory_->read(active_rows_, step_, mode_, sums_);
            rows_read_ = static_cast<std::uint32_t>(active_rows_.size());
            break;
        case State::writing:
            memory_->finish_write();
            break;
        case State::refreshing:
            memory_->finish_refresh();
            break;
        case State::measuring:
            memory_->finish_measure(measured_);
            break;
    }
}

TileActivity Tile::activity_at(std::uint64_t cycle) const {
    const bool driven = cycle < drivers_free_cycle_;
    switch (state_) {
        case State::idle:
            break;
        case State::step:
            return driven ? TileActivity::driving : TileActivity::waiting;
        case State::reading:
            if (cycle >= sums_cycle_) {
                return TileActivity::idle;  // the sums wait to be taken
            }
            return driven ? TileActivity::driving : TileActivity::reading_out;
        case State::writing:
            return TileActivity::writing;
        case State::refreshing:
            return TileActivity::refreshing;
        case State::measuring:
            return TileActivity::measuring;
    }
    return TileActivity::idle;
}

std::uint64_t Tile::activity_changes_after(std::uint64_t cycle) const {
    std::uint64_t next = ~std::uint64_t{0};
    if (state_ == State::step || state_ == State::reading) {
        next = cycle < drivers_free_cycle_ ? drivers_free_cycle_ : next;
        next = state_ == State::reading && cycle < sums_cycle_ ? std::min(next, sums_cycle_) : next;
    }
    return next;
}

void Tile::record(WordRecord& record) {
    for (std::uint64_t* count :
         {&stats_.samples, &stats_.steps, &stats_.steps_with_events, &stats_.row_events, &stats_.writes,
          &stats_.refreshes, &stats_.measurements, &stats_.driving_cycles, &stats_.readout_cycles,
          &stats_.step_cycles, &stats_.write_cycles, &stats_.refresh_cycles, &stats_.measure_cycles}) {
        record(*count);
    }
    record(std::span(stats_.responses));
    memory_->record(record);
}

std::vector<Counter> Tile::report(const std::string& prefix) const {
    std::vector<Counter> out;
    const auto add = [&](std::string_view name, std::uint64_t value, const char* unit,
                         std::string description) {
        out.push_back(
            {std::string(prefix).append(name), static_cast<double>(value), unit, std::move(description)});
    };
    add("samples", stats_.samples, "samples", "samples begun");
    add("steps", stats_.steps, "steps", "time steps ended");
    add("steps_with_events", stats_.steps_with_events, "steps", "time steps with at least one event");
    add("row_events", stats_.row_events, "events", "word-line events of the steps ended");
    add("driving_cycles", stats_.driving_cycles, "cycles", "word lines driven (SRAM: rows read)");
    add("readout_cycles", stats_.readout_cycles, "cycles", "converters at work");
    add("step_cycles", stats_.step_cycles, "cycles", "from the end of a step to its sums");
    add("writes", stats_.writes, "bursts", "write bursts");
    add("write_cycles", stats_.write_cycles, "cycles", "write bursts under way");
    add("refreshes", stats_.refreshes, "refreshes", "refreshes of saturated pairs");
    add("refresh_cycles", stats_.refresh_cycles, "cycles", "refreshes under way");
    add("measurements", stats_.measurements, "measurements", "reads of every synapse by itself");
    add("measure_cycles", stats_.measure_cycles, "cycles", "measurements under way");
    for (std::size_t r = 1; r < kTileResponses; ++r) {
        add(std::string("refused_").append(kTileResponseNames[r]), stats_.responses[r], "calls",
            std::string("calls refused: ").append(kTileResponseNames[r]));
    }
    memory_->report(prefix, out);
    return out;
}

}  // namespace memprop::hw::tile
