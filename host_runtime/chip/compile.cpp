#include "host_runtime/chip/compile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <span>

#include "crossbar/base/error.hpp"
#include "host_runtime/chip/axon_ranges.hpp"
#include "host_runtime/chip/compiled_check.hpp"
#include "host_runtime/chip/placement.hpp"
#include "hw_models/chip/memory_map.hpp"
#include "hw_models/chip/messages.hpp"
#include "hw_models/noc/routing.hpp"
#include "learning/network/models/models.hpp"

namespace memprop::host {
namespace {

using hw::chip::AxonImage;
using hw::chip::BlockImage;
using hw::chip::ChipConfig;
using hw::chip::ChipImage;
using hw::chip::CoreImage;
using hw::chip::UnitImage;
using hw::noc::NodeId;
using hw::noc::TreeId;
using network::ConnectKind;
using network::index_of;
using network::Network;
using network::PopulationId;
using network::Projection;
using network::Slice;

constexpr std::uint32_t kMostNeurons = 1U << 24;  // of a population

std::uint32_t ceil_div(std::uint32_t a, std::uint32_t b) {
    return (a + b - 1) / b;
}

class Compiler {
public:
    Compiler(const CompileRequest& request, const ChipConfig& chip)
        : request_(request),
          net_(request.network),
          chip_(chip),
          cores_(static_cast<std::uint32_t>(chip.mesh_width * chip.mesh_height)) {}

    CompiledNetwork compile() {
        ChipImage& image = out_.image;
        image.network = net_;
        image.shown = request_.shown;
        out_.tile_columns.assign(net_.projections.size(), 0);
        set_addresses();
        set_phases();
        make_cores();
        for (std::uint32_t phase = 1; phase <= image.phases; ++phase) {
            for (std::uint32_t p = 0; p < net_.populations.size(); ++p) {
                if (phase_[p] == phase) {
                    place(p);
                }
            }
        }
        std::erase_if(image.cores, [](const CoreImage& core) { return core.units.empty(); });
        if (image.cores.empty()) {
            throw InputError("the network has no neurons that a chip could compute");
        }
        for (CoreImage& core : image.cores) {
            add_blocks(core);
        }
        grow_trees();
        check_fits(out_, request_, chip_);
        out_.first_hop_cost = hop_cost(image, chip_);
        if (request_.moves_cores) {
            place_cores(image, chip_);
        }
        return std::move(out_);
    }

private:
    bool is_source(std::uint32_t p) const {
        return net_.populations[p].model == "input" && net_.to(static_cast<PopulationId>(p)).empty();
    }
    bool is_readout(std::uint32_t p) const {
        return std::any_of(net_.objectives.begin(), net_.objectives.end(),
                           [&](const network::Objective& o) { return index_of(o.population) == p; });
    }

    void set_addresses() {
        std::uint64_t next = 0;
        for (const network::Population& p : net_.populations) {
            if (p.size > kMostNeurons) {
                throw InputError(fmt::format("population {}: size", p.name), p.size,
                                 fmt::format("a chip takes at most {}", kMostNeurons));
            }
            out_.image.first_address.push_back(static_cast<std::uint32_t>(next));
            next += p.size;
        }
        if (next > hw::chip::kMostAddresses) {
            throw InputError("neurons of all populations", next,
                             fmt::format("event addresses have room for {}", hw::chip::kMostAddresses));
        }
    }

    /// A population is computed in the phase behind those that reach it in the same step.
    void set_phases() {
        phase_.assign(net_.populations.size(), 0);
        for (const auto& wave : network::waves(net_)) {
            for (const PopulationId id : wave) {
                const auto p = static_cast<std::uint32_t>(index_of(id));
                if (is_source(p)) {
                    out_.image.sources.push_back({.population = p, .tree = {}});
                    continue;
                }
                phase_[p] = 1;
                for (const network::ProjectionId q : net_.to(id)) {
                    const Projection& projection = net_.at(q);
                    if (projection.delay_steps == 0 && projection.from != id) {
                        phase_[p] = std::max(phase_[p], phase_[index_of(projection.from)] + 1);
                    }
                }
                out_.image.phases = std::max(out_.image.phases, phase_[p]);
            }
        }
        if (out_.image.sources.size() > hw::chip::kMostSources) {
            throw InputError("populations that the host feeds", out_.image.sources.size(),
                             fmt::format("the host interface has room for {}", hw::chip::kMostSources));
        }
    }

