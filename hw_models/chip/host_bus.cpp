// The bus side of the host interface: registers and FIFOs.
#include <array>
#include <bit>
#include <cmath>
#include <optional>

#include "crossbar/base/error.hpp"
#include "hw_models/chip/host_interface.hpp"

namespace memprop::hw::chip {
namespace {

using bus::BusStatus;

const bus::RegisterTable& host_table() {
    return *chip_map().rows[0].table;
}

const bus::RegisterTable& core_table() {
    return *chip_map().rows[1].table;
}

/// As bus::find() in the table of the host; its registers, which every step needs, by their place alone,
/// other places in `other`. nullptr: there is nothing.
const bus::Found* find_host(std::uint32_t address, std::optional<bus::Found>& other) {
    constexpr std::size_t kRegisters = host_register::counters / 4;
    static const auto kFound = [] {
        std::array<std::optional<bus::Found>, kRegisters> found;
        for (std::uint32_t word = 0; word < kRegisters; ++word) {
            found[word] = bus::find(host_table(), 4 * word);
        }
        return found;
    }();
    if (address >= host_register::counters || address % 4 != 0) {
        other = bus::find(host_table(), address);
        return other ? &*other : nullptr;
    }
    const std::optional<bus::Found>& found = kFound[address / 4];
    return found ? &*found : nullptr;
}

/// Whether a word of the host's part of the map can be read.
BusStatus can_read(const bus::Found& at) {
    return at.entry->table == nullptr ? bus::check_read(*at.entry)
                                      : bus::decode_read(*at.entry->table, at.rest).status;
}

}  // namespace

std::uint32_t HostInterface::core_word(std::uint32_t core, std::uint32_t offset) const {
    return offset < host_register::page_offset
               ? offset / 4
               : pages_[core] * kPageWords + (offset - host_register::page_offset) / 4;
}

BusStatus HostInterface::write(std::uint32_t address, std::uint32_t word) {
    interrupt_ = interrupt_ && address != host_register::command;
    if (address >= host_register::windows) {
        const std::uint32_t core = (address - host_register::windows) / host_register::window_stride;
        return core < around_.cores.size() ? write_core(core, address % host_register::window_stride, word)
                                           : BusStatus::address_error;
    }
    std::optional<bus::Found> other;
    const bus::Found* const at = find_host(address, other);
    if (!at) {
        return BusStatus::address_error;
    }
    if (at->entry->table != nullptr) {
        return write_source(*at, word);
    }
    if (const BusStatus status = bus::check_write(*at->entry, word, at->rest != 0); status != BusStatus::ok) {
        if (status == BusStatus::refused) {
            stats_.add(address == host_register::command ? HostCounter::refused_commands
                                                         : HostCounter::refused_values);
        }
        return status;
    }
    return write_host(*at, word);
}

BusStatus HostInterface::write_source(const bus::Found& at, std::uint32_t word) {
    Source& source = sources_[at.element];
    switch (at.rest) {
        case 0:
            source.first = word;
            return BusStatus::ok;
        case 4:
            source.count = word;
            return BusStatus::ok;
        case 8:
            if (word != CoreProgram::kNoTree &&
                word >= static_cast<std::uint32_t>(around_.config.multicast_trees)) {
                stats_.add(HostCounter::refused_values);
                return BusStatus::refused;
            }
            source.tree = word;
            return BusStatus::ok;
        default:
            return BusStatus::address_error;
    }
}

BusStatus HostInterface::add_event(std::uint32_t address, float value, bool graded) {
    const bool known = std::any_of(sources_.begin(), sources_.end(), [&](const Source& source) {
        return address >= source.first && address - source.first < source.count;
    });
    if (!known || !std::isfinite(value)) {
        stats_.add(HostCounter::refused_values);
        return BusStatus::refused;
    }
    if (event_room() == 0) {
        stats_.add(HostCounter::fifo_overflows);
        return BusStatus::refused;
    }
    events_in_.push_back({address, value, graded});
    stats_.add(HostCounter::events_in);
    return BusStatus::ok;
}

/// What is left of a network that another one follows.
void HostInterface::forget_sample() {
    in_sample_ = false;
    events_in_.clear();
    graded_address_.reset();
    events_out_.clear();
    next_out_ = 0;
}

BusStatus HostInterface::write_host(const bus::Found& at, std::uint32_t word) {
    switch (at.entry->offset) {
        case host_register::command:
            return start(word);
        case host_register::status:
            error_seen_ = error_seen_ && (word & 2U) == 0;
            return BusStatus::ok;
        case host_register::step:
            step_ = word;
            return BusStatus::ok;
        case host_register::sample:
            sample_ = word;
            return BusStatus::ok;
        case host_register::device_tick:
            device_tick_ = word;
            return BusStatus::ok;
        case host_register::event:
            event_ = word;
            return BusStatus::ok;
        case host_register::projection:
            projection_ = word;
            return BusStatus::ok;
        case host_register::learn:
            learns_ = word;
            return BusStatus::ok;
        case host_register::label:
            label_ = static_cast<std::int32_t>(word);
            return BusStatus::ok;
        case host_register::window:
            in_window_ = word;
            return BusStatus::ok;
        case host_register::event_in:
            return add_event(word, 1.0F, false);
        case host_register::graded_in:
            if (!graded_address_) {
                graded_address_ = word;
                return BusStatus::ok;
            }
            return add_event(*std::exchange(graded_address_, std::nullopt), std::bit_cast<float>(word), true);
        case host_register::factor:
            factor_ = std::bit_cast<float>(word);
            return BusStatus::ok;
        case host_register::first_step:
            first_step_ = word;
            return BusStatus::ok;
        case host_register::outputs:
            outputs_ = word;
            targets_.assign(word, 0.0);
            readout_.assign(word, 0.0F);
            error_.assign(word, 0.0F);
            return BusStatus::ok;
        case host_register::first_output:
            first_output_ = word;
            return BusStatus::ok;
        case host_register::loss_kind:
            loss_kind_ = static_cast<network::Loss>(word);
            return BusStatus::ok;
        case host_register::cores_used:
            if (busy()) {
                stats_.add(HostCounter::refused_values);
                return BusStatus::refused;
            }
            cores_used_ = word;
            forget_sample();
            return BusStatus::ok;
        case host_register::phases:
            phases_ = word;
            return BusStatus::ok;
        case host_register::router:
            if (word >= around_.network.fabric().routers()) {
                stats_.add(HostCounter::refused_values);
                return BusStatus::refused;
            }
            router_ = word;
            return BusStatus::ok;
        case host_register::events_per_step:
            events_per_step_ = word;
            return BusStatus::ok;
        case host_register::targets:
            if (at.element >= targets_.size()) {
                return BusStatus::address_error;
            }
            targets_[at.element] = static_cast<double>(std::bit_cast<float>(word));
            return BusStatus::ok;
        case host_register::tree_rows:
            return write_tree_row(at.element, word);
        case host_register::pages:
            if (at.element >= pages_.size()) {
                return BusStatus::address_error;
            }
            pages_[at.element] = word;
            return BusStatus::ok;
        default:
            return BusStatus::command_error;
    }
}

BusStatus HostInterface::write_tree_row(std::uint32_t tree, std::uint32_t word) {
    if (tree >= static_cast<std::uint32_t>(around_.config.multicast_trees)) {
        return BusStatus::address_error;
    }
    try {
        around_.network.fabric().set_tree_row(static_cast<noc::NodeId>(router_),
                                              static_cast<noc::TreeId>(tree),
                                              {.input = static_cast<noc::Port>(word & 0xFFU),
                                               .outputs = static_cast<noc::PortMask>(word >> 8)});
    } catch (const InputError&) {
        stats_.add(HostCounter::refused_values);
        return BusStatus::refused;
    }
    rows_changed_ = true;
    route_error_.clear();
    return BusStatus::ok;
}

BusStatus HostInterface::read_tree_row(std::uint32_t tree, std::uint32_t& word) const {
    if (tree >= static_cast<std::uint32_t>(around_.config.multicast_trees)) {
        return BusStatus::address_error;
    }
    const noc::TreeRow row =
        around_.network.fabric().tree_row(static_cast<noc::NodeId>(router_), static_cast<noc::TreeId>(tree));
    word = static_cast<std::uint32_t>(row.input) | std::uint32_t{row.outputs} << 8;
    return BusStatus::ok;
}

BusStatus HostInterface::write_core(std::uint32_t core, std::uint32_t offset, std::uint32_t word) {
    const auto at = bus::find(core_table(), offset);
    if (!at) {
        return BusStatus::address_error;
    }
    if (!at->entry->writable()) {
        return BusStatus::command_error;
    }
    noc::Flit flit = noc::Flit::to(kHostNode, around_.cores[core]->node(), noc::FlitKind::configuration);
    flit.address = core_word(core, offset);
    flit.value = word;
    flit.step = kPostedWrite;
    around_.network.send(kHostNode, flit);
    ++posted_;
    return BusStatus::ok;
}

BusStatus HostInterface::read_host(const bus::Found& at, std::uint32_t& word, bool takes) const {
    const std::uint32_t half = at.rest == 0 ? 0 : 32;
    switch (at.entry->offset) {
        case host_register::identity:
            word = kIdentity;
            return BusStatus::ok;
        case host_register::cores:
            word = static_cast<std::uint32_t>(around_.cores.size());
            return BusStatus::ok;
        case host_register::status:
            word = (busy() ? 1U : 0U) | (error_seen_ ? 2U : 0U) | (route_error_.empty() ? 0U : 4U);
            return BusStatus::ok;
        case host_register::event_in_room:
            word = static_cast<std::uint32_t>(event_room());
            return BusStatus::ok;
        case host_register::event_out_level:
            word = static_cast<std::uint32_t>(events_out_level());
            return BusStatus::ok;
        case host_register::event_out:
            word = kNoEvent;
            if (next_out_ < 2 * events_out_.size()) {
                word = static_cast<std::uint32_t>(events_out_[next_out_ / 2] >> (next_out_ % 2 * 32));
                if (takes && ++next_out_ == 2 * events_out_.size()) {
                    events_out_.clear();
                    next_out_ = 0;
                }
            }
            return BusStatus::ok;
        case host_register::loss:
            word = static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(loss_) >> half);
            return BusStatus::ok;
        case host_register::counters:
            word = static_cast<std::uint32_t>(stats_.at(at.element) >> half);
            return BusStatus::ok;
        case host_register::tree_rows:
            return read_tree_row(at.element, word);
        case host_register::pages:
            if (at.element >= pages_.size()) {
                return BusStatus::address_error;
            }
            word = pages_[at.element];
            return BusStatus::ok;
        default:
            return BusStatus::command_error;
    }
}

