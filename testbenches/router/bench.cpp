#include "testbenches/router/bench.hpp"
#include "crossbar/base/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace memprop::tb {

using namespace hw::noc;

TrafficDriver::TrafficDriver(const sc_core::sc_module_name& name, const EventMesh& mesh,
                             std::vector<std::unique_ptr<TrafficSource>> sources, std::uint64_t measured_from)
    : sc_module(name),
      port("port", sources.size()),
      mesh_(mesh),
      injections_(std::move(sources), measured_from) {
    SC_METHOD(send_due);
    sensitive << wake_;
    SC_METHOD(answer_mesh);
    sensitive << mesh.activity_event();
    dont_initialize();
}

void TrafficDriver::send(std::uint32_t index, std::uint64_t now) {
    if (port[index]->try_send(injections_.flit(index)) == SendResult::accepted) {
        injections_.sent(index, now);
    }  // else the mesh reports when there is room
}

void TrafficDriver::send_due() {
    const std::uint64_t now = mesh_.cycle();
    while (const auto index = injections_.take_due(now)) {
        send(*index, now);
    }
    if (const std::uint64_t next = injections_.next_cycle(); next != kNever) {
        wake_.notify(sc_core::sc_time::from_value((next - now) * mesh_.clock_period().value()));
    }
}

void TrafficDriver::answer_mesh() {
    for (const std::uint32_t index : mesh_.fabric().arrivals()) {
        for (Flit flit; port[index]->try_receive(flit);) {
            last_receive_cycle_ = mesh_.cycle();
        }
    }
    for (const std::uint32_t index : mesh_.fabric().spaces()) {
        send(index, mesh_.cycle());
    }
    if (!mesh_.fabric().spaces().empty()) {
        wake_.notify(sc_core::SC_ZERO_TIME);  // what these nodes send next may be due first
    }
}

RouterBench::RouterBench(const NocParams& params, std::vector<std::unique_ptr<TrafficSource>> sources,
                         const RunLength& length)
    : length_(length),
      mesh_("mesh", params, sc_core::sc_time(1, sc_core::SC_NS)),
      driver_("traffic", mesh_, std::move(sources), length.warmup_cycles) {
    for (std::uint32_t node = 0; node < params.nodes(); ++node) {
        driver_.port[node](mesh_.port[node]);
    }
}

bool RouterBench::drained() const {
    return mesh_.fabric().flits_inside() == 0 && driver_.injections().exhausted();
}

void RouterBench::progress(std::uint64_t cycle) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_line_ > std::chrono::seconds(10)) {
        last_line_ = now;
        say_in_passing("tb_router: cycle {}\n", cycle);
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
        end = std::max(length_.warmup_cycles, driver_.last_receive_cycle()) + 1;
    }
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    RunResult result{.measured_cycles = end - length_.warmup_cycles,
                     .received_flits = fabric.total_terminal_stats().received,
                     .flits_inside = fabric.flits_inside(),
                     .activations = mesh_.activations(),
                     .wall_s = wall.count()};
    result.created_flits = driver_.injections().created_before(end);
    return result;
}

}  // namespace memprop::tb
