#include "host_runtime/chip/mapping.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "crossbar/base/error.hpp"
#include "hw_models/chip/memory_map.hpp"
#include "learning/update/scheme.hpp"

namespace memprop::host {
namespace {

using hw::chip::ChipConfig;
using hw::chip::ChipPlan;
using hw::chip::CorePlan;
using hw::chip::Slice;
using learning::ProjectionId;

std::uint32_t ceil_div(std::uint32_t a, std::uint32_t b) {
    return (a + b - 1) / b;
}

// The shape of the tiles of a projection.
struct Cut {
    std::uint32_t rows = 0, tile_rows = 1, columns = 0, tile_columns = 1;

    std::uint32_t row_blocks() const { return ceil_div(rows, tile_rows); }
    std::uint32_t column_blocks() const { return ceil_div(columns, tile_columns); }
    std::size_t tile(std::uint32_t row_block, std::uint32_t column_block) const {
        return std::size_t{row_block} * column_blocks() + column_block;
    }
    Slice slice(std::uint32_t column_block) const {
        const std::uint32_t first = column_block * tile_columns;
        return {first, std::min(tile_columns, columns - first)};
    }
};

class Mapper {
public:
    Mapper(const NetworkShape& shape, const ChipConfig& chip)
        : shape_(shape), chip_(chip), cores_(static_cast<std::uint32_t>(chip.mesh_width * chip.mesh_height)) {
        plan_.inputs = shape.inputs;
        plan_.recurrent = shape.recurrent;
        plan_.outputs = shape.outputs;
    }

    ChipPlan map() {
        make_cores();
        place_neurons();
        if (plan_.outputs > 0) {
            place_readouts();
        }
        drop_unused_cores();
        number_trees();
        for (CorePlan& core : plan_.cores) {
            add_tiles(core);
            check_core(core);
        }
        check_events();
        return plan_;
    }

private:
    std::uint32_t limit_of(std::int64_t value) const {
        return value == 0 ? UINT32_MAX : static_cast<std::uint32_t>(value);
    }

    // By distance from the host, then by number.
    void make_cores() {
        const auto width = static_cast<std::uint32_t>(chip_.mesh_width);
        std::vector<std::uint32_t> order(cores_);
        std::iota(order.begin(), order.end(), 0U);
        std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
            return a % width + a / width < b % width + b / width;
        });
        for (const std::uint32_t c : order) {
            CorePlan core;
            core.node = static_cast<hw::noc::NodeId>(c / width * (width + 1) + c % width + 1);
            plan_.cores.push_back(core);
        }
    }

    // A tile is as wide as its core's share of the layer, at most tile_columns, in whole groups of columns
    // that share a converter.
    std::uint32_t tile_width(std::uint32_t columns, std::uint32_t cores) const {
        const std::uint32_t share = ceil_div(columns, cores);
        const std::uint32_t widest = shape_.tile_columns, group = shape_.columns_per_converter;
        if (widest == 0) {
            return share;
        }
        const std::uint32_t width = ceil_div(share, ceil_div(share, widest));
        const std::uint32_t whole = ceil_div(width, group) * group;
        if (whole > widest) {
            const std::uint32_t less = widest / group * group;
            if (less == 0) {
                throw InputError("crossbar.adc.columns_per_converter", group,
                                 fmt::format("must be at most crossbar.tile_columns, {}", widest));
            }
            return less;
        }
        return whole;
    }

    Cut cut(ProjectionId id, std::uint32_t width) const {
        return {.rows = shape_.rows[static_cast<std::size_t>(id)],
                .tile_rows = std::max(1U, shape_.tile_rows[static_cast<std::size_t>(id)]),
                .columns = id == learning::classic::w_out ? plan_.outputs : plan_.recurrent,
                .tile_columns = width};
    }

