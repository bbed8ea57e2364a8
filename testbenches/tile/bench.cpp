#include "testbenches/tile/bench.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <cstdio>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"
#include "crossbar/base/terminal.hpp"

namespace memprop::tb {

using namespace hw::tile;

namespace {

// The driver keeps to the protocol, so anything but `accepted` is a fault of the model.
void expect_accepted(TileResponse response) {
    if (response != TileResponse::accepted) {
        throw RunError(
            fmt::format("the tile answered {}", kTileResponseNames[static_cast<std::size_t>(response)]));
    }
}

}  // namespace

TileDriver::TileDriver(const sc_core::sc_module_name& name, const SynapseTile& tile, Stimulus& stimulus,
                       const TileRunPlan& plan, std::ostream* csv)
    : sc_module(name),
      tile_(tile),
      stimulus_(stimulus),
      plan_(plan),
      csv_(csv),
      pulses_(std::size_t{tile.memory().rows()} * tile.memory().columns()) {
    SC_THREAD(run);
}

void TileDriver::wait_cycles(std::uint64_t cycles) {
    sc_core::wait(sc_core::sc_time::from_value(cycles * tile_.clock_period().value()));
}

void TileDriver::progress(std::uint64_t step) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_line_ > std::chrono::seconds(10)) {
        last_line_ = now;
        say_in_passing("tb_tile: step {} of {}\n", step, plan_.steps);
    }
}

void TileDriver::write(std::uint32_t event) {
    const DrawKey key{.seed = plan_.seed, .stream = Stream::traffic, .array = 1, .event = event};
    const std::uint32_t choices = 2 * plan_.initial_pulses + 1;
    for (std::uint32_t i = 0; i < pulses_.size(); ++i) {
        const float u = random_uniform(key, i);
        if (event == 0) {
            pulses_[i] = static_cast<std::int16_t>(static_cast<int>(u * static_cast<float>(choices)) -
                                                   static_cast<int>(plan_.initial_pulses));
        } else {
            const bool written = u < static_cast<float>(plan_.write_share);
            pulses_[i] = static_cast<std::int16_t>(!written                              ? 0
                                                   : (random_bits(key, i) >> 4) % 2 == 0 ? 1
                                                                                         : -1);
        }
    }
    const std::uint32_t columns = port->columns();
    expect_accepted(port->write({.steps = {pulses_.data(), columns, port->rows(), columns},
                                 .event = event,
                                 .tick = static_cast<std::int32_t>(event)}));
    sc_core::wait(port->done_event());
    sample_ = event;
    expect_accepted(port->begin_sample(sample_, static_cast<std::int32_t>(event) + 1));
}

void TileDriver::run_step(std::uint64_t step) {
    const std::uint64_t begin = tile_.cycle();
    const auto& rows = stimulus_.rows(step);
    expect_accepted(port->begin_step(static_cast<std::uint32_t>(step)));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (i > 0 && plan_.event_gap_cycles > 0) {
            wait_cycles(plan_.event_gap_cycles);
        }
        expect_accepted(port->row_event(rows[i]));
    }
    const std::uint64_t end = tile_.cycle();
    expect_accepted(port->end_step());
    sc_core::wait(port->sums_event());
    const std::uint64_t ready = tile_.cycle();
    result_.longest_step_cycles = std::max(result_.longest_step_cycles, ready - end);
    if (csv_ != nullptr) {
        fmt::print(*csv_, "{},{},{},{},{}", step, rows.size(), begin, end, ready);
        for (const float sum : port->sums()) {
            fmt::print(*csv_, ",{}", sum);
        }
        *csv_ << '\n';
    }
}

void TileDriver::run() {
    const auto start = std::chrono::steady_clock::now();
    last_line_ = start;
    if (csv_ != nullptr) {
        *csv_ << "step,events,begin_cycle,end_cycle,sums_cycle";
        for (std::uint32_t c = 0; c < port->columns(); ++c) {
            fmt::print(*csv_, ",sum_{}", c);
        }
        *csv_ << '\n';
    }
    write(0);
    for (std::uint64_t step = 0; step < plan_.steps; ++step) {
        if (step > 0 && plan_.write_every > 0 && step % plan_.write_every == 0) {
            expect_accepted(port->end_sample());
            write(static_cast<std::uint32_t>(step / plan_.write_every));
        }
        run_step(step);
        if (step % 1024 == 0) {
            progress(step);
        }
    }
    expect_accepted(port->end_sample());
    result_.cycles = tile_.cycle();
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    result_.wall_s = wall.count();
    wait_cycles(1);  // a trace shows the last cycle
    sc_core::sc_stop();
}

}  // namespace memprop::tb
