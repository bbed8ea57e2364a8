// What must hold of an image: every neuron and synapse once, and trees that end where synapses are.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "host_runtime/chip/compile.hpp"
#include "host_runtime/tests/random_graphs.hpp"
#include "learning/network/connect/connections.hpp"

namespace memprop::test {

inline hw::chip::ChipConfig mesh(std::int64_t width, std::int64_t height) {
    hw::chip::ChipConfig chip;
    chip.mesh_width = width;
    chip.mesh_height = height;
    chip.multicast_trees = 65536;
    chip.axon_ranges = 4096;
    return chip;
}

/// All weights are numbers of the image, and every population is shown.
inline host::CompileRequest request_of(const network::Network& network) {
    return {.network = network,
            .weights = std::vector<host::WeightPlace>(network.projections.size()),
            .shown = std::vector<bool>(network.populations.size(), true)};
}

/// [presynaptic neuron]: the neurons that an event of it changes the sums of, found by trying.
inline std::vector<std::vector<std::uint32_t>> synapses_of(const network::Network& net,
                                                           const network::Projection& p) {
    const std::uint32_t pre = net.at(p.from).size, post = net.at(p.to).size;
    std::vector<std::vector<std::uint32_t>> out(pre);
    const bool all = p.connect.kind == network::ConnectKind::dense;  // those of weight 0 exist, too
    const auto connection = all ? nullptr : network::make_connection<float>(net, p);
    std::vector<float> without(post), with(post);
    network::Signal<float> event;
    if (!all && !connection->sum(event, 0, without)) {
        std::fill(without.begin(), without.end(), 0.0F);
    }
    for (std::uint32_t i = 0; i < pre; ++i) {
        if (!all) {
            event.set_spikes(std::vector{i});
            connection->sum(event, 0, with);
        }
        for (std::uint32_t j = 0; j < post; ++j) {
            if (all || with[j] != without[j]) {
                out[i].push_back(j);
            }
        }
    }
    return out;
}

/// Where a population's neurons are.
struct Part {
    std::size_t core;
    std::uint32_t unit;
};

struct MappingChecks {
    const network::Network& net;
    const host::CompiledNetwork& compiled;
    const host::CompileRequest& request;
    const hw::chip::ChipImage& image;
    std::vector<std::vector<Part>> parts;  // [population][neuron]

    MappingChecks(const host::CompileRequest& asked, const host::CompiledNetwork& made)
        : net(asked.network), compiled(made), request(asked), image(made.image) {
        place_neurons();
        for (std::uint32_t q = 0; q < net.projections.size(); ++q) {
            check_projection(q);
        }
        check_trees();
    }

    bool is_source(std::size_t p) const {
        return std::any_of(image.sources.begin(), image.sources.end(),
                           [&](const hw::chip::SourceImage& s) { return s.population == p; });
    }

    void place_neurons() {
        std::vector<std::vector<int>> times;
        for (const network::Population& p : net.populations) {
            parts.emplace_back(p.size);
            times.emplace_back(p.size);
        }
        for (std::size_t c = 0; c < image.cores.size(); ++c) {
            CHECK_FALSE(image.cores[c].units.empty());
            for (std::uint32_t u = 0; u < image.cores[c].units.size(); ++u) {
                const hw::chip::UnitImage& unit = image.cores[c].units[u];
                CHECK(unit.phase >= 1);
                CHECK(unit.phase <= image.phases);
                for (std::uint32_t j = unit.slice.first; j < unit.slice.first + unit.slice.count; ++j) {
                    ++times[unit.population].at(j);
                    parts[unit.population].at(j) = {c, u};
                }
            }
        }
        for (std::size_t p = 0; p < times.size(); ++p) {
            const int wanted = is_source(p) ? 0 : 1;
            CHECK(std::all_of(times[p].begin(), times[p].end(), [&](int n) { return n == wanted; }));
        }
    }

    std::optional<hw::noc::TreeId> tree_of(std::size_t p, std::uint32_t neuron) const {
        if (is_source(p)) {
            return std::find_if(image.sources.begin(), image.sources.end(),
                                [&](const hw::chip::SourceImage& s) { return s.population == p; })
                ->tree;
        }
        return image.cores[parts[p][neuron].core].units[parts[p][neuron].unit].tree;
    }

    bool reaches(std::optional<hw::noc::TreeId> tree, hw::noc::NodeId node) const {
        if (!tree) {
            return false;
        }
        const auto& leaves = image.trees.at(static_cast<std::size_t>(*tree)).leaves;
        return std::find(leaves.begin(), leaves.end(), node) != leaves.end();
    }

    /// Each synapse is held by a block of its neuron's unit, and its event finds the way there.
    void check_projection(std::uint32_t q) {
        const network::Projection& p = net.projections[q];
        const std::size_t from = network::index_of(p.from), to = network::index_of(p.to);
        const auto synapses = synapses_of(net, p);
        std::size_t lost = 0, unheard = 0;
        for (std::uint32_t i = 0; i < synapses.size(); ++i) {
            const std::uint32_t address = image.first_address[from] + i;
            for (const std::uint32_t j : synapses[i]) {
                const Part& part = parts[to][j];
                const hw::chip::CoreImage& core = image.cores[part.core];
                const std::uint32_t first_row = p.connect.kind == network::ConnectKind::one_to_one
                                                    ? core.units[part.unit].slice.first
                                                    : 0;
                const auto rows =
                    std::count_if(core.axons.begin(), core.axons.end(), [&](const hw::chip::AxonImage& axon) {
                        const hw::chip::BlockImage& block = core.blocks.at(axon.block);
                        return block.projection == q && block.unit == part.unit &&
                               address >= axon.first_address && address - axon.first_address < axon.count &&
                               axon.first_row + (address - axon.first_address) == i - first_row;
                    });
                lost += rows == 1 ? 0 : 1;
                unheard += reaches(tree_of(from, i), core.node) ? 0 : 1;
                if (request.weights[q].kind == host::WeightPlace::Kind::array) {
                    lost += on_tile(q, part, i, j) ? 0 : 1;
                }
            }
        }
        CAPTURE(p.name);
        CHECK(lost == 0);
        CHECK(unheard == 0);
    }

