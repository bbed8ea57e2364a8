#include "hw_models/noc/fabric.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <utility>

#include "crossbar/base/random.hpp"

namespace memprop::hw::noc {
namespace {

// Without a processor option for it, std::popcount is a call.
constexpr auto kBitCount = [] {
    std::array<std::uint8_t, 1U << kPorts> counts{};
    for (unsigned mask = 0; mask < counts.size(); ++mask) {
        counts[mask] = static_cast<std::uint8_t>(std::popcount(mask));
    }
    return counts;
}();

constexpr auto kAllowedInputs = [] {
    std::array<PortMask, kPorts> inputs{};
    for (std::size_t output = 0; output < kPorts; ++output) {
        inputs[output] = allowed_inputs(static_cast<Port>(output));
    }
    return inputs;
}();

}  // namespace

void Fabric::refuse_cycle() {
    throw std::logic_error("noc::Fabric: calls must come in the order of their cycles, no step left out");
}

inline PortMask Fabric::route(std::uint32_t index, Port input, const Flit& flit) const {
    if (flit.cast == Cast::unicast) {
        return mask_of(xy_port(routers_[index].position, positions_[flit.target]));
    }
    if (flit.cast == Cast::everywhere) {
        return 0;  // its outputs are Fifo::token_outputs
    }
    const TreeRow& row = tree_rows_[index * params_.multicast_trees + flit.target];
    return row.input == input ? row.outputs : PortMask{0};
}

inline void Fabric::push(Fifo& fifo, const Flit& flit, std::uint64_t usable_cycle) {
    fifo.tail->flit = flit;
    fifo.tail->cycle = usable_cycle;
    fifo.tail = after(fifo, fifo.tail);
    if (++fifo.count == 1) {
        fifo.head_leaves = usable_cycle;
    }
    fifo.tail_free_from = fifo.tail == fifo.head ? kNever : fifo.tail->cycle;
    ++flits_inside_;
}

// Frees the place of the head and puts the next flit there.
inline void Fabric::release_head(Fifo& fifo, std::uint64_t cycle) {
    fifo.head->cycle = cycle + fifo.credit_delay;
    if (fifo.tail == fifo.head) {  // it was full
        fifo.tail_free_from = fifo.head->cycle;
    }
    fifo.head = after(fifo, fifo.head);
    --fifo.count;
    --flits_inside_;
    fifo.head_leaves = fifo.count == 0 ? kNever : fifo.head->cycle;
}

// Wakes whoever fills a FIFO if it waits for the place that has become free in `cycle`.
inline void Fabric::credit(const Fifo& fifo, std::uint32_t feeder, PortMask output_bit, std::uint64_t cycle) {
    const bool waits = feeder < routers() ? (routers_[feeder].starved & output_bit) != 0
                                          : terminals_[feeder - space_agent(0)].starved;
    if (waits) {
        wheel_.add(feeder, cycle + fifo.credit_delay);
    }
}

inline void Fabric::pop(std::uint32_t index, unsigned input, std::uint64_t cycle) {
    Router& router = routers_[index];
    Fifo& fifo = router.inputs[input];
    release_head(fifo, cycle);
    if (fifo.count != 0) {
        fifo.pending = route(index, static_cast<Port>(input), fifo.head->flit);
        if (fifo.head_leaves <= cycle) {
            wheel_.add(index, cycle + 1);
        }
    }
    credit(fifo, router.feeders[input], mask_of(opposite(static_cast<Port>(input))), cycle);
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

inline void Fabric::serve_output(std::uint32_t index, std::size_t output, PortMask requests,
                                 std::uint64_t cycle) {
    Router& router = routers_[index];
    const Output& out = router.outputs[output];
    Fifo& next = *out.fifo;
    const std::uint8_t asking = kBitCount[requests];
    if (next.tail_free_from > cycle) {
        router.stats.credit_stalls += asking;
        router.blocked = static_cast<std::uint8_t>(router.blocked + asking);
        router.starved |= static_cast<PortMask>(1U << output);
        if (next.tail_free_from != kNever) {
            wheel_.add(index, next.tail_free_from);  // the credit is on its way
        }
        return;
    }
    const unsigned winner = round_robin(requests, router.next_input[output]);
    router.next_input[output] = static_cast<std::uint8_t>(winner + 1 == kPorts ? 0 : winner + 1);
    Fifo& from = router.inputs[winner];
    const Flit& flit = from.head->flit;
    from.pending &= static_cast<PortMask>(~(1U << output));
    push(next, flit, cycle + out.delay);
    wheel_.add(out.agent, cycle + out.delay);
    if (next.count == 1 && out.agent < routers()) {
        next.pending = route(out.agent, opposite(static_cast<Port>(output)), flit);
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

// Which of the inputs `ready` have a token at their head.
inline unsigned Fabric::tokens_among(const Router& router, unsigned ready) {
    unsigned tokens = 0;
    for (unsigned left = ready; left != 0; left &= left - 1) {
        const auto input = static_cast<unsigned>(std::countr_zero(left));
        tokens |= static_cast<unsigned>(router.inputs[input].head->flit.kind == FlitKind::barrier) << input;
    }
    return tokens;
}

// Tokens at the heads of the inputs `at_head` leave by each output for which none is missing. Returns the
// inputs whose tokens may leave: all of them but those held back.
[[gnu::noinline]] unsigned Fabric::pass_tokens(std::uint32_t index, unsigned at_head, std::uint64_t cycle) {
    Router& router = routers_[index];
    unsigned tokens = at_head;
    for (unsigned left = stalls_ ? at_head : 0; left != 0; left &= left - 1) {
        const auto input = static_cast<unsigned>(std::countr_zero(left));
        if (held_back(index, input, cycle)) {  // those are counted by step_router
            tokens &= ~(1U << input);
        }
    }
    router.tokens_waiting = tokens;  // until another one comes to a head there is no more to do
    for (unsigned left = router.token_outputs; left != 0; left &= left - 1) {
        const auto output = static_cast<std::size_t>(std::countr_zero(left));
        const PortMask output_bit = mask_of(static_cast<Port>(output));
        const auto sources = static_cast<PortMask>(kAllowedInputs[output] & router.token_inputs);
        if ((sources & ~tokens) != 0) {
            continue;
        }
        PortMask present = 0;
        std::uint64_t created = 0;
        for (unsigned inputs = sources & tokens; inputs != 0; inputs &= inputs - 1) {
            const auto input = static_cast<unsigned>(std::countr_zero(inputs));
            const Fifo& fifo = router.inputs[input];
            if ((fifo.token_outputs & output_bit) != 0) {  // else it has left here: the next one is awaited
                present |= mask_of(static_cast<Port>(input));
                created = std::max(created, fifo.head->flit.created_cycle);
            }
        }
        if (present != sources) {
            continue;
        }
        const Output& out = router.outputs[output];
        Fifo& next = *out.fifo;
        if (next.tail_free_from > cycle) {
            ++router.stats.credit_stalls;
            ++router.blocked;
            router.starved |= output_bit;
            router.tokens_waiting = 0;
            if (next.tail_free_from != kNever) {
                wheel_.add(index, next.tail_free_from);
            }
            continue;
        }
        for (unsigned inputs = sources; inputs != 0; inputs &= inputs - 1) {
            router.inputs[std::countr_zero(inputs)].token_outputs &= static_cast<PortMask>(~output_bit);
        }
        Flit token = Flit::barrier(router.node);
        token.created_cycle = created;
        push(next, token, cycle + out.delay);
        ++tokens_inside_;
        wheel_.add(out.agent, cycle + out.delay);
        if (next.count == 1) {
            next.pending = 0;
        }
        ++router.stats.forwarded[output];
        ++router.stats.barrier_tokens;
        if (observer_ != nullptr) {
            observer_->flit_crossed(cycle, router.node, static_cast<Port>(output), token);
        }
    }
    for (unsigned left = tokens; left != 0; left &= left - 1) {
        const auto input = static_cast<unsigned>(std::countr_zero(left));
        Fifo& fifo = router.inputs[input];
        if (fifo.token_outputs == 0) {
            --tokens_inside_;
            router.tokens_waiting = 0;
            fifo.token_outputs = allowed_outputs(static_cast<Port>(input)) & router.token_outputs;
            pop(index, input, cycle);
        }
    }
    return tokens;
}

// What most looks at a router find: one flit, or one token, at the heads of all its inputs.
inline void Fabric::serve_only_input(std::uint32_t index, unsigned input, std::uint64_t cycle) {
    Router& router = routers_[index];
    Fifo& fifo = router.inputs[input];
    if (fifo.pending != 0) {
        const auto request = static_cast<PortMask>(1U << input);
        for (unsigned left = fifo.pending; left != 0; left &= left - 1) {
            serve_output(index, static_cast<std::size_t>(std::countr_zero(left)), request, cycle);
        }
        if (fifo.pending == 0) {
            pop(index, input, cycle);
        }
    } else if (fifo.head->flit.kind == FlitKind::barrier) {
        if (const unsigned tokens = 1U << input; tokens != router.tokens_waiting) {
            pass_tokens(index, tokens, cycle);
        }
    } else {
        ++router.stats.unroutable_flits;
        pop(index, input, cycle);
    }
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

    unsigned ready = 0;  // inputs whose head may leave
    for (std::size_t input = 0; input < kPorts; ++input) {
        ready |= static_cast<unsigned>(router.inputs[input].head_leaves <= cycle) << input;
    }
    if (ready != 0 && (ready & (ready - 1)) == 0 && !stalls_) {  // std::has_single_bit is a call
        serve_only_input(index, static_cast<unsigned>(std::countr_zero(ready)), cycle);
        return;
    }

    std::array<PortMask, kPorts> requests{};  // per output: inputs that ask for it
    PortMask wanted = 0;                      // outputs somebody asks for
    PortMask candidates = 0;                  // inputs that ask
    for (unsigned left = ready; left != 0; left &= left - 1) {
        const auto input = static_cast<unsigned>(std::countr_zero(left));
        Fifo& fifo = router.inputs[input];
        if (stalls_ && held_back(index, input, cycle)) {
            ++router.stats.injected_stalls;
            wheel_.add(index, cycle + 1);
            continue;
        }
        if (fifo.pending == 0) {
            if (fifo.head->flit.kind == FlitKind::barrier) {
                unsigned tokens = tokens_among(router, left);
                if (tokens != router.tokens_waiting || stalls_) {
                    tokens = pass_tokens(index, tokens, cycle);
                }
                left = (left & ~tokens) | 1U << input;  // the loop takes this one out
            } else {
                ++router.stats.unroutable_flits;
                pop(index, input, cycle);
            }
            continue;
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
        if (router.inputs[input].pending == 0) {
            pop(index, input, cycle);
        }
    }
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
        } else if (std::exchange(terminals_[agent - first_space].starved, false)) {
            spaces_.push_back(agent - first_space);
        }
    });
}

inline SendResult Fabric::enter(std::uint32_t index, const Flit& flit, std::uint64_t cycle) {
    Terminal& terminal = terminals_[index];
    Fifo& fifo = fifos_[terminal.router * kPorts + static_cast<std::size_t>(terminal.port)];
    const std::uint64_t free_from = std::max(fifo.tail_free_from, terminal.next_send);
    if (free_from > cycle) {
        terminal.starved = true;
        if (free_from != kNever) {
            wheel_.add(space_agent(index), free_from);
        }
        return SendResult::full;
    }
    terminal.next_send = cycle + 1;
    push(fifo, flit, cycle + params_.router_cycles);
    wheel_.add(terminal.router, cycle + params_.router_cycles);
    if (fifo.count == 1) {
        fifo.pending = route(terminal.router, terminal.port, flit);
    }
    return SendResult::accepted;
}

SendResult Fabric::send(std::uint32_t index, const Flit& flit, std::uint64_t cycle) {
    come_to(cycle);
    if (flit.created_cycle > cycle) {
        throw std::logic_error("noc::Fabric::send: the flit has not been created yet");
    }
    Terminal& terminal = terminals_.at(index);
    if (flit.kind == FlitKind::barrier) {
        return send_token(index, flit, cycle);
    }
    const bool exists = flit.cast == Cast::unicast ? flit.target < params_.nodes()
                                                   : flit.target < params_.multicast_trees &&
                                                         route(terminal.router, terminal.port, flit) != 0;
    if (!exists) {
        if (flit.cast == Cast::everywhere) {
            throw std::logic_error("noc::Fabric::send: only barrier tokens go everywhere");
        }
        ++terminal.stats.refused_no_route;
        return SendResult::no_route;
    }
    const SendResult result = enter(index, flit, cycle);
    ++(result == SendResult::accepted ? terminal.stats.sent : terminal.stats.refused_full);
    return result;
}

bool Fabric::receive(std::uint32_t index, Flit& flit, std::uint64_t cycle) {
    come_to(cycle);
    Terminal& terminal = terminals_.at(index);
    Fifo& fifo = fifos_[terminal.out_fifo];
    if (fifo.head_leaves > cycle) {
        return false;
    }
    flit = fifo.head->flit;
    release_head(fifo, cycle);
    credit(fifo, terminal.router, mask_of(terminal.port), cycle);
    if (flit.kind == FlitKind::barrier) {
        ++terminal.stats.barriers_passed;
        ++terminal.passed;
        --tokens_inside_;
        return true;
    }
    ++terminal.stats.received;
    if (flit.created_cycle >= measured_from_) {
        latency_.record(cycle - flit.created_cycle);
    }
    return true;
}

SendResult Fabric::send_token(std::uint32_t index, const Flit& flit, std::uint64_t cycle) {
    Terminal& terminal = terminals_[index];
    if (!terminal.in_barriers) {
        throw std::logic_error("noc::Fabric::send: this terminal is no member of the barriers");
    }
    if (flit.cast != Cast::everywhere || flit.target != 0 || flit.address != 0 || flit.value != 0) {
        throw std::logic_error(
            "noc::Fabric::send: a barrier token carries nothing; make it by Flit::barrier()");
    }
    const SendResult result = enter(index, flit, cycle);
    if (result == SendResult::full) {
        ++terminal.stats.refused_full;
    } else {
        ++terminal.stats.barriers_entered;
        ++terminal.entered;
        ++tokens_inside_;
    }
    return result;
}

}  // namespace memprop::hw::noc
