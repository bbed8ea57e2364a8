// How a core goes through samples and time steps.
#include "hw_models/chip/core.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace memprop::hw::chip {
namespace {

std::uint16_t low(std::uint32_t step) {
    return static_cast<std::uint16_t>(step);
}

}  // namespace

void Core::begin_sample(std::uint32_t sample) {
    const auto tick = static_cast<std::int32_t>(reg(CoreRegister::device_tick));
    const std::uint32_t first = reg(CoreRegister::first_step);
    for (const auto& block : blocks_) {
        block->begin_sample(sample, tick);
    }
    const std::uint32_t next = step_ + 1;
    step_ = first - 1;
    if (reg(CoreRegister::keeps_state) != 0) {
        // What was due in the k-th step from now is due in step first + k.
        std::vector<Delayed> waiting;
        for (auto& events : slots_) {
            waiting.insert(waiting.end(), events.begin(), events.end());
            events.clear();
        }
        for (Delayed& event : waiting) {
            event.step = event.step - next + first;
            slot(event.step).push_back(event);
        }
    } else {
        steps_done_ = 0;
        for (auto& events : slots_) {
            events.clear();
        }
        for (Unit& unit : units_) {
            unit.clear(blocks_);
        }
    }
    tokens_ = entered_ = errors_ = 0;
    learned_ = false;
    for (const auto& rule : rules_) {
        if (mode() == LearningMode::on_chip) {
            rule->learner.begin_trial();
        }
    }
    for (Unit& unit : units_) {
        unit.done = false;
        if (mode() != LearningMode::between_steps) {
            open(unit, first);
            open_late(unit, first);
        }
    }
    report_done(0, cycle());
}

void Core::begin_step(std::uint32_t step, bool last, bool settles) {
    step_ = step;
    last_step_ = last;
    settles_ = settles;
    step_running_ = true;
    tokens_ = entered_ = 0;
    for (Unit& unit : units_) {
        unit.done = settles && !unit.is_memoryless();
        if (settles ? unit.is_memoryless() : mode() == LearningMode::between_steps) {
            open(unit, step);
            open_late(unit, step);
        }
    }
}

void Core::open_block(const Unit::Incoming& incoming, std::uint32_t step) {
    BlockState& state = block_states_[incoming.block];
    SynapseBlock& block = *blocks_[incoming.block];
    block.open(step);
    state.is_open = true;
    state.step = step;
    if (incoming.bias_line && (steps_done_ >= incoming.delay_steps || incoming.bias_before_arrival)) {
        block.event(incoming.bias_row, 1.0F, cycle());
    }
    std::erase_if(slot(step), [&](const Delayed& event) {
        const bool due = event.block == incoming.block && event.step == step;
        if (due && !block.event(event.row, event.value, cycle())) {
            stats_.add(CoreCounter::refused_events);
        }
        return due;
    });
}

void Core::open(Unit& unit, std::uint32_t step) {
    unit.phase = Unit::Phase::open;
    unit.step = step;
    for (const Unit::Incoming& incoming : unit.incoming()) {
        if (!incoming.is_late) {
            open_block(incoming, step);
        }
    }
}

void Core::open_late(Unit& unit, std::uint32_t step) {
    for (const Unit::Incoming& incoming : unit.incoming()) {
        if (incoming.is_late) {
            unit.late_open = true;
            unit.late_step = step;
            open_block(incoming, step);
        }
    }
}

bool Core::advance(Unit& unit) {
    switch (unit.phase) {
        case Unit::Phase::idle:
            return false;
        case Unit::Phase::open:
            if (!step_running_ || unit.step != step_ || tokens_ + 1 < unit.program().phase) {
                return false;
            }
            unit.since = unit.due = cycle();
            for (const Unit::Incoming& incoming : unit.incoming()) {
                if (!incoming.is_late) {
                    unit.due = std::max(unit.due, end_block(incoming.block));
                }
            }
            unit.phase = Unit::Phase::reading;
            return true;
        case Unit::Phase::reading:
            if (cycle() < unit.due) {
                return false;
            }
            update(unit);
            unit.done = true;
            unit.phase = Unit::Phase::idle;
            if (!last_step_ && mode() != LearningMode::between_steps) {
                open(unit, step_ + 1);
            }
            return true;
    }
    return false;
}

bool Core::advance_late(Unit& unit) {
    if (unit.late_reading) {
        if (cycle() < unit.late_due) {
            return false;
        }
        unit.take_late(blocks_);
        unit.late_reading = false;
        if (!last_step_ && mode() != LearningMode::between_steps) {
            open_late(unit, step_ + 1);
        }
        return true;
    }
    if (!unit.late_open || !step_running_ || unit.late_step != step_ || !unit.done || settles_) {
        return false;
    }
    std::uint32_t needs = 0;
    for (const Unit::Incoming& incoming : unit.incoming()) {
        needs = incoming.is_late ? std::max(needs, incoming.needs) : needs;
    }
    if (tokens_ < needs) {
        return false;
    }
    unit.late_open = false;
    unit.late_reading = true;
    unit.late_due = cycle();
    for (const Unit::Incoming& incoming : unit.incoming()) {
        if (incoming.is_late) {
            unit.late_due = std::max(unit.late_due, end_block(incoming.block));
        }
    }
    return true;
}