    /// By distance from the host, then by number; links between chips are longer.
    void make_cores() {
        const auto width = static_cast<std::uint32_t>(chip_.mesh_width);
        const hw::noc::NocParams mesh = chip_.noc_params();
        const std::uint64_t more = chip_.links_per_boundary() - 1;
        const auto node = [&](std::uint32_t c) {
            return static_cast<NodeId>(c / width * (width + 1) + c % width + 1);
        };
        std::vector<std::uint64_t> distance(cores_);
        for (std::uint32_t c = 0; c < cores_; ++c) {
            distance[c] = c % width + c / width +
                          more * hw::noc::boundaries_between(hw::chip::kHostNode, node(c), mesh);
        }
        std::vector<std::uint32_t> order(cores_);
        std::iota(order.begin(), order.end(), 0U);
        std::stable_sort(order.begin(), order.end(),
                         [&](std::uint32_t a, std::uint32_t b) { return distance[a] < distance[b]; });
        for (const std::uint32_t c : order) {
            CoreImage core;
            core.node = node(c);
            out_.image.cores.push_back(std::move(core));
        }
        used_.assign(cores_, 0);
    }

    /// What the arrays onto a population ask of its slices.
    struct Columns {
        std::uint32_t widest = 0, group = 1;  // 0: any width
        bool on_array = false, is_shared = false;
    };
    Columns columns_of(std::uint32_t population) const {
        Columns out;
        for (const network::ProjectionId q : net_.to(static_cast<PopulationId>(population))) {
            const WeightPlace& place = request_.weights[index_of(q)];
            out.is_shared = out.is_shared || place.kind == WeightPlace::Kind::shared;
            if (place.kind == WeightPlace::Kind::array) {
                out.on_array = true;
                if (place.tile_columns != 0) {
                    out.widest =
                        out.widest == 0 ? place.tile_columns : std::min(out.widest, place.tile_columns);
                    out.group = std::lcm(out.group, place.columns_per_converter);
                }
            }
        }
        return out;
    }

    /// A tile is as wide as its core's share of the population, at most `widest`, in whole groups of columns
    /// that share a converter.
    static std::uint32_t tile_width(std::uint32_t size, std::uint32_t cores, const Columns& columns) {
        const std::uint32_t share = ceil_div(size, cores);
        if (columns.widest == 0) {
            return share;
        }
        const std::uint32_t width = ceil_div(share, ceil_div(share, columns.widest));
        const std::uint32_t whole = ceil_div(width, columns.group) * columns.group;
        if (whole <= columns.widest) {
            return whole;
        }
        const std::uint32_t less = columns.widest / columns.group * columns.group;
        if (less == 0) {
            throw InputError("crossbar.adc.columns_per_converter", columns.group,
                             fmt::format("must be at most crossbar.tile_columns, {}", columns.widest));
        }
        return less;
    }

    void place(std::uint32_t p) {
        const Columns columns = columns_of(p);
        // The state of delays of their own is no value per neuron.
        if (is_readout(p) || columns.is_shared || net_.populations[p].model == "delay") {
            place_together(p, columns);
        } else {
            spread(p, columns);
        }
    }

    void add_unit(std::size_t core, std::uint32_t p, Slice slice) {
        out_.image.cores[core].units.push_back(
            {.population = p, .slice = slice, .phase = phase_[p], .tree = {}});
        used_[core] += slice.count;
    }

    void set_tile_columns(std::uint32_t p, std::uint32_t width) {
        for (const network::ProjectionId q : net_.to(static_cast<PopulationId>(p))) {
            out_.tile_columns[index_of(q)] = width;
        }
    }

    void spread(std::uint32_t p, const Columns& columns) {
        const network::Population& population = net_.populations[p];
        const std::uint32_t size = population.size, most = limit_of(chip_.neurons_per_core);
        const std::uint32_t width = tile_width(size, cores_, columns);
        const std::uint32_t blocks = ceil_div(size, width), per_core = ceil_div(blocks, cores_);
        set_tile_columns(p, width);
        // The emptiest cores first; of equals those near the host.
        std::vector<std::size_t> order(cores_);
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return used_[a] < used_[b]; });
        std::uint32_t block = 0;
        for (const std::size_t c : order) {
            const std::uint32_t end = std::min(block + per_core, blocks);
            if (block == end) {
                break;
            }
            const std::uint32_t first = block * width, count = std::min(end * width, size) - first;
            if (count > most || used_[c] > most - count) {
                throw InputError(
                    "chip.neurons_per_core", most,
                    fmt::format("is too few: population {} of {} neurons on {} cores in tiles of {} columns "
                                "needs {} per core, of which {} are taken",
                                population.name, size, cores_, width, count, used_[c]));
            }
            add_unit(c, p, {first, count});
            block = end;
        }
    }

