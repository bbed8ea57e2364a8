// The CSV files that `memprop run` writes while it steps; they appear at the end, all or none.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host_runtime/files/directory_lock.hpp"
#include "host_runtime/files/pending_file.hpp"
#include "host_runtime/graph/running_network.hpp"

namespace memprop::host::cli {

/// A neuron node whose state is written: "NODE" (v, then i), "NODE:v" or "NODE:i".
struct Probe {
    std::uint32_t node = 0;
    bool membrane = true, current = true;
};

/// Throws InputError naming the nodes that can be probed.
Probe parse_probe(const RunningNetwork& network, const std::string& text);

class RunOutputs {
public:
    /// Opens spikes/NODE.csv of every spiking node, state/NODE.csv of every probe, and output.csv under
    /// `directory`, which is created. '/' in a node's name is written "__"; files.json says which file is
    /// whose where that is not enough (node_files.hpp). Throws InputError if another process works in the
    /// directory.
    RunOutputs(const RunningNetwork& network, const std::filesystem::path& directory,
               const std::vector<Probe>& probes);

    void write_step();  ///< what the network's last step gave
    void commit();

    const std::map<std::string, std::uint64_t>& spike_counts() const { return spike_counts_; }
    /// Folder, node, file: of nodes whose file has not their name.
    using Renamed = std::map<std::string, std::map<std::string, std::string>>;
    const Renamed& renamed() const { return renamed_; }
    const std::vector<double>& output_sums() const { return sums_; }

private:
    struct NodeFile {
        Probe probe;
        PendingFile file;
        std::string text;
        std::uint64_t count = 0;
    };
    void open(const std::vector<Probe>& nodes, const std::filesystem::path& directory,
              const std::string& folder, std::vector<NodeFile>& files);
    void write_row(NodeFile& file, std::span<const double> first, std::span<const double> second) const;
    void write_if_long(NodeFile& file) const;

    std::optional<DirectoryLock> lock_;
    const RunningNetwork& network_;
    std::vector<NodeFile> spikes_, states_;
    std::vector<NodeFile> output_;  // one
    std::size_t flush_bytes_ = 0;
    Renamed renamed_;
    std::optional<PendingFile> names_;  // files.json
    std::vector<double> row_, sums_;
    std::map<std::string, std::uint64_t> spike_counts_;
};

}  // namespace memprop::host::cli
