#include "host_runtime/cli/run_recording.hpp"

#include "host_runtime/files/atomic_file.hpp"

namespace memprop::host::cli {
namespace {

std::string link_name(const std::string& node) {
    std::string name;
    for (const char c : node) {
        c == '/' ? name.append("__") : name.append(1, c);
    }
    return name;
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
    const double time = static_cast<double>(network_.steps_done() - 1) * dt_seconds_;
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
            const std::string group = "/nodes/" + link_name(node);
            const std::string path = group + "/observables/" + name;
            if (!file.exists(group)) {
                file.create_group(group);
                file.write_attribute(group, "__type__", std::string("NIRNodeData"));
            }
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
            file.write_attribute(path, "t_max", static_cast<double>(network_.steps_done()) * dt_seconds_);
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
        std::string outputs;
        for (const RunningNetwork::OutputInfo& output : network_.outputs()) {
            outputs += (outputs.empty() ? "" : "+") + output.name;
        }
        grid(outputs, "output", output_);
        file.close();
    });
}

}  // namespace memprop::host::cli