void Core::update(Unit& unit) {
    const CoreProgram::Unit& program = unit.program();
    const bool is_readout = program.role == UnitRole::readout;
    std::uint64_t sums = 0;
    for (const Unit::Incoming& incoming : unit.incoming()) {
        sums += blocks_[incoming.block]->sums_per_neuron() * unit.size();
    }
    const std::uint64_t cycles = update_cycles(around_.config, unit.size(), sums);
    stats_.add(is_readout ? CoreCounter::readout_read_cycles : CoreCounter::neuron_read_cycles,
               cycle() - unit.since);
    stats_.add(is_readout ? CoreCounter::readout_update_cycles : CoreCounter::neuron_update_cycles, cycles);
    stats_.add(is_readout ? CoreCounter::readout_updates : CoreCounter::neuron_updates, unit.size());
    unit.update_begins = std::max(cycle(), neuron_unit_free_);
    unit.updated_at = unit.update_begins + cycles;
    neuron_unit_free_ = unit.updated_at;
    std::span<float> psi;
    if (const ChipTape* tape = around_.memory.tape;
        tape != nullptr && !tape->pseudo_derivative[program.population].values.empty()) {
        const ChipTape::PerNeuron& of = tape->pseudo_derivative[program.population];
        psi = of.values.subspan(std::size_t{step_} * of.neurons + program.first_neuron, unit.size());
    } else if (mode() == LearningMode::on_chip) {
        psi = std::span(psi_).first(unit.size());
    }
    unit.update(blocks_, steps_done_, psi);
    if (mode() == LearningMode::on_chip && !settles_) {
        record_for_rule(unit, static_cast<std::size_t>(&unit - units_.data()), psi);
    }
    if (program.tree != CoreProgram::kNoTree) {
        send_output(unit);
    }
}

void Core::send_output(const Unit& unit) {
    noc::Flit flit =
        noc::Flit::along(node_, static_cast<noc::TreeId>(unit.program().tree), noc::FlitKind::spike);
    flit.created_cycle = unit.updated_at;
    flit.step = low(step_);
    if (unit.output().form == network::Signal<float>::Form::spikes) {
        for (const std::uint32_t j : unit.output().index) {
            flit.address = unit.program().first_address + j;
            stats_.add(CoreCounter::spikes);
            around_.network.send_later(node_, flit);
        }
        return;
    }
    flit.kind = noc::FlitKind::graded;
    for_each_nonzero(unit.output(), [&](std::uint32_t j, float value) {
        flit.address = kGradedEvent | (unit.program().first_address + j);
        flit.value = std::bit_cast<std::uint32_t>(value);
        stats_.add(CoreCounter::graded_events);
        around_.network.send_later(node_, flit);
    });
}

bool Core::phase_is_done(std::uint32_t phase) const {
    return std::all_of(units_.begin(), units_.end(),
                       [&](const Unit& unit) { return unit.program().phase != phase || unit.done; });
}

bool Core::learns_in_step() const {
    return mode() != LearningMode::off && !settles_;
}

bool Core::enter_barriers() {
    if (!step_running_ || entered_ == barriers() || tokens_ < entered_) {
        return false;
    }
    const std::uint32_t next = entered_ + 1;
    const auto is_read = [&](const Unit& unit) { return !unit.late_reading && !unit.has_late(next, step_); };
    if (next == barriers() && !std::all_of(units_.begin(), units_.end(), is_read)) {
        return false;
    }
    std::uint64_t when = cycle();
    if (next <= program_.phases) {
        if (!phase_is_done(next)) {
            return false;
        }
        for (const Unit& unit : units_) {
            when = unit.program().phase == next ? std::max(when, unit.updated_at) : when;
        }
    } else if (!learned_) {
        return false;
    } else {
        when = std::max(when, learned_at_);
    }
    noc::Flit token = noc::Flit::barrier(node_);
    token.created_cycle = when;
    around_.network.send_later(node_, token);
    entered_ = next;
    return true;
}

void Core::finish_step_if_done() {
    const auto late = [](const Unit& unit) { return unit.late_reading; };
    if (!step_running_ || tokens_ < barriers() || std::any_of(units_.begin(), units_.end(), late)) {
        return;
    }
    step_running_ = learned_ = false;
    errors_ = 0;
    if (!std::exchange(settles_, false)) {
        ++steps_done_;
        stats_.add(CoreCounter::steps);
    }
    stats_.set(CoreCounter::send_stall_cycles, earlier_stall_cycles_ + around_.network.stall_cycles(node_));
    if (last_step_) {
        for (const auto& block : blocks_) {
            block->end_sample();
        }
    }
    if (next_tick_) {
        const noc::Flit tick = *std::exchange(next_tick_, std::nullopt);
        receive_tick(tick);
        run();
    }
}

}  // namespace memprop::hw::chip