    void place_neurons() {
        const std::uint32_t width = tile_width(plan_.recurrent, cores_);
        in_ = cut(learning::classic::w_in, width);
        rec_ = cut(learning::classic::w_rec, width);
        const std::uint32_t per_core = ceil_div(rec_.column_blocks(), cores_);
        std::uint32_t block = 0;
        for (CorePlan& core : plan_.cores) {
            const std::uint32_t end = std::min(block + per_core, rec_.column_blocks());
            for (; block < end; ++block) {
                const Slice slice = rec_.slice(block);
                core.neurons = {core.neurons.count == 0 ? slice.first : core.neurons.first,
                                core.neurons.count + slice.count};
            }
        }
        const std::uint32_t most = limit_of(chip_.neurons_per_core);
        const std::uint32_t largest = plan_.cores.front().neurons.count;
        if (largest > most) {
            throw InputError(
                "chip.neurons_per_core", most,
                fmt::format("is too few: {} recurrent neurons on {} cores in tiles of {} columns "
                            "need {} per core",
                            plan_.recurrent, cores_, width, largest));
        }
    }

    void place_readouts() {
        const std::uint32_t most = limit_of(chip_.neurons_per_core);
        // As few pieces as fit: whole, in two, in three ...
        for (std::uint32_t pieces = 1; pieces <= std::max(cores_, 1U); ++pieces) {
            out_ = cut(learning::classic::w_out, tile_width(plan_.outputs, pieces));
            std::vector<Slice> given(plan_.cores.size());
            const std::uint32_t per_core = ceil_div(out_.column_blocks(), pieces);
            bool fits = true;
            for (std::uint32_t block = 0; block < out_.column_blocks() && fits; block += per_core) {
                const std::uint32_t end = std::min(block + per_core, out_.column_blocks());
                const Slice last = out_.slice(end - 1);
                const Slice wanted{out_.slice(block).first,
                                   last.first + last.count - out_.slice(block).first};
                // The core with the fewest neurons that has no readouts yet; the last of equals, which is
                // the one least likely to be full.
                std::size_t best = plan_.cores.size();
                for (std::size_t c = 0; c < plan_.cores.size(); ++c) {
                    const std::uint32_t used = plan_.cores[c].neurons.count;
                    if (given[c].count == 0 && used + wanted.count <= most && used + wanted.count >= used &&
                        (best == plan_.cores.size() || used <= plan_.cores[best].neurons.count)) {
                        best = c;
                    }
                }
                fits = best < plan_.cores.size();
                if (fits) {
                    given[best] = wanted;
                }
            }
            if (fits) {
                for (std::size_t c = 0; c < given.size(); ++c) {
                    plan_.cores[c].readouts = given[c];
                }
                return;
            }
        }
        throw InputError(
            "chip.neurons_per_core", most,
            fmt::format("is too few: {} recurrent neurons and {} readouts do not fit into {} cores; {} "
                        "neurons are needed, {} can be held",
                        plan_.recurrent, plan_.outputs, cores_, plan_.recurrent + plan_.outputs,
                        std::uint64_t{most} * cores_));
    }

    void drop_unused_cores() {
        std::erase_if(plan_.cores, [](const CorePlan& core) {
            return core.neurons.count == 0 && core.readouts.count == 0;
        });
        plan_.tile_columns = {in_.tile_columns, rec_.tile_columns, out_.tile_columns};
        plan_.tile_rows = {in_.tile_rows, rec_.tile_rows, out_.tile_rows};
    }

    void number_trees() {
        std::vector<hw::noc::NodeId> all, with_neurons;
        for (const CorePlan& core : plan_.cores) {
            all.push_back(core.node);
            if (core.neurons.count > 0) {
                with_neurons.push_back(core.node);
            }
        }
        const bool bias_of_readouts = shape_.bias[static_cast<std::size_t>(learning::classic::w_out)];
        plan_.trees.push_back(
            {ChipPlan::kInputTree, ChipPlan::kHostNode, bias_of_readouts ? all : with_neurons});
        plan_.trees.push_back({ChipPlan::kCommandTree, ChipPlan::kHostNode, all});
        all.push_back(ChipPlan::kHostNode);
        for (CorePlan& core : plan_.cores) {
            if (core.neurons.count > 0) {
                core.spike_tree = static_cast<hw::noc::TreeId>(plan_.trees.size());
                plan_.trees.push_back({core.spike_tree, core.node, all});
            }
        }
        if (plan_.trees.size() > static_cast<std::size_t>(chip_.multicast_trees)) {
            throw InputError("chip.multicast_trees", chip_.multicast_trees,
                             fmt::format("is too few: {} cores with neurons need {} rows in the routers' "
                                         "multicast tables",
                                         with_neurons.size(), plan_.trees.size()));
        }
    }

