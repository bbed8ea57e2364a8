// From an image to what one core is to be told: its part of populations, projections and rules.
#include <algorithm>

#include "hw_models/chip/core_image.hpp"

namespace memprop::hw::chip {
namespace {

using network::ConnectKind;
using network::Population;
using network::Projection;

bool is_matrix(ConnectKind kind) {
    return kind == ConnectKind::dense || kind == ConnectKind::masked;
}

/// The columns of a slice, with weights of 0 where there is no synapse. Windows stay whole: they share
/// weights.
Projection cut(const network::Network& net, const Projection& p, Slice slice, bool weights_too) {
    Projection out = p;
    out.connect.mask.clear();
    out.connect.self = true;
    out.connect.density = 1.0;
    if (!weights_too) {
        out.weights = {};
        out.connect.row_begin.clear();
        out.connect.column.clear();
        return out;
    }
    const std::size_t post = net.at(p.to).size;
    const bool no_self = !p.connect.self && p.from == p.to;
    if (is_matrix(p.connect.kind)) {
        out.connect.kind = ConnectKind::dense;
        std::visit(
            [&](const auto& all) {
                std::decay_t<decltype(all)> part;
                part.reserve(all.size() / std::max<std::size_t>(post, 1) * slice.count);
                for (std::size_t row = 0; row * post < all.size(); ++row) {
                    for (std::size_t c = slice.first; c < std::size_t{slice.first} + slice.count; ++c) {
                        const std::size_t i = row * post + c;
                        const bool exists =
                            (p.connect.mask.empty() || p.connect.mask[i] != 0) && !(no_self && row == c);
                        part.push_back(exists ? all[i] : 0);
                    }
                }
                out.weights = std::move(part);
            },
            p.weights);
    } else if (p.connect.kind == ConnectKind::sparse) {
        out.connect.row_begin.assign(1, 0);
        out.connect.column.clear();
        std::visit(
            [&](const auto& all) {
                std::decay_t<decltype(all)> part;
                for (std::size_t row = 0; row + 1 < p.connect.row_begin.size(); ++row) {
                    for (std::uint64_t s = p.connect.row_begin[row]; s < p.connect.row_begin[row + 1]; ++s) {
                        const std::uint32_t c = p.connect.column[s];
                        if (c >= slice.first && c - slice.first < slice.count) {
                            out.connect.column.push_back(c - slice.first);
                            part.push_back(no_self && row == c ? 0 : all[s]);
                        }
                    }
                    out.connect.row_begin.push_back(out.connect.column.size());
                }
                out.weights = std::move(part);
            },
            p.weights);
    } else if (p.connect.kind == ConnectKind::one_to_one) {
        std::visit(
            [&](const auto& all) {
                std::decay_t<decltype(all)> part;
                for (std::size_t i = 0; i < all.size(); ++i) {
                    if (i >= slice.first && i - slice.first < slice.count) {
                        part.push_back(all[i]);
                    }
                }
                out.weights = std::move(part);
            },
            p.weights);
    }
    return out;
}

std::uint32_t phase_of(const ChipImage& image, std::uint32_t population) {
    for (const CoreImage& core : image.cores) {
        for (const UnitImage& u : core.units) {
            if (u.population == population) {
                return u.phase;
            }
        }
    }
    return 0;
}

CoreProgram::Rule rule_of(const LearningImage& learning,
                          const learning::LearningPopulation<float>& population, const CoreImage& core,
                          std::uint32_t unit) {
    CoreProgram::Rule rule;
    rule.unit = unit;
    rule.plan = population;
    rule.regularizer = learning.regularizer;
    rule.settings = learning.settings;
    for (const learning::LearnedProjection& p : population.projections) {
        rule.learning_rates.push_back(learning.learning_rates[network::index_of(p.id)]);
        for (std::uint32_t b = 0; b < core.blocks.size(); ++b) {
            if (core.blocks[b].unit == unit && core.blocks[b].projection == network::index_of(p.id)) {
                rule.blocks.push_back(b);
            }
        }
    }
    return rule;
}

UnitRole role_of(const network::Network& net, std::uint32_t population) {
    const auto is_read = [&](const network::Objective& o) {
        return network::index_of(o.population) == population;
    };
    return net.objectives.empty()                                               ? UnitRole::plain
           : std::any_of(net.objectives.begin(), net.objectives.end(), is_read) ? UnitRole::readout
                                                                                : UnitRole::neurons;
}

}  // namespace

std::uint32_t ChipImage::addresses() const {
    std::uint32_t end = 0;
    for (std::size_t p = 0; p < network.populations.size(); ++p) {
        end = std::max(end, first_address[p] + network.populations[p].size);
    }
    return end;
}

CoreProgram program_of(const ChipImage& image, std::size_t core) {
    const CoreImage& from = image.cores[core];
    CoreProgram out;
    out.time_step_seconds = image.network.time_step_seconds;
    out.phases = image.phases;
    for (const UnitImage& u : from.units) {
        const Population& whole = image.network.populations[u.population];
        out.units.push_back({.population = u.population,
                             .first_neuron = u.slice.first,
                             .phase = u.phase,
                             .first_address = image.first_address[u.population] + u.slice.first,
                             .tree = u.tree ? static_cast<std::uint32_t>(*u.tree) : CoreProgram::kNoTree,
                             .role = role_of(image.network, u.population),
                             .neurons = network::slice_of(whole, u.slice, image.network.time_step_seconds)});
    }
    for (const BlockImage& b : from.blocks) {
        const Projection& p = image.network.projections[b.projection];
        const Slice slice = from.units[b.unit].slice;
        const bool of_image = !b.on_array && !b.is_shared;
        CoreProgram::Block block{.number = b.projection,
                                 .unit = b.unit,
                                 .pre = image.network.at(p.from).size,
                                 .source_phase = phase_of(image, static_cast<std::uint32_t>(p.from)),
                                 .columns = slice,
                                 .projection = cut(image.network, p, slice, of_image),
                                 .on_array = b.on_array,
                                 .is_shared = b.is_shared,
                                 .tiles = b.tiles};
        if (p.connect.kind == ConnectKind::one_to_one) {
            block.pre = slice.count;
        }
        out.blocks.push_back(std::move(block));
    }
    out.axons = from.axons;
    for (std::uint32_t u = 0; image.learning && u < from.units.size(); ++u) {
        for (const learning::LearningPopulation<float>& population : image.learning->plan) {
            if (population.population == from.units[u].population) {
                out.rules.push_back(rule_of(*image.learning, population, from, u));
            }
        }
    }
    return out;
}

}  // namespace memprop::hw::chip