bus::ReadResult HostInterface::read(std::uint32_t address) {
    if (address < host_register::windows) {
        std::optional<bus::Found> other;
        const bus::Found* const at = find_host(address, other);
        if (!at) {
            return {.status = BusStatus::address_error};
        }
        bus::ReadResult result;
        result.status = can_read(*at);
        if (result.status == BusStatus::ok) {
            result.status = read_host(*at, result.word, true);
        }
        return result;
    }
    const std::uint32_t core = (address - host_register::windows) / host_register::window_stride;
    std::uint32_t word = 0;
    if (const BusStatus status = debug_read(address, word); status != BusStatus::ok) {
        return {.status = status};  // the decoder knows which words there are
    }
    while (questions_.contains(next_ticket_) || next_ticket_ == 0) {
        ++next_ticket_;
    }
    noc::Flit flit = noc::Flit::to(kHostNode, around_.cores[core]->node(), noc::FlitKind::configuration);
    flit.address = core_word(core, address % host_register::window_stride) | kReadRequest;
    flit.step = next_ticket_;
    questions_[next_ticket_] = {};
    around_.network.send(kHostNode, flit);
    return {.pending = true, .ticket = next_ticket_++};
}

std::optional<std::uint32_t> HostInterface::answer(std::uint32_t ticket) {
    const auto at = questions_.find(static_cast<std::uint16_t>(ticket));
    if (at == questions_.end() || !at->second.answered) {
        return std::nullopt;
    }
    const std::uint32_t word = at->second.word;
    questions_.erase(at);
    return word;
}

