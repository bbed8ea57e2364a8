#include "hw_models/digital_core/core.hpp"

#include <algorithm>
#include <bit>

#include "hw_models/digital_core/event_pass.hpp"
#include "hw_models/digital_core/neuron_step.hpp"

namespace memprop::hw {
namespace {

constexpr std::uint32_t kSuppCycles = 2;

// Bits of z | inputs in [first, last].
std::uint32_t count_events(const CoreState& state, std::uint32_t first, std::uint32_t last) {
    std::uint32_t count = 0;
    for (std::uint32_t w = first / 64; w <= last / 64 && first <= last; ++w) {
        std::uint64_t word = state.z.words()[w] | state.inputs.words()[w];
        if (w == first / 64) {
            word &= ~std::uint64_t{0} << (first % 64);
        }
        if (w == last / 64) {
            word &= ~std::uint64_t{0} >> (63 - last % 64);
        }
        count += static_cast<std::uint32_t>(std::popcount(word));
    }
    return count;
}

}  // namespace

Core::Core(const CoreShape& shape)
    : shape_(shape), registers_(shape), state_memory_(shape), eprop_(state_memory_, registers_) {}

void Core::reset_registers() {
    registers_.reset();
    state_memory_.refresh_alpha(registers_);
}

void Core::reset() {
    state_memory_.reset(registers_);
    tick_ = false;
    input_event_.reset();
    target_event_.reset();
    state_ = GlobalState::IDLE;
    event_state_ = EventState::WAIT;
    timing_error_ = false;
    targets_.valid = false;
    out_request_ = false;
    out_data_ = 0;
    send_count_ = 0;
    step_cycle_ = 0;
}

std::uint32_t Core::next_event_index(std::uint32_t from) const {
    for (std::uint32_t w = from / 64; w < kMaxNeurons / 64; ++w) {
        std::uint64_t word = state_memory_.z.words()[w] | state_memory_.inputs.words()[w];
        if (w == from / 64) {
            word &= ~std::uint64_t{0} << (from % 64);
        }
        if (word != 0) {
            return 64 * w + static_cast<std::uint32_t>(std::countr_zero(word));
        }
    }
    return kMaxNeurons;
}

std::uint64_t Core::edges_to_end_of_events() const {
    if (event_state_ == EventState::WAIT) {
        return kNever;
    }
    const std::uint32_t last = registers_.last_index();
    const std::uint64_t pass = 2 * (registers_.last_neuron() / 2) + 2;
    std::uint64_t edges = 0;
    std::uint32_t scan_from = event_index_;
    if (event_state_ != EventState::CNT) {
        const bool supplement = needs_supplement(state_memory_, registers_, event_index_);
        edges += event_state_ == EventState::EVT ? pass - event_cycle_ + (supplement ? kSuppCycles : 0)
                                                 : kSuppCycles - event_cycle_;
        ++scan_from;
    }
    if (scan_from > last) {
        return edges;
    }
    edges += last - scan_from + 1 + pass * count_events(state_memory_, scan_from, last);
    if (registers_.last_input() > registers_.last_neuron()) {
        for (std::uint32_t i = next_event_index(std::max(scan_from, registers_.last_neuron() + 1)); i <= last;
             i = next_event_index(i + 1)) {
            edges += needs_supplement(state_memory_, registers_, i) ? kSuppCycles : 0;
        }
    }
    return edges;
}

std::uint64_t Core::edges_to_event_state() const {
    switch (event_state_) {
        case EventState::WAIT:
            return kNever;
        case EventState::CNT:
            return std::min(next_event_index(event_index_), registers_.last_index()) - event_index_ + 1;
        case EventState::EVT:
            return 2 * (registers_.last_neuron() / 2) + 2 - event_cycle_;
        case EventState::SUPP:
            return kSuppCycles - event_cycle_;
    }
    return kNever;
}

std::uint64_t Core::edges_to_end_of_phase() const {
    switch (state_) {
        case GlobalState::IDLE:
            return out_request_ || out_data_ != 0 ? 1 : kNever;
        case GlobalState::PROP:
        case GlobalState::GET_TAR:
            return kNever;
        case GlobalState::STEP:
            return ((registers_.last_step_cycle() - step_cycle_) & 255) + 1;
        case GlobalState::SDONE:
            return 1;
        case GlobalState::CONFIG:
            return configuration_enabled_ ? kNever : 1;
        case GlobalState::EPROP:
            return eprop_.cycles_to_end();
        case GlobalState::SEND:
            return out_ack_ == out_request_ ? 1 : kNever;
    }
    return kNever;
}

std::uint64_t Core::edges_to_local_tick() const {
    if (!registers_.flag(Reg::LOCAL_TICK)) {
        return kNever;
    }
    // Quirk: the counter rests at 1 in IDLE, so a sample starts by a local tick for CYCLES_PER_TICK = 1 only.
    const std::uint32_t distance = registers_[Reg::CYCLES_PER_TICK] - tick_count_;
    return state_ == GlobalState::IDLE && distance != 0 ? kNever : std::uint64_t{distance} + 1;
}

std::uint64_t Core::busy_edges() const {
    if (tick_ || input_event_ || target_event_ || (halts() && state_ != GlobalState::IDLE)) {
        return 1;
    }
    return std::min(edges_to_end_of_phase(), edges_to_end_of_events());
}

std::uint64_t Core::quiet_edges() const {
    return std::min(busy_edges(), edges_to_local_tick());
}

void Core::advance(std::uint64_t edges) {
    while (edges > 0) {
        std::uint64_t now = std::min(edges, quiet_edges());
        const std::uint64_t local_tick = edges_to_local_tick();
        if (local_tick > 1 && now == local_tick) {
            --now;  // the edge of a tick is taken alone
        }
        const bool tick = tick_ || local_tick == 1;
        run_edges(now, tick);
        edges -= now;
    }
}

void Core::run_edges(std::uint64_t edges, bool tick) {
    const bool phase_ends = edges == edges_to_end_of_phase();
    const bool events_run = event_state_ != EventState::WAIT;
    const bool mistimed = tick && ((state_ != GlobalState::IDLE && state_ != GlobalState::PROP) ||
                                   (state_ == GlobalState::PROP && events_run));
    const GlobalState next = next_state(tick, phase_ends);
    const bool enters_idle = state_ != GlobalState::IDLE && next == GlobalState::IDLE;
    const bool starts_events = !events_run && state_ != GlobalState::PROP && next == GlobalState::PROP;
    const bool halted = halts();

    run_state(edges, next);
    if (events_run) {
        run_events(edges);
    }
    take_target(next);
    if (enters_idle) {
        state_memory_.clear_for_next_sample();
    } else if (tick) {
        // Quirk: an input event accepted in the cycle of a tick is lost.
        state_memory_.inputs = state_memory_.inputs_next;
        state_memory_.inputs_next.clear();
    } else if (input_event_) {
        state_memory_.inputs_next.set(*input_event_);
    }
    if (!registers_.flag(Reg::LOCAL_TICK) || state_ == GlobalState::IDLE || tick) {
        tick_count_ = 1;
    } else {
        tick_count_ += static_cast<std::uint32_t>(edges);
    }
    tick_ = false;
    input_event_.reset();
    edge_ += edges;
    if (starts_events) {
        event_state_ = EventState::CNT;
        event_index_ = 0;
        event_cycle_ = 0;
    } else if (mistimed && state_ == GlobalState::PROP && !registers_.flag(Reg::ERROR_HALT)) {
        event_state_ = EventState::WAIT;
    }
    timing_error_ = timing_error_ || mistimed;
    // Quirk: a halt goes to IDLE without the clearing of an ordinary end, and an event scan goes on in IDLE.
    enter(halted ? GlobalState::IDLE : next);
}

GlobalState Core::after_step() const {
    const bool learns =
        registers_.do_eprop() != 0 && (targets_.valid || registers_.regularises_without_target());
    if (learns) {
        return registers_.flag(Reg::SINGLE_LABEL) && got_label_ ? GlobalState::EPROP : GlobalState::GET_TAR;
    }
    return registers_.flag(Reg::SEND_PER_TIMESTEP) ? GlobalState::SEND : GlobalState::PROP;
}

GlobalState Core::next_state(bool tick, bool phase_ends) const {
    switch (state_) {
        case GlobalState::IDLE:
            return sample_ && tick ? GlobalState::PROP : GlobalState::IDLE;
        case GlobalState::PROP:
            return tick ? GlobalState::STEP : GlobalState::PROP;
        case GlobalState::STEP:
            return phase_ends ? GlobalState::SDONE : GlobalState::STEP;
        case GlobalState::SDONE:
            return !sample_ ? GlobalState::SEND : configuration_enabled_ ? GlobalState::CONFIG : after_step();
        case GlobalState::GET_TAR: {
            const bool last_byte = target_count_ / 2 == registers_.last_output() && target_count_ % 2 == 1;
            return target_event_ && (!registers_.flag(Reg::REGRESSION) || last_byte) ? GlobalState::EPROP
                                                                                     : GlobalState::GET_TAR;
        }
        case GlobalState::CONFIG:
            return configuration_enabled_ ? GlobalState::CONFIG : after_step();
        case GlobalState::EPROP:
            // Quirk: without SAMPLE the unit goes on with further blocks instead of leaving.
            return !phase_ends                               ? GlobalState::EPROP
                   : registers_.flag(Reg::SEND_PER_TIMESTEP) ? GlobalState::SEND
                   : sample_                                 ? GlobalState::PROP
                                                             : GlobalState::EPROP;
        case GlobalState::SEND:
            return !(out_ack_ && out_request_ && send_count_ == last_send_count()) ? GlobalState::SEND
                   : registers_.flag(Reg::SEND_PER_TIMESTEP) && sample_            ? GlobalState::PROP
                                                                                   : GlobalState::IDLE;
    }
    return GlobalState::IDLE;
}

void Core::run_state(std::uint64_t edges, GlobalState next) {
    switch (state_) {
        case GlobalState::IDLE:
            got_label_ = false;
            target_count_ = 0;
            wins_.fill(0);
            out_request_ = false;
            out_data_ = 0;
            send_count_ = 0;
            cycles_.idle += edges;
            return;
        case GlobalState::PROP:
            (event_state_ == EventState::WAIT ? cycles_.prop_waiting : cycles_.prop_busy) += edges;
            return;
        case GlobalState::STEP:
            cycles_.step += edges;
            return run_step(static_cast<std::uint32_t>(edges));
        case GlobalState::SDONE:
            cycles_.sdone += edges;
            if (infer_acc_) {
                // In regression output 0 counts, which SEND does not show.
                ++wins_[registers_.flag(Reg::REGRESSION) ? 0 : winning_output(state_memory_, registers_)];
            }
            return;
        case GlobalState::GET_TAR:
            cycles_.get_tar += edges;
            return;
        case GlobalState::CONFIG:
            cycles_.config += edges;
            return;
        case GlobalState::EPROP:
            cycles_.eprop += edges;
            cycles_.weight_updates += eprop_.run(edges, targets_);
            return;
        case GlobalState::SEND:
            cycles_.send += edges;
            return run_send(next);
    }
}

void Core::run_step(std::uint32_t cycles) {
    const std::uint32_t first = step_cycle_, last = step_cycle_ + cycles;
    const std::uint32_t pair_read = (last - 1) / 2;
    eprop_.latch(state_memory_.raw_pair(pair_read));  // what the memory held before this pair's write
    step_outputs(state_memory_, registers_, first, last);
    step_neurons(state_memory_, registers_, first & ~1U, last & ~1U);
    if (last % 2 == 1) {
        // A read cycle clears the pair's spikes; their write cycle sets them. With an even number of STEP
        // cycles missing its last write (RO even), the last neuron is never written and never spikes.
        state_memory_.z.reset(2 * pair_read);
        state_memory_.z.reset(2 * pair_read + 1);
    }
    step_cycle_ += cycles;
}

void Core::run_events(std::uint64_t cycles) {
    const std::uint32_t last = registers_.last_index();
    const std::uint32_t pass = 2 * (registers_.last_neuron() / 2) + 2;
    const bool noise_moves = state_ == GlobalState::PROP;
    while (cycles > 0 && event_state_ != EventState::WAIT) {
        if (event_state_ == EventState::CNT) {
            const std::uint32_t found = next_event_index(event_index_);
            const std::uint64_t scan = std::min(found, last) - event_index_ + 1;
            if (cycles < scan) {
                event_index_ += static_cast<std::uint32_t>(cycles);
                return;
            }
            cycles -= scan;
            event_index_ = std::min(found, last);
            event_state_ = found <= last ? EventState::EVT : EventState::WAIT;
            event_cycle_ = 0;
        } else if (event_state_ == EventState::EVT) {
            const auto now = static_cast<std::uint32_t>(std::min<std::uint64_t>(cycles, pass - event_cycle_));
            if (event_cycle_ == 0) {
                ++cycles_.events;
                cycles_.synaptic_operations += fan_out(state_memory_, registers_, event_index_);
                deliver_to_outputs(state_memory_, registers_, event_index_);
            }
            deliver_to_neurons(state_memory_, registers_, event_index_, event_cycle_ & ~1U,
                               (event_cycle_ + now) & ~1U, noise_moves);
            cycles -= now;
            event_cycle_ += now;
            if (event_cycle_ == pass) {
                event_cycle_ = 0;
                if (needs_supplement(state_memory_, registers_, event_index_)) {
                    event_state_ = EventState::SUPP;
                } else {
                    finish_pass();
                }
            }
        } else {
            const auto now =
                static_cast<std::uint32_t>(std::min<std::uint64_t>(cycles, kSuppCycles - event_cycle_));
            cycles -= now;
            event_cycle_ += now;
            if (event_cycle_ == kSuppCycles) {
                supplement_trace(state_memory_, registers_, event_index_);
                finish_pass();
            }
        }
    }
}

void Core::finish_pass() {
    state_memory_.z.reset(event_index_);
    state_memory_.inputs.reset(event_index_);
    event_cycle_ = 0;
    if (event_index_ == registers_.last_index()) {
        event_state_ = EventState::WAIT;
    } else {
        event_state_ = EventState::CNT;
        ++event_index_;
    }
}

std::uint32_t Core::last_send_count() const {
    return registers_.flag(Reg::SEND_LABEL_ONLY) ? 0 : 2 * registers_.last_output() + 1;
}

void Core::run_send(GlobalState next) {
    if (next != GlobalState::SEND) {
        out_request_ = false;
        send_count_ = 0;
    } else if (!out_ack_ && !out_request_) {
        out_request_ = true;
        if (registers_.flag(Reg::SEND_LABEL_ONLY)) {
            const auto end = wins_.begin() + registers_.last_output() + 1;
            const auto winner = std::max_element(wins_.begin(), end) - wins_.begin();
            out_data_ = static_cast<std::uint8_t>(registers_.flag(Reg::REGRESSION) ? 0 : winner);
        } else {
            const auto value = static_cast<std::uint16_t>(state_memory_.y[send_count_ / 2]);
            out_data_ = static_cast<std::uint8_t>(send_count_ % 2 == 0 ? value : value >> 8);
        }
    } else if (out_ack_ && out_request_) {
        out_request_ = false;
        ++send_count_;
    }
}

void Core::take_target(GlobalState next) {
    if (target_event_) {
        if (registers_.flag(Reg::REGRESSION)) {
            auto& target = targets_.regression[target_count_ / 2];
            const auto old = static_cast<std::uint16_t>(target);
            target =
                static_cast<std::int16_t>(target_count_ % 2 == 0 ? (old & 0xFF00U) | *target_event_
                                                                 : (old & 0x00FFU) | *target_event_ << 8U);
        } else {
            targets_.label = *target_event_ & 15U;
            got_label_ = state_ != GlobalState::IDLE;
        }
        target_count_ = state_ == GlobalState::IDLE ? 0 : (target_count_ + 1) & 31U;
        target_event_.reset();
    }
    if (state_ == GlobalState::GET_TAR && next != GlobalState::GET_TAR) {
        target_count_ = 0;
    }
}

void Core::enter(GlobalState next) {
    const GlobalState left = state_;
    state_ = next;
    if (next == left) {
        return;
    }
    step_cycle_ = 0;
    if (left == GlobalState::EPROP && observer_ != nullptr) {
        observer_->eprop_done(*this);
    }
    if (next == GlobalState::EPROP) {
        eprop_.start();
    } else if (next == GlobalState::SDONE && observer_ != nullptr) {
        observer_->step_done(*this);
    }
}

}  // namespace memprop::hw
