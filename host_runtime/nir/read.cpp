#include "host_runtime/nir/read.hpp"

#include <algorithm>

#include "host_runtime/hdf5/decode.hpp"
#include "host_runtime/nir/flat_graph.hpp"
#include "host_runtime/nir/read_tree.hpp"

namespace memprop::host::nir {
namespace {

struct Claims {
    std::uint64_t total_bytes = 0, largest_bytes = 0;
};

void add_claims(const Group& group, Claims& claims) {
    for (const Dataset& dataset : group.datasets) {
        if (!dataset.loaded() && dataset.is_number()) {
            const std::uint64_t bytes = h5::element_count(dataset.shape) * sizeof(double);
            claims.total_bytes += bytes;
            claims.largest_bytes = std::max(claims.largest_bytes, bytes);
        }
    }
    for (const Group& child : group.groups) {
        add_claims(child, claims);
    }
}

// Runs in the child.
void decode(const std::filesystem::path& path, const Sink& sink) {
    register_lzf_filter();
    const h5::File file = h5::File::open(path);
    const Group tree = read_tree(file);
    const Network network = parse_network(tree, path.string());  // shapes and all small values
    flatten(network, path.string());
    Claims claims;
    add_claims(tree, claims);
    constexpr double kSlowestBytesPerSecond = 10e6;
    h5::extend_limits(0.5 + static_cast<double>(claims.total_bytes) / kSlowestBytesPerSecond,
                      std::min<std::uint64_t>(claims.largest_bytes, 1ULL << 30));
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
