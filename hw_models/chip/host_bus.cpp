// The bus side of the host interface: transactions, registers, FIFOs.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "crossbar/base/error.hpp"
#include "hw_models/chip/host_interface.hpp"

namespace memprop::hw::chip {
namespace {

std::uint32_t word_at(const unsigned char* data, std::size_t index) {
    std::uint32_t word = 0;
    std::memcpy(&word, data + 4 * index, 4);
    return word;
}

/// Writes that only matter for the next command.
bool prepares(std::uint64_t address) {
    return address < host_register::routers && address != host_register::command;
}

/// FIFOs keep their address for all words of a burst.
bool is_fifo(std::uint64_t address) {
    return address == host_register::event_in || address == host_register::event_out;
}

}  // namespace

bool HostInterface::in_core(std::uint64_t address) const {
    const std::uint64_t core = address >> 33;
    return core >= 1 && core <= plan_.cores.size();
}

tlm::tlm_response_status HostInterface::count(tlm::tlm_response_status status) {
    error_seen_ = error_seen_ || status != tlm::TLM_OK_RESPONSE;
    if (status == tlm::TLM_ADDRESS_ERROR_RESPONSE) {
        stats_.add(HostCounter::address_errors);
    } else if (status == tlm::TLM_COMMAND_ERROR_RESPONSE) {
        stats_.add(HostCounter::direction_errors);
    } else if (status == tlm::TLM_BURST_ERROR_RESPONSE) {
        stats_.add(HostCounter::burst_errors);
    }
    return status;
}

void HostInterface::transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
    const std::uint64_t address = transaction.get_address();
    const std::uint32_t length = transaction.get_data_length();
    unsigned char* const data = transaction.get_data_ptr();
    if (address % 4 != 0 || length == 0 || length % 4 != 0 || transaction.get_byte_enable_ptr() != nullptr ||
        transaction.is_read() == transaction.is_write()) {
        transaction.set_response_status(count(tlm::TLM_BURST_ERROR_RESPONSE));
        return;
    }
    const std::uint32_t words = length / 4;
    stats_.add(HostCounter::bus_words, words);
    const std::uint64_t cycles = words * static_cast<std::uint64_t>(config_.bus_cycles_per_word);
    stats_.add(HostCounter::bus_cycles, cycles);
    delay += sc_core::sc_time::from_value(cycles * period_.value());
    if (transaction.is_read() || busy() || !prepares(address)) {
        sc_core::wait(delay);
        delay = sc_core::SC_ZERO_TIME;
    }
    tlm::tlm_response_status status = tlm::TLM_OK_RESPONSE;
    for (std::uint32_t i = 0; i < words && status == tlm::TLM_OK_RESPONSE; ++i) {
        const std::uint64_t at = is_fifo(address) ? address : address + std::uint64_t{4} * i;
        if (transaction.is_write()) {
            status = write_word(at, word_at(data, i));
        } else {
            std::uint32_t value = 0;
            status = read_word(at, value);
            std::memcpy(data + std::size_t{4} * i, &value, 4);
        }
    }
    transaction.set_response_status(count(status));
}

unsigned HostInterface::debug_transport(tlm::tlm_generic_payload& transaction) {
    const std::uint64_t address = transaction.get_address();
    if (!transaction.is_read() || address % 4 != 0 || !in_core(address)) {
        return 0;
    }
    unsigned done = 0;
    for (; done + 4 <= transaction.get_data_length(); done += 4) {
        const std::uint64_t at = address + done;
        const auto value = in_core(at) ? cores_[(at >> 33) - 1]->debug_read_word(
                                             static_cast<std::uint32_t>(at >> 2) & (kCoreWords - 1))
                                       : std::nullopt;
        if (!value) {
            break;
        }
        std::memcpy(transaction.get_data_ptr() + done, &*value, 4);
    }
    return done;
}

