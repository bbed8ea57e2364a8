#include "host_runtime/exchange/drawing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "host_runtime/config/network_text.hpp"

namespace memprop::host {
namespace {

using nlohmann::ordered_json;

template <class E, std::size_t N>
std::string_view name_of(E value, const network::Names<E, N>& names) {
    for (const auto& [text, meaning] : names) {
        if (meaning == value) {
            return text;
        }
    }
    return {};
}

/// In quotes, as dot has them.
std::string dot_string(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    return out + '"';
}

std::string medium_of(const network::Projection& projection, const learning::ProjectionPlan& plan) {
    if (!plan.on_devices) {
        return {};
    }
    return projection.device.empty() || projection.device == plan.crossbar.device
               ? plan.crossbar.device
               : fmt::format("{} ({})", projection.device, plan.crossbar.device);
}

std::string text_of(const ordered_json& value) {
    return value.get<std::string>();
}

}  // namespace

ordered_json network_json(const network::Network& network, std::span<const learning::ProjectionPlan> plans) {
    std::vector<std::size_t> wave_of(network.populations.size(), 0);
    const auto waves = network::waves(network);
    for (std::size_t wave = 0; wave < waves.size(); ++wave) {
        for (const network::PopulationId id : waves[wave]) {
            wave_of[network::index_of(id)] = wave;
        }
    }
    ordered_json populations = ordered_json::array(), projections = ordered_json::array(),
                 objectives = ordered_json::array();
    for (std::size_t i = 0; i < network.populations.size(); ++i) {
        const network::Population& p = network.populations[i];
        populations.push_back({{"name", p.name}, {"model", p.model}, {"size", p.size}, {"wave", wave_of[i]}});
    }
    for (std::size_t i = 0; i < network.projections.size(); ++i) {
        const network::Projection& p = network.projections[i];
        projections.push_back({{"name", p.name},
                               {"from", network::index_of(p.from)},
                               {"to", network::index_of(p.to)},
                               {"connect", name_of(p.connect.kind, network::kConnectNames)},
                               {"rows", rows_of(network, p)},
                               {"columns", columns_of(network, p)},
                               {"synapses", synapse_count(network, p)},
                               {"delay_steps", p.delay_steps},
                               {"medium", i < plans.size() ? medium_of(p, plans[i]) : std::string()},
                               {"rule", i < plans.size() ? plans[i].rule_name : std::string()}});
    }
    for (const network::Objective& o : network.objectives) {
        objectives.push_back({{"name", o.name},
                              {"population", network::index_of(o.population)},
                              {"loss", name_of(o.loss, network::kLossNames)}});
    }
    return {{"populations", populations}, {"projections", projections}, {"objectives", objectives}};
}

std::string network_dot(const network::Network& network, std::span<const learning::ProjectionPlan> plans) {
    const ordered_json json = network_json(network, plans);
    std::string out =
        "digraph network {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n  edge [fontsize=10];\n";
    std::vector<std::string> waves;
    for (std::size_t i = 0; i < json["populations"].size(); ++i) {
        const ordered_json& p = json["populations"][i];
        out += fmt::format("  p{} [label={}];\n", i,
                           dot_string(fmt::format("{}\n{} x {}", text_of(p["name"]),
                                                  p["size"].get<std::uint64_t>(), text_of(p["model"]))));
        waves.resize(std::max(waves.size(), p["wave"].get<std::size_t>() + 1));
        waves[p["wave"].get<std::size_t>()] += fmt::format(" p{};", i);
    }
    for (const std::string& wave : waves) {
        out += fmt::format("  {{ rank=same;{} }}\n", wave);
    }
    for (const ordered_json& p : json["projections"]) {
        const auto delay = p["delay_steps"].get<std::uint64_t>();
        const std::string medium = text_of(p["medium"]), rule = text_of(p["rule"]);
        std::string label = fmt::format("{}\n{} x {} {}, {} synapses", text_of(p["name"]),
                                        p["rows"].get<std::uint64_t>(), p["columns"].get<std::uint64_t>(),
                                        text_of(p["connect"]), p["synapses"].get<std::uint64_t>());
        label += delay > 0 ? fmt::format(", delay {}", delay) : "";
        label += fmt::format("\n{}", medium.empty() ? "numbers" : medium);
        label += rule.empty() ? "" : fmt::format(", learns by {}", rule);
        out += fmt::format("  p{} -> p{} [label={}{}{}];\n", p["from"].get<std::size_t>(),
                           p["to"].get<std::size_t>(), dot_string(label),
                           rule.empty() ? ", style=dashed" : "", medium.empty() ? "" : ", penwidth=2");
    }
    for (std::size_t i = 0; i < json["objectives"].size(); ++i) {
        const ordered_json& o = json["objectives"][i];
        out += fmt::format("  o{} [shape=note, label={}];\n  p{} -> o{} [style=dotted, arrowhead=none];\n", i,
                           dot_string(fmt::format("{}\n{}", text_of(o["name"]), text_of(o["loss"]))),
                           o["population"].get<std::size_t>(), i);
    }
    return out + "}\n";
}

}  // namespace memprop::host
