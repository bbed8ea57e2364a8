#include "host_runtime/chip/host_processor.hpp"

#include <fmt/format.h>

#include <utility>

#include "crossbar/base/error.hpp"

namespace memprop::host {

HostProcessor::HostProcessor(const sc_core::sc_module_name& name) : sc_module(name) {
    SC_HAS_PROCESS(HostProcessor);
    SC_THREAD(work);
}

void HostProcessor::work() {
    for (;;) {
        while (job_ == nullptr) {
            sc_core::wait(start_);
        }
        try {
            (*job_)();
            sc_core::wait(std::exchange(ahead_, sc_core::SC_ZERO_TIME));
        } catch (const std::exception&) {
            error_ = std::current_exception();
        }
        job_ = nullptr;
        sc_core::sc_pause();
        sc_core::wait(sc_core::SC_ZERO_TIME);
    }
}

void HostProcessor::run(const std::function<void()>& job) {
    job_ = &job;
    start_.notify(sc_core::SC_ZERO_TIME);
    sc_core::sc_start();
    if (job_ != nullptr) {
        job_ = nullptr;
        throw RunError("the simulation has stopped although the chip has not answered its host");
    }
    if (error_) {
        std::rethrow_exception(std::exchange(error_, nullptr));
    }
}

tlm::tlm_response_status HostProcessor::transfer(tlm::tlm_command command, std::uint64_t address,
                                                 std::span<std::uint32_t> words) {
    transaction_.set_command(command);
    transaction_.set_address(address);
    transaction_.set_data_ptr(reinterpret_cast<unsigned char*>(words.data()));
    transaction_.set_data_length(static_cast<unsigned>(words.size_bytes()));
    transaction_.set_streaming_width(static_cast<unsigned>(words.size_bytes()));
    transaction_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    bus->b_transport(transaction_, ahead_);
    return transaction_.get_response_status();
}

void HostProcessor::write(std::uint64_t address, std::span<const std::uint32_t> words) {
    if (words.empty()) {
        return;
    }
    const std::span data(const_cast<std::uint32_t*>(words.data()), words.size());  // TLM knows no const
    if (transfer(tlm::TLM_WRITE_COMMAND, address, data) != tlm::TLM_OK_RESPONSE) {
        throw RunError(fmt::format("the chip refuses a write of {} words at {:#x}", words.size(), address));
    }
}

void HostProcessor::write(std::uint64_t address, std::uint32_t word) {
    write(address, std::span(&word, 1));
}

void HostProcessor::read(std::uint64_t address, std::span<std::uint32_t> words) {
    if (!words.empty() && transfer(tlm::TLM_READ_COMMAND, address, words) != tlm::TLM_OK_RESPONSE) {
        throw RunError(fmt::format("the chip refuses a read of {} words at {:#x}", words.size(), address));
    }
}

std::uint32_t HostProcessor::read(std::uint64_t address) {
    std::uint32_t word = 0;
    read(address, std::span(&word, 1));
    return word;
}

unsigned HostProcessor::debug_read(std::uint64_t address, std::span<std::uint32_t> words) {
    tlm::tlm_generic_payload transaction;
    transaction.set_command(tlm::TLM_READ_COMMAND);
    transaction.set_address(address);
    transaction.set_data_ptr(reinterpret_cast<unsigned char*>(words.data()));
    transaction.set_data_length(static_cast<unsigned>(words.size_bytes()));
    return bus->transport_dbg(transaction) / 4;
}

}  // namespace memprop::host
