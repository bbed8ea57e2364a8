// Drives a Fabric without the kernel: unbounded queues in front of the terminals, receivers that may be
// slow, and a record of what came out.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "crossbar/base/random.hpp"
#include "hw_models/noc/fabric.hpp"

namespace memprop::hw::noc {

inline NocParams mesh_params(std::uint32_t width, std::uint32_t height, std::uint32_t fifo_depth = 4) {
    return {.width = width, .height = height, .fifo_depth = fifo_depth, .cost = loihi_hop_cost()};
}

/// Of chips of columns x rows, with the column of the host's router before them.
inline NocParams chips_params(std::uint32_t width, std::uint32_t height, std::uint32_t chip_columns,
                              std::uint32_t chip_rows, std::uint32_t boundary_cycles) {
    NocParams params = mesh_params(width, height);
    params.chip_columns = chip_columns;
    params.chip_rows = chip_rows;
    params.columns_before = 1;
    params.boundary_cycles = boundary_cycles;
    params.cost.boundary_pj = 7.0;
    params.cost.boundary_source = std::string("for the test");
    return params;
}

inline NodeId node(std::uint32_t index) {
    return NodeId{static_cast<std::uint16_t>(index)};
}

inline std::uint32_t index_of(NodeId id) {
    return static_cast<std::uint32_t>(id);
}

struct Delivery {
    std::uint64_t cycle = 0;
    std::uint32_t terminal = 0;
    Flit flit;
    bool operator==(const Delivery&) const = default;
};

class Driver {
public:
    explicit Driver(Fabric under_test) : fabric(std::move(under_test)), queues(fabric.terminals()) {}

    /// The flit is sent in its created_cycle or as soon after it as there is room.
    void queue(const Flit& flit) { queues[index_of(flit.source)].push_back(flit); }

    /// Cycles up to (not including) `end`. In each, a receiver takes what has arrived with probability
    /// `receive_probability`.
    void run_until(std::uint64_t end) {
        for (; now < end; ++now) {
            if (fabric.next_cycle() == now) {
                ++steps;
                fabric.step(now);
            }
            for (std::uint32_t t = 0; t < fabric.terminals(); ++t) {
                if (!queues[t].empty() && queues[t].front().created_cycle <= now &&
                    fabric.send(t, queues[t].front(), now) == SendResult::accepted) {
                    queues[t].pop_front();
                }
                const DrawKey key{.seed = receive_seed,
                                  .stream = Stream::test,
                                  .array = 255,
                                  .event = t,
                                  .step = static_cast<std::uint32_t>(now)};
                if (receive_probability < 1.0F && random_uniform(key, 0) >= receive_probability) {
                    continue;
                }
                for (Flit flit; fabric.receive(t, flit, now);) {
                    deliveries.push_back({now, t, flit});
                }
            }
        }
    }

    bool drained() const {
        bool empty = fabric.flits_inside() == 0;
        for (const auto& waiting : queues) {
            empty = empty && waiting.empty();
        }
        return empty;
    }

    Fabric fabric;
    std::vector<std::deque<Flit>> queues;
    std::vector<Delivery> deliveries;
    float receive_probability = 1.0F;
    std::uint64_t receive_seed = 0;
    std::uint64_t now = 0;
    std::uint64_t steps = 0;  ///< cycles in which the fabric had something to do
};

}  // namespace memprop::hw::noc
