// The source queues of all nodes: which node sends what next, and how much was created. Queues are unbounded
// and take no memory: a flit that waits is the next injection of its source, and those behind it have not
// been drawn yet.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <vector>

#include "testbenches/router/traffic.hpp"

namespace memprop::tb {

class Injections {
public:
    /// One source per node. Counts flits created from cycle `measured_from` on.
    Injections(std::vector<std::unique_ptr<TrafficSource>> sources, std::uint64_t measured_from);

    /// When the next node has something to send; kNever if none, or all that have wait for room.
    std::uint64_t next_cycle() const { return due_.empty() ? hw::noc::kNever : due_.top().cycle; }
    /// A node that is due in or before `now`, each once, in order of cycles, then of nodes.
    std::optional<std::uint32_t> take_due(std::uint64_t now);
    /// What that node sends.
    hw::noc::Flit flit(std::uint32_t node) const;
    /// It was accepted in `now`; the next one of this node will be due.
    void sent(std::uint32_t node, std::uint64_t now);

    /// Nothing left to send at any node.
    bool exhausted() const;
    /// Flits created from `measured_from` to before `end`, those that still wait included. Draws what has
    /// not been drawn yet, so nothing can be sent afterwards.
    std::uint64_t created_before(std::uint64_t end);

private:
    struct Node {
        std::unique_ptr<TrafficSource> source;
        Injection next;
    };
    struct Due {
        std::uint64_t cycle;
        std::uint32_t node;
        bool operator>(const Due& other) const {
            return cycle != other.cycle ? cycle > other.cycle : node > other.node;
        }
    };

    void draw(Node& node);

    std::vector<Node> nodes_;
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
    std::uint64_t measured_from_;
    std::uint64_t created_ = 0;  // from measured_from_ on, those drawn but not yet created included
};

}  // namespace memprop::tb
