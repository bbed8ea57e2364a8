#include "hw_models/noc/endpoints.hpp"

#include <algorithm>

namespace memprop::hw::noc {

Endpoints::Endpoints(const NocParams& params, const Clock& clock)
    : fabric_(Fabric::mesh(params)), clock_(clock), endpoints_(fabric_.terminals()) {}

void Endpoints::send(NodeId node, const Flit& flit) {
    Flit now = flit;
    now.created_cycle = clock_.cycle;
    send_later(node, now);
}

void Endpoints::send_later(NodeId node, const Flit& flit) {
    std::vector<Flit>& queue = at(node).to_leave;
    queue.push_back(flit);
    // At once if it may, so that nobody has to look at the whole mesh in this cycle again.
    if (const auto index = static_cast<std::uint32_t>(node); queue.size() == 1 && send_queued(index)) {
        sending_.push_back(index);
    }
}

std::size_t Endpoints::waiting_to_leave(NodeId node) const {
    return at(node).to_leave.size() - at(node).next_to_leave;
}

void Endpoints::clear() {
    for (Endpoint& endpoint : endpoints_) {
        endpoint.to_leave.clear();
        endpoint.arrived.clear();
        endpoint.next_to_leave = endpoint.next_delivery = 0;
        endpoint.blocked_since = kNever;
    }
    sending_.clear();
    next_send_cycle_ = kNever;
}

std::span<const std::uint32_t> Endpoints::step() {
    const std::uint64_t now = clock_.cycle;
    woken_.clear();
    if (next_send_cycle_ <= now) {
        next_send_cycle_ = kNever;
        std::erase_if(sending_, [&](std::uint32_t index) { return !send_queued(index); });
    }
    if (fabric_.next_cycle() > now) {
        return woken_;
    }
    fabric_.step(now);
    for (const std::uint32_t index : fabric_.arrivals()) {
        Endpoint& endpoint = endpoints_[index];
        ArrivedFlit delivery{.flit = {}, .cycle = now};
        bool wakes = false;
        while (fabric_.receive(index, delivery.flit, now)) {
            endpoint.arrived.push_back(delivery);
            wakes = wakes || (endpoint.wakes != nullptr && endpoint.wakes(delivery.flit));
        }
        if (wakes) {
            woken_.push_back(index);
        }
    }
    for (const std::uint32_t index : fabric_.spaces()) {
        Endpoint& endpoint = endpoints_[index];
        if (endpoint.blocked_since != kNever) {
            endpoint.stall_cycles += now - endpoint.blocked_since;
            endpoint.blocked_since = kNever;
            if (send_queued(index)) {
                sending_.push_back(index);
            }
        }
    }
    return woken_;
}

/// Sends the next flit of a queue, if it may leave. False if nothing is left that could.
bool Endpoints::send_queued(std::uint32_t index) {
    const std::uint64_t now = clock_.cycle;
    Endpoint& endpoint = endpoints_[index];
    const Flit& first = endpoint.to_leave[endpoint.next_to_leave];
    const std::uint64_t earliest = std::max(endpoint.next_send_cycle, first.created_cycle);
    if (now < earliest) {
        next_send_cycle_ = std::min(next_send_cycle_, earliest);
        return true;
    }
    if (fabric_.send(index, first, now) == SendResult::full) {
        endpoint.blocked_since = now;
        return false;
    }
    endpoint.next_send_cycle = now + 1;
    if (++endpoint.next_to_leave == endpoint.to_leave.size()) {
        endpoint.to_leave.clear();
        endpoint.next_to_leave = 0;
        return false;
    }
    next_send_cycle_ = std::min(next_send_cycle_,
                                std::max(now + 1, endpoint.to_leave[endpoint.next_to_leave].created_cycle));
    return true;
}

}  // namespace memprop::hw::noc
