// What a Fabric that does not move tells about itself.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <sstream>

#include "hw_models/noc/fabric.hpp"

namespace memprop::hw::noc {
namespace {

std::string text_of(const Flit& flit) {
    std::ostringstream text;
    text << flit;
    return text.str();
}

void add(std::string& list, std::string_view item) {
    list += list.empty() ? "" : ", ";
    list += item;
}

}  // namespace

// The FIFO at the end of a link, by name.
std::string Fabric::fifo_behind(const Router& router, std::size_t output) const {
    const Output& out = router.outputs[output];
    if (out.agent >= routers()) {
        return fmt::format("terminal {}", out.agent - routers());
    }
    return fmt::format("router {} input {}", static_cast<std::uint32_t>(routers_[out.agent].node),
                       kPortNames[static_cast<std::size_t>(opposite(static_cast<Port>(output)))]);
}

std::string Fabric::what_flit_waits_for(const Router& router, unsigned input, std::uint64_t cycle) const {
    std::string what;
    for (unsigned left = router.inputs[input].pending; left != 0; left &= left - 1) {
        const auto output = static_cast<std::size_t>(std::countr_zero(left));
        const Fifo& next = *router.outputs[output].fifo;
        if (next.tail_free_from == kNever) {
            add(what, fmt::format("output {}: {} is full", kPortNames[output], fifo_behind(router, output)));
        } else if (next.tail_free_from > cycle) {
            add(what, fmt::format("output {}: the credit of {} counts from cycle {}", kPortNames[output],
                                  fifo_behind(router, output), next.tail_free_from));
        } else {
            add(what, fmt::format("output {}: its turn", kPortNames[output]));
        }
    }
    return what;
}

std::string Fabric::what_token_waits_for(const Router& router, unsigned input, std::uint64_t cycle) const {
    std::string what;
    for (unsigned left = router.inputs[input].token_outputs; left != 0; left &= left - 1) {
        const auto output = static_cast<std::size_t>(std::countr_zero(left));
        std::string missing;
        const unsigned sources = allowed_inputs(static_cast<Port>(output)) & router.token_inputs;
        for (unsigned others = sources; others != 0; others &= others - 1) {
            const auto other = static_cast<unsigned>(std::countr_zero(others));
            const Fifo& fifo = router.inputs[other];
            const bool there = fifo.count != 0 && fifo.head->flit.kind == FlitKind::barrier &&
                               fifo.head_leaves <= cycle && (fifo.token_outputs >> output & 1U) != 0;
            if (!there) {
                add(missing, kPortNames[other]);
            }
        }
        const Fifo& next = *router.outputs[output].fifo;
        if (!missing.empty()) {
            add(what, fmt::format("output {}: no barrier token from {}", kPortNames[output], missing));
        } else if (next.tail_free_from > cycle) {
            add(what, fmt::format("output {}: {} is full", kPortNames[output], fifo_behind(router, output)));
        }
    }
    return what;
}

std::string Fabric::who_waits(std::uint64_t cycle) const {
    std::string heads, not_taken, not_entered;
    std::uint32_t furthest = 0;
    bool in_barrier = false;
    for (const Terminal& terminal : terminals_) {
        if (terminal.in_barriers) {
            furthest = std::max(furthest, terminal.entered);
            in_barrier = in_barrier || terminal.entered != terminal.passed;
        }
    }
    for (std::uint32_t index = 0; index < terminals(); ++index) {
        const Terminal& terminal = terminals_[index];
        const Fifo& fifo = fifos_[terminal.out_fifo];
        if (fifo.head_leaves <= cycle) {
            not_taken += fmt::format("terminal {} does not take {}, {} of {} places are full\n", index,
                                     text_of(fifo.head->flit), fifo.count, params_.fifo_depth);
        }
        if (in_barrier && terminal.in_barriers && terminal.entered < furthest) {
            add(not_entered, fmt::format("{}", index));
        }
    }
    for (const Router& router : routers_) {
        for (unsigned input = 0; input < kPorts; ++input) {
            const Fifo& fifo = router.inputs[input];
            const bool token = fifo.count != 0 && fifo.head->flit.kind == FlitKind::barrier;
            if (fifo.head_leaves > cycle || (token && !in_barrier)) {
                continue;
            }
            const std::string what = token ? what_token_waits_for(router, input, cycle)
                                           : what_flit_waits_for(router, input, cycle);
            heads += fmt::format("router {} input {}: {}, {} of {} places are full; waits for {}\n",
                                 static_cast<std::uint32_t>(router.node), kPortNames[input],
                                 text_of(fifo.head->flit), fifo.count, params_.fifo_depth, what);
        }
    }
    if (!not_entered.empty()) {
        not_entered = fmt::format("barrier not entered by terminals {}\n", not_entered);
    }
    return not_taken + not_entered + heads;
}

}  // namespace memprop::hw::noc