tlm::tlm_response_status HostInterface::write_word(std::uint64_t address, std::uint32_t value) {
    using namespace host_register;
    if (in_core(address)) {
        noc::Flit flit = noc::Flit::to(ChipPlan::kHostNode, plan_.cores[(address >> 33) - 1].node,
                                       noc::FlitKind::configuration);
        flit.address = static_cast<std::uint32_t>(address >> 2) & (kCoreWords - 1);
        flit.value = value;
        port->send(flit);
        return tlm::TLM_OK_RESPONSE;
    }
    if (address >= routers) {
        return write_router(address, value);
    }
    if (address >= targets && address < targets + 4 * targets_.size()) {
        const auto target = std::bit_cast<float>(value);
        if (!std::isfinite(target)) {
            stats_.add(HostCounter::refused_values);
            return tlm::TLM_GENERIC_ERROR_RESPONSE;
        }
        targets_[(address - targets) / 4] = static_cast<double>(target);
        return tlm::TLM_OK_RESPONSE;
    }
    const auto refuse_value = [&] {
        stats_.add(HostCounter::refused_values);
        return tlm::TLM_GENERIC_ERROR_RESPONSE;
    };
    switch (address) {
        case host_register::command:
            return start(value);
        case status:
            error_seen_ = error_seen_ && (value & 2U) == 0;
            return tlm::TLM_OK_RESPONSE;
        case host_register::step:
            step_ = value;
            return tlm::TLM_OK_RESPONSE;
        case first_step:
            first_step_ = value;
            return tlm::TLM_OK_RESPONSE;
        case sample:
            sample_ = value;
            return tlm::TLM_OK_RESPONSE;
        case device_tick:
            device_tick_ = value;
            return tlm::TLM_OK_RESPONSE;
        case event:
            event_ = value;
            return tlm::TLM_OK_RESPONSE;
        case factor: {
            const auto given = std::bit_cast<float>(value);
            if (!std::isfinite(given) || given < 0.0F) {
                return refuse_value();
            }
            factor_ = given;
            return tlm::TLM_OK_RESPONSE;
        }
        case projection:
            if (value >= memory_.weights.size()) {
                return refuse_value();
            }
            projection_ = value;
            return tlm::TLM_OK_RESPONSE;
        case learn:
            if (value > static_cast<std::uint32_t>(kLastLearningMode)) {
                return refuse_value();
            }
            learns_ = value;
            return tlm::TLM_OK_RESPONSE;
        case label:
            if (static_cast<std::int32_t>(value) < -1 ||
                static_cast<std::int64_t>(static_cast<std::int32_t>(value)) >= std::int64_t{plan_.outputs}) {
                return refuse_value();
            }
            label_ = static_cast<std::int32_t>(value);
            return tlm::TLM_OK_RESPONSE;
        case window:
            if (value > 1) {
                return refuse_value();
            }
            in_window_ = value;
            return tlm::TLM_OK_RESPONSE;
        case event_in:
            if (event_room() == 0) {
                stats_.add(HostCounter::fifo_overflows);
                return tlm::TLM_GENERIC_ERROR_RESPONSE;
            }
            events_in_.push_back(value);
            stats_.add(HostCounter::events_in);
            return tlm::TLM_OK_RESPONSE;
        case event_out:
            return tlm::TLM_COMMAND_ERROR_RESPONSE;
        default:
            break;
    }
    std::uint32_t unused = 0;
    return read_word(address, unused) == tlm::TLM_OK_RESPONSE ? tlm::TLM_COMMAND_ERROR_RESPONSE
                                                              : tlm::TLM_ADDRESS_ERROR_RESPONSE;
}

tlm::tlm_response_status HostInterface::write_router(std::uint64_t address, std::uint32_t value) {
    const std::uint64_t word = (address - host_register::routers) / 4;
    const auto trees = static_cast<std::uint64_t>(config_.multicast_trees);
    if (trees == 0 || word / trees >= mesh_.fabric().routers()) {
        return tlm::TLM_ADDRESS_ERROR_RESPONSE;
    }
    try {
        if (value > 0xFFFFU) {
            throw InputError("multicast row", value, "must be input port | output mask << 8");
        }
        mesh_.fabric().set_tree_row(static_cast<noc::NodeId>(word / trees),
                                    static_cast<noc::TreeId>(word % trees),
                                    {.input = static_cast<noc::Port>(value & 0xFFU),
                                     .outputs = static_cast<noc::PortMask>(value >> 8)});
    } catch (const InputError&) {
        stats_.add(HostCounter::refused_values);
        return tlm::TLM_GENERIC_ERROR_RESPONSE;
    }
    return tlm::TLM_OK_RESPONSE;
}

