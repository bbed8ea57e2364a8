#include "host_runtime/cli/run_outputs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "crossbar/base/error.hpp"

namespace memprop::host::cli {
namespace {

constexpr std::size_t kFlushBytes = 1 << 16;

std::string file_name(const std::string& node) {
    std::string name;
    for (const char c : node) {
        c == '/' ? name.append("__") : name.append(1, c);
    }
    return name + ".csv";
}

}  // namespace

Probe parse_probe(const RunningNetwork& network, const std::string& text) {
    Probe probe;
    auto node = network.find(text);
    if (!node && text.size() > 2 && (text.ends_with(":v") || text.ends_with(":i"))) {
        node = network.find(text.substr(0, text.size() - 2));
        probe.membrane = text.back() == 'v';
        probe.current = !probe.membrane;
    }
    if (!node || network.membrane(*node).empty() || (!probe.membrane && network.current(*node).empty())) {
        std::vector<std::string> names;
        for (std::uint32_t i = 0; i < network.nodes().size(); ++i) {
            if (!network.membrane(i).empty()) {
                names.push_back(network.nodes()[i].name + (network.current(i).empty() ? "[:v]" : "[:v|i]"));
            }
        }
        throw InputError("probe", text, fmt::format("nodes with state are {}", fmt::join(names, ", ")));
    }
    probe.node = *node;
    return probe;
}

RunOutputs::RunOutputs(const RunningNetwork& network, const std::filesystem::path& directory,
                       const std::vector<Probe>& probes)
    : network_(network), row_(network.output_size()), sums_(network.output_size(), 0.0) {
    std::error_code error;
    std::vector<const char*> folders{"spikes"};
    if (!probes.empty()) {
        folders.push_back("state");
    }
    for (const char* folder : folders) {
        std::filesystem::create_directories(directory / folder, error);
        if (error) {
            throw RunError(
                fmt::format("{}: cannot be created: {}", (directory / folder).string(), error.message()));
        }
    }
    lock_.emplace(directory);
    std::set<std::filesystem::path> taken;
    const auto open = [&](std::vector<NodeFile>& files, const char* folder, const Probe& probe) {
        const auto path = directory / folder / file_name(network.nodes()[probe.node].name);
        if (!taken.insert(path).second) {
            throw InputError(fmt::format("node {}: another node or probe writes {} too",
                                         network.nodes()[probe.node].name, path.string()));
        }
        files.push_back({probe, PendingFile(path), {}, 0});
    };
    for (std::uint32_t i = 0; i < network.nodes().size(); ++i) {
        if (nir::is_spiking(network.nodes()[i].type)) {
            open(spikes_, "spikes", {i});
            spikes_.back().text = "step,index\n";
        }
    }
    for (const Probe& probe : probes) {
        open(states_, "state", probe);
    }
    output_.push_back({{}, PendingFile(directory / "output.csv"), {}, 0});
}

void RunOutputs::write_if_long(NodeFile& file) {
    if (file.text.size() >= kFlushBytes) {
        file.file.append(file.text);
        file.text.clear();
    }
}

void RunOutputs::write_row(NodeFile& file, std::span<const double> first, std::span<const double> second) {
    auto out = std::back_inserter(file.text);
    bool begun = false;
    for (const auto values : {first, second}) {
        for (const double value : values) {
            fmt::format_to(out, "{}{}", begun ? "," : "", value);
            begun = true;
        }
    }
    file.text.push_back('\n');
    write_if_long(file);
}

void RunOutputs::write_step() {
    const std::uint64_t step = network_.steps_done() - 1;
    for (NodeFile& file : spikes_) {
        const auto spikes = network_.spikes(file.probe.node);
        for (const std::uint32_t index : spikes) {
            fmt::format_to(std::back_inserter(file.text), "{},{}\n", step, index);
        }
        file.count += spikes.size();
        write_if_long(file);
    }
    for (NodeFile& file : states_) {
        const auto v = network_.membrane(file.probe.node), i = network_.current(file.probe.node);
        write_row(file, file.probe.membrane ? v : std::span<const double>(),
                  file.probe.current ? i : std::span<const double>());
    }
    network_.read_output(row_);
    for (std::size_t i = 0; i < row_.size(); ++i) {
        sums_[i] += row_[i];
    }
    write_row(output_.front(), row_, {});
}

void RunOutputs::commit() {
    for (auto* files : {&spikes_, &states_, &output_}) {
        for (NodeFile& file : *files) {
            file.file.append(file.text);
            file.file.commit();
        }
    }
    for (const NodeFile& file : spikes_) {
        spike_counts_[network_.nodes()[file.probe.node].name] = file.count;
    }
}

}  // namespace memprop::host::cli
