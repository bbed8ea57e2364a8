#include "host_runtime/cli/run_recording.hpp"

#include <cmath>
#include <limits>

#include "host_runtime/files/atomic_file.hpp"

namespace memprop::host::cli {
namespace {

/// The first time that floor(time / dt) gives this step: step dt, or some numbers behind it where the rounded
/// product is less.
double time_of(std::uint64_t step, double dt_seconds) {
    const auto wanted = static_cast<double>(step);
    double time = wanted * dt_seconds;
    while (std::floor(time / dt_seconds) < wanted) {
        time = std::nextafter(time, std::numeric_limits<double>::infinity());
    }
    return time;
}

/// The group of a node, made with those of the nested graphs around it: nodes/GRAPH/nodes/NODE.
std::string node_group(h5::File& file, const std::string& node) {
    std::string path;
    for (std::size_t begin = 0;;) {
        const std::size_t end = node.find('/', begin);
        path += "/nodes/" + node.substr(begin, end - begin);
        if (!file.exists(path)) {
            file.create_group(path);
            file.write_attribute(path, "__type__",
                                 std::string(end == std::string::npos ? "NIRNodeData" : "NIRGraphData"));
        }
        if (end == std::string::npos) {
            return path;
        }
        begin = end + 1;
    }
}

}  // namespace

RunRecording::RunRecording(const RunningNetwork& network, double dt_seconds, const std::vector<Probe>& probes)
    : network_(network),
      dt_seconds_(dt_seconds),
      first_step_(network.steps_done()),
      row_(network.output_size()) {
    for (std::uint32_t node = 0; node < network.nodes().size(); ++node) {
        if (nir::is_spiking(network.nodes()[node].type)) {
            spikes_.push_back({{node}, {}, {}, {}, {}});
        }
    }
    for (const Probe& probe : probes) {
        states_.push_back({probe, {}, {}, {}, {}});
    }
}

void RunRecording::record_step() {
    const double time = time_of(network_.steps_done() - 1, dt_seconds_);
    for (NodeData& node : spikes_) {
        for (const std::uint32_t index : network_.spikes(node.probe.node)) {
            node.index.push_back(index);
            node.time.push_back(time);
        }
    }
    for (NodeData& node : states_) {
        const auto v = network_.membrane(node.probe.node), i = network_.current(node.probe.node);
        if (node.probe.membrane) {
            node.v.insert(node.v.end(), v.begin(), v.end());
        }
        if (node.probe.current) {
            node.i.insert(node.i.end(), i.begin(), i.end());
        }
    }
    network_.read_output(row_);
    output_.insert(output_.end(), row_.begin(), row_.end());
}

void RunRecording::write(const std::filesystem::path& target) const {
    constexpr h5::Storage kStorage{.gzip_level = 4, .chunk = {}};
    const std::uint64_t steps = network_.steps_done() - first_step_;
    write_atomically(target, [&](const std::filesystem::path& temporary) {
        h5::File file = h5::File::create(temporary);
        file.write_attribute("/", "__type__", std::string("NIRGraphData"));
        file.create_group("/nodes");
        const auto observable = [&](const std::string& node, const std::string& name,
                                    const std::string& type) {
            const std::string path = node_group(file, node) + "/observables/" + name;
            file.create_group(path);
            file.write_attribute(path, "__type__", type);
            return path;
        };
        const auto grid = [&](const std::string& node, const std::string& name,
                              const std::vector<double>& data) {
            const std::string path = observable(node, name, "TimeGriddedData");
            file.write_attribute(path, "dt", dt_seconds_);
            file.write(path + "/data", data, {1, steps, steps == 0 ? 0 : data.size() / steps}, kStorage);
        };
        for (const NodeData& node : spikes_) {
            const RunningNetwork::NodeInfo& info = network_.nodes()[node.probe.node];
            const std::string path = observable(info.name, "spikes", "EventData");
            file.write_attribute(path, "n_neurons", static_cast<std::int64_t>(info.size));
            file.write_attribute(path, "t_max", time_of(network_.steps_done(), dt_seconds_));
            file.write(path + "/idx", node.index, {1, node.index.size()}, kStorage);
            file.write(path + "/time", node.time, {1, node.time.size()}, kStorage);
        }
        for (const NodeData& node : states_) {
            const std::string& name = network_.nodes()[node.probe.node].name;
            if (node.probe.membrane) {
                grid(name, "v", node.v);
            }
            if (!node.i.empty()) {
                grid(name, "i", node.i);
            }
        }
        std::size_t begin = 0;
        for (const RunningNetwork::OutputInfo& output : network_.outputs()) {
            std::vector<double> values;
            for (std::size_t at = begin; at < output_.size(); at += row_.size()) {
                values.insert(values.end(), output_.begin() + static_cast<std::ptrdiff_t>(at),
                              output_.begin() + static_cast<std::ptrdiff_t>(at + output.size));
            }
            grid(output.name, "output", values);
            begin += output.size;
        }
        file.close();
    });
}

}  // namespace memprop::host::cli
