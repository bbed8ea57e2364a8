// Where the flits of tb_router come from: generators and files. A source is a stream of injections of
// one node, ascending in cycles; it never sends to its own node.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "hw_models/noc/fabric.hpp"
#include "testbenches/router/pattern.hpp"

namespace memprop::tb {

struct Injection {
    std::uint64_t cycle = hw::noc::kNever;  ///< kNever: this source is at its end
    hw::noc::NodeId destination{};
    bool along_tree = false;  ///< of the source's own tree, to all its leaves, instead of to the destination
};

class TrafficSource {
public:
    virtual ~TrafficSource() = default;
    virtual Injection next() = 0;
};

/// One source per node. Each node creates a flit in each cycle with probability `rate`; the gaps
/// between flits are drawn as geometric numbers, one draw per flit, keyed by (seed, node, cycle of the
/// flit), so a silent node costs nothing. Nodes that a pattern maps to themselves stay silent.
std::vector<std::unique_ptr<TrafficSource>> make_generators(const GeneratorConfig& config);

/// One source per node from a CSV file with the header `cycle,source,destination`, in any order;
/// flits of one source and cycle keep the order of the file. Throws InputError with file and line.
std::vector<std::unique_ptr<TrafficSource>> read_traffic(const std::filesystem::path& file,
                                                         std::uint32_t nodes);

}  // namespace memprop::tb
