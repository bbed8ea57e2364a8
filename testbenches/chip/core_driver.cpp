#include "testbenches/chip/core_driver.hpp"

#include <fmt/ostream.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "crossbar/base/random.hpp"
#include "host_runtime/chip/core_words.hpp"

namespace memprop::tb {

using namespace hw::chip;
using hw::noc::Flit;
using hw::noc::FlitKind;

namespace {

constexpr float kWeightScale = 0.5F;  // of the drawn weights

std::uint32_t bits(float value) {
    return std::bit_cast<std::uint32_t>(value);
}

}  // namespace

CoreDriver::CoreDriver(const sc_core::sc_module_name& name, const Plan& plan, ChipMemory& memory,
                       const learning::NetworkParameters<float>& parameters, Stimulus& stimulus,
                       std::ostream* csv, const sc_core::sc_time& period)
    : sc_module(name),
      plan_(plan),
      core_plan_(plan_.chip->cores[plan.core]),
      memory_(memory),
      parameters_(parameters),
      stimulus_(stimulus),
      csv_(csv),
      period_(period),
      readouts_(core_plan_.readouts.count) {
    SC_THREAD(run);
}

void CoreDriver::end_of_elaboration() {
    port->set_wake_filter([](const Flit&) { return true; });
}

void CoreDriver::send(FlitKind kind, std::uint32_t address, std::uint32_t value) {
    Flit flit = Flit::to(ChipPlan::kHostNode, core_plan_.node, kind);
    flit.address = address;
    flit.value = value;
    port->send(flit);
}

void CoreDriver::set_register(CoreRegister which, std::uint32_t value) {
    send(FlitKind::configuration, static_cast<std::uint32_t>(which), value);
}

void CoreDriver::receive(const Flit& flit) {
    switch (flit.kind) {
        case FlitKind::spike:
            ++spikes_;
            break;
        case FlitKind::graded:
            readouts_[(flit.address & kGradedMask) - core_plan_.readouts.first] =
                std::bit_cast<float>(flit.value);
            readouts_cycle_ = cycle();
            ++readouts_known_;
            break;
        case FlitKind::configuration:
            answered_ = true;
            break;
        case FlitKind::barrier:  // nobody here enters one
            break;
        case FlitKind::tick:
            if (static_cast<Tick>(flit.address) == Tick::neurons_done) {
                neurons_done_cycle_ = cycle();
            } else {
                core_done_ = true;
            }
            break;
    }
}

void CoreDriver::await_done() {
    hw::noc::ArrivedFlit arrived;
    for (;;) {
        while (port->take(arrived)) {
            receive(arrived.flit);
        }
        if (std::exchange(core_done_, false)) {
            return;
        }
        sc_core::wait(port->wake_event());
    }
}

void CoreDriver::await_answer() {
    hw::noc::ArrivedFlit arrived;
    send(FlitKind::configuration, static_cast<std::uint32_t>(CoreRegister::status) | kReadRequest, 0);
    while (!std::exchange(answered_, false)) {
        sc_core::wait(port->wake_event());
        while (port->take(arrived)) {
            receive(arrived.flit);
        }
    }
}

void CoreDriver::load() {
    for (const host::CoreWords& block : host::core_words(*plan_.chip, plan_.core, parameters_)) {
        for (std::uint32_t w = 0; w < block.words.size(); ++w) {
            send(FlitKind::configuration, block.first + w, block.words[w]);
        }
    }
    std::vector<float> drawn;
    for (std::uint32_t t = 0; t < core_plan_.tiles.size(); ++t) {
        const hw::tile::TileRegion& region =
            memory_.array(core_plan_.tiles[t].projection).tiles()[core_plan_.tiles[t].tile];
        drawn.resize(std::size_t{region.rows} * region.columns);
        fill_uniforms({.seed = plan_.seed, .stream = Stream::traffic, .array = 1, .event = t}, 0, drawn);
        for (std::uint32_t i = 0; i < drawn.size(); ++i) {
            send(FlitKind::configuration, kTileWords + t * kTileStride + i,
                 bits(kWeightScale * (2.0F * drawn[i] - 1.0F)));
        }
    }
    drawn.resize(std::size_t{core_plan_.neurons.count} * plan_.chip->outputs);
    fill_uniforms({.seed = plan_.seed, .stream = Stream::traffic, .array = 2}, 0, drawn);
    for (std::uint32_t i = 0; i < drawn.size(); ++i) {
        send(FlitKind::configuration, kFeedbackWords + i, bits(2.0F * drawn[i] - 1.0F));
    }
    set_register(CoreRegister::device_tick, 1);
    set_register(CoreRegister::learns, plan_.learn ? 1 : 0);
    await_answer();  // all that was sent before has arrived
    double seconds = 0.0;
    for (WeightArray* array : memory_.weights) {
        seconds = std::max(seconds, array->program());
    }
    sc_core::wait(sc_core::sc_time::from_value(
        static_cast<std::uint64_t>(std::ceil(seconds / period_.to_seconds())) * period_.value()));
    load_cycles_ = cycle();
}

void CoreDriver::begin_sample(std::uint32_t sample) {
    send(FlitKind::tick, static_cast<std::uint32_t>(Tick::begin_sample), sample);
    await_done();
}

/// Spikes of neurons that are not on the core, and the neurons_done of the cores they would be on.
void CoreDriver::send_other_cores(std::span<const std::uint32_t> rows, std::uint32_t step) {
    const Slice& own = core_plan_.neurons;
    for (const std::uint32_t row : rows) {
        const std::uint32_t other = row - plan_.chip->inputs;
        const std::uint32_t neuron = other < own.first ? other : other + own.count;
        send(FlitKind::spike, plan_.chip->inputs + neuron, step);
    }
    others_ = static_cast<std::uint32_t>(rows.size());
    const std::uint32_t silent = plan_.chip->cores_with_neurons() - (own.count > 0 ? 1 : 0);
    for (std::uint32_t c = 0; c < silent; ++c) {
        send(FlitKind::tick, static_cast<std::uint32_t>(Tick::neurons_done), step);
    }
}

void CoreDriver::send_errors() {
    hw::noc::ArrivedFlit arrived;
    while (readouts_known_ < readouts_.size()) {
        while (port->take(arrived)) {
            receive(arrived.flit);
        }
        if (readouts_known_ < readouts_.size()) {
            sc_core::wait(port->wake_event());
        }
    }
    const Slice& own = core_plan_.readouts;
    for (std::uint32_t k = 0; k < plan_.chip->outputs; ++k) {
        const bool here = k >= own.first && k - own.first < own.count;
        send(FlitKind::graded, kErrorValue | k, here ? bits(readouts_[k - own.first]) : bits(0.0F));
    }
}

void CoreDriver::run_step(std::uint32_t step) {
    const std::uint64_t begin = cycle();
    const bool last = step + 1 == plan_.steps;
    spikes_ = readouts_known_ = 0;
    const std::vector<std::uint32_t>& rows = rows_[step];
    const auto split = std::lower_bound(rows.begin(), rows.end(), plan_.chip->inputs);
    const bool holds_neurons = core_plan_.neurons.count > 0;
    std::uint32_t inputs = 0;
    for (auto row = rows.begin(); holds_neurons && row != split; ++row, ++inputs) {
        send(FlitKind::spike, *row, step);
    }
    send(FlitKind::tick, static_cast<std::uint32_t>(last ? Tick::last_step : Tick::step), step);
    send_other_cores({split, rows.end()}, step);
    if (plan_.learn) {
        send_errors();
    }
    await_done();
    const std::uint64_t cycles = cycle() - begin;
    step_cycles_ += cycles;
    longest_step_cycles_ = std::max(longest_step_cycles_, cycles);
    if (csv_ != nullptr) {
        fmt::print(*csv_, "{},{},{},{},{},{},{},{},{}", sample_, step, begin, inputs, others_, spikes_,
                   holds_neurons ? neurons_done_cycle_ - begin : 0,
                   readouts_.empty() ? 0 : readouts_cycle_ - begin, cycles);
        for (const float y : readouts_) {
            fmt::print(*csv_, ",{}", y);
        }
        *csv_ << '\n';
    }
}

void CoreDriver::run() {
    for (std::uint32_t t = 0; t < plan_.steps; ++t) {
        rows_.push_back(stimulus_.rows(t));
    }
    if (csv_ != nullptr) {
        *csv_ << "sample,step,begin_cycle,inputs,spikes_of_others,spikes,spikes_out_after,readouts_out_after,"
                 "step_cycles";
        for (std::uint32_t k = 0; k < readouts_.size(); ++k) {
            fmt::print(*csv_, ",readout_{}", core_plan_.readouts.first + k);
        }
        *csv_ << '\n';
    }
    load();
    for (; sample_ < plan_.samples; ++sample_) {
        begin_sample(sample_);
        for (std::uint32_t t = 0; t < plan_.steps; ++t) {
            run_step(t);
        }
    }
    finished_ = true;
    sc_core::wait(period_);  // a trace shows the last cycle
    sc_core::sc_stop();
}

}  // namespace memprop::tb
