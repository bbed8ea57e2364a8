#include "host_runtime/graph/state_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "host_runtime/files/hdf5_archive.hpp"

namespace memprop::host {
namespace {

const std::string kFormat = "memprop run state 1";

std::string description(const RunningNetwork& network, const Discretisation& d) {
    std::string text = fmt::format(
        "dt = {}\nintegrator = {}\nreset = {}\nfirst_step_recurrence = {}\n"
        "arithmetic = {}\n",
        d.dt_seconds, to_string(d.integrator), to_string(d.reset), d.first_step_recurrence,
        to_string(d.arithmetic));
    // Left out where they are the defaults: states of earlier versions stay readable.
    if (d.if_integration != IfIntegration::per_step) {
        text += fmt::format("if_integration = {}\n", to_string(d.if_integration));
    }
    if (d.current_jump != CurrentJump::scaled) {
        text += fmt::format("current_jump = {}\n", to_string(d.current_jump));
    }
    for (const RunningNetwork::NodeInfo& node : network.nodes()) {
        text += fmt::format("{} {} {}\n", nir::to_string(node.type), node.size, node.name);
    }
    return text;
}

}  // namespace

void save_state(RunningNetwork& network, const Discretisation& discretisation,
                const std::filesystem::path& file) {
    write_atomically(file, [&](const std::filesystem::path& temporary) {
        h5::File out = h5::File::create(temporary);
        out.write_scalar("/format", kFormat);
        out.write_scalar("/network", description(network, discretisation));
        Hdf5Writer archive(out, "/state");
        network.write_state(archive);
        out.close();
    });
}

void load_state(RunningNetwork& network, const Discretisation& discretisation,
                const std::filesystem::path& file) {
    const h5::File in = h5::File::open(file);
    if (!in.is_dataset("/format") || in.read_scalar<std::string>("/format") != kFormat) {
        throw InputError(
            fmt::format("{}: is not a state of this version (/format must be '{}')", file.string(), kFormat));
    }
    std::istringstream stored(in.read_scalar<std::string>("/network")),
        wanted(description(network, discretisation));
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
    Hdf5Reader archive(in, "/state");
    network.read_state(archive);
}

}  // namespace memprop::host
