#include "testbenches/router/bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace memprop::tb {

using namespace hw::noc;

TrafficNode::TrafficNode(const sc_core::sc_module_name& name, const FabricModule& network, NodeId node,
                         std::unique_ptr<TrafficSource> source, std::uint64_t measured_from)
    : sc_module(name),
      network_(network),
      node_(node),
      source_(std::move(source)),
      measured_from_(measured_from) {
    draw();
    SC_METHOD(send);
}

void TrafficNode::end_of_elaboration() {
    SC_METHOD(receive);
    sensitive << port->arrival_event();
    dont_initialize();
}

void TrafficNode::draw() {
    next_ = source_->next();
    created_ += next_.cycle >= measured_from_ && next_.cycle != kNever;
}

void TrafficNode::send() {
    const std::uint64_t now = network_.cycle();
    if (next_.cycle <= now) {
        Flit flit = Flit::to(node_, next_.destination);
        flit.created_cycle = next_.cycle;
        if (port->try_send(flit) == SendResult::full) {
            next_trigger(port->space_event());
            return;
        }
        draw();
    }
    if (next_.cycle != kNever) {  // at most one flit a cycle
        const std::uint64_t wait_cycles = std::max<std::uint64_t>(next_.cycle, now + 1) - now;
        next_trigger(sc_core::sc_time::from_value(wait_cycles * network_.clock_period().value()));
    }
}

void TrafficNode::receive() {
    for (Flit flit; port->try_receive(flit);) {
        last_receive_cycle_ = network_.cycle();
    }
}

std::uint64_t TrafficNode::created_before(std::uint64_t end) {
    while (next_.cycle < end) {
        draw();
    }
    return created_ - (exhausted() ? 0 : 1);
}

RouterBench::RouterBench(const NocParams& params, std::vector<std::unique_ptr<TrafficSource>> sources,
                         const RunLength& length)
    : length_(length), mesh_("mesh", params, sc_core::sc_time(1, sc_core::SC_NS)) {
    for (std::uint32_t node = 0; node < params.nodes(); ++node) {
        const std::string name = fmt::format("node_{}", node);
        nodes_.push_back(std::make_unique<TrafficNode>(name.c_str(), mesh_,
                                                       NodeId{static_cast<std::uint16_t>(node)},
                                                       std::move(sources[node]), length.warmup_cycles));
        nodes_.back()->port(mesh_.port[node]);
    }
}

bool RouterBench::drained() const {
    return mesh_.fabric().flits_inside() == 0 &&
           std::all_of(nodes_.begin(), nodes_.end(), [](const auto& node) { return node->exhausted(); });
}

void RouterBench::progress(std::uint64_t cycle) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_line_ > std::chrono::seconds(10)) {
        last_line_ = now;
        fmt::print(stderr, "tb_router: cycle {}\n", cycle);
    }
}

// All cycles before `end_cycle`: the kernel stops half a cycle earlier, where nothing happens.
void RouterBench::run_to(std::uint64_t end_cycle) {
    constexpr std::uint64_t kChunkCycles = 1 << 16;
    const std::uint64_t period = mesh_.clock_period().value();
    while (mesh_.cycle() + 1 < end_cycle || sc_core::sc_time_stamp() == sc_core::SC_ZERO_TIME) {
        const std::uint64_t stop = std::min(end_cycle, mesh_.cycle() + 1 + kChunkCycles);
        sc_core::sc_start(sc_core::sc_time::from_value(stop * period - period / 2) -
                          sc_core::sc_time_stamp());
        progress(stop);
    }
}

RunResult RouterBench::run() {
    const auto begin = std::chrono::steady_clock::now();
    last_line_ = begin;
    Fabric& fabric = mesh_.fabric();
    if (length_.warmup_cycles > 0) {
        run_to(length_.warmup_cycles);
        fabric.start_measurement(length_.warmup_cycles);
    }
    std::uint64_t end = length_.warmup_cycles + length_.cycles;
    if (length_.cycles > 0) {
        run_to(end);
    } else {
        do {
            run_to(mesh_.cycle() + 1024);
        } while (!drained());
        end = length_.warmup_cycles + 1;
        for (const auto& node : nodes_) {
            end = std::max(end, node->last_receive_cycle() + 1);
        }
    }
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    RunResult result{.measured_cycles = end - length_.warmup_cycles,
                     .received_flits = fabric.total_terminal_stats().received,
                     .flits_inside = fabric.flits_inside(),
                     .activations = mesh_.activations(),
                     .wall_s = wall.count()};
    for (const auto& node : nodes_) {
        result.created_flits += node->created_before(end);
    }
    return result;
}

}  // namespace memprop::tb
