#include "hw_models/chip/host_interface.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "crossbar/base/error.hpp"
#include "hw_models/noc/routing_check.hpp"
#include "learning/objective.hpp"

namespace memprop::hw::chip {

HostInterface::HostInterface(const Surroundings& around, std::uint64_t budget_cycles)
    : around_(around),
      budget_cycles_(budget_cycles),
      event_capacity_(static_cast<std::size_t>(around.config.event_fifo_depth)),
      pages_(around.cores.size()),
      sources_(kMostSources) {
    // Events only have to be there when the barrier of their phase has passed.
    around_.network.set_wake_filter(kHostNode, [](const noc::Flit& flit) {
        return flit.kind == noc::FlitKind::configuration || flit.kind == noc::FlitKind::barrier ||
               flit.kind == noc::FlitKind::tick;
    });
}

void HostInterface::run() {
    noc::ArrivedFlit delivery;
    while (around_.network.take(kHostNode, delivery)) {
        receive(delivery);
    }
    if (command_ == Command::program && cycle() >= due_cycle_) {
        finish();
    }
}

void HostInterface::push_out(std::uint32_t address, std::uint32_t value) {
    events_out_.push_back(std::uint64_t{value} << 32 | address);
    stats_.add(HostCounter::events_out);
}

void HostInterface::receive(const noc::ArrivedFlit& delivery) {
    const noc::Flit& flit = delivery.flit;
    switch (flit.kind) {
        case noc::FlitKind::spike:
            push_out(flit.address, step_);
            return;
        case noc::FlitKind::graded: {
            const std::uint32_t k = flit.address - first_output_;
            if (flit.address >= first_output_ && k < readout_.size()) {
                readout_[k] = std::bit_cast<float>(flit.value);
            }
            push_out(flit.address | kGradedOut, flit.value);
            return;
        }
        case noc::FlitKind::configuration: {
            const auto question = questions_.find(flit.step);
            if (question != questions_.end()) {
                question->second.answered = true;
                question->second.word = flit.value;
                if (!question->second.wanted) {
                    questions_.erase(question);
                }
            }
            return;
        }
        case noc::FlitKind::barrier:
            pass_barrier(delivery.cycle);
            return;
        case noc::FlitKind::tick:
            reported_.push_back(flit.source);
            if (++cores_done_ == cores_used_) {
                finish();
            }
            return;
    }
}

std::uint32_t HostInterface::barriers() const {
    return phases_ + (told_learns_ != 0 && command_ != Command::settle ? 1 : 0);
}

void HostInterface::enter_barrier() {
    around_.network.send(kHostNode, noc::Flit::barrier(kHostNode));
}

void HostInterface::pass_barrier(std::uint64_t passed) {
    ++tokens_;
    const bool settles = command_ == Command::settle;  // no part of a step
    if (tokens_ == 1) {
        stats_.add(HostCounter::neuron_phase_cycles, settles ? 0 : passed - phase_started_);
        phase_started_ = passed;
    }
    if (tokens_ == phases_) {
        stats_.add(HostCounter::readout_phase_cycles, settles ? 0 : passed - phase_started_);
        phase_started_ = passed;
        if (!settles && outputs_ > 0) {
            send_errors(passed + objective_cycles(readout_.size()));
        }
    }
    if (tokens_ == barriers()) {
        finish();
    } else {
        enter_barrier();
    }
}

void HostInterface::send_errors(std::uint64_t ready_cycle) {
    if (in_window_ != 0) {
        ++window_steps_;
        learning::step_error(loss_kind_, learning::Wanted{.target = targets_, .label = label_},
                             std::span<const float>(readout_), std::span(error_), loss_);
    } else {
        std::fill(error_.begin(), error_.end(), 0.0F);
    }
    const auto mode = static_cast<LearningMode>(told_learns_);
    if (mode == LearningMode::off || mode == LearningMode::reward) {
        return;
    }
    noc::Flit flit = noc::Flit::along(kHostNode, kCommandTree, noc::FlitKind::graded);
    flit.created_cycle = ready_cycle;
    for (std::uint32_t k = 0; k < error_.size(); ++k) {
        flit.address = kErrorValue | k;
        flit.value = std::bit_cast<std::uint32_t>(error_[k]);
        around_.network.send_later(kHostNode, flit);
    }
}

void HostInterface::send_reward() {
    tell_cores(Tick::reward, 0);
    noc::Flit flit = noc::Flit::along(kHostNode, kCommandTree, noc::FlitKind::graded);
    for (std::uint32_t k = 0; k < outputs_; ++k) {
        flit.address = kErrorValue | k;
        flit.value = std::bit_cast<std::uint32_t>(static_cast<float>(targets_[k]));
        around_.network.send(kHostNode, flit);
    }
}

void HostInterface::tell_cores(Tick what, std::uint32_t value) {
    noc::Flit flit = noc::Flit::along(kHostNode, kCommandTree, noc::FlitKind::tick);
    flit.address = static_cast<std::uint32_t>(what);
    flit.value = value;
    around_.network.send(kHostNode, flit);
}

void HostInterface::set_in_cores(CoreRegister which, std::uint32_t value) {
    noc::Flit flit = noc::Flit::along(kHostNode, kCommandTree, noc::FlitKind::configuration);
    flit.address = static_cast<std::uint32_t>(which);
    flit.value = value;
    around_.network.send(kHostNode, flit);
}

bus::BusStatus HostInterface::start(std::uint32_t code) {
    const auto command = static_cast<Command>(code);
    const bool tick = command == Command::tick || command == Command::last_tick;
    const bool between_steps = command == Command::update && in_sample_ &&
                               static_cast<LearningMode>(told_learns_) == LearningMode::between_steps;
    const bool settles = command == Command::settle && in_sample_ && next_step_ == first_step_;
    const bool in_turn = between_steps || settles || command == Command::begin_sample ||
                         (command != Command::settle && tick == in_sample_ && (!tick || step_ == next_step_));
    const bool lacks_label = tick && in_window_ != 0 && outputs_ > 0 &&
                             loss_kind_ == network::Loss::cross_entropy &&
                             (label_ < 0 || static_cast<std::uint32_t>(label_) >= outputs_);
    if (busy() || !in_turn || cores_used_ == 0 || lacks_label ||
        (command == Command::measure && projection_ >= around_.memory.arrays.size()) ||
        ((tick || settles) && graded_address_) ||  // half an event waits
        ((tick || settles) && events_out_level() + events_per_step_ > event_capacity_)) {
        stats_.add(HostCounter::refused_commands);
        return bus::BusStatus::refused;
    }
    if (!routes_are_sound()) {
        stats_.add(HostCounter::refused_routes);
        return bus::BusStatus::refused;
    }
    command_ = command;
    reported_.clear();
    started_ = phase_started_ = cycle();
    cores_done_ = tokens_ = 0;
    const auto told = [&](CoreRegister which, std::uint32_t value, std::uint32_t& last) {
        if (value != last) {
            set_in_cores(which, value);
            last = value;
        }
    };
    if (command == Command::begin_sample || command == Command::update || command == Command::measure ||
        command == Command::share_feedback) {
        told(CoreRegister::device_tick, device_tick_, told_tick_);
        told(CoreRegister::event, event_, told_event_);
    }
    switch (command) {
        case Command::begin_sample:
            loss_ = 0.0;
            window_steps_ = 0;
            in_sample_ = true;
            graded_address_.reset();
            next_step_ = first_step_;
            stats_.add(HostCounter::samples);
            told(CoreRegister::learns, learns_, told_learns_);
            told(CoreRegister::first_step, first_step_, told_first_step_);
            tell_cores(Tick::begin_sample, sample_);
            break;
        case Command::optimise:
            tell_cores(Tick::optimise, window_steps_);
            break;
        case Command::settle:
            start_step(Tick::settle);
            break;
        case Command::tick:
        case Command::last_tick:
            in_sample_ = command == Command::tick;
            ++next_step_;
            start_step(command == Command::last_tick ? Tick::last_step : Tick::step);
            break;
        case Command::update:
            tell_cores(Tick::update, event_);
            break;
        case Command::measure:
            tell_cores(Tick::measure, projection_);
            break;
        case Command::share_feedback:
            tell_cores(Tick::share, 0);
            break;
        case Command::limit_gradient:
            tell_cores(Tick::square, 0);
            break;
        case Command::adapt_feedback:
            tell_cores(Tick::adapt, std::bit_cast<std::uint32_t>(factor_));
            break;
        case Command::reward:
            send_reward();
            break;
        case Command::program: {
            double seconds = 0.0;  // the arrays are programmed side by side
            for (const auto& array : around_.memory.arrays) {
                seconds = array != nullptr ? std::max(seconds, array->program()) : seconds;
            }
            due_cycle_ =
                cycle() + static_cast<std::uint64_t>(std::ceil(seconds / around_.clock_period_seconds));
            break;
        }
    }
    return bus::BusStatus::ok;
}

bool HostInterface::routes_are_sound() {
    if (std::exchange(rows_changed_, false)) {
        const noc::Fabric& fabric = around_.network.fabric();
        route_error_.clear();
        try {
            noc::check_routes(fabric.params(), fabric.loaded_rows());
        } catch (const InputError& error) {
            route_error_ = error.what();
        }
    }
    return route_error_.empty();
}

std::string HostInterface::who_waits() const {
    if (!busy()) {
        return {};
    }
    const std::uint32_t code = static_cast<std::uint32_t>(command_);
    if (command_ == Command::tick || command_ == Command::last_tick || command_ == Command::settle) {
        return fmt::format("the host interface, in command {} of step {}, has passed {} of {} barriers\n",
                           code, step_, tokens_, barriers());
    }
    std::string missing;
    for (const auto& core : around_.cores) {
        if (core->is_used() &&
            std::find(reported_.begin(), reported_.end(), core->node()) == reported_.end()) {
            missing += fmt::format("{}{}", missing.empty() ? "; none from " : ", ", core->name());
        }
    }
    return fmt::format("the host interface, in command {}, has the reports of {} of {} cores{}\n", code,
                       cores_done_, cores_used_, missing);
}

void HostInterface::record(WordRecord& record) {
    constexpr std::uint32_t kNotTold = ~0U;
    stats_.record(record);
    record(event_);
    record(in_window_, 1);
    for (const auto& [which, told] :
         {std::pair{CoreRegister::device_tick, &told_tick_}, std::pair{CoreRegister::event, &told_event_},
          std::pair{CoreRegister::learns, &told_learns_},
          std::pair{CoreRegister::first_step, &told_first_step_}}) {
        record(*told);
        if (record.gives() && *told != kNotTold) {
            for (const auto& core : around_.cores) {
                if (!core->write_word(static_cast<std::uint32_t>(which), *told)) {
                    throw InputError("the record of a chip is not of this chip");
                }
            }
        }
    }
}

void HostInterface::start_step(Tick what) {
    noc::Flit flit = noc::Flit::along(kHostNode, kCommandTree, noc::FlitKind::spike);
    flit.step = static_cast<std::uint16_t>(step_);
    for (const EventIn& event : events_in_) {
        const auto source = std::find_if(sources_.begin(), sources_.end(), [&](const Source& s) {
            return event.address >= s.first && event.address - s.first < s.count;
        });
        if (source->tree == CoreProgram::kNoTree) {
            continue;
        }
        flit.kind = event.graded ? noc::FlitKind::graded : noc::FlitKind::spike;
        flit.target = static_cast<std::uint16_t>(source->tree);
        flit.address = event.address;
        flit.value = event.graded ? std::bit_cast<std::uint32_t>(event.value) : 0;
        around_.network.send(kHostNode, flit);
    }
    events_in_.clear();
    if (std::exchange(around_.memory.members_changed, false)) {
        std::vector<noc::NodeId> members{kHostNode};
        for (const auto& core : around_.cores) {
            if (core->is_used()) {
                members.push_back(core->node());
            }
        }
        around_.network.fabric().set_barrier_members(members);
    }
    std::fill(readout_.begin(), readout_.end(), 0.0F);
    tell_cores(what, what == Tick::settle ? first_step_ - 1 : step_);
    enter_barrier();
}

void HostInterface::finish() {
    const std::uint64_t cycles = cycle() - started_;
    switch (command_) {
        case Command::tick:
        case Command::last_tick: {
            const std::uint64_t with_update = cycles + std::exchange(update_before_step_cycles_, 0);
            stats_.add(HostCounter::steps);
            stats_.add(HostCounter::step_cycles, cycles);
            stats_.raise(HostCounter::longest_step_cycles, with_update);
            stats_.add(HostCounter::learning_phase_cycles, cycle() - phase_started_);
            stats_.add(HostCounter::deadline_misses, with_update > budget_cycles_ ? 1 : 0);
            break;
        }
        case Command::settle:
        case Command::begin_sample:
            stats_.add(HostCounter::sample_begin_cycles, cycles);
            break;
        case Command::update:
            stats_.add(second_phase_ ? HostCounter::refresh_cycles : HostCounter::update_cycles, cycles);
            update_before_step_cycles_ += in_sample_ ? cycles : 0;
            break;
        case Command::optimise:
            stats_.add(HostCounter::optimise_cycles, cycles);
            break;
        case Command::limit_gradient:
            stats_.add(HostCounter::limit_cycles, cycles);
            break;
        case Command::adapt_feedback:
            stats_.add(HostCounter::adaptation_cycles, cycles);
            break;
        case Command::reward:
            stats_.add(HostCounter::reward_cycles, cycles);
            break;
        case Command::measure:
        case Command::share_feedback:
            stats_.add(HostCounter::measure_cycles, cycles);
            break;
        case Command::program:
            stats_.add(HostCounter::programming_cycles, cycles);
            due_cycle_ = noc::kNever;
            break;
    }
    second_phase_ = !second_phase_ && begin_second_phase();
    if (second_phase_) {
        return;
    }
    command_ = Command{};
    interrupt_ = true;
}

/// What some commands need when all cores have done the first part; false if nothing.
bool HostInterface::begin_second_phase() {
    const auto tell = [&](Tick what, std::uint32_t value) {
        started_ = cycle();
        cores_done_ = 0;
        reported_.clear();
        tell_cores(what, value);
        return true;
    };
    if (command_ == Command::update) {  // all tiles are written
        bool due = false;
        for (const auto& array : around_.memory.arrays) {
            due = (array != nullptr &&
                   array->refresh(event_, static_cast<std::int32_t>(device_tick_)).has_value()) ||
                  due;
        }
        return due && tell(Tick::refresh, event_);
    }
    // The norm of the gradient is known.
    return command_ == Command::limit_gradient && factor_ != 1.0F &&
           tell(Tick::scale, std::bit_cast<std::uint32_t>(factor_));
}

}  // namespace memprop::hw::chip
