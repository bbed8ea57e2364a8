#include "host_runtime/results/energy_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace memprop::host {

nlohmann::ordered_json energy_json(const crossbar::EnergyBreakdown& energy) {
    return {{"total", or_null(energy.total_j())},
            {"set", or_null(energy.set_j)},
            {"reset", or_null(energy.reset_j)},
            {"read", or_null(energy.read_j)},
            {"wires", or_null(energy.wires_j)},
            {"verify_read", or_null(energy.verify_read_j)},
            {"adc", energy.adc_j}};
}

std::string energy_source(const crossbar::EnergyConfig& costs) {
    if (!costs.source.empty()) {
        return costs.source;
    }
    return costs.missing().size() == 4 ? "none: no figures of this device are known"
                                       : "not named in crossbar.energy.source";
}

std::string missing_energy_text(const crossbar::EnergyConfig& costs, const std::string& device) {
    if (costs.missing().empty()) {
        return "";
    }
    return fmt::format("not known for {}: {}", device, fmt::join(costs.missing(), ", "));
}

std::string joules(const nlohmann::ordered_json& value) {
    return value.is_null() ? "not known" : fmt::format("{:.3g}", value.get<double>());
}

}  // namespace memprop::host
