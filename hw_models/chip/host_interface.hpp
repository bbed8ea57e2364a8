// The host interface in plain C++: registers, event FIFOs, the sequence of a time step and the objective
// unit.
//
// Host. The bus reads and writes words at the addresses of memory_map.hpp; chip.hpp adds time. Writes to a
// core's window are posted: they leave as configuration flits, one per cycle, and are followed by whatever
// comes later on the same way; a read asks the core and is answered later. There is no other way to the
// chip's state.
//
// Time step. The host fills the event FIFO and the targets and gives the command tick. In that cycle the
// interface begins to send the events along the trees of their sources, one per cycle, then the step flit to
// all cores, and enters the barriers of the phases, one after the other. When the last phase has passed and
// the sample learns, the objective unit computes the errors (a cycle per readout) and sends them to all
// cores. The step ends, and the interrupt tells so, with the last barrier. All events of the step are in the
// FIFO of events out then.
//
// Routes. Before the first command after tree rows were written, all rows are checked together: that no flit
// can be lost in them and none can wait for itself. If they are not sound, commands are refused
// (refused_routes, status bit 2) until rows are written that are.
//
// Misuse gets the answers listed in memory_map.hpp and is counted. The FIFO of events out holds a time step's
// worst case; a tick is refused while it does not have that room. Modelled: bus cycles, flits, waiting. Not
// modelled: bus arbitration, clock domain crossings.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hw_models/bus/bus_target.hpp"
#include "hw_models/chip/chip_memory.hpp"
#include "hw_models/chip/core.hpp"
#include "hw_models/chip/host_stats.hpp"
#include "hw_models/chip/memory_map.hpp"
#include "learning/network/choices.hpp"

namespace memprop::hw::chip {

class HostInterface {
public:
    struct Surroundings {
        const ChipConfig& config;
        ChipMemory& memory;
        std::span<const std::unique_ptr<Core>> cores;
        noc::Endpoints& network;
        const Clock& clock;
        double clock_period_seconds;
    };
    HostInterface(const Surroundings& around, std::uint64_t budget_cycles);

    // The bus.
    bus::BusStatus write(std::uint32_t address, std::uint32_t word);
    bus::ReadResult read(std::uint32_t address);
    std::optional<std::uint32_t> answer(std::uint32_t ticket);
    void forget(std::uint32_t ticket);
    bus::BusStatus debug_read(std::uint32_t address, std::uint32_t& word) const;
    bus::Timing timing(std::uint32_t address, bool write) const;
    std::uint64_t posted_writes() const { return posted_ - around_.memory.words_delivered; }
    void count(bus::BusStatus status);
    void count_transfer(std::uint64_t words, std::uint64_t cycles);

    /// Does all that is to do in the clock's cycle.
    void run();
    std::uint64_t next_cycle() const { return due_cycle_; }

    bool busy() const { return command_ != Command{}; }
    bool is_in_step() const { return command_ == Command::tick || command_ == Command::last_tick; }
    /// The last command has finished and no other was begun.
    bool interrupt() const { return interrupt_; }
    const HostStats& stats() const { return stats_; }
    std::uint32_t step() const { return step_; }
    /// Why commands are refused: what is wrong with the tree rows (noc::check_routes); empty if they are
    /// sound or have not been needed yet.
    const std::string& route_error() const { return route_error_; }
    /// What the command under way waits for, a line; empty if there is none.
    std::string who_waits() const;
    std::size_t events_out_level() const { return events_out_.size() - next_out_ / 2; }
    /// Between commands: its counters, and what it was told and has told the cores, who then know it too.
    void record(WordRecord& record);

private:
    struct Source {
        std::uint32_t first = 0, count = 0, tree = CoreProgram::kNoTree;
    };
    struct EventIn {
        std::uint32_t address;
        float value;
        bool graded;
    };
    bus::BusStatus write_host(const bus::Found& at, std::uint32_t word);
    void forget_sample();
    bus::BusStatus write_source(const bus::Found& at, std::uint32_t word);
    bus::BusStatus write_tree_row(std::uint32_t tree, std::uint32_t word);
    bus::BusStatus write_core(std::uint32_t core, std::uint32_t offset, std::uint32_t word);
    bus::BusStatus read_host(const bus::Found& at, std::uint32_t& word, bool takes) const;
    bus::BusStatus read_tree_row(std::uint32_t tree, std::uint32_t& word) const;
    std::uint32_t core_word(std::uint32_t core, std::uint32_t offset) const;
    bus::BusStatus add_event(std::uint32_t address, float value, bool graded);
    bus::BusStatus start(std::uint32_t command);

    void receive(const noc::ArrivedFlit& delivery);
    void pass_barrier(std::uint64_t cycle);
    void enter_barrier();
    void tell_cores(Tick what, std::uint32_t value);
    void set_in_cores(CoreRegister which, std::uint32_t value);
    void start_step(Tick what);
    void send_errors(std::uint64_t ready_cycle);
    void send_reward();
    void finish();
    bool begin_second_phase();
    bool routes_are_sound();
    void push_out(std::uint32_t address, std::uint32_t value);
    std::size_t event_room() const { return event_capacity_ - events_in_.size(); }
    std::uint64_t cycle() const { return around_.clock.cycle; }
    std::uint32_t barriers() const;

    const Surroundings around_;
    const std::uint64_t budget_cycles_;
    const std::size_t event_capacity_;

    // Registers.
    std::uint32_t step_ = 0, first_step_ = 0, sample_ = 0, device_tick_ = 0, event_ = 0, projection_ = 0,
                  learns_ = 0, outputs_ = 0, first_output_ = 0, cores_used_ = 0, phases_ = 1, router_ = 0,
                  events_per_step_ = 0;
    network::Loss loss_kind_{};
    std::int32_t label_ = -1;
    std::uint32_t in_window_ = 1;
    float factor_ = 1.0F;
    std::vector<std::uint32_t> pages_;  // [core]
    std::vector<Source> sources_;
    std::vector<double> targets_;
    std::vector<EventIn> events_in_;
    std::optional<std::uint32_t> graded_address_;    // its value comes with the next word
    mutable std::vector<std::uint64_t> events_out_;  // address | value << 32
    mutable std::size_t next_out_ = 0;
    double loss_ = 0.0;
    std::uint32_t window_steps_ = 0;  // of the sample so far
    bool error_seen_ = false, interrupt_ = false;
    // What the cores were last told.
    std::uint32_t told_tick_ = ~0U, told_event_ = ~0U, told_learns_ = ~0U, told_first_step_ = 0;

    Command command_{};  // under way; none: 0
    bool in_sample_ = false;
    std::uint32_t next_step_ = 0;  // of the sample
    bool second_phase_ = false;    // of a command that tells the cores twice
    std::uint64_t update_before_step_cycles_ = 0;
    std::uint64_t started_ = 0, phase_started_ = 0, due_cycle_ = noc::kNever;
    std::uint32_t cores_done_ = 0, tokens_ = 0;
    bool rows_changed_ = true;  // since the routes were checked
    std::string route_error_;
    std::vector<noc::NodeId> reported_;  // cores that have finished the command
    std::vector<float> readout_, error_;
    std::uint64_t posted_ = 0;
    struct Question {
        bool answered = false, wanted = true;
        std::uint32_t word = 0;
    };
    std::map<std::uint16_t, Question> questions_;
    std::uint16_t next_ticket_ = 1;
    HostStats stats_;
};

}  // namespace memprop::hw::chip
