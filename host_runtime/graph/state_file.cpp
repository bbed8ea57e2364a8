#include "host_runtime/graph/state_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/hdf5_archive.hpp"
#include "host_runtime/files/sealed_file.hpp"

namespace memprop::host {
namespace {

const std::string kFormat = "memprop run state 3";

std::string description(const RunningNetwork& network, const Discretisation& d,
                        const CrossbarMapping* mapping) {
    std::string text = fmt::format(
        "dt = {}\nintegrator = {}\nreset = {}\nfirst_step_recurrence = {}\n"
        "arithmetic = {}\n",
        d.dt_seconds, to_string(d.integrator), to_string(d.reset), d.first_step_recurrence,
        to_string(d.arithmetic));
    if (d.if_integration != IfIntegration::per_step) {
        text += fmt::format("if_integration = {}\n", to_string(d.if_integration));
    }
    if (d.current_jump != CurrentJump::scaled) {
        text += fmt::format("current_jump = {}\n", to_string(d.current_jump));
    }
    for (const RunningNetwork::NodeInfo& node : network.nodes()) {
        text += fmt::format("{} {} {}\n", nir::to_string(node.type), node.size, node.name);
    }
    return text + (mapping != nullptr ? mapping->description() : "weights are numbers\n");
}

/// The ranges of what is stored for a network: no node has run more steps than the whole.
ValueRanges ranges_of(const h5::File& state, const CrossbarMapping* mapping) {
    constexpr double kMostSteps = 2147483648.0;  // of a run
    ValueRanges ranges;
    ranges.set("steps_done", {0.0, kMostSteps});
    std::uint64_t steps = 0;
    Hdf5Reader(state, "/state", ranges)("steps_done", steps);
    ranges.set("now", {0.0, static_cast<double>(steps)});
    if (mapping != nullptr) {
        const auto tick = static_cast<double>(mapping->ticks());
        for (const char* name : {"programmed_tick", "relaxed_tick"}) {
            ranges.set(name, {0.0, tick});
        }
        ranges.set("next_device", {0.0, static_cast<double>(mapping->devices_per_polarity() - 1)});
    }
    return ranges;
}

}  // namespace

void save_state(RunningNetwork& network, const Discretisation& discretisation, const CrossbarMapping* mapping,
                const std::filesystem::path& file) {
    write_sealed(file, [&](h5::File& out) {
        out.write_scalar("/format", kFormat);
        out.write_scalar("/network", description(network, discretisation, mapping));
        Hdf5Writer archive(out, "/state");
        network.write_state(archive);
    });
}

void load_state(RunningNetwork& network, const Discretisation& discretisation, const CrossbarMapping* mapping,
                const std::filesystem::path& file) {
    const h5::File in = open_sealed(file, "state", kFormat);
    std::istringstream stored(in.read_scalar<std::string>("/network")),
        wanted(description(network, discretisation, mapping));
    std::string a, b;
    while (true) {
        const bool more_a = static_cast<bool>(std::getline(stored, a)),
                   more_b = static_cast<bool>(std::getline(wanted, b));
        if (!more_a && !more_b) {
            break;
        }
        if (more_a != more_b || a != b) {
            throw InputError(
                fmt::format("{}: is the state of another simulation: it has '{}' where this one "
                            "has '{}'",
                            file.string(), more_a ? a : "nothing", more_b ? b : "nothing"));
        }
    }
    Hdf5Reader archive(in, "/state", ranges_of(in, mapping));
    naming(file, [&] { network.read_state(archive); });
}

}  // namespace memprop::host
