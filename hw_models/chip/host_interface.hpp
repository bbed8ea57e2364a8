// SystemC module of the host interface: the chip's TLM-2.0 target socket, its event FIFOs, the sequence of a
// time step and the objective unit.
//
// Host. The socket `bus` takes blocking transactions of whole words at the addresses of memory_map.hpp.
// Writes that only prepare a command add their bus cycles to the delay of the transaction (loosely timed);
// all others wait for it, so b_transport() must be called from a thread. Writes to a core's window are
// posted: they leave as configuration flits, one per cycle, and are followed by whatever comes later on the
// same way; a read waits for the answer. transport_dbg() reads without time. There is no other way to the
// chip's state.
//
// Time step. The host fills the event FIFO and the targets and gives the command tick. In that cycle the
// interface begins to send the events along the input tree, one per cycle, then the step flit to all cores.
// When the values of all readouts have come and the sample learns, the objective unit computes the errors
// (a cycle per readout) and sends them to all cores. The step ends, and interrupt_event() tells so,
// when every core has reported core_done. All spikes and readout values are in the FIFO of events out then.
//
// Misuse gets the answers listed in memory_map.hpp and is counted. The FIFO of events out holds a time step's
// worst case (all spikes, all readouts); a tick is refused while it does not have that room.
// Modelled: bus cycles, flits, waiting. Not modelled: bus arbitration, clock domain crossings.
#pragma once

#include <tlm_utils/simple_target_socket.h>
#include <cstdint>
#include <systemc>
#include <tlm>
#include <vector>

#include "hw_models/chip/chip_memory.hpp"
#include "hw_models/chip/chip_plan.hpp"
#include "hw_models/chip/core.hpp"
#include "hw_models/chip/host_stats.hpp"
#include "hw_models/chip/memory_map.hpp"
#include "hw_models/noc/mesh.hpp"

namespace memprop::hw::chip {

class HostInterface : public sc_core::sc_module {
public:
    tlm_utils::simple_target_socket<HostInterface> bus{"bus"};
    sc_core::sc_port<noc::FlitQueueIf> port{"port"};

    /// `cores` and `mesh` are only used for debug transport and router tables.
    HostInterface(const sc_core::sc_module_name& name, const ChipPlan& plan, const ChipConfig& config,
                  learning::Loss loss, std::uint64_t budget_cycles, ChipMemory& memory,
                  std::vector<Core*> cores, noc::EventMesh& mesh, const sc_core::sc_time& period);

    /// Notified when a command has finished.
    const sc_core::sc_event& interrupt_event() const { return interrupt_; }
    bool busy() const { return command_ != Command{}; }
    const HostStats& stats() const { return stats_; }
    std::uint64_t activations() const { return activations_; }
    std::uint64_t cycle() const { return sc_core::sc_time_stamp().value() / period_.value(); }
    std::uint32_t step() const { return step_; }
    /// Between commands: its counters, and what it was told and has told the cores, who then know it too.
    void record(WordRecord& record);

private:
    void end_of_elaboration() override;

    // The bus.
    void transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
    unsigned debug_transport(tlm::tlm_generic_payload& transaction);
    tlm::tlm_response_status write_word(std::uint64_t address, std::uint32_t value);
    tlm::tlm_response_status read_word(std::uint64_t address, std::uint32_t& value);
    tlm::tlm_response_status read_core(std::uint64_t address, std::uint32_t& value);
    tlm::tlm_response_status write_router(std::uint64_t address, std::uint32_t value);
    tlm::tlm_response_status start(std::uint32_t command);
    bool in_core(std::uint64_t address) const;
    tlm::tlm_response_status count(tlm::tlm_response_status status);

    // The chip.
    void run();
    void receive(const noc::ArrivedFlit& delivery);
    void tell_cores(Tick what, std::uint32_t value);
    void set_in_cores(CoreRegister which, std::uint32_t value);
    void start_step(bool last);
    void send_errors(std::uint64_t ready_cycle);
    void send_reward();
    void finish();
    bool begin_second_phase();
    void push_out(std::uint32_t address, std::uint32_t value);
    void sleep_until_due();
    std::size_t event_room() const { return event_capacity_ - events_in_.size(); }

    const ChipPlan& plan_;
    const ChipConfig config_;
    const learning::Loss loss_kind_;
    const std::uint64_t budget_cycles_;
    ChipMemory& memory_;
    const std::vector<Core*> cores_;
    noc::EventMesh& mesh_;
    const sc_core::sc_time period_;
    const std::size_t event_capacity_;
    const std::uint32_t cores_with_neurons_;

    // Registers.
    std::uint32_t step_ = 0, first_step_ = 0, sample_ = 0, device_tick_ = 0, event_ = 0, projection_ = 0,
                  learns_ = 0;
    std::int32_t label_ = -1;
    std::uint32_t in_window_ = 1;
    float factor_ = 1.0F;
    std::vector<double> targets_;
    std::vector<std::uint32_t> events_in_;
    std::vector<std::uint64_t> events_out_;  // address | value << 32
    std::size_t next_out_ = 0;
    double loss_ = 0.0;
    bool error_seen_ = false;
    // What the cores were last told.
    std::uint32_t told_tick_ = ~0U, told_event_ = ~0U, told_learns_ = ~0U, told_first_step_ = 0;

    Command command_{};  // under way; none: 0
    bool in_sample_ = false;
    std::uint32_t next_step_ = 0;  // of the sample
    bool second_phase_ = false;    // of a command that tells the cores twice
    std::uint64_t update_before_step_cycles_ = 0;
    std::uint64_t started_ = 0, phase_started_ = 0, due_cycle_ = noc::kNever;
    std::uint32_t cores_done_ = 0, neurons_done_ = 0, readouts_known_ = 0;
    std::vector<float> readout_, error_;
    sc_core::sc_event due_, interrupt_, answer_;
    std::uint32_t answer_word_ = 0, answer_value_ = 0;
    bool waiting_for_answer_ = false;
    HostStats stats_;
    std::uint64_t activations_ = 0;
};

}  // namespace memprop::hw::chip