    /// As few pieces as fit: whole, in two, in three ...
    void place_together(std::uint32_t p, const Columns& columns) {
        const network::Population& population = net_.populations[p];
        const std::uint32_t size = population.size, most = limit_of(chip_.neurons_per_core);
        for (std::uint32_t pieces = 1; pieces <= (columns.is_shared ? 1U : cores_); ++pieces) {
            const std::uint32_t width = tile_width(size, pieces, columns);
            const std::uint32_t blocks = ceil_div(size, width), per_core = ceil_div(blocks, pieces);
            std::vector<Slice> given(cores_);
            bool fits = true;
            for (std::uint32_t block = 0; block < blocks && fits; block += per_core) {
                const std::uint32_t first = block * width;
                const std::uint32_t count =
                    std::min(std::min(block + per_core, blocks) * width, size) - first;
                // The core with the fewest neurons that has no piece yet; the last of equals, which is the
                // one least likely to be full.
                std::size_t best = cores_;
                for (std::size_t c = 0; c < cores_; ++c) {
                    if (given[c].count == 0 && count <= most && used_[c] <= most - count &&
                        (best == cores_ || used_[c] <= used_[best])) {
                        best = c;
                    }
                }
                fits = best < cores_;
                if (fits) {
                    given[best] = {first, count};
                }
            }
            if (fits) {
                set_tile_columns(p, width);
                for (std::size_t c = 0; c < cores_; ++c) {
                    if (given[c].count > 0) {
                        add_unit(c, p, given[c]);
                    }
                }
                return;
            }
        }
        throw InputError("chip.neurons_per_core", most,
                         fmt::format("is too few: the {} neurons of population {} do not fit into {} cores "
                                     "that hold {} already{}",
                                     size, population.name, cores_,
                                     std::accumulate(used_.begin(), used_.end(), std::uint64_t{0}),
                                     columns.is_shared ? "; its devices are on one core" : ""));
    }

    void add_blocks(CoreImage& core) {
        for (std::uint32_t u = 0; u < core.units.size(); ++u) {
            const UnitImage& unit = core.units[u];
            for (const network::ProjectionId q : net_.to(static_cast<PopulationId>(unit.population))) {
                const Projection& projection = net_.at(q);
                const WeightPlace& place = request_.weights[index_of(q)];
                const auto block = static_cast<std::uint32_t>(core.blocks.size());
                BlockImage out{.projection = static_cast<std::uint32_t>(index_of(q)),
                               .unit = u,
                               .on_array = place.kind == WeightPlace::Kind::array,
                               .is_shared = place.kind == WeightPlace::Kind::shared,
                               .tiles = {}};
                if (out.on_array) {
                    out.tiles = tiles_of(projection, place, unit.slice);
                }
                core.blocks.push_back(std::move(out));
                add_axons(core, block, parts_of(static_cast<std::uint32_t>(index_of(projection.from))));
            }
        }
        if (core.axons.size() > static_cast<std::size_t>(chip_.axon_ranges)) {
            join_axons(core);
        }
        std::stable_sort(core.axons.begin(), core.axons.end(), [](const AxonImage& a, const AxonImage& b) {
            return a.first_address < b.first_address;
        });
    }

    /// Ascending slices of a population, whose events come along different trees.
    std::vector<Slice> parts_of(std::uint32_t population) const {
        std::vector<Slice> parts;
        for (const CoreImage& core : out_.image.cores) {
            for (const UnitImage& unit : core.units) {
                if (unit.population == population) {
                    parts.push_back(unit.slice);
                }
            }
        }
        std::sort(parts.begin(), parts.end(), [](Slice a, Slice b) { return a.first < b.first; });
        return parts.empty() ? std::vector<Slice>{{0, net_.populations[population].size}} : parts;
    }