    void add_projection(CorePlan& core, ProjectionId id, const Cut& cut, const Slice& slice,
                        std::uint32_t first_address, std::uint32_t delay) {
        for (std::uint32_t column = 0; column < cut.column_blocks(); ++column) {
            const Slice part = cut.slice(column);
            if (part.first < slice.first || part.first >= slice.first + slice.count) {
                continue;
            }
            for (std::uint32_t row = 0; row < cut.row_blocks(); ++row) {
                const std::uint32_t first_row = row * cut.tile_rows;
                const std::uint32_t rows = std::min(cut.tile_rows, cut.rows - first_row);
                const bool bias = shape_.bias[static_cast<std::size_t>(id)] && first_row + rows == cut.rows;
                const auto tile = static_cast<std::uint32_t>(core.tiles.size());
                if (rows > (bias ? 1U : 0U)) {
                    core.axons.push_back({.first_address = first_address + first_row,
                                          .count = rows - (bias ? 1U : 0U),
                                          .tile = tile,
                                          .first_row = 0,
                                          .delay = delay});
                }
                if (bias) {
                    core.axons.push_back({.first_address = plan_.inputs - 1,
                                          .count = 1,
                                          .tile = tile,
                                          .first_row = rows - 1,
                                          .delay = 0});
                }
                core.tiles.push_back({id, cut.tile(row, column)});
            }
        }
    }

    void add_tiles(CorePlan& core) {
        if (core.neurons.count > 0) {
            add_projection(core, learning::classic::w_in, in_, core.neurons, 0, 0);
            if (shape_.has(learning::classic::w_rec)) {
                add_projection(core, learning::classic::w_rec, rec_, core.neurons, plan_.inputs, 1);
            }
        }
        if (core.readouts.count > 0) {
            add_projection(core, learning::classic::w_out, out_, core.readouts, plan_.inputs, 0);
        }
    }

    void check_core(const CorePlan& core) const {
        const auto refuse = [&](std::string_view key, std::int64_t limit, std::size_t need,
                                std::string_view what) {
            throw InputError(key, limit,
                             fmt::format("is too few: node {} needs {} {} for {} neurons and {} readouts",
                                         static_cast<unsigned>(core.node), need, what, core.neurons.count,
                                         core.readouts.count));
        };
        if (core.neurons.count > hw::chip::kNeuronMemoryStride) {
            throw InputError("chip.mesh_width", chip_.mesh_width,
                             fmt::format("gives a core {} neurons; the memory map holds {} of a core: use a "
                                         "larger mesh",
                                         core.neurons.count, hw::chip::kNeuronMemoryStride));
        }
        if (core.tiles.size() > hw::chip::kMostTiles) {
            refuse("chip.tiles_per_core", hw::chip::kMostTiles, core.tiles.size(), "tiles");
        }
        const std::size_t tiles = core.tiles.size() * shape_.tiles_per_part;
        if (chip_.tiles_per_core != 0 && tiles > static_cast<std::size_t>(chip_.tiles_per_core)) {
            refuse("chip.tiles_per_core", chip_.tiles_per_core, tiles, "tiles");
        }
        if (core.axons.size() > static_cast<std::size_t>(chip_.axon_ranges)) {
            refuse("chip.axon_ranges", chip_.axon_ranges, core.axons.size(), "rows of the axon table");
        }
        for (const Cut* c : {&in_, &rec_, &out_}) {
            const std::uint64_t synapses = std::uint64_t{std::min(c->tile_rows, c->rows)} * c->tile_columns;
            if (synapses > hw::chip::kTileStride && shape_.tile_columns == 0) {
                throw InputError(
                    "chip.mesh_width", chip_.mesh_width,
                    fmt::format("gives a core {} x {} weights of a layer; the memory map holds {} "
                                "of a tile: use a larger mesh",
                                c->tile_rows, c->tile_columns, hw::chip::kTileStride));
            }
            if (synapses > hw::chip::kTileStride) {
                throw InputError("crossbar.tile_rows", c->tile_rows,
                                 fmt::format("makes tiles of {} synapses; the memory map holds {} of a tile",
                                             synapses, hw::chip::kTileStride));
            }
        }
    }

