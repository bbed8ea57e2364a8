#include "host_runtime/nir/read.hpp"

#include <algorithm>

#include "host_runtime/hdf5/decode.hpp"
#include "host_runtime/nir/flat_graph.hpp"
#include "host_runtime/nir/read_tree.hpp"

namespace memprop::host::nir {
namespace {

/// Bytes of the largest dataset that is not loaded yet.
std::uint64_t largest_claim(const Group& group) {
    std::uint64_t largest = 0;
    for (const Dataset& dataset : group.datasets) {
        if (!dataset.loaded() && dataset.is_number()) {
            largest = std::max(largest, h5::element_count(dataset.shape) * sizeof(double));
        }
    }
    for (const Group& child : group.groups) {
        largest = std::max(largest, largest_claim(child));
    }
    return largest;
}

// Runs in the child.
void decode(const std::filesystem::path& path, const Sink& sink) {
    register_lzf_filter();
    const h5::File file = h5::File::open(path);
    const Group tree = read_tree(file);
    {
        const h5::Unhurried own_work;
        // Shapes and all small values. Flattening needs the network to live on.
        const Network network = parse_network(tree, path.string());
        flatten(network, path.string());
    }
    h5::allow_memory(std::min<std::uint64_t>(largest_claim(tree), 1ULL << 30));
    serialise(
        tree,
        [&file](const Group& parent, const std::string& place, const Dataset& dataset, const Sink& out) {
            send_values(file, parent, place.substr(1), dataset, out);
        },
        sink);
}

}  // namespace

Network read_network(const std::filesystem::path& file) {
    Network network;
    h5::decode_in_child(
        file, {}, [&](const Sink& sink) { decode(file, sink); },
        [&](std::span<const char> bytes) {
            network = parse_network(deserialise(bytes), file.string());
            for (std::string& warning : flatten(network, file.string()).warnings) {
                network.warnings.push_back(std::move(warning));
            }
        });
    return network;
}

}  // namespace memprop::host::nir