void HostInterface::forget(std::uint32_t ticket) {
    const auto at = questions_.find(static_cast<std::uint16_t>(ticket));
    if (at == questions_.end()) {
        return;
    }
    if (at->second.answered) {
        questions_.erase(at);
    } else {
        at->second.wanted = false;
    }
}

BusStatus HostInterface::debug_read(std::uint32_t address, std::uint32_t& word) const {
    if (address < host_register::windows) {
        std::optional<bus::Found> other;
        const bus::Found* const at = find_host(address, other);
        if (!at) {
            return BusStatus::address_error;
        }
        const BusStatus status = can_read(*at);
        return status == BusStatus::ok ? read_host(*at, word, false) : status;
    }
    const std::uint32_t core = (address - host_register::windows) / host_register::window_stride;
    const std::uint32_t offset = address % host_register::window_stride;
    if (core >= around_.cores.size() || !bus::find(core_table(), offset)) {
        return BusStatus::address_error;
    }
    const auto value = around_.cores[core]->debug_read_word(core_word(core, offset));
    word = value.value_or(0);
    return value ? BusStatus::ok : BusStatus::address_error;
}

bus::Timing HostInterface::timing(std::uint32_t address, bool write) const {
    if (!write || busy()) {
        return bus::Timing::in_time;
    }
    if (address == host_register::command) {
        return bus::Timing::after_posted;  // what cores were written holds for the command
    }
    if (address >= host_register::windows) {
        return bus::Timing::in_time;
    }
    std::optional<bus::Found> other;
    const bus::Found* const at = find_host(address, other);
    return at != nullptr && (at->entry->timing == bus::Timing::ahead || at->entry->table != nullptr)
               ? bus::Timing::ahead
               : bus::Timing::in_time;
}

void HostInterface::count_transfer(std::uint64_t words, std::uint64_t cycles) {
    stats_.add(HostCounter::bus_words, words);
    stats_.add(HostCounter::bus_cycles, cycles);
}

void HostInterface::count(BusStatus status) {
    error_seen_ = error_seen_ || status != BusStatus::ok;
    if (status == BusStatus::address_error) {
        stats_.add(HostCounter::address_errors);
    } else if (status == BusStatus::command_error) {
        stats_.add(HostCounter::direction_errors);
    } else if (status == BusStatus::burst_error || status == BusStatus::byte_enable_error) {
        stats_.add(HostCounter::burst_errors);
    }
}

}  // namespace memprop::hw::chip
