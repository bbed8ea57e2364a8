#include "hw_models/bus/transfer.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "crossbar/base/error.hpp"

namespace memprop::hw::bus {
namespace {

constexpr std::uint64_t kLastAddress = 0xFFFF'FFFC;

}  // namespace

void BusParams::validate(std::string_view where) const {
    constexpr std::uint32_t kMost = 1'000'000;
    const auto check = [&](std::string_view field, std::uint32_t value) {
        if (value < 1 || value > kMost) {
            throw InputError(std::string(where) + "." + std::string(field), value, "must be 1 to 1000000");
        }
    };
    check("cycles_per_word", cycles_per_word);
    check("outstanding_reads", outstanding_reads);
}

BusStatus check_burst(std::uint64_t address, std::uint64_t bytes) {
    if (address % 4 != 0 || bytes % 4 != 0 || bytes == 0) {
        return BusStatus::burst_error;
    }
    return address > kLastAddress ? BusStatus::address_error : BusStatus::ok;
}

Transfer::Transfer(BusTarget& target, const BusParams& params, const Burst& burst)
    : target_(target),
      burst_(burst),
      outstanding_reads_(params.outstanding_reads),
      keeps_address_(target.keeps_address(burst.address)) {}

Transfer::~Transfer() {
    for (const Pending& pending : pending_) {
        target_.forget(pending.ticket);
    }
}

std::uint64_t Transfer::address_of(std::uint64_t index) const {
    if (keeps_address_) {
        return burst_.address;
    }
    return burst_.address + 4 * (burst_.wrap_words != 0 ? index % burst_.wrap_words : index);
}

bool Transfer::may_run_ahead() const {
    for (std::uint64_t i = 0; burst_.write && i < burst_.words; ++i) {
        const std::uint64_t address = address_of(i);
        if (address > kLastAddress ||
            target_.timing(static_cast<std::uint32_t>(address), true) != Timing::ahead) {
            return false;
        }
    }
    return burst_.write;
}

void Transfer::collect() {
    std::erase_if(pending_, [&](const Pending& pending) {
        const std::optional<std::uint32_t> word = target_.answer(pending.ticket);
        if (word) {
            std::memcpy(burst_.sink + 4 * pending.index, &*word, 4);
        }
        return word.has_value();
    });
}

bool Transfer::must_wait(std::uint32_t address) const {
    return pending_.size() >= outstanding_reads_ ||
           (target_.posted_writes() != 0 && target_.timing(address, burst_.write) == Timing::after_posted);
}

void Transfer::begin_word(std::uint64_t index, std::uint32_t address) {
    if (burst_.write) {
        std::uint32_t word = 0;
        std::memcpy(&word, burst_.source + 4 * index, 4);
        status_ = target_.write(address, word);
    } else {
        const ReadResult result = target_.read(address);
        status_ = result.status;
        if (status_ == BusStatus::ok && result.pending) {
            pending_.push_back({.ticket = result.ticket, .index = index});
        } else if (status_ == BusStatus::ok) {
            std::memcpy(burst_.sink + 4 * index, &result.word, 4);
        }
    }
}

bool Transfer::go_on() {
    if (ended_) {
        return true;
    }
    collect();
    while (status_ == BusStatus::ok && next_ < burst_.words) {
        const std::uint64_t address = address_of(next_);
        failed_word_ = next_;
        if (address > kLastAddress) {
            status_ = BusStatus::address_error;
            break;
        }
        if (must_wait(static_cast<std::uint32_t>(address))) {
            return false;
        }
        begin_word(next_++, static_cast<std::uint32_t>(address));
    }
    ended_ = pending_.empty();
    return ended_;
}

void Transfer::give_up() {
    failed_word_ = pending_.empty() ? next_ : pending_.front().index;
    for (const Pending& pending : pending_) {
        target_.forget(pending.ticket);
    }
    pending_.clear();
    status_ = BusStatus::refused;
    ended_ = gave_up_ = true;
}

}  // namespace memprop::hw::bus
