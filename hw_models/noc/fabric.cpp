#include "hw_models/noc/fabric.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "crossbar/base/random.hpp"

namespace memprop::hw::noc {

void Fabric::come_to(std::uint64_t cycle) {
    if (cycle < now_ || next_cycle() < cycle) {
        throw std::logic_error("noc::Fabric: calls must come in the order of their cycles, no step left out");
    }
    now_ = cycle;
}

void Fabric::step(std::uint64_t cycle) {
    come_to(cycle);
    arrivals_.clear();
    spaces_.clear();
    const std::uint32_t first_terminal = routers(), first_space = routers() + terminals();
    wheel_.take(cycle, [&](std::uint32_t agent) {
        if (agent < first_terminal) {
            step_router(agent, cycle);
        } else if (agent < first_space) {
            arrivals_.push_back(agent - first_terminal);
        } else {
            terminals_[agent - first_space].starved = false;
            spaces_.push_back(agent - first_space);
        }
    });
}

void Fabric::step_router(std::uint32_t index, std::uint64_t cycle) {
    Router& router = routers_[index];
    // Between two looks at a router nothing about it changes, so blocked heads were blocked throughout.
    if (router.blocked != 0) {
        router.stats.credit_stalls += router.blocked * (cycle - router.stepped - 1);
    }
    router.stepped = cycle;
    router.starved = 0;
    router.blocked = 0;

    std::array<PortMask, kPorts> requests{};  // per output: inputs that ask for it
    PortMask wanted = 0;                      // outputs somebody asks for
    PortMask candidates = 0;                  // inputs that ask
    for (unsigned left = router.occupied; left != 0; left &= left - 1) {
        const auto input = static_cast<unsigned>(std::countr_zero(left));
        Fifo& fifo = fifos_[index * kPorts + input];
        const Slot& head = slots_[fifo.first_slot + fifo.head];
        if (head.cycle > cycle) {
            continue;  // it wakes the router when it may leave
        }
        if (stalls_ && held_back(index, input, cycle)) {
            ++router.stats.injected_stalls;
            wheel_.add(index, cycle + 1);
            continue;
        }
        if (fifo.pending == 0) {
            fifo.pending = route(router, input, head.flit);
            if (fifo.pending == 0) {
                ++router.stats.unroutable_flits;
                pop(index, input, cycle);
                continue;
            }
        }
        for (unsigned output = fifo.pending; output != 0; output &= output - 1) {
            requests[static_cast<std::size_t>(std::countr_zero(output))] |=
                static_cast<PortMask>(1U << input);
        }
        wanted |= fifo.pending;
        candidates |= static_cast<PortMask>(1U << input);
    }
    for (unsigned left = wanted; left != 0; left &= left - 1) {
        const auto output = static_cast<std::size_t>(std::countr_zero(left));
        serve_output(index, output, requests[output], cycle);
    }
    for (unsigned left = candidates; left != 0; left &= left - 1) {
        const auto input = static_cast<unsigned>(std::countr_zero(left));
        if (fifos_[index * kPorts + input].pending == 0) {
            pop(index, input, cycle);
        }
    }
}

void Fabric::serve_output(std::uint32_t index, std::size_t output, PortMask requests, std::uint64_t cycle) {
    Router& router = routers_[index];
    const Output& out = router.outputs[output];
    Fifo& next = fifos_[out.fifo];
    const bool full = next.count == params_.fifo_depth;
    const std::uint64_t free_from = slots_[next.first_slot + next.tail].cycle;
    const auto asking = static_cast<std::uint8_t>(std::popcount(requests));
    if (full || free_from > cycle) {
        router.stats.credit_stalls += asking;
        router.blocked = static_cast<std::uint8_t>(router.blocked + asking);
        router.starved |= static_cast<PortMask>(1U << output);
        if (!full) {
            wheel_.add(index, free_from);  // the credit is on its way
        }
        return;
    }
    const unsigned winner = round_robin(requests, router.next_input[output]);
    router.next_input[output] = static_cast<std::uint8_t>(winner + 1 == kPorts ? 0 : winner + 1);
    Fifo& from = fifos_[index * kPorts + winner];
    const Flit& flit = slots_[from.first_slot + from.head].flit;
    from.pending &= static_cast<PortMask>(~(1U << output));
    push(next, flit, cycle + out.delay);
    wheel_.add(out.agent, cycle + out.delay);
    if (out.input_bit != 0) {
        routers_[out.agent].occupied |= out.input_bit;
    }
    ++router.stats.forwarded[output];
    if (observer_ != nullptr) {
        observer_->flit_crossed(cycle, router.node, static_cast<Port>(output), flit);
    }
    if (asking > 1) {
        router.stats.arbitration_stalls += asking - 1U;
        wheel_.add(index, cycle + 1);
    }
}

void Fabric::push(Fifo& fifo, const Flit& flit, std::uint64_t usable_cycle) {
    Slot& slot = slots_[fifo.first_slot + fifo.tail];
    slot.flit = flit;
    slot.cycle = usable_cycle;
    fifo.tail = static_cast<std::uint16_t>(fifo.tail + 1U == params_.fifo_depth ? 0 : fifo.tail + 1U);
    ++fifo.count;
    ++flits_inside_;
}

// Frees the head's place and returns when the new head may leave (kNever if there is none).
std::uint64_t Fabric::release_head(Fifo& fifo, std::uint64_t cycle) {
    slots_[fifo.first_slot + fifo.head].cycle = cycle + params_.link_cycles;
    fifo.head = static_cast<std::uint16_t>(fifo.head + 1U == params_.fifo_depth ? 0 : fifo.head + 1U);
    --fifo.count;
    --flits_inside_;
    return fifo.count == 0 ? kNever : slots_[fifo.first_slot + fifo.head].cycle;
}

void Fabric::pop(std::uint32_t index, unsigned input, std::uint64_t cycle) {
    Router& router = routers_[index];
    const std::uint64_t next_leaves = release_head(fifos_[index * kPorts + input], cycle);
    if (next_leaves == kNever) {
        router.occupied &= static_cast<PortMask>(~(1U << input));
    } else if (next_leaves <= cycle) {
        wheel_.add(index, cycle + 1);
    }
    credit(router.feeders[input], mask_of(opposite(static_cast<Port>(input))), cycle);
}

// Wakes whoever fills a FIFO if it waits for the place that has become free in `cycle`.
void Fabric::credit(std::uint32_t feeder, PortMask output_bit, std::uint64_t cycle) {
    const bool waits = feeder < routers() ? (routers_[feeder].starved & output_bit) != 0
                                          : terminals_[feeder - space_agent(0)].starved;
    if (waits) {
        wheel_.add(feeder, cycle + params_.link_cycles);
    }
}

PortMask Fabric::route(const Router& router, unsigned input, const Flit& flit) const {
    if (flit.cast == Cast::unicast) {
        return mask_of(xy_port(router.position, position_of(NodeId{flit.target}, params_.width)));
    }
    const auto index = static_cast<std::size_t>(&router - routers_.data());
    const TreeRow& row = tree_rows_[index * params_.multicast_trees + flit.target];
    return row.input == static_cast<Port>(input) ? row.outputs : PortMask{0};
}

bool Fabric::held_back(std::uint32_t router, unsigned input, std::uint64_t cycle) const {
    const DrawKey key{.seed = stalls_->seed,
                      .stream = Stream::test,
                      .array = static_cast<std::uint8_t>(input),
                      .block = static_cast<std::uint16_t>(cycle >> 32),
                      .event = router,
                      .step = static_cast<std::uint32_t>(cycle)};
    return random_uniform(key, 0) < stalls_->probability;
}

SendResult Fabric::send(std::uint32_t index, const Flit& flit, std::uint64_t cycle) {
    come_to(cycle);
    Terminal& terminal = terminals_.at(index);
    Router& router = routers_[terminal.router];
    const auto input = static_cast<unsigned>(terminal.port);
    const bool exists = flit.cast == Cast::unicast
                            ? flit.target < params_.nodes()
                            : flit.target < params_.multicast_trees && route(router, input, flit) != 0;
    if (!exists) {
        ++terminal.stats.refused_no_route;
        return SendResult::no_route;
    }
    Fifo& fifo = fifos_[terminal.router * kPorts + input];
    const bool full = fifo.count == params_.fifo_depth;
    const std::uint64_t free_from = std::max(slots_[fifo.first_slot + fifo.tail].cycle, terminal.next_send);
    if (full || free_from > cycle) {
        ++terminal.stats.refused_full;
        terminal.starved = true;
        if (!full) {
            wheel_.add(space_agent(index), free_from);
        }
        return SendResult::full;
    }
    terminal.next_send = cycle + 1;
    push(fifo, flit, cycle + params_.router_cycles);
    router.occupied |= static_cast<PortMask>(1U << input);
    wheel_.add(terminal.router, cycle + params_.router_cycles);
    ++terminal.stats.sent;
    return SendResult::accepted;
}

bool Fabric::receive(std::uint32_t index, Flit& flit, std::uint64_t cycle) {
    come_to(cycle);
    Terminal& terminal = terminals_.at(index);
    Fifo& fifo = fifos_[terminal.out_fifo];
    if (fifo.count == 0 || slots_[fifo.first_slot + fifo.head].cycle > cycle) {
        return false;
    }
    flit = slots_[fifo.first_slot + fifo.head].flit;
    release_head(fifo, cycle);
    credit(terminal.router, mask_of(terminal.port), cycle);
    ++terminal.stats.received;
    if (flit.created_cycle >= measured_from_) {
        latency_.record(cycle - flit.created_cycle);
    }
    return true;
}

}  // namespace memprop::hw::noc
