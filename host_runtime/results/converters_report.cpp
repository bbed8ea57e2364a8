#include "host_runtime/results/converters_report.hpp"

#include <fmt/format.h>

namespace memprop::host {

nlohmann::ordered_json converters_json(std::span<const crossbar::SynapseArray* const> arrays) {
    std::uint64_t conversions = 0, calibrating = 0;
    for (const crossbar::SynapseArray* array : arrays) {
        if (array->converters().ideal()) {
            return nullptr;
        }
        conversions += array->counters().adc_conversions;
        calibrating += array->converters().calibrating() ? 1 : 0;
    }
    if (arrays.empty()) {
        return nullptr;
    }
    return {{"conversions", conversions}, {"arrays", arrays.size()}, {"calibrating", calibrating}};
}

std::string converters_text(const nlohmann::ordered_json& converters) {
    if (converters.is_null() || converters["calibrating"].get<std::uint64_t>() == 0) {
        return {};
    }
    return fmt::format(
        "{} of {} arrays are still calibrating their converters, so their reads were not converted: lower "
        "crossbar.adc.calibration_reads or set crossbar.adc.range = \"fixed\"",
        converters["calibrating"].get<std::uint64_t>(), converters["arrays"].get<std::uint64_t>());
}

}  // namespace memprop::host
