#include "hw_models/bus/tlm_target.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "crossbar/base/error.hpp"

namespace memprop::hw::bus {
namespace {

tlm::tlm_response_status response(BusStatus status) {
    switch (status) {
        case BusStatus::ok:
            return tlm::TLM_OK_RESPONSE;
        case BusStatus::address_error:
            return tlm::TLM_ADDRESS_ERROR_RESPONSE;
        case BusStatus::command_error:
            return tlm::TLM_COMMAND_ERROR_RESPONSE;
        case BusStatus::burst_error:
            return tlm::TLM_BURST_ERROR_RESPONSE;
        case BusStatus::byte_enable_error:
            return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
        case BusStatus::refused:
            break;
    }
    return tlm::TLM_GENERIC_ERROR_RESPONSE;
}

/// The byte enables repeat over the data.
bool enables_all_bytes(const tlm::tlm_generic_payload& transaction) {
    const unsigned char* const enables = transaction.get_byte_enable_ptr();
    if (enables == nullptr) {
        return true;
    }
    const unsigned count = std::min(transaction.get_byte_enable_length(), transaction.get_data_length());
    return count > 0 && std::all_of(enables, enables + count,
                                    [](unsigned char enable) { return enable == TLM_BYTE_ENABLED; });
}

BusStatus check_form(const tlm::tlm_generic_payload& transaction) {
    const unsigned length = transaction.get_data_length(), width = transaction.get_streaming_width();
    if (!transaction.is_read() && !transaction.is_write()) {
        return BusStatus::command_error;
    }
    if (transaction.get_data_ptr() == nullptr) {
        return BusStatus::refused;
    }
    const BusStatus form = check_burst(transaction.get_address(), length);
    if (form == BusStatus::burst_error || width == 0 ||
        (width < length && (width % 4 != 0 || length % width != 0))) {
        return BusStatus::burst_error;
    }
    return enables_all_bytes(transaction) ? form : BusStatus::byte_enable_error;
}

Burst burst_of(const tlm::tlm_generic_payload& transaction) {
    const unsigned length = transaction.get_data_length(), width = transaction.get_streaming_width();
    return {.write = transaction.is_write(),
            .address = static_cast<std::uint32_t>(transaction.get_address()),
            .words = length / 4,
            .wrap_words = width < length ? width / 4 : 0,
            .source = transaction.is_write() ? transaction.get_data_ptr() : nullptr,
            .sink = transaction.is_read() ? transaction.get_data_ptr() : nullptr};
}

}  // namespace

/// A transaction whose thread sleeps until it has ended. The thread may be killed meanwhile.
struct TlmTarget::Waiting {
    Waiting(TlmTarget& module_, Transfer& transfer_) : module(module_), transfer(transfer_) {
        module.waiting_.push_back(this);
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { std::erase(module.waiting_, this); }

    TlmTarget& module;
    Transfer& transfer;
    sc_core::sc_event ended;
    bool told = false;
};

TlmTarget::TlmTarget(const sc_core::sc_module_name& name, BusTarget& target, const BusParams& params,
                     const sc_core::sc_time& clock_period)
    : sc_module(name), target_(target), params_(params), period_(clock_period) {
    params_.validate(this->name());
    if (period_ == sc_core::SC_ZERO_TIME) {
        throw InputError(std::string(this->name()) + ".clock_period", 0, "must be at least 1 time unit");
    }
    bus.register_b_transport(this, &TlmTarget::transport);
    bus.register_transport_dbg(this, &TlmTarget::debug_transport);
    SC_HAS_PROCESS(TlmTarget);
    SC_METHOD(step);
    sensitive << due_;
    dont_initialize();
}

void TlmTarget::start_of_simulation() {
    first_cycle_ = target_.cycle();
    sleep_until_due();
}

sc_core::sc_time TlmTarget::time_of(std::uint64_t cycle) const {
    return sc_core::sc_time::from_value((cycle - first_cycle_) * period_.value());
}

void TlmTarget::transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
    transaction.set_dmi_allowed(false);
    BusStatus status = BusStatus::ok;
    if (transaction.get_command() != tlm::TLM_IGNORE_COMMAND) {
        status = check_form(transaction);
        if (status == BusStatus::ok) {
            status = execute(burst_of(transaction), delay);
        }
        if (status != BusStatus::ok) {
            target_.count_error(status);
        }
    }
    transaction.set_response_status(response(status));
}

BusStatus TlmTarget::execute(const Burst& burst, sc_core::sc_time& delay) {
    const std::uint64_t now = sc_core::sc_time_stamp().value(), period = period_.value();
    const std::uint64_t cycles = burst.words * params_.cycles_per_word;
    const std::uint64_t most_cycles = std::numeric_limits<std::uint64_t>::max() / period;
    if (delay.value() > std::numeric_limits<std::uint64_t>::max() - now ||
        (now + delay.value()) / period + 1 > most_cycles - std::min(cycles, most_cycles)) {
        return BusStatus::refused;
    }
    const std::uint64_t start = now + delay.value();
    std::uint64_t end = first_cycle_ + start / period + (start % period != 0 ? 1 : 0) + cycles;
    target_.count_transfer(burst.words, cycles);
    Transfer transfer(target_, params_, burst);
    if (transfer.may_run_ahead()) {
        delay = time_of(end) - sc_core::sc_time_stamp();
        transfer.go_on();
        return finish(transfer);
    }
    while (end > cycle() || target_.cycle() > cycle()) {  // never before what has been simulated
        end = std::max(end, target_.cycle());
        sc_core::wait(time_of(end) - sc_core::sc_time_stamp());
    }
    delay = sc_core::SC_ZERO_TIME;
    work_until(cycle());
    transfer.go_on();
    return finish(transfer);
}

/// Waits until the transfer has ended.
BusStatus TlmTarget::finish(Transfer& transfer) {
    if (transfer.ended()) {
        sleep_until_due();
        return transfer.status();
    }
    const Waiting waiting(*this, transfer);
    sleep_until_due();
    while (!transfer.ended()) {
        sc_core::wait(waiting.ended);
    }
    return transfer.status();
}

unsigned TlmTarget::debug_transport(tlm::tlm_generic_payload& transaction) {
    constexpr std::uint64_t kEnd = std::uint64_t{1} << 32;
    const std::uint64_t address = transaction.get_address();
    unsigned char* const data = transaction.get_data_ptr();
    if (data == nullptr || address >= kEnd || (transaction.is_write() && address % 4 != 0)) {
        return 0;
    }
    const auto bytes =
        static_cast<unsigned>(std::min<std::uint64_t>(transaction.get_data_length(), kEnd - address));
    unsigned done = 0;
    while (transaction.is_read() && done < bytes) {
        const auto at = static_cast<std::uint32_t>(address + done);
        const unsigned from = at % 4, count = std::min(4 - from, bytes - done);
        std::uint32_t word = 0;
        if (target_.debug_read(at - from, word) != BusStatus::ok) {
            break;
        }
        std::memcpy(data + done, reinterpret_cast<const unsigned char*>(&word) + from, count);
        done += count;
    }
    while (transaction.is_write() && done + 4 <= bytes) {
        std::uint32_t word = 0;
        std::memcpy(&word, data + done, 4);
        if (target_.debug_write(static_cast<std::uint32_t>(address + done), word) != BusStatus::ok) {
            break;
        }
        done += 4;
    }
    if (transaction.is_write()) {
        sleep_until_due();
    }
    return done;
}

void TlmTarget::step() {
    ++activations_;
    const std::uint64_t now = cycle();
    if (target_.cycle() <= now) {
        const std::uint64_t limit = first_cycle_of_others();
        work_until(now);
        while (!has_to_tell()) {
            const std::uint64_t next = target_.next_cycle();
            if (next >= limit) {
                break;
            }
            work_until(next);
        }
    }
    if (target_.cycle() <= now) {
        tell();
    }
    sleep_until_due();
}

/// Also the part of the transactions that wait.
void TlmTarget::work_until(std::uint64_t cycle) {
    target_.advance_to(cycle);
    for (Waiting* waiting : waiting_) {
        waiting->transfer.go_on();
    }
}

bool TlmTarget::has_to_tell() const {
    const bool idle = !waiting_.empty() && target_.next_cycle() == kNever;
    return target_.interrupt() != level_ ||
           std::any_of(waiting_.begin(), waiting_.end(), [&](const Waiting* waiting) {
               return !waiting->told && (idle || waiting->transfer.ended());
           });
}

void TlmTarget::tell() {
    if (target_.interrupt() != level_) {
        level_ = !level_;
        for (int i = 0; i < interrupt.size(); ++i) {
            interrupt[i]->write(level_);
        }
        if (level_) {
            rise_.notify(sc_core::SC_ZERO_TIME);
        }
    }
    const bool idle = target_.next_cycle() == kNever;
    for (Waiting* waiting : waiting_) {
        if (idle && !waiting->transfer.ended()) {
            waiting->transfer.give_up();
        }
        if (waiting->transfer.ended() && !waiting->told) {
            waiting->told = true;
            waiting->ended.notify(sc_core::SC_ZERO_TIME);
        }
    }
}

void TlmTarget::sleep_until_due() {
    const std::uint64_t next = has_to_tell() ? target_.cycle() : target_.next_cycle();
    if (next != kNever) {
        const sc_core::sc_time due = time_of(std::max(next, cycle()));
        const sc_core::sc_time& now = sc_core::sc_time_stamp();
        due_.notify(due > now ? due - now : sc_core::SC_ZERO_TIME);
    }
}

/// From when on others may call; 0 if the process must not run ahead, kNever if nobody has anything to do.
std::uint64_t TlmTarget::first_cycle_of_others() const {
    const auto* context = sc_core::sc_get_curr_simcontext();
    if (!runs_ahead_ || sc_core::sc_pending_activity_at_current_time(context)) {
        return 0;
    }
    if (!sc_core::sc_pending_activity_at_future_time(context)) {
        return kNever;
    }
    const sc_core::sc_time at = sc_core::sc_time_stamp() + sc_core::sc_time_to_pending_activity(context);
    return first_cycle_ + at.value() / period_.value();
}

}  // namespace memprop::hw::bus
