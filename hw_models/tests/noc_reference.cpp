#include "hw_models/tests/noc_reference.hpp"

#include <algorithm>

#include "crossbar/base/random.hpp"

namespace memprop::hw::noc {
namespace {

constexpr unsigned kNorth = 0, kEast = 1, kSouth = 2, kWest = 3, kLocal = 4;

bool is_token(const Flit& flit) {
    return flit.kind == FlitKind::barrier;
}

}  // namespace

ReferenceMesh::ReferenceMesh(const NocParams& params, std::optional<RandomStalls> stalls)
    : params_(params), stalls_(stalls), routers_(params.nodes()), next_send_(params.nodes()) {
    for (std::uint32_t index = 0; index < routers_.size(); ++index) {
        Router& router = routers_[index];
        router.to_terminal.free = params.fifo_depth;
        router.to_terminal.link_cycles = params.link_cycles;
        for (unsigned port = 0; port < kPorts; ++port) {
            router.inputs[port].free = params.fifo_depth;
            router.inputs[port].link_cycles = link_cycles(index, port);
        }
    }
}

// Chips are numbered row by row; the first ones of a row have the columns before them, too.
std::uint32_t ReferenceMesh::chip_of(std::uint32_t router) const {
    const std::uint32_t wide = params_.chip_columns == 0 ? params_.width : params_.chip_columns;
    const std::uint32_t high = params_.chip_rows == 0 ? params_.height : params_.chip_rows;
    std::uint32_t across = 0, down = 0;
    for (std::uint32_t end = params_.columns_before + wide; end <= router % params_.width; end += wide) {
        ++across;
    }
    for (std::uint32_t end = high; end <= router / params_.width; end += high) {
        ++down;
    }
    return 100 * down + across;
}

std::uint32_t ReferenceMesh::neighbour_of(std::uint32_t router, unsigned port) const {
    return port == kNorth   ? router - params_.width
           : port == kSouth ? router + params_.width
           : port == kEast  ? router + 1
                            : router - 1;
}

std::uint32_t ReferenceMesh::link_cycles(std::uint32_t router, unsigned port) const {
    if (port == kLocal || !exists(router, port)) {
        return params_.link_cycles;
    }
    return chip_of(router) == chip_of(neighbour_of(router, port)) ? params_.link_cycles
                                                                  : params_.boundary_cycles;
}

void ReferenceMesh::set_row(NodeId router, TreeId tree, TreeRow row) {
    routers_[static_cast<std::size_t>(router)].rows[static_cast<std::uint16_t>(tree)] = row;
}

void ReferenceMesh::set_barrier_members(const std::vector<NodeId>& members) {
    for (Router& router : routers_) {
        router.to_terminal.tokens_come = false;
        for (Queue& queue : router.inputs) {
            queue.tokens_come = false;
        }
    }
    for (const NodeId from : members) {
        for (const NodeId to : members) {
            auto router = static_cast<std::uint32_t>(from);
            routers_[router].inputs[kLocal].tokens_come = true;
            while (true) {
                const unsigned output = way_to(router, static_cast<std::uint32_t>(to));
                behind(router, output).tokens_come = true;
                if (output == kLocal) {
                    break;
                }
                router = neighbour_of(router, output);
            }
        }
    }
}

bool ReferenceMesh::exists(std::uint32_t router, unsigned port) const {
    const std::uint32_t x = router % params_.width, y = router / params_.width;
    switch (port) {
        case kNorth:
            return y != 0;
        case kEast:
            return x != params_.width - 1;
        case kSouth:
            return y != params_.height - 1;
        case kWest:
            return x != 0;
        default:
            return true;
    }
}

// First along the row, then along the column, never back; to and from the terminal always.
bool ReferenceMesh::may_turn(unsigned input, unsigned output) {
    if (input == kLocal || output == kLocal) {
        return true;
    }
    const bool along_column = input == kNorth || input == kSouth;
    const bool to_row = output == kEast || output == kWest;
    return input != output && !(along_column && to_row);
}

ReferenceMesh::Queue& ReferenceMesh::behind(std::uint32_t router, unsigned output) {
    switch (output) {
        case kNorth:
            return routers_[router - params_.width].inputs[kSouth];
        case kEast:
            return routers_[router + 1].inputs[kWest];
        case kSouth:
            return routers_[router + params_.width].inputs[kNorth];
        case kWest:
            return routers_[router - 1].inputs[kEast];
        default:
            return routers_[router].to_terminal;
    }
}

bool ReferenceMesh::has_room(Queue& queue, std::uint64_t cycle) {
    for (; !queue.credits.empty() && queue.credits.front() <= cycle; queue.credits.pop_front()) {
        ++queue.free;
    }
    return queue.free != 0;
}

bool ReferenceMesh::held_back(std::uint32_t router, unsigned input, std::uint64_t cycle) const {
    if (!stalls_) {
        return false;
    }
    const DrawKey key{.seed = stalls_->seed,
                      .stream = Stream::test,
                      .array = static_cast<std::uint8_t>(input),
                      .block = static_cast<std::uint16_t>(cycle >> 32),
                      .event = router,
                      .step = static_cast<std::uint32_t>(cycle)};
    return random_uniform(key, 0) < stalls_->probability;
}

bool ReferenceMesh::carries_tokens(std::uint32_t router, unsigned input, unsigned output) {
    return exists(router, input) && exists(router, output) && may_turn(input, output) &&
           routers_[router].inputs[input].tokens_come && behind(router, output).tokens_come;
}

unsigned ReferenceMesh::way_to(std::uint32_t router, std::uint32_t target) const {
    const std::uint32_t x = router % params_.width, y = router / params_.width;
    const std::uint32_t to_x = target % params_.width, to_y = target / params_.width;
    return to_x > x ? kEast : to_x < x ? kWest : to_y > y ? kSouth : to_y < y ? kNorth : kLocal;
}

ReferenceMesh::Outputs ReferenceMesh::targets(std::uint32_t router, unsigned input, const Flit& flit) {
    Outputs outputs;
    if (is_token(flit)) {
        for (unsigned output = 0; output < kPorts; ++output) {
            if (carries_tokens(router, input, output)) {
                outputs.insert(output);
            }
        }
    } else if (flit.cast == Cast::multicast) {
        const auto row = routers_[router].rows.find(flit.target);
        if (row != routers_[router].rows.end() && static_cast<unsigned>(row->second.input) == input) {
            for (unsigned output = 0; output < kPorts; ++output) {
                if ((row->second.outputs >> output & 1U) != 0) {
                    outputs.insert(output);
                }
            }
        }
    } else {
        outputs.insert(way_to(router, flit.target));
    }
    return outputs;
}

void ReferenceMesh::send_by(std::uint32_t router, unsigned output, const Flit& flit, std::uint64_t cycle) {
    Queue& next = behind(router, output);
    --next.free;
    const std::uint64_t arrival = cycle + next.link_cycles;
    sends_.push_back({&next, flit, output == kLocal ? arrival : arrival + params_.router_cycles});
    ++counts_.forwarded[output];
    if (output != kLocal && chip_of(router) != chip_of(neighbour_of(router, output))) {
        ++counts_.over_boundary;
    }
    counts_.tokens += is_token(flit) ? 1 : 0;
}

void ReferenceMesh::decide_tokens(std::uint32_t index, const std::set<unsigned>& tokens,
                                  std::uint64_t cycle) {
    Router& router = routers_[index];
    for (unsigned output = 0; output < kPorts; ++output) {
        bool leads_on = false, complete = true;
        Flit merged = Flit::barrier(static_cast<NodeId>(index));
        for (unsigned input = 0; input < kPorts; ++input) {
            if (carries_tokens(index, input, output)) {
                leads_on = true;
                complete = complete && tokens.contains(input) && !router.inputs[input].gone.contains(output);
                if (complete) {
                    merged.created_cycle =
                        std::max(merged.created_cycle, router.inputs[input].flits.front().flit.created_cycle);
                }
            }
        }
        if (!leads_on || !complete) {
            continue;
        }
        if (!has_room(behind(index, output), cycle)) {
            ++counts_.credit_stalls;
            continue;
        }
        for (unsigned input = 0; input < kPorts; ++input) {
            if (carries_tokens(index, input, output)) {
                router.inputs[input].gone.insert(output);
            }
        }
        send_by(index, output, merged, cycle);
    }
}

void ReferenceMesh::decide(std::uint32_t index, std::uint64_t cycle) {
    Router& router = routers_[index];
    std::map<unsigned, Outputs> heads;  // flits that may leave, and where they want to go
    std::set<unsigned> tokens;
    for (unsigned input = 0; input < kPorts; ++input) {
        const Queue& queue = router.inputs[input];
        if (queue.flits.empty() || queue.flits.front().usable > cycle || held_back(index, input, cycle)) {
            continue;
        }
        if (is_token(queue.flits.front().flit)) {
            tokens.insert(input);
        } else {
            heads[input] = targets(index, input, queue.flits.front().flit);
        }
    }
    for (unsigned output = 0; output < kPorts; ++output) {
        std::set<unsigned> asking;
        for (const auto& [input, wanted] : heads) {
            if (wanted.contains(output) && !router.inputs[input].gone.contains(output)) {
                asking.insert(input);
            }
        }
        if (asking.empty()) {
            continue;
        }
        if (!has_room(behind(index, output), cycle)) {
            counts_.credit_stalls += asking.size();
            continue;
        }
        unsigned winner = router.turn[output];
        while (!asking.contains(winner)) {
            winner = (winner + 1) % kPorts;
        }
        router.turn[output] = (winner + 1) % kPorts;
        router.inputs[winner].gone.insert(output);
        counts_.arbitration_stalls += asking.size() - 1;
        send_by(index, output, router.inputs[winner].flits.front().flit, cycle);
    }
    decide_tokens(index, tokens, cycle);
    for (const auto& [input, wanted] : heads) {
        if (router.inputs[input].gone == wanted) {
            counts_.dropped += wanted.empty() ? 1 : 0;
            departed_.push_back(&router.inputs[input]);
        }
    }
    for (const unsigned input : tokens) {
        Queue& queue = router.inputs[input];
        if (queue.gone == targets(index, input, queue.flits.front().flit)) {
            departed_.push_back(&queue);
        }
    }
}

void ReferenceMesh::leave(Queue& queue, std::uint64_t cycle) const {
    queue.flits.pop_front();
    queue.gone.clear();
    queue.credits.push_back(cycle + queue.link_cycles + params_.credit_cycles);
}

void ReferenceMesh::step(std::uint64_t cycle) {
    for (std::uint32_t index = 0; index < routers_.size(); ++index) {
        decide(index, cycle);
    }
    for (Queue* const queue : departed_) {
        leave(*queue, cycle);
    }
    for (const Send& made : sends_) {
        made.to->flits.push_back({made.flit, made.usable});
    }
    departed_.clear();
    sends_.clear();
}

bool ReferenceMesh::send(std::uint32_t terminal, const Flit& flit, std::uint64_t cycle) {
    Queue& queue = routers_[terminal].inputs[kLocal];
    if (next_send_[terminal] > cycle || !has_room(queue, cycle)) {
        return false;
    }
    next_send_[terminal] = cycle + 1;
    --queue.free;
    queue.flits.push_back({flit, cycle + params_.router_cycles});
    return true;
}

std::optional<Flit> ReferenceMesh::receive(std::uint32_t terminal, std::uint64_t cycle) {
    Queue& queue = routers_[terminal].to_terminal;
    if (queue.flits.empty() || queue.flits.front().usable > cycle) {
        return std::nullopt;
    }
    const Flit flit = queue.flits.front().flit;
    leave(queue, cycle);
    return flit;
}

bool ReferenceMesh::empty() const {
    const auto none = [](const Queue& queue) { return queue.flits.empty(); };
    return std::all_of(routers_.begin(), routers_.end(), [&](const Router& router) {
        return none(router.to_terminal) && std::all_of(router.inputs.begin(), router.inputs.end(), none);
    });
}

}  // namespace memprop::hw::noc
