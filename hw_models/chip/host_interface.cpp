#include "hw_models/chip/host_interface.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "crossbar/base/error.hpp"
#include "learning/objective.hpp"

namespace memprop::hw::chip {

HostInterface::HostInterface(const sc_core::sc_module_name& name, const ChipPlan& plan,
                             const ChipConfig& config, learning::Loss loss, std::uint64_t budget_cycles,
                             ChipMemory& memory, std::vector<Core*> cores, noc::EventMesh& mesh,
                             const sc_core::sc_time& period)
    : sc_module(name),
      plan_(plan),
      config_(config),
      loss_kind_(loss),
      budget_cycles_(budget_cycles),
      memory_(memory),
      cores_(std::move(cores)),
      mesh_(mesh),
      period_(period),
      event_capacity_(static_cast<std::size_t>(config.event_fifo_depth)),
      cores_with_neurons_(plan.cores_with_neurons()),
      targets_(plan.outputs),
      readout_(plan.outputs),
      error_(plan.outputs) {
    events_in_.reserve(std::min<std::size_t>(event_capacity_, plan.inputs));
    bus.register_b_transport(this, &HostInterface::transport);
    bus.register_transport_dbg(this, &HostInterface::debug_transport);
}

void HostInterface::end_of_elaboration() {
    // Spikes and neurons_done only have to be there when the readouts or the end of the step come.
    port->set_wake_filter([](const noc::Flit& flit) {
        return flit.kind == noc::FlitKind::graded || flit.kind == noc::FlitKind::configuration ||
               (flit.kind == noc::FlitKind::tick && static_cast<Tick>(flit.address) == Tick::core_done);
    });
    SC_HAS_PROCESS(HostInterface);
    SC_METHOD(run);
    sensitive << due_ << port->wake_event();
    dont_initialize();
}

void HostInterface::run() {
    ++activations_;
    noc::ArrivedFlit delivery;
    while (port->take(delivery)) {
        receive(delivery);
    }
    if (command_ == Command::program && cycle() >= due_cycle_) {
        finish();
    }
    sleep_until_due();
}

void HostInterface::sleep_until_due() {
    const std::uint64_t next = due_cycle_;
    if (next != noc::kNever) {
        const sc_core::sc_time due = sc_core::sc_time::from_value(next * period_.value());
        const sc_core::sc_time& now = sc_core::sc_time_stamp();
        due_.notify(due > now ? due - now : sc_core::SC_ZERO_TIME);
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
            push_out(flit.address, flit.value);
            return;
        case noc::FlitKind::graded: {
            const std::uint32_t k = flit.address & kGradedMask;
            if (k >= readout_.size()) {
                error_seen_ = true;
                return;
            }
            readout_[k] = std::bit_cast<float>(flit.value);
            push_out(flit.address | kReadoutEvent, flit.value);
            if (++readouts_known_ == readout_.size()) {
                stats_.add(HostCounter::readout_phase_cycles, delivery.cycle - phase_started_);
                phase_started_ = delivery.cycle;
                send_errors(delivery.cycle + objective_cycles(readout_.size()));
            }
            return;
        }
        case noc::FlitKind::configuration:
            if (waiting_for_answer_ && flit.address == answer_word_) {
                answer_value_ = flit.value;
                waiting_for_answer_ = false;
                answer_.notify(sc_core::SC_ZERO_TIME);
            }
            return;
        case noc::FlitKind::barrier:  // nobody here enters one
            return;
        case noc::FlitKind::tick:
            break;
    }
    if (static_cast<Tick>(flit.address) == Tick::neurons_done) {
        if (++neurons_done_ == cores_with_neurons_) {
            stats_.add(HostCounter::neuron_phase_cycles, delivery.cycle - phase_started_);
            phase_started_ = delivery.cycle;
        }
    } else if (++cores_done_ == plan_.cores.size()) {
        finish();
    }
}

void HostInterface::send_errors(std::uint64_t ready_cycle) {
    if (in_window_ != 0) {
        learning::step_error(loss_kind_, learning::Wanted{.target = targets_, .label = label_},
                             std::span<const float>(readout_), std::span(error_), loss_);
    } else {
        std::fill(error_.begin(), error_.end(), 0.0F);
    }
    const auto mode = static_cast<LearningMode>(told_learns_);
    if (mode != LearningMode::errors && mode != LearningMode::between_steps) {
        return;
    }
    noc::Flit flit = noc::Flit::along(ChipPlan::kHostNode, ChipPlan::kCommandTree, noc::FlitKind::graded);
    flit.created_cycle = ready_cycle;
    for (std::uint32_t k = 0; k < error_.size(); ++k) {
        flit.address = kErrorValue | k;
        flit.value = std::bit_cast<std::uint32_t>(error_[k]);
        port->send_later(flit);
    }
}

void HostInterface::send_reward() {
    tell_cores(Tick::reward, 0);
    noc::Flit flit = noc::Flit::along(ChipPlan::kHostNode, ChipPlan::kCommandTree, noc::FlitKind::graded);
    for (std::uint32_t k = 0; k < plan_.outputs; ++k) {
        flit.address = kErrorValue | k;
        flit.value = std::bit_cast<std::uint32_t>(static_cast<float>(targets_[k]));
        port->send(flit);
    }
}

void HostInterface::tell_cores(Tick what, std::uint32_t value) {
    noc::Flit flit = noc::Flit::along(ChipPlan::kHostNode, ChipPlan::kCommandTree, noc::FlitKind::tick);
    flit.address = static_cast<std::uint32_t>(what);
    flit.value = value;
    port->send(flit);
}

void HostInterface::set_in_cores(CoreRegister which, std::uint32_t value) {
    noc::Flit flit =
        noc::Flit::along(ChipPlan::kHostNode, ChipPlan::kCommandTree, noc::FlitKind::configuration);
    flit.address = static_cast<std::uint32_t>(which);
    flit.value = value;
    port->send(flit);
}

tlm::tlm_response_status HostInterface::start(std::uint32_t code) {
    const auto command = static_cast<Command>(code);
    const std::size_t room_needed = std::size_t{plan_.recurrent} + plan_.outputs;
    const bool tick = command == Command::tick || command == Command::last_tick;
    const bool between_steps = command == Command::update && in_sample_ &&
                               static_cast<LearningMode>(told_learns_) == LearningMode::between_steps;
    const bool in_turn = between_steps || (tick == in_sample_ && (!tick || step_ == next_step_));
    if (busy() || code < 1 || code > static_cast<std::uint32_t>(kLastCommand) || !in_turn ||
        (tick && ((learns_ != 0 && memory_.tape == nullptr) ||
                  events_out_.size() - next_out_ / 2 + room_needed > event_capacity_))) {
        stats_.add(HostCounter::refused_commands);
        return tlm::TLM_GENERIC_ERROR_RESPONSE;
    }
    command_ = command;
    started_ = phase_started_ = cycle();
    cores_done_ = neurons_done_ = readouts_known_ = 0;
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
            in_sample_ = true;
            next_step_ = first_step_;
            stats_.add(HostCounter::samples);
            told(CoreRegister::learns, learns_, told_learns_);
            told(CoreRegister::first_step, first_step_, told_first_step_);
            tell_cores(Tick::begin_sample, sample_);
            break;
        case Command::tick:
        case Command::last_tick:
            in_sample_ = command == Command::tick;
            ++next_step_;
            start_step(command == Command::last_tick);
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
            for (WeightArray* array : memory_.weights) {
                seconds = std::max(seconds, array->program());
            }
            due_cycle_ = cycle() + static_cast<std::uint64_t>(std::ceil(seconds / period_.to_seconds()));
            break;
        }
    }
    sleep_until_due();
    return tlm::TLM_OK_RESPONSE;
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
            if (which == CoreRegister::learns && *told > static_cast<std::uint32_t>(kLastLearningMode)) {
                throw InputError("the record of a chip is not of this chip");
            }
            for (Core* core : cores_) {
                core->write_word(static_cast<std::uint32_t>(which), *told);
            }
        }
    }
}

