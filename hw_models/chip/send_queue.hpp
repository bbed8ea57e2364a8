// Flits on their way into a router: one leaves per cycle, in order; the others wait.
#pragma once

#include <cstdint>
#include <vector>

#include "hw_models/noc/mesh.hpp"

namespace memprop::hw::chip {

class SendQueue {
public:
    void push(noc::Flit flit, std::uint64_t cycle) {
        flit.created_cycle = cycle;
        flits_.push_back(flit);
    }
    bool empty() const { return next_ == flits_.size(); }
    std::size_t size() const { return flits_.size() - next_; }
    std::uint64_t stall_cycles() const { return stall_cycles_; }
    std::uint64_t refused() const { return refused_; }

    /// Sends what can be sent in `cycle`.
    void send(noc::FlitPortIf& port, std::uint64_t cycle) {
        if (empty() || cycle < next_cycle_) {
            return;
        }
        const noc::SendResult result = port.try_send(flits_[next_]);
        if (result == noc::SendResult::full) {
            blocked_since_ = waits_for_room_ ? blocked_since_ : cycle;
            waits_for_room_ = true;
            return;
        }
        stall_cycles_ += waits_for_room_ ? cycle - blocked_since_ : 0;
        waits_for_room_ = false;
        refused_ += result == noc::SendResult::no_route;
        next_cycle_ = cycle + 1;
        if (++next_ == flits_.size()) {
            flits_.clear();
            next_ = 0;
        }
    }
    /// The cycle of the next send; noc::kNever if there is none or it waits for the router's space_event().
    std::uint64_t next_cycle() const { return empty() || waits_for_room_ ? noc::kNever : next_cycle_; }

private:
    std::vector<noc::Flit> flits_;
    std::size_t next_ = 0;
    std::uint64_t next_cycle_ = 0, blocked_since_ = 0;
    bool waits_for_room_ = false;
    std::uint64_t stall_cycles_ = 0, refused_ = 0;
};

}  // namespace memprop::hw::chip
