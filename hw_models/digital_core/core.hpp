// The digital core as a cycle-exact machine in plain C++: global and event FSM, learning, buses, all behind
// the synchronisers. Time is counted in clock edges: advance(n) runs n edges with the inputs as they are, and
// quiet_edges() says for how many nothing can happen that is seen outside, so whoever drives the core sleeps
// meanwhile. Phases of fixed length are computed in one go; cut short (a pin changes, the core is halted)
// they stop at the very cycle.
//
// Not modelled: what the RTL does in the memory port when a tick arrives in the middle of an event pass and
// ERROR_HALT is 0 (two users of one port); the rest of the pass is dropped here. SPI accesses in the middle
// of a time step, which the protocol forbids, take effect without stealing a cycle.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "hw_models/digital_core/core_state.hpp"
#include "hw_models/digital_core/eprop_update.hpp"
#include "hw_models/digital_core/registers.hpp"

namespace memprop::hw {

/// Encodings of the RTL.
enum class GlobalState : std::uint8_t {
    IDLE = 0,
    PROP = 1,
    STEP = 2,
    SDONE = 3,
    GET_TAR = 4,
    CONFIG = 5,
    EPROP = 6,
    SEND = 7
};
enum class EventState : std::uint8_t { WAIT = 0, CNT = 1, EVT = 2, SUPP = 3 };

/// What an SPI address word selects.
enum class MemoryCode : std::uint8_t {
    configuration = 0,
    neuron = 1,
    output = 2,
    w_in = 3,
    w_rec = 4,
    w_out = 5
};

/// Clock cycles spent since construction, and what was done in them.
struct CycleCounts {
    std::uint64_t idle = 0, prop_busy = 0, prop_waiting = 0, step = 0, sdone = 0, get_tar = 0, config = 0,
                  eprop = 0, send = 0;
    std::uint64_t events = 0;               ///< passes of EVT begun
    std::uint64_t synaptic_operations = 0;  ///< weights that they add to a membrane (fan_out)
    std::uint64_t weight_updates = 0;       ///< weights in the rows that EPROP updated, moved or not

    /// Cycles of computation, without waiting for the outside.
    std::uint64_t intrinsic() const { return step + sdone + eprop + prop_busy; }
};

class Core;

/// Told about moments that have no pin.
class CoreObserver {
public:
    virtual ~CoreObserver() = default;
    virtual void step_done(const Core& core) = 0;   ///< in the cycle SDONE
    virtual void eprop_done(const Core& core) = 0;  ///< on leaving EPROP
};

class Core {
public:
    static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

    explicit Core(const CoreShape& shape = {});
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    void set_observer(CoreObserver* observer) { observer_ = observer; }

    /// Reset of registers that have a reset value (the asynchronous pin).
    void reset_registers();
    /// Reset of the core (the pin after its synchroniser). Memories keep their content.
    void reset();

    // Levels, as seen behind the synchronisers by the next edge.
    void set_sample(bool level) { sample_ = level; }
    void set_target_valid(bool level);  ///< frozen while DO_EPROP = 0
    void set_infer_acc(bool level) { infer_acc_ = level; }
    void set_configuration_enabled(bool level) { configuration_enabled_ = level; }
    void set_out_ack(bool level) { out_ack_ = level; }
    bool configuration_enabled() const { return configuration_enabled_; }

    // Pulses consumed by the next edge.
    void pulse_tick() { tick_ = !registers_.flag(Reg::LOCAL_TICK); }
    void pulse_input_event(std::uint8_t address) { input_event_ = address; }
    void pulse_target(std::uint8_t data) { target_event_ = data; }

    void advance(std::uint64_t edges);
    /// Edges until the next one that changes a state, an output pin or a handshake by itself; kNever: waits
    /// for the outside.
    std::uint64_t quiet_edges() const;
    /// Edges to the next change of the event FSM; kNever while it waits.
    std::uint64_t edges_to_event_state() const;
    /// quiet_edges() without local ticks: kNever means that the core has nothing left to do on its own.
    std::uint64_t busy_edges() const;

    // Outputs.
    GlobalState state() const { return state_; }
    EventState event_state() const { return event_state_; }
    bool timing_error() const { return timing_error_; }
    bool timing_error_ready() const;  ///< pin TIMING_ERROR_RDY
    bool target_requested() const { return state_ == GlobalState::GET_TAR; }
    bool spi_ready() const { return state_ == GlobalState::CONFIG; }
    bool out_request() const { return out_request_; }
    std::uint8_t out_data() const { return out_data_; }

    // Registers and memories. Accesses to memories and seeds cross only while configuration is enabled; the
    // caller sees to that.
    void write_register(std::uint32_t number, std::uint32_t value);
    void load_seed(std::uint32_t number) { state_memory_.load_seed(number, registers_); }
    void write_memory(MemoryCode code, std::uint32_t address, std::uint32_t data);
    std::uint32_t read_memory(MemoryCode code, std::uint32_t address);

    const Registers& registers() const { return registers_; }
    const CoreState& memory() const { return state_memory_; }
    const CycleCounts& cycles() const { return cycles_; }
    std::uint64_t edge() const { return edge_; }  ///< edges since construction

private:
    bool halts() const { return timing_error_ && registers_.flag(Reg::ERROR_HALT); }
    std::uint64_t edges_to_end_of_phase() const;
    std::uint64_t edges_to_end_of_events() const;
    std::uint64_t edges_to_local_tick() const;
    void run_edges(std::uint64_t edges, bool tick);
    GlobalState next_state(bool tick, bool phase_ends) const;
    GlobalState after_step() const;
    void run_state(std::uint64_t edges, GlobalState next);
    void run_step(std::uint32_t cycles);
    void run_events(std::uint64_t cycles);
    void finish_pass();
    std::uint32_t next_event_index(std::uint32_t from) const;
    void run_send(GlobalState next);
    std::uint32_t last_send_count() const;
    void take_target(GlobalState next);
    void enter(GlobalState next);

    CoreShape shape_;
    Registers registers_;
    CoreState state_memory_;
    EpropUnit eprop_;
    CoreObserver* observer_ = nullptr;

    bool sample_ = false, infer_acc_ = false, configuration_enabled_ = true, out_ack_ = false;
    bool target_valid_pin_ = false;
    bool tick_ = false;
    std::optional<std::uint8_t> input_event_, target_event_;

    GlobalState state_ = GlobalState::IDLE;
    EventState event_state_ = EventState::WAIT;
    bool timing_error_ = false;
    std::uint32_t step_cycle_ = 0;
    std::uint32_t event_index_ = 0, event_cycle_ = 0;
    std::uint32_t tick_count_ = 1;
    Targets targets_;
    bool got_label_ = false;
    std::uint32_t target_count_ = 0;  // bytes, 5 bits
    std::array<std::uint16_t, kMaxOutputs> wins_{};
    bool out_request_ = false;
    std::uint8_t out_data_ = 0;
    std::uint32_t send_count_ = 0;
    CycleCounts cycles_;
    std::uint64_t edge_ = 0;
};

}  // namespace memprop::hw