void HostInterface::start_step(bool last) {
    noc::Flit flit = noc::Flit::along(ChipPlan::kHostNode, ChipPlan::kInputTree, noc::FlitKind::spike);
    flit.value = step_;
    for (const std::uint32_t input : events_in_) {
        flit.address = input;
        port->send(flit);
    }
    events_in_.clear();
    tell_cores(last ? Tick::last_step : Tick::step, step_);
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
        case Command::begin_sample:
            stats_.add(HostCounter::sample_begin_cycles, cycles);
            break;
        case Command::update:
            stats_.add(second_phase_ ? HostCounter::refresh_cycles : HostCounter::update_cycles, cycles);
            update_before_step_cycles_ += in_sample_ ? cycles : 0;
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
    interrupt_.notify(sc_core::SC_ZERO_TIME);
}

/// What some commands need when all cores have done the first part; false if nothing.
bool HostInterface::begin_second_phase() {
    const auto tell = [&](Tick what, std::uint32_t value) {
        started_ = cycle();
        cores_done_ = 0;
        tell_cores(what, value);
        return true;
    };
    if (command_ == Command::update) {  // all tiles are written
        bool due = false;
        for (WeightArray* array : memory_.weights) {
            due = array->refresh(event_, static_cast<std::int32_t>(device_tick_)).has_value() || due;
        }
        return due && tell(Tick::refresh, event_);
    }
    // The norm of the gradient is known.
    return command_ == Command::limit_gradient && factor_ != 1.0F &&
           tell(Tick::scale, std::bit_cast<std::uint32_t>(factor_));
}

}  // namespace memprop::hw::chip
