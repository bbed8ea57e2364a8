// The processor beside a chip: a SystemC thread that runs the host's code in simulated time, with the bus
// of the chip at hand.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <cstdint>
#include <exception>
#include <functional>
#include <span>
#include <systemc>
#include <tlm>

namespace memprop::host {

class HostProcessor : public sc_core::sc_module {
public:
    tlm_utils::simple_initiator_socket<HostProcessor> bus{"bus"};

    explicit HostProcessor(const sc_core::sc_module_name& name);

    /// Runs `job` in the thread and the simulation until it has ended. What it throws comes out here.
    void run(const std::function<void()>& job);

    // For jobs. Throw RunError if the chip refuses, which a correct host never sees.
    void write(std::uint64_t address, std::uint32_t word);
    void write(std::uint64_t address, std::span<const std::uint32_t> words);
    std::uint32_t read(std::uint64_t address);
    void read(std::uint64_t address, std::span<std::uint32_t> words);
    /// The same with the chip's answer, and without time.
    tlm::tlm_response_status transfer(tlm::tlm_command command, std::uint64_t address,
                                      std::span<std::uint32_t> words);
    unsigned debug_read(std::uint64_t address, std::span<std::uint32_t> words);

private:
    void work();

    const std::function<void()>* job_ = nullptr;
    std::exception_ptr error_;
    tlm::tlm_generic_payload transaction_;
    sc_core::sc_time ahead_;  // of the simulation, until the next transaction that waits
    sc_core::sc_event start_;
};

}  // namespace memprop::host
