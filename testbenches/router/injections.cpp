#include "testbenches/router/injections.hpp"

#include <algorithm>
#include <utility>

namespace memprop::tb {

using namespace hw::noc;

Injections::Injections(std::vector<std::unique_ptr<TrafficSource>> sources, std::uint64_t measured_from)
    : measured_from_(measured_from) {
    for (std::uint32_t index = 0; index < sources.size(); ++index) {
        nodes_.push_back({std::move(sources[index]), {}});
        draw(nodes_.back());
        if (nodes_.back().next.cycle != kNever) {
            due_.push({nodes_.back().next.cycle, index});
        }
    }
}

void Injections::draw(Node& node) {
    node.next = node.source->next();
    created_ += node.next.cycle >= measured_from_ && node.next.cycle != kNever;
}

std::optional<std::uint32_t> Injections::take_due(std::uint64_t now) {
    if (due_.empty() || due_.top().cycle > now) {
        return std::nullopt;
    }
    const std::uint32_t node = due_.top().node;
    due_.pop();
    return node;
}

Flit Injections::flit(std::uint32_t node) const {
    const Injection& next = nodes_[node].next;
    const NodeId source{static_cast<std::uint16_t>(node)};
    Flit flit = next.along_tree ? Flit::along(source, TreeId{static_cast<std::uint16_t>(node)})
                                : Flit::to(source, next.destination);
    flit.created_cycle = next.cycle;
    return flit;
}

void Injections::sent(std::uint32_t index, std::uint64_t now) {
    Node& node = nodes_[index];
    draw(node);
    if (node.next.cycle != kNever) {
        due_.push({std::max(node.next.cycle, now + 1), index});  // at most one flit a cycle
    }
}

bool Injections::exhausted() const {
    return std::all_of(nodes_.begin(), nodes_.end(),
                       [](const Node& node) { return node.next.cycle == kNever; });
}

std::uint64_t Injections::created_before(std::uint64_t end) {
    for (Node& node : nodes_) {
        while (node.next.cycle < end) {
            draw(node);
        }
        created_ -= node.next.cycle != kNever;
    }
    return created_;
}

}  // namespace memprop::tb