    void check_events() const {
        const std::uint64_t out = std::uint64_t{plan_.recurrent} + plan_.outputs;
        const std::uint64_t need = std::max<std::uint64_t>(out, plan_.inputs);
        if (need > static_cast<std::uint64_t>(chip_.event_fifo_depth)) {
            throw InputError("chip.event_fifo_depth", chip_.event_fifo_depth,
                             fmt::format("is too small: a time step may have {} events", need));
        }
    }

    const NetworkShape& shape_;
    const ChipConfig& chip_;
    const std::uint32_t cores_;
    Cut in_, rec_, out_;
    ChipPlan plan_;
};

}  // namespace

NetworkShape shape_of(const Experiment& e) {
    NetworkShape shape{.inputs = static_cast<std::uint32_t>(e.network.inputs),
                       .recurrent = static_cast<std::uint32_t>(e.network.recurrent),
                       .outputs = static_cast<std::uint32_t>(e.network.outputs),
                       .rows = {},
                       .tile_rows = {}};
    shape.rows = shape.tile_rows = {shape.inputs, shape.recurrent, shape.recurrent};
    const learning::SchemeKind& scheme = learning::find_scheme_kind("update.scheme", e.update.scheme);
    shape.tiles_per_part = scheme.has_array ? 2 : 1;
    if (scheme.make != nullptr) {
        shape.tile_rows.fill(static_cast<std::uint32_t>(e.crossbar.tile_rows));
        shape.tile_columns = static_cast<std::uint32_t>(e.crossbar.tile_columns);
        shape.columns_per_converter = static_cast<std::uint32_t>(e.crossbar.adc.columns_per_converter);
    }
    return shape;
}

ChipPlan map_network(const NetworkShape& shape, const ChipConfig& chip) {
    return Mapper(shape, chip).map();
}

ChipPlan map_network(const Experiment& experiment) {
    return map_network(shape_of(experiment), experiment.chip);
}

std::string describe_plan(const ChipPlan& plan, const Experiment& experiment) {
    return describe_plan(plan, shape_of(experiment), experiment.chip);
}

std::string describe_plan(const ChipPlan& plan, const NetworkShape& shape, const ChipConfig& chip) {
    const auto tile = [&](ProjectionId id) {
        const auto w = static_cast<std::size_t>(id);
        return fmt::format("{} x {}", std::min(shape.tile_rows[w], shape.rows[w]), plan.tile_columns[w]);
    };
    std::string out = fmt::format("{} x {} cores, {} in use; tiles of {} (inputs)", chip.mesh_width,
                                  chip.mesh_height, plan.cores.size(), tile(learning::classic::w_in));
    if (shape.has(learning::classic::w_rec)) {
        out += fmt::format(", {} (recurrent)", tile(learning::classic::w_rec));
    }
    if (plan.outputs > 0) {
        out += fmt::format(", {} (readouts)", tile(learning::classic::w_out));
    }
    out += " synapses at most\n";
    for (std::size_t c = 0; c < plan.cores.size(); ++c) {
        const CorePlan& core = plan.cores[c];
        out += fmt::format(
            "core {:>3} at node {:>4}: {:>5} neurons {:>4} readouts {:>3} tiles {:>3} axon ranges\n", c,
            static_cast<unsigned>(core.node), core.neurons.count, core.readouts.count,
            core.tiles.size() * shape.tiles_per_part, core.axons.size());
    }
    return out;
}

}  // namespace memprop::host
