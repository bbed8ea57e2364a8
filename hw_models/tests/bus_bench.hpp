// An initiator for tests of TlmTarget: transactions with any attributes, from any number of threads, blocking
// or not.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <functional>
#include <string>
#include <systemc>
#include <tlm>
#include <vector>

#include "hw_models/bus/tlm_target.hpp"
#include "hw_models/tests/bus_device.hpp"

namespace memprop::hw::bus::test {

class Initiator : public sc_core::sc_module {
public:
    tlm_utils::simple_initiator_socket<Initiator> bus{"bus"};
    /// BEGIN_RESP and the time it came.
    std::vector<std::pair<tlm::tlm_generic_payload*, sc_core::sc_time>> responses;

    /// From BEGIN_RESP to END_RESP; zero: at once.
    sc_core::sc_time response_accept_delay;

    explicit Initiator(const sc_core::sc_module_name& name) : sc_module(name) {
        bus.register_nb_transport_bw(this, &Initiator::respond);
    }

    /// As a correct initiator fills it in.
    static void fill(tlm::tlm_generic_payload& transaction, tlm::tlm_command command, std::uint64_t address,
                     std::uint32_t* data, unsigned words) {
        transaction.set_command(command);
        transaction.set_address(address);
        transaction.set_data_ptr(reinterpret_cast<unsigned char*>(data));
        transaction.set_data_length(4 * words);
        transaction.set_streaming_width(4 * words);
        transaction.set_byte_enable_ptr(nullptr);
        transaction.set_dmi_allowed(false);
        transaction.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    }

    tlm::tlm_response_status transfer(tlm::tlm_command command, std::uint64_t address, std::uint32_t* data,
                                      unsigned words, sc_core::sc_time& delay) {
        tlm::tlm_generic_payload transaction;
        fill(transaction, command, address, data, words);
        bus->b_transport(transaction, delay);
        return transaction.get_response_status();
    }
    /// Waits for what is left of the delay.
    tlm::tlm_response_status write(std::uint64_t address, std::vector<std::uint32_t> words) {
        sc_core::sc_time delay;
        const auto answer = transfer(tlm::TLM_WRITE_COMMAND, address, words.data(),
                                     static_cast<unsigned>(words.size()), delay);
        sc_core::wait(delay);
        return answer;
    }
    std::uint32_t read(std::uint64_t address) {
        std::uint32_t word = 0xDEAD'BEEF;
        sc_core::sc_time delay;
        status = transfer(tlm::TLM_READ_COMMAND, address, &word, 1, delay);
        sc_core::wait(delay);
        return word;
    }
    unsigned debug(tlm::tlm_command command, std::uint64_t address, void* data, unsigned bytes) {
        tlm::tlm_generic_payload transaction;
        transaction.set_command(command);
        transaction.set_address(address);
        transaction.set_data_ptr(static_cast<unsigned char*>(data));
        transaction.set_data_length(bytes);
        return bus->transport_dbg(transaction);
    }

    tlm::tlm_response_status status = tlm::TLM_INCOMPLETE_RESPONSE;  // of the last read()

private:
    tlm::tlm_sync_enum respond(tlm::tlm_generic_payload& transaction, tlm::tlm_phase& phase,
                               sc_core::sc_time& delay) {
        responses.emplace_back(&transaction, sc_core::sc_time_stamp() + delay);
        if (response_accept_delay == sc_core::SC_ZERO_TIME) {
            phase = tlm::END_RESP;
            return tlm::TLM_COMPLETED;
        }
        sc_core::sc_spawn([this, &transaction] {
            sc_core::wait(response_accept_delay);
            tlm::tlm_phase end = tlm::END_RESP;
            sc_core::sc_time none;
            bus->nb_transport_fw(transaction, end, none);
        });
        return tlm::TLM_ACCEPTED;
    }
};

/// A device on a bus with a clock of 10 ns.
struct Bench {
    static inline const sc_core::sc_time kPeriod{10, sc_core::SC_NS};

    Device device;
    TlmTarget target;
    Initiator initiator;

    explicit Bench(const BusParams& params = {}, const std::string& name = "bench")
        : target((name + "_target").c_str(), device, params, kPeriod),
          initiator((name + "_initiator").c_str()) {
        initiator.bus.bind(target.bus);
    }

    /// A thread of its own.
    sc_core::sc_process_handle thread(const std::function<void()>& body) { return sc_core::sc_spawn(body); }
    /// Runs `body` in a thread, and the simulation until nothing is left to do. True if the body ended.
    bool run(const std::function<void()>& body) {
        bool ended = false;
        thread([&] {
            body();
            ended = true;
        });
        sc_core::sc_start();
        return ended;
    }
    static double now_ns() { return sc_core::sc_time_stamp() / sc_core::sc_time(1, sc_core::SC_NS); }
    static sc_core::sc_time ns(double value) { return {value, sc_core::SC_NS}; }
};

}  // namespace memprop::hw::bus::test
