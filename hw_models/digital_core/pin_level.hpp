// The digital core at pin level: SPI slave, AER input with 4-phase handshake, output bus, control pins, each
// behind the synchronisers of the RTL. Rising clock edges are at whole multiples of the clock period; there
// is no clock signal and no process per edge. The one process wakes when a pin changes, when a change has
// passed its synchroniser, and when the core changes state by itself.
//
// A pin that changes at the very time of an edge is seen by the next edge, as with clocked drivers.
// Latencies: TIME_TICK, SAMPLE, TARGET_VALID, INFER_ACC, OUT_ACK, AERIN_REQ, memory writes: third edge after
// the change; a read word stands at MISO after the fourth (keep half an SCK period longer than that when
// reading).
#pragma once

#include <cstdint>
#include <deque>
#include <systemc>

#include "hw_models/digital_core/core.hpp"
#include "hw_models/digital_core/spi_slave.hpp"

namespace memprop::hw {

class DigitalCorePins : public sc_core::sc_module {
public:
    SC_HAS_PROCESS(DigitalCorePins);

    sc_core::sc_in<bool> RST, SCK, MOSI;
    sc_core::sc_in<std::uint8_t> AERIN_ADDR;
    sc_core::sc_in<bool> AERIN_REQ, AERIN_TAR_EN, SAMPLE, TIME_TICK, TARGET_VALID, INFER_ACC, OUT_ACK;
    sc_core::sc_out<bool> MISO, AERIN_ACK, SPI_RDY, TIMING_ERROR_RDY, OUT_REQ;
    sc_core::sc_out<std::uint8_t> OUT_DATA;

    DigitalCorePins(const sc_core::sc_module_name& name, const CoreShape& shape,
                    const sc_core::sc_time& clock_period);

    const Core& core() const { return core_; }
    Core& core() { return core_; }
    /// Notified whenever the module has woken at a clock edge.
    const sc_core::sc_event& woken() const { return woken_; }
    /// Wakes of the process so far.
    std::uint64_t activations() const { return activations_; }

    /// Internal states into a waveform; from then on the module also wakes at each change of the event FSM.
    void trace(sc_core::sc_trace_file* file);

private:
    enum class Pin : std::uint8_t { rst, aerin_req, sample, time_tick, target_valid, infer_acc, out_ack };
    struct Effect {  // what an edge will see
        enum class Kind : std::uint8_t { pin, enable_configuration, strobe, readback } kind{};
        std::uint64_t edge = 0;
        Pin pin{};
        bool level = false;
        SpiSlave::Strobe strobe{};
    };

    void wake();
    void watch(Pin pin, bool level, bool& last);
    void watch_spi();
    void schedule(const Effect& effect);
    void run_to(std::uint64_t edge);
    void apply(const Effect& effect);
    void apply_pin(Pin pin, bool level);
    void leave_reset();
    void drive();
    void sleep();
    std::uint64_t edges_passed() const;

    Core core_;
    SpiSlave spi_;
    std::uint64_t period_;  // in units of the time resolution
    std::uint64_t edge_ = 0;
    std::deque<Effect> effects_;  // ascending edge
    sc_core::sc_event due_, woken_;
    std::uint64_t activations_ = 0;
    struct Levels {
        bool rst = false, sck = false, aerin_req = false, sample = false, time_tick = false,
             target_valid = false, infer_acc = false, out_ack = false;
    } seen_;
    bool in_reset_ = false, tick_level_ = false, aerin_ack_ = false;
    std::uint32_t readback_ = 0;
    bool shows_event_states_ = false;
    unsigned char state_shown_ = 0, event_state_shown_ = 0;
    bool req_tar_shown_ = false;
};

}  // namespace memprop::hw
