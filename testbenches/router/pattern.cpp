#include "testbenches/router/pattern.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <utility>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"

namespace memprop::tb {
namespace {

using hw::noc::NodeId;

constexpr std::array<std::string_view, 9> kNames{"uniform",        "transpose",    "tornado",
                                                 "bit_complement", "bit_reversal", "shuffle",
                                                 "neighbour",      "hotspot",      "multicast"};

NodeId id_of(std::uint32_t node) {
    return NodeId{static_cast<std::uint16_t>(node)};
}

bool permutes_bits(Pattern pattern) {
    return pattern == Pattern::bit_complement || pattern == Pattern::bit_reversal ||
           pattern == Pattern::shuffle;
}

// The image of a node under a permutation.
std::uint32_t image_of(const GeneratorConfig& config, std::uint32_t node) {
    const std::uint32_t width = config.width, height = config.height, nodes = config.nodes();
    const std::uint32_t x = node % width, y = node / width;
    const auto moved = [&](std::uint32_t by_x, std::uint32_t by_y) {
        return (y + by_y) % height * width + (x + by_x) % width;
    };
    const int bits = std::bit_width(nodes) - 1;
    switch (config.pattern) {
        case Pattern::transpose:
            return x * width + y;
        case Pattern::tornado:
            return moved((width + 1) / 2 - 1, (height + 1) / 2 - 1);
        case Pattern::neighbour:
            return moved(1, 1);
        case Pattern::bit_complement:
            return nodes - 1 - node;
        case Pattern::bit_reversal: {
            std::uint32_t reversed = 0;
            for (int bit = 0; bit < bits; ++bit) {
                reversed |= (node >> bit & 1U) << (bits - 1 - bit);
            }
            return reversed;
        }
        case Pattern::shuffle:
            return (node << 1U | node >> (bits - 1)) & (nodes - 1);
        case Pattern::uniform:
        case Pattern::hotspot:
        case Pattern::multicast:
            break;
    }
    return node;
}

std::vector<NodeId> all_but(std::uint32_t node, std::uint32_t nodes) {
    std::vector<NodeId> others;
    for (std::uint32_t other = 0; other < nodes; ++other) {
        if (other != node) {
            others.push_back(id_of(other));
        }
    }
    return others;
}

}  // namespace

Pattern parse_pattern(std::string_view name) {
    const auto* const found = std::find(kNames.begin(), kNames.end(), name);
    if (found == kNames.end()) {
        std::string list;
        for (std::size_t i = 0; i < kNames.size(); ++i) {
            list += i == 0 ? "" : i + 1 == kNames.size() ? " or " : ", ";
            list += kNames[i];
        }
        throw InputError("--pattern", name, "must be " + list);
    }
    return static_cast<Pattern>(found - kNames.begin());
}

void GeneratorConfig::validate() const {
    const std::string mesh = fmt::format("{}x{}", width, height);
    const std::string option = fmt::format("--pattern {}", kNames[static_cast<std::size_t>(pattern)]);
    if (nodes() < 2) {
        throw InputError("--mesh", mesh, "generated traffic needs at least two routers");
    }
    if (pattern == Pattern::transpose && width != height) {
        throw InputError("--mesh", mesh, option + " needs as many columns as rows");
    }
    if (pattern == Pattern::tornado && width < 3 && height < 3) {
        throw InputError("--mesh", mesh, option + " needs at least three columns or rows, else nobody sends");
    }
    if (permutes_bits(pattern) && !std::has_single_bit(nodes())) {
        throw InputError("--mesh", mesh, option + " needs a number of routers that is a power of two");
    }
    if (!(rate >= 0.0 && rate <= 1.0)) {
        throw InputError("--rate", rate, "must be from 0 to 1 flits per node and cycle");
    }
    if (!(hotspot_share >= 0.0 && hotspot_share <= 1.0)) {
        throw InputError("--hotspot-share", hotspot_share, "must be from 0 to 1");
    }
    for (auto spot = hotspots.begin(); spot != hotspots.end(); ++spot) {
        if (*spot >= nodes()) {
            throw InputError("--hotspots", *spot, fmt::format("must be nodes from 0 to {}", nodes() - 1));
        }
        if (std::find(hotspots.begin(), spot, *spot) != spot) {
            throw InputError("--hotspots", *spot, "must name each node once");
        }
    }
    if (pattern == Pattern::multicast && (tree_size < 1 || tree_size >= nodes())) {
        throw InputError("--tree-size", tree_size,
                         fmt::format("must be from 1 to {}, all nodes but the source", nodes() - 1));
    }
}

Targets targets_of(const GeneratorConfig& config, std::uint32_t node) {
    Targets targets;
    switch (config.pattern) {
        case Pattern::uniform:
        case Pattern::multicast:
            targets.uniform = all_but(node, config.nodes());
            return targets;
        case Pattern::hotspot: {
            targets.uniform = all_but(node, config.nodes());
            std::vector<std::uint32_t> spots = config.hotspots;
            if (spots.empty()) {
                spots.push_back(config.height / 2 * config.width + config.width / 2);
            }
            for (const std::uint32_t spot : spots) {
                if (spot != node) {
                    targets.hot.push_back(id_of(spot));
                }
            }
            targets.hot_share = targets.hot.empty() ? 0.0 : config.hotspot_share;
            return targets;
        }
        default:
            break;
    }
    if (const std::uint32_t image = image_of(config, node); image != node) {
        targets.uniform.push_back(id_of(image));
    }
    return targets;
}

std::vector<std::vector<NodeId>> multicast_leaves(const GeneratorConfig& config) {
    config.validate();
    std::vector<std::vector<NodeId>> leaves;
    for (std::uint32_t node = 0; node < config.nodes(); ++node) {
        std::vector<NodeId> others = all_but(node, config.nodes());
        const DrawKey key{.seed = config.seed, .stream = Stream::traffic, .array = 2, .event = node};
        for (std::uint32_t i = 0; i < config.tree_size; ++i) {  // the first of a shuffled list
            const auto left = static_cast<std::uint64_t>(others.size()) - i;
            std::swap(others[i], others[i + ((random_bits(key, i) * left) >> 32)]);
        }
        others.resize(config.tree_size);
        std::sort(others.begin(), others.end());
        leaves.push_back(std::move(others));
    }
    return leaves;
}

}  // namespace memprop::tb
