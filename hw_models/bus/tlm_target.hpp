// SystemC module around a BusTarget: a TLM-2.0 socket (IEEE 1666-2011, chapters 10 to 14), an interrupt line
// and the process that keeps the model in step with simulated time. It adds no behaviour: BusMaster drives
// the same model in plain C++ with the same cycles.
//
// Bus. Base protocol, 32 bits wide, words in the byte order of the machine. b_transport() may be called by
// several threads at a time, each gets its own words; nb_transport_fw() goes through the socket's conversion.
// - A transaction begins at the first clock edge from sc_time_stamp() + delay on and takes cycles_per_word
// cycles a
//   word; then its words are done (transfer.hpp). If all of them may come ahead of time (Timing::ahead), they
//   are done at once and the cycles added to the delay, without a wait; else the call waits and leaves a
//   delay of zero.
// - Answers (counted by the target; those of the form change nothing and take no time):
//     TLM_IGNORE_COMMAND                                      OK, nothing done
//     null data pointer, a delay beyond the end of time       GENERIC_ERROR
//     length 0, or not in whole words; streaming width 0, or
//       shorter than the length and not a divisor in words    BURST_ERROR
//     byte enables, unless all that apply are 0xFF            BYTE_ENABLE_ERROR
//     no word there, addresses of more than 32 bits           ADDRESS_ERROR
//     a read of a W word, a write to an R word                COMMAND_ERROR
//     refused by the target, an answer that cannot come       GENERIC_ERROR
//   With a shorter streaming width the address begins anew after so many bytes.
// - Debug transport reads bytes at any address, and writes whole words where the target allows it, without
// time; it
//   returns the bytes up to the first that is not there. No DMI: get_direct_mem_ptr() is false, the hint too.
// - Extensions and all other attributes of the transaction are left alone.
//
// Time. The process sleeps until BusTarget::next_cycle(); there is no clock. Cycle n of the target begins at
// n periods, counted from where the target stood when the simulation began. After allow_run_ahead() it goes
// through several cycles at once while no other process has anything to do; it stops at the cycle in which
// the interrupt line changes or an answer comes.
#pragma once

#include <tlm_utils/simple_target_socket.h>
#include <cstdint>
#include <systemc>
#include <tlm>
#include <vector>

#include "hw_models/bus/bus_target.hpp"
#include "hw_models/bus/transfer.hpp"

namespace memprop::hw::bus {

class TlmTarget : public sc_core::sc_module {
public:
    tlm_utils::simple_target_socket<TlmTarget, 32> bus{"bus"};
    /// The level of the interrupt line; may stay unbound.
    sc_core::sc_port<sc_core::sc_signal_inout_if<bool>, 0, sc_core::SC_ZERO_OR_MORE_BOUND> interrupt{
        "interrupt"};

    /// Throws InputError for a period of zero and for parameters out of their range. The target outlives the
    /// module.
    TlmTarget(const sc_core::sc_module_name& name, BusTarget& target, const BusParams& params,
              const sc_core::sc_time& clock_period);

    /// Notified in the cycle in which the line rises.
    const sc_core::sc_event& interrupt_event() const { return rise_; }
    /// What the line shows at this time.
    bool interrupt_level() const { return level_; }
    /// All calls come from processes, none from between two sc_start().
    void allow_run_ahead() { runs_ahead_ = true; }
    /// How often the process ran.
    std::uint64_t activations() const { return activations_; }
    /// Of the target, at sc_time_stamp().
    std::uint64_t cycle() const { return first_cycle_ + sc_core::sc_time_stamp().value() / period_.value(); }

private:
    struct Waiting;

    void start_of_simulation() override;
    void transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
    unsigned debug_transport(tlm::tlm_generic_payload& transaction);
    BusStatus execute(const Burst& burst, sc_core::sc_time& delay);
    BusStatus finish(Transfer& transfer);

    void step();
    void work_until(std::uint64_t cycle);
    bool has_to_tell() const;
    void tell();
    void sleep_until_due();
    std::uint64_t first_cycle_of_others() const;
    sc_core::sc_time time_of(std::uint64_t cycle) const;

    BusTarget& target_;
    const BusParams params_;
    const sc_core::sc_time period_;
    std::uint64_t first_cycle_ = 0;  // of the target, at time zero
    bool runs_ahead_ = false;
    bool level_ = false;
    sc_core::sc_event due_, rise_;
    std::vector<Waiting*> waiting_;  // transactions whose answers have not come
    std::uint64_t activations_ = 0;
};

}  // namespace memprop::hw::bus
