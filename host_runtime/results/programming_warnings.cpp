#include "host_runtime/results/programming_warnings.hpp"

#include <fmt/format.h>

#include <string_view>

namespace memprop::host {
namespace {

constexpr double kManyClipped = 0.01;  // of the weights
constexpr double kLargeError = 0.2;    // of the range; phase-change memory without a check has 0.12

/// What programming an array or several alike came to.
struct Programmed {
    std::string_view name;
    const crossbar::ProgrammingReport& report;
    double range_us, weight_per_us;
    bool takes_pulses;
};

std::vector<std::string> warnings_of(const Programmed& p, std::string_view to_scale,
                                     std::string_view to_write) {
    const double synapses = static_cast<double>(p.report.synapses);
    const double mean_us = p.report.synapses == 0 ? 0.0 : p.report.absolute_error_us / synapses;
    const double clipped = static_cast<double>(p.report.clipped);
    std::vector<std::string> lines;
    if (clipped > kManyClipped * synapses) {
        // Of a weight that is clipped about the whole range is held.
        const double largest = p.weight_per_us * (p.range_us + p.report.largest_error_us);
        lines.push_back(
            fmt::format("{}: {:.2g} % of the weights are beyond what the devices hold, {:.3g} uS or a weight "
                        "of {:.3g}, and "
                        "are clipped (mean error {:.3g} uS, largest {:.3g} uS){}",
                        p.name, 100.0 * clipped / synapses, p.range_us, p.weight_per_us * p.range_us, mean_us,
                        p.report.largest_error_us,
                        to_scale.empty() ? ""
                                         : fmt::format("; {} = {:.2g} would hold all of them", to_scale,
                                                       largest / (kUsedRange * p.range_us))));
    } else if (mean_us > kLargeError * p.range_us) {
        lines.push_back(fmt::format(
            "{}: the devices miss their weights by {:.3g} uS in the mean (largest "
            "{:.3g} uS) of a range of {:.3g} uS{}",
            p.name, mean_us, p.report.largest_error_us, p.range_us, p.takes_pulses ? to_write : ""));
    }
    return lines;
}

}  // namespace

std::vector<std::string> programming_warnings(const learning::TrainerBase& trainer,
                                              const learning::ExperimentConfig& config) {
    std::vector<std::string> lines;
    for (std::size_t p = 0; p < trainer.network().projections.size(); ++p) {
        const auto id = static_cast<learning::ProjectionId>(p);
        const network::Projection& projection = trainer.network().projections[p];
        const learning::ProjectionPlan& plan = trainer.resolved().projections[p];
        const crossbar::SynapseArray* const array = trainer.array(id);
        if (array == nullptr) {
            continue;
        }
        const bool out = trainer.network().at(projection.to).model == "leaky_readout";
        const bool verified = plan.crossbar.programming.method == crossbar::ProgrammingMethod::write_verify;
        const crossbar::ProgrammingReport report = trainer.programmed(id);
        const std::vector<std::string> found = warnings_of(
            {.name = projection.name,
             .report = report,
             .range_us = array->range_us(),
             .weight_per_us = plan.weight_scale_per_us,
             .takes_pulses = array->model().takes_pulses()},
            !config.tables.empty() ? fmt::format("projection.{}.weight_scale_per_us", projection.name)
            : out                  ? "crossbar.weight_scale_out_per_us"
                                   : "crossbar.weight_scale_per_us",
            verified
                ? "; crossbar.programming.tolerance_us and max_pulses, and faults, limit what can be reached"
                : "; crossbar.programming.method = \"write_verify\" reads what it writes, and "
                  "update.epsilon_us should be the step of a pulse");
        lines.insert(lines.end(), found.begin(), found.end());
    }
    return lines;
}

std::vector<std::string> programming_warnings(const CrossbarMapping& mapping) {
    std::vector<std::string> lines;
    for (const auto& layer : mapping.layers()) {
        const crossbar::SynapseArray& array = layer->arrays.front()->array;
        const std::vector<std::string> found = warnings_of(
            {.name = layer->node,
             .report = layer->programming,
             .range_us = array.range_us(),
             .weight_per_us = layer->weight_per_us,
             .takes_pulses = array.model().takes_pulses()},
            "",
            "; crossbar.programming.tolerance_us and max_pulses, update.epsilon_us and faults limit "
            "what can be reached");
        lines.insert(lines.end(), found.begin(), found.end());
    }
    return lines;
}

}  // namespace memprop::host