    /// Whether exactly one tile of the block has the synapse.
    bool on_tile(std::uint32_t q, const Part& part, std::uint32_t i, std::uint32_t j) const {
        const hw::chip::CoreImage& core = image.cores[part.core];
        const std::uint32_t width = compiled.tile_columns[q], height = request.weights[q].tile_rows;
        const std::uint32_t across = (net.at(net.projections[q].to).size + width - 1) / width;
        std::size_t holding = 0;
        for (const hw::chip::BlockImage& block : core.blocks) {
            if (block.projection == q && block.unit == part.unit) {
                holding += static_cast<std::size_t>(
                    std::count(block.tiles.begin(), block.tiles.end(), i / height * across + j / width));
            }
        }
        return holding == 1;
    }

    /// Trees end at cores that hold a synapse of a neuron of theirs, and at the host if it is to see it.
    void check_trees() {
        REQUIRE(!image.trees.empty());
        CHECK(image.trees[0].root == hw::chip::kHostNode);
        CHECK(image.trees[0].leaves.size() == image.cores.size());
        std::vector<bool> used(image.trees.size());
        for (std::size_t p = 0; p < net.populations.size(); ++p) {
            std::uint32_t first = 0;
            while (first < net.populations[p].size) {
                std::uint32_t count = net.populations[p].size;
                hw::noc::NodeId root = hw::chip::kHostNode;
                if (!is_source(p)) {
                    const Part& part = parts[p][first];
                    count = image.cores[part.core].units[part.unit].slice.count;
                    root = image.cores[part.core].node;
                }
                check_tree(p, {first, count}, root, used);
                first += count;
            }
        }
        CHECK(std::count(used.begin(), used.end(), true) + 1 == std::ssize(image.trees));
    }

    void check_tree(std::size_t p, network::Slice slice, hw::noc::NodeId root, std::vector<bool>& used) {
        std::vector<hw::noc::NodeId> wanted;
        for (const network::ProjectionId q : net.from(static_cast<network::PopulationId>(p))) {
            const auto synapses = synapses_of(net, net.at(q));
            for (std::uint32_t i = slice.first; i < slice.first + slice.count; ++i) {
                for (const std::uint32_t j : synapses[i]) {
                    wanted.push_back(image.cores[parts[network::index_of(net.at(q).to)][j].core].node);
                }
            }
        }
        if (!is_source(p) && image.shown[p]) {
            wanted.push_back(hw::chip::kHostNode);
        }
        std::sort(wanted.begin(), wanted.end());
        wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
        const auto tree = tree_of(p, slice.first);
        std::vector<hw::noc::NodeId> leaves;
        if (tree) {
            const auto number = static_cast<std::size_t>(*tree);
            CHECK_FALSE(used.at(number));
            used[number] = true;
            CHECK(image.trees[number].tree == *tree);
            CHECK(image.trees[number].root == root);
            CHECK(image.trees[number].flits == slice.count);
            leaves = image.trees[number].leaves;
            std::sort(leaves.begin(), leaves.end());
        }
        CAPTURE(net.populations[p].name);
        CHECK(leaves == wanted);
    }
};

/// Populations with sparse projections between them, also in themselves, about `fan` synapses a neuron.
inline network::Network sparse_network(std::uint64_t seed, double fan) {
    test::Draw draw(seed);
    network::Network net;
    for (std::uint32_t p = 0; p < draw.between(3, 5); ++p) {
        network::Population population;
        population.name = "population_" + std::to_string(p);
        population.size = draw.between(20, 80);
        population.model = p == 0 ? "input" : "lif";
        net.populations.push_back(std::move(population));
    }
    const auto count = static_cast<std::uint32_t>(net.populations.size());
    for (std::uint32_t to = 1; to < count; ++to) {
        for (std::uint32_t from = 0; from <= to; ++from) {
            network::Projection p;
            p.name = "from_" + std::to_string(from) + "_to_" + std::to_string(to);
            p.from = static_cast<network::PopulationId>(from);
            p.to = static_cast<network::PopulationId>(to);
            p.delay_steps = from == to ? 1 : draw.below(2);
            p.connect.kind = network::ConnectKind::sparse;
            p.connect.row_begin = {0};
            std::vector<float> weights;
            for (std::uint32_t i = 0; i < net.populations[from].size; ++i) {
                for (std::uint32_t j = 0; j < net.populations[to].size; ++j) {
                    if (draw.chance(fan / net.populations[to].size)) {
                        p.connect.column.push_back(j);
                        weights.push_back(0.5F);
                    }
                }
                p.connect.row_begin.push_back(p.connect.column.size());
            }
            p.weights = std::move(weights);
            net.projections.push_back(std::move(p));
        }
    }
    network::check(net);
    return net;
}

}  // namespace memprop::test