tlm::tlm_response_status HostInterface::read_word(std::uint64_t address, std::uint32_t& value) {
    using namespace host_register;
    if (in_core(address)) {
        return read_core(address, value);
    }
    if (address >= counters && address < counters + 8 * kHostCounters) {
        const std::uint64_t index = (address - counters) / 4;
        value = static_cast<std::uint32_t>(stats_.at(index / 2) >> (index % 2 * 32));
        return tlm::TLM_OK_RESPONSE;
    }
    if (address >= routers) {
        const std::uint64_t word = (address - routers) / 4;
        const auto trees = static_cast<std::uint64_t>(config_.multicast_trees);
        if (trees == 0 || word / trees >= mesh_.fabric().routers()) {
            return tlm::TLM_ADDRESS_ERROR_RESPONSE;
        }
        const noc::TreeRow row = mesh_.fabric().tree_row(static_cast<noc::NodeId>(word / trees),
                                                         static_cast<noc::TreeId>(word % trees));
        value = static_cast<std::uint32_t>(row.input) | std::uint32_t{row.outputs} << 8;
        return tlm::TLM_OK_RESPONSE;
    }
    switch (address) {
        case identity:
            value = kIdentity;
            return tlm::TLM_OK_RESPONSE;
        case host_register::cores:
            value = static_cast<std::uint32_t>(plan_.cores.size());
            return tlm::TLM_OK_RESPONSE;
        case status:
            value = (busy() ? 1U : 0U) | (error_seen_ ? 2U : 0U);
            return tlm::TLM_OK_RESPONSE;
        case event_in_room:
            value = static_cast<std::uint32_t>(event_room());
            return tlm::TLM_OK_RESPONSE;
        case event_out_level:
            value = static_cast<std::uint32_t>(events_out_.size() - next_out_ / 2);
            return tlm::TLM_OK_RESPONSE;
        case event_out: {
            value = kNoEvent;
            if (next_out_ < 2 * events_out_.size()) {
                value = static_cast<std::uint32_t>(events_out_[next_out_ / 2] >> (next_out_ % 2 * 32));
                if (++next_out_ == 2 * events_out_.size()) {
                    events_out_.clear();
                    next_out_ = 0;
                }
            }
            return tlm::TLM_OK_RESPONSE;
        }
        case loss:
        case loss + 4:
            value =
                static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(loss_) >> (address == loss ? 0 : 32));
            return tlm::TLM_OK_RESPONSE;
        case host_register::command:
        case host_register::step:
        case first_step:
        case sample:
        case device_tick:
        case event:
        case projection:
        case learn:
        case label:
        case window:
        case factor:
        case event_in:
            return tlm::TLM_COMMAND_ERROR_RESPONSE;
        default:
            break;
    }
    if (address >= targets && address < targets + 4 * targets_.size()) {
        return tlm::TLM_COMMAND_ERROR_RESPONSE;
    }
    return tlm::TLM_ADDRESS_ERROR_RESPONSE;
}

tlm::tlm_response_status HostInterface::read_core(std::uint64_t address, std::uint32_t& value) {
    answer_word_ = static_cast<std::uint32_t>(address >> 2) & (kCoreWords - 1);
    const std::size_t core = (address >> 33) - 1;
    if (!cores_[core]->debug_read_word(answer_word_)) {  // the decoder knows which words there are
        return tlm::TLM_ADDRESS_ERROR_RESPONSE;
    }
    noc::Flit flit = noc::Flit::to(ChipPlan::kHostNode, plan_.cores[core].node, noc::FlitKind::configuration);
    flit.address = answer_word_ | kReadRequest;
    waiting_for_answer_ = true;
    port->send(flit);
    while (waiting_for_answer_) {
        sc_core::wait(answer_);
    }
    value = answer_value_;
    return tlm::TLM_OK_RESPONSE;
}

}  // namespace memprop::hw::chip
