#include "host_runtime/graph/crossbar_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <vector>

#include "host_runtime/results/converters_report.hpp"
#include "host_runtime/results/energy_report.hpp"

namespace memprop::host {
namespace {

double mean_error_us(const MappedLayer& layer) {
    return layer.programming.synapses == 0
               ? 0.0
               : layer.programming.absolute_error_us / double(layer.programming.synapses);
}

/// Devices that take no pulses are programmed to targets, and nothing is verified.
bool verified(const MappedLayer& layer) {
    return layer.arrays.front()->array.model().takes_pulses();
}

std::optional<double> seconds(const CrossbarMapping& mapping, const MappedLayer& layer) {
    return layer.programming.seconds(mapping.crossbar());
}

double success_rate(const MappedLayer& layer) {
    return double(layer.programming.converged) / std::max(1.0, double(layer.programming.synapses));
}

}  // namespace

nlohmann::ordered_json programming_json(const CrossbarMapping* mapping) {
    auto result = nlohmann::ordered_json::array();
    if (mapping == nullptr) {
        return result;
    }
    for (const auto& layer : mapping->layers()) {
        const crossbar::ProgrammingReport& report = layer->programming;
        result.push_back(
            {{"node", layer->node},
             {"arrays", layer->arrays.size()},
             {"tiles", layer->tiles},
             {"synapses", report.synapses},
             {"weight_per_us", layer->weight_per_us},
             {"success_rate", verified(*layer) ? nlohmann::ordered_json(success_rate(*layer)) : nullptr},
             {"mean_error_us", mean_error_us(*layer)},
             {"largest_error_us", report.largest_error_us},
             {"mean_error_weight", mean_error_us(*layer) * layer->weight_per_us},
             {"largest_weight", layer->largest_weight},
             {"pulses", {{"set", layer->spent.set_pulses}, {"reset", layer->spent.reset_pulses}}},
             {"pulses_per_synapse", double(report.pulses) / std::max(1.0, double(report.synapses))},
             {"verify_reads", report.verify_reads},
             {"seconds", or_null(seconds(*mapping, *layer))},
             {"energy_j", or_null(layer->spent.energy(mapping->energy_cost()).total_j())}});
    }
    return result;
}

nlohmann::ordered_json energy_json(const CrossbarMapping* mapping) {
    if (mapping == nullptr) {
        return nullptr;
    }
    return energy_json(mapping->counters().energy(mapping->energy_cost()));
}

nlohmann::ordered_json converters_json(const CrossbarMapping* mapping) {
    std::vector<const crossbar::SynapseArray*> arrays;
    if (mapping != nullptr) {
        for (const auto& layer : mapping->layers()) {
            for (const auto& mapped : layer->arrays) {
                arrays.push_back(&mapped->array);
            }
        }
    }
    return converters_json(std::span<const crossbar::SynapseArray* const>(arrays));
}

std::string programming_text(const CrossbarMapping& mapping) {
    std::string text;
    const auto out = std::back_inserter(text);
    fmt::format_to(out, "memprop: weights on crossbars, read {} s after programming\n",
                   mapping.device_time_seconds());
    for (const auto& layer : mapping.layers()) {
        const crossbar::ProgrammingReport& report = layer->programming;
        fmt::format_to(out,
                       "  {:<24} {} synapses, {} tiles, 1 uS = weight {:.4g}; error mean {:.3g} uS, largest "
                       "{:.3g} uS",
                       layer->node, report.synapses, layer->tiles, layer->weight_per_us,
                       mean_error_us(*layer), report.largest_error_us);
        if (verified(*layer)) {
            const double synapses = std::max(1.0, double(report.synapses));
            fmt::format_to(out,
                           "; {:.1f} pulses and {:.1f} verifying reads per synapse, {:.1f} % within the "
                           "tolerance",
                           double(report.pulses) / synapses, double(report.verify_reads) / synapses,
                           100.0 * success_rate(*layer));
            if (const auto taken = seconds(mapping, *layer)) {
                fmt::format_to(out, ", {:.3g} s", *taken);
            }
        }
        text += '\n';
    }
    return text;
}

}  // namespace memprop::host
