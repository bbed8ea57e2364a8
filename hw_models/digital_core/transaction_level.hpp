// The digital core at transaction level: registers and memories behind a TLM-2.0 target socket, everything
// else by blocking calls from an SC_THREAD. The same Core as at pin level, hence the same results and the
// same intrinsic cycles; a call returns when the core waits for the outside, simulated time having passed by
// the cycles it took. Bus handshakes and synchronisers cost nothing here.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <systemc>

#include "hw_models/digital_core/core.hpp"

namespace memprop::hw {

/// Byte address of a 32-bit word in the socket's address space: the code and word address of an SPI access.
constexpr std::uint64_t socket_address(MemoryCode code, std::uint32_t word_address) {
    return std::uint64_t{static_cast<std::uint8_t>(code)} << 18 | std::uint64_t{word_address} << 2;
}

class DigitalCoreTransaction : public sc_core::sc_module {
public:
    /// Words of 32 bits, little endian; bursts of any length. Unlike over SPI, configuration registers can
    /// be read and a burst over them goes on to the next number. Answers with an error: addresses without a
    /// register or memory, byte enables, partial words, and writes of memories while EN_CONF = 0.
    tlm_utils::simple_target_socket<DigitalCoreTransaction> configuration;

    DigitalCoreTransaction(const sc_core::sc_module_name& name, const CoreShape& shape,
                           sc_core::sc_time clock_period);

    void reset();

    // Levels; take effect at the next clock edge.
    void set_sample(bool level);
    void set_target_valid(bool level);
    void set_infer_acc(bool level);

    // Blocking calls.
    void input_event(std::uint8_t address);
    void target(std::uint8_t data);
    void tick();
    /// Clock edges without any request: for local ticks, or to let a tick arrive while the core is busy.
    void run(std::uint64_t edges);
    /// Gives a tick and returns after one clock edge.
    void tick_without_waiting();
    /// The byte the core offers (state SEND), acknowledged.
    std::uint8_t take_output();

    Core& core() { return core_; }
    void trace(sc_core::sc_trace_file* file) const;

private:
    void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    unsigned transport_dbg(tlm::tlm_generic_payload& payload);
    bool access(tlm::tlm_generic_payload& payload);
    bool access_word(tlm::tlm_generic_payload& payload, std::uint64_t address, unsigned char* data);
    void pass(std::uint64_t edges);
    void run_until_waiting();
    void show();

    Core core_;
    sc_core::sc_time clock_period_;
    struct Shown {  // for waveforms
        bool sample = false, time_tick = false, target_valid = false, infer_acc = false;
        bool aerin_req = false, aerin_tar_en = false, out_req = false, req_tar = false, spi_rdy = false,
             timing_error_rdy = true;
        unsigned char aerin_addr = 0, out_data = 0, state = 0, state_evt = 0;
    } shown_;
};

}  // namespace memprop::hw