    void add_axons(CoreImage& core, std::uint32_t block, std::span<const Slice> parts) const {
        const Projection& projection = net_.projections[core.blocks[block].projection];
        const Slice slice = core.units[core.blocks[block].unit].slice;
        const std::uint32_t row_0 = projection.connect.kind == ConnectKind::one_to_one ? slice.first : 0;
        for (const Slice rows : axon_ranges(net_, projection, slice, parts)) {
            core.axons.push_back(
                {.first_address = out_.image.first_address[index_of(projection.from)] + rows.first,
                 .count = rows.count,
                 .block = block,
                 .first_row = rows.first - row_0});
        }
    }

    /// One row of the axon table per block, if there is no room for more: some events then come in vain.
    static void join_axons(CoreImage& core) {
        std::vector<AxonImage> joined;
        for (const AxonImage& axon : core.axons) {  // by block, ascending
            if (joined.empty() || joined.back().block != axon.block) {
                joined.push_back(axon);
            } else {
                joined.back().count = axon.first_address + axon.count - joined.back().first_address;
            }
        }
        core.axons = std::move(joined);
    }

    /// Column block by column block, row blocks ascending.
    std::vector<std::uint32_t> tiles_of(const Projection& projection, const WeightPlace& place,
                                        Slice slice) const {
        const std::uint32_t width = out_.tile_columns[index_of(*net_.find_projection(projection.name))];
        const std::uint32_t rows = network::rows_of(net_, projection);
        const std::uint32_t row_blocks = ceil_div(rows, std::max(1U, place.tile_rows));
        const std::uint32_t column_blocks = ceil_div(net_.at(projection.to).size, width);
        std::vector<std::uint32_t> out;
        for (std::uint32_t c = slice.first / width; c * width < slice.first + slice.count; ++c) {
            for (std::uint32_t r = 0; r < row_blocks; ++r) {
                out.push_back(r * column_blocks + c);
            }
        }
        return out;
    }

    /// Cores that take events of neurons of a slice of a population.
    std::vector<NodeId> takers(std::uint32_t population, Slice slice) const {
        const std::uint32_t first = out_.image.first_address[population] + slice.first;
        std::vector<NodeId> nodes;
        for (const CoreImage& core : out_.image.cores) {
            if (std::any_of(core.axons.begin(), core.axons.end(), [&](const AxonImage& axon) {
                    return axon.first_address < first + slice.count &&
                           axon.first_address + axon.count > first;
                })) {
                nodes.push_back(core.node);
            }
        }
        return nodes;
    }

    std::optional<TreeId> grow(NodeId root, std::vector<NodeId> leaves, std::uint64_t flits) {
        if (leaves.empty()) {
            return std::nullopt;
        }
        const auto tree = static_cast<TreeId>(out_.image.trees.size());
        out_.image.trees.push_back({tree, root, std::move(leaves), flits});
        return tree;
    }

    void grow_trees() {
        ChipImage& image = out_.image;
        std::vector<NodeId> all;
        for (const CoreImage& core : image.cores) {
            all.push_back(core.node);
        }
        grow(hw::chip::kHostNode, std::move(all), 1);
        for (hw::chip::SourceImage& source : image.sources) {
            const std::uint32_t size = net_.populations[source.population].size;
            source.tree = grow(hw::chip::kHostNode, takers(source.population, {0, size}), size);
        }
        for (CoreImage& core : image.cores) {
            for (UnitImage& unit : core.units) {
                std::vector<NodeId> leaves = takers(unit.population, unit.slice);
                if (image.shown[unit.population]) {
                    leaves.push_back(hw::chip::kHostNode);
                }
                unit.tree = grow(core.node, std::move(leaves), unit.slice.count);
            }
        }
        if (image.trees.size() > static_cast<std::size_t>(chip_.multicast_trees)) {
            throw InputError("chip.multicast_trees", chip_.multicast_trees,
                             fmt::format("is too few: {} populations of the host and units of cores need {} "
                                         "rows in the routers' multicast tables",
                                         image.trees.size() - 1, image.trees.size()));
        }
    }

    const CompileRequest& request_;
    const Network& net_;
    const ChipConfig& chip_;
    const std::uint32_t cores_;
    std::vector<std::uint32_t> phase_;  // [population]; 0: the host feeds it
    std::vector<std::uint32_t> used_;   // [core]: neurons
    CompiledNetwork out_;
};

}  // namespace

CompiledNetwork compile(const CompileRequest& request, const ChipConfig& chip) {
    return Compiler(request, chip).compile();
}

}  // namespace memprop::host
