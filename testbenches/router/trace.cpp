#include "testbenches/router/trace.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace memprop::tb {

using namespace hw::noc;

RouterTrace::RouterTrace(const sc_core::sc_module_name& name, EventMesh& mesh,
                         const std::filesystem::path& file)
    : sc_module(name), mesh_(mesh), file_(file), crossing_(mesh.fabric().routers()) {
    shown_ = crossing_;
    for (std::uint32_t node = 0; node < mesh.fabric().routers(); ++node) {
        const Position at =
            position_of(NodeId{static_cast<std::uint16_t>(node)}, mesh.fabric().params().width);
        for (std::size_t port = 0; port < kPorts; ++port) {
            const std::string router = fmt::format("mesh.router_x{}_y{}.", at.x, at.y);
            const std::string in = fmt::format("{}in_{}_", router, kPortNames[port]);
            const std::string out = fmt::format("{}out_{}_", router, kPortNames[port]);
            const PortSignals& signals = shown_[node][port];
            file_.add(signals.level, in + "level");
            file_.add(signals.valid, out + "valid");
            file_.add(signals.source, out + "source");
            file_.add(signals.target, out + "target");
        }
    }
    mesh.fabric().observe(this);
    SC_METHOD(sample);
}

RouterTrace::~RouterTrace() {
    mesh_.fabric().observe(nullptr);
}

void RouterTrace::flit_crossed(std::uint64_t, NodeId router, Port output, const Flit& flit) {
    crossing_[static_cast<std::size_t>(router)][static_cast<std::size_t>(output)] = {
        .valid = true, .source = static_cast<std::uint32_t>(flit.source), .target = flit.target};
}

void RouterTrace::sample() {
    const sc_core::sc_time quarter = mesh_.clock_period() / 4;
    if (sc_core::sc_time_stamp() == sc_core::SC_ZERO_TIME) {
        next_trigger(quarter);
        return;
    }
    for (std::size_t node = 0; node < shown_.size(); ++node) {
        for (std::size_t port = 0; port < kPorts; ++port) {
            PortSignals& crossing = crossing_[node][port];
            crossing.level =
                mesh_.fabric().fifo_level(NodeId{static_cast<std::uint16_t>(node)}, static_cast<Port>(port));
            shown_[node][port] = std::exchange(crossing, {});
        }
    }
    next_trigger(mesh_.clock_period());
}

}  // namespace memprop::tb
