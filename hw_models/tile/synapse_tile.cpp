#include "hw_models/tile/synapse_tile.hpp"

#include <algorithm>
#include <utility>

#include "crossbar/base/error.hpp"

namespace memprop::hw::tile {

SynapseTile::SynapseTile(const sc_core::sc_module_name& name, std::unique_ptr<TileMemory> memory,
                         ReadMode mode, const sc_core::sc_time& clock_period)
    : sc_module(name),
      memory_(std::move(memory)),
      mode_(mode),
      timing_(memory_->read_timing()),
      period_(clock_period),
      latched_(memory_->rows()),
      sums_(memory_->columns()),
      measured_(std::size_t{memory_->rows()} * memory_->columns()) {
    if (period_ == sc_core::SC_ZERO_TIME) {
        throw InputError(std::string(this->name()) + ".clock_period", 0, "must be at least 1 time unit");
    }
    active_rows_.reserve(memory_->rows());
    port.bind(*this);
    SC_HAS_PROCESS(SynapseTile);
    SC_METHOD(run);
    sensitive << due_;
    dont_initialize();
}

TileResponse SynapseTile::answer(TileResponse response) {
    ++stats_.responses[static_cast<std::size_t>(response)];
    return response;
}

TileResponse SynapseTile::begin_sample(std::uint32_t sample, std::int32_t tick) {
    if (state_ != State::idle || !memory_->begin_sample(sample, tick)) {
        return answer(TileResponse::busy);
    }
    in_sample_ = true;
    ++stats_.samples;
    return answer(TileResponse::accepted);
}

TileResponse SynapseTile::end_sample() {
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

TileResponse SynapseTile::begin_step(std::uint32_t step) {
    if (state_ != State::idle) {
        return answer(TileResponse::busy);
    }
    if (!in_sample_) {
        return answer(TileResponse::no_sample);
    }
    for (const std::uint32_t row : active_rows_) {
        latched_[row] = false;
    }
    active_rows_.clear();
    rows_read_ = 0;
    step_ = step;
    drivers_free_cycle_ = cycle();
    state_ = State::step;
    return answer(TileResponse::accepted);
}

TileResponse SynapseTile::row_event_of(std::uint32_t row, std::uint64_t arrival) {
    if (state_ != State::step) {
        return answer(TileResponse::no_step);
    }
    if (row >= memory_->rows()) {
        return answer(TileResponse::out_of_range);
    }
    if (latched_[row]) {
        return answer(TileResponse::duplicate_row);
    }
    latched_[row] = true;
    active_rows_.push_back(row);
    if (mode_ == ReadMode::per_event) {
        drivers_free_cycle_ = drivers_free_after(timing_, drivers_free_cycle_, arrival);
    }
    return answer(TileResponse::accepted);
}

TileResponse SynapseTile::end_step() {
    if (state_ != State::step) {
        return answer(TileResponse::no_step);
    }
    const std::uint64_t now = cycle(), events = active_rows_.size();
    ++stats_.steps;
    stats_.row_events += events;
    if (events == 0) {
        std::fill(sums_.begin(), sums_.end(), 0.0F);
        state_ = State::idle;
        sums_cycle_ = now;
        if (!polled_) {
            sums_ready_.notify(sc_core::SC_ZERO_TIME);
        }
        return answer(TileResponse::accepted);
    }
    std::sort(active_rows_.begin(), active_rows_.end());
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
    if (!polled_) {
        finish_in(cycles);
    }
    return answer(TileResponse::accepted);
}

TileResponse SynapseTile::start(State state, std::optional<std::uint64_t> cycles, std::uint64_t& operations,
                                std::uint64_t& busy_cycles) {
    if (!cycles) {
        return answer(TileResponse::busy);
    }
    ++operations;
    busy_cycles += *cycles;
    state_ = state;
    if (*cycles == 0) {
        finish();
    } else {
        finish_in(*cycles);
    }
    return answer(TileResponse::accepted);
}

TileResponse SynapseTile::write(const WriteBurst& burst) {
    if (state_ != State::idle) {
        return answer(TileResponse::busy);
    }
    if (!burst.has_shape(rows(), columns())) {
        return answer(TileResponse::out_of_range);
    }
    return start(State::writing, memory_->begin_write(burst), stats_.writes, stats_.write_cycles);
}

TileResponse SynapseTile::refresh(const RefreshRequest& request) {
    if (state_ != State::idle) {
        return answer(TileResponse::busy);
    }
    return start(State::refreshing, memory_->begin_refresh(request), stats_.refreshes, stats_.refresh_cycles);
}

TileResponse SynapseTile::measure(std::uint32_t event, std::int32_t tick) {
    if (state_ != State::idle) {
        return answer(TileResponse::busy);
    }
    return start(State::measuring, memory_->begin_measure(event, tick), stats_.measurements,
                 stats_.measure_cycles);
}

void SynapseTile::finish_in(std::uint64_t cycles) {
    const sc_core::sc_time due = sc_core::sc_time::from_value((cycle() + cycles) * period_.value());
    // A call late in its cycle may be due at once (an SRAM that has finished its reads by then).
    due_.notify(due > sc_core::sc_time_stamp() ? due - sc_core::sc_time_stamp() : sc_core::SC_ZERO_TIME);
}

void SynapseTile::run() {
    ++activations_;
    finish();
}

void SynapseTile::take_sums() {
    if (state_ == State::reading && cycle() >= sums_cycle_) {
        finish();
    }
}

void SynapseTile::finish() {
    switch (std::exchange(state_, State::idle)) {
        case State::idle:
        case State::step:
            break;
        case State::reading:
            memory_->read(active_rows_, step_, mode_, sums_);
            rows_read_ = static_cast<std::uint32_t>(active_rows_.size());
            if (!polled_) {
                sums_ready_.notify(sc_core::SC_ZERO_TIME);
            }
            return;
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
    done_.notify(sc_core::SC_ZERO_TIME);
}

TileActivity SynapseTile::activity() const {
    const bool driven = cycle() < drivers_free_cycle_;
    switch (state_) {
        case State::idle:
            break;
        case State::step:
            return driven ? TileActivity::driving : TileActivity::waiting;
        case State::reading:
            if (cycle() >= sums_cycle_) {
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

void SynapseTile::record(WordRecord& record) {
    for (std::uint64_t* count :
         {&stats_.samples, &stats_.steps, &stats_.steps_with_events, &stats_.row_events, &stats_.writes,
          &stats_.refreshes, &stats_.measurements, &stats_.driving_cycles, &stats_.readout_cycles,
          &stats_.step_cycles, &stats_.write_cycles, &stats_.refresh_cycles, &stats_.measure_cycles}) {
        record(*count);
    }
    record(std::span(stats_.responses));
    memory_->record(record);
}

std::vector<Counter> SynapseTile::report(const std::string& prefix) const {
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
