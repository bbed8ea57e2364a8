#include "host_runtime/graph/step_warnings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "host_runtime/nir/flat_graph.hpp"
#include "host_runtime/nir/layer_values.hpp"

namespace memprop::host {
namespace {

using nir::FlatNode;
using nir::NodeType;

constexpr double kSame = 1e-4;               // relative; files hold single precision
constexpr double kMuchLarger = 5.0;          // where all tau are the same: a plain factor is smaller
constexpr double kLeastIfResistance = 90.0;  // r = 1/X: steps are shorter than 10 ms
constexpr double kCoarse = 0.5;              // dt/tau from which a step is no small part of the decay
constexpr std::size_t kNamed = 4;

/// The range of one quantity over neurons.
struct Range {
    double low = std::numeric_limits<double>::infinity(), high = 0.0;
    void add(double value) {
        low = std::min(low, value);
        high = std::max(high, value);
    }
    bool one_value() const { return low > 0.0 && low <= high && high - low <= kSame * high; }
};

bool is_leaky(NodeType type) {
    return type == NodeType::leaky_integrator || type == NodeType::lif || nir::has_current(type);
}

std::string listed(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), kNamed); ++i) {
        text += (i == 0 ? "" : ", ") + names[i];
    }
    return names.size() > kNamed ? text + fmt::format(" and {} more", names.size() - kNamed) : text;
}

class StepCheck {
public:
    explicit StepCheck(const Discretisation& discretisation) : d_(discretisation) {}

    void add(const FlatNode& node) {
        const NodeType type = node.node->type;
        if (is_leaky(type)) {
            add_leaky(node, nir::has_current(type) ? "tau_mem" : "tau");
            if (nir::has_current(type)) {
                add_coarse(node, nir::layer_values(node, "tau_syn", 0.0), "tau_syn");
            }
        } else if (type == NodeType::integrator || type == NodeType::integrate_fire) {
            for (const double r : nir::layer_values(node, "r", 1.0)) {
                if_resistance_.add(r > 0.0 ? r : 0.0);
            }
        }
    }

    std::vector<std::string> warnings() const {
        std::vector<std::string> result;
        std::string coarse_hint =
            fmt::format("; a smaller dt is needed{}",
                        d_.integrator == Integrator::euler ? ", or integrator = exponential" : "");
        const bool deliberate = gain_.low >= kMuchLarger || !tau_.one_value();
        if (ratio_.one_value() && deliberate && is_foreign(ratio_.high)) {
            result.push_back(fmt::format(
                "r = tau/{0:.4g} in every leaky neuron: the network was written for steps of {0:.4g} s, and "
                "is run with dt = {1:g} s; dt = {0:.4g} (--dt {0:.4g}) gives it its own",
                ratio_.high, d_.dt_seconds));
            coarse_hint.clear();
        }
        if (if_resistance_.one_value() && if_resistance_.low >= kLeastIfResistance) {
            const double step = 1.0 / if_resistance_.high;
            if (d_.if_integration == IfIntegration::per_step) {
                result.push_back(fmt::format(
                    "r = 1/{:.4g} in every I and IF neuron: the network was written for dv/dt = r x, and is "
                    "run with v += r x; if_integration = per_second (--if-integration per_second) mends it",
                    step));
            } else if (is_foreign(step)) {
                result.push_back(fmt::format(
                    "r = 1/{0:.4g} in every I and IF neuron: the network was written for steps of {0:.4g} s, "
                    "and is run with dt = {1:g} s; dt = {0:.4g} (--dt {0:.4g}) gives it its own",
                    step, d_.dt_seconds));
            }
        }
        if (!coarse_.empty()) {
            result.push_back(
                fmt::format("dt = {:g} s is no small part of a time constant (dt/tau up to {:.3g}) "
                            "in {}: the result is that of the step, not of the network{}",
                            d_.dt_seconds, largest_, listed(coarse_), coarse_hint));
        }
        return result;
    }

private:
    bool is_foreign(double step) const { return step > 1.25 * d_.dt_seconds || step < 0.8 * d_.dt_seconds; }

    void add_leaky(const FlatNode& node, std::string_view name) {
        const std::vector<double> tau = nir::layer_values(node, name, 1.0);
        const std::vector<double> r = nir::layer_values(node, "r", 1.0);
        for (std::size_t i = 0; i < tau.size(); ++i) {
            ratio_.add(r[i] > 0.0 ? tau[i] / r[i] : 0.0);
            gain_.add(r[i]);
            tau_.add(tau[i]);
        }
        add_coarse(node, tau, name);
    }

    void add_coarse(const FlatNode& node, const std::vector<double>& tau, std::string_view name) {
        const double part = d_.dt_seconds / *std::min_element(tau.begin(), tau.end());
        if (part >= kCoarse) {
            coarse_.push_back(fmt::format("node {} ({})", node.name, name));
            largest_ = std::max(largest_, part);
        }
    }

    const Discretisation& d_;
    Range ratio_, gain_, tau_, if_resistance_;
    std::vector<std::string> coarse_;
    double largest_ = 0.0;
};

/// Whether an input raises the current of every neuron by less than its weight.
bool jumps_are_scaled_down(const FlatNode& node, const Discretisation& d) {
    const std::vector<double> tau = nir::layer_values(node, "tau_syn", 1.0);
    const std::vector<double> w_in = nir::layer_values(node, "w_in", 1.0);
    for (std::size_t i = 0; i < tau.size(); ++i) {
        if (d.dt_seconds / tau[i] * std::abs(w_in[i]) > 0.9) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::vector<std::string> step_warnings(const nir::Network& network, const std::string& file,
                                       const Discretisation& discretisation) {
    StepCheck check(discretisation);
    const nir::FlatGraph graph = nir::flatten(network, file);
    for (const FlatNode& node : graph.nodes) {
        check.add(node);
    }
    return check.warnings();
}

SilenceWatch::SilenceWatch(const nir::Network& network, const std::string& file,
                           const Discretisation& discretisation) {
    if (discretisation.current_jump == CurrentJump::unscaled) {
        return;
    }
    const nir::FlatGraph graph = nir::flatten(network, file);
    std::vector<std::string> names;
    for (std::uint32_t i = 0; i < graph.nodes.size(); ++i) {
        if (graph.nodes[i].node->type == NodeType::cuba_lif) {
            if (!jumps_are_scaled_down(graph.nodes[i], discretisation)) {
                watched_.clear();
                return;
            }
            watched_.push_back(i);
            names.push_back(graph.nodes[i].name);
        }
    }
    names_ = listed(names);
}

void SilenceWatch::note(const RunningNetwork& network) {
    for (std::size_t k = 0; k < watched_.size() && !spiked_; ++k) {
        spiked_ = !network.spikes(watched_[k]).empty();
    }
}

std::vector<std::string> SilenceWatch::warnings() const {
    if (watched_.empty() || spiked_) {
        return {};
    }
    return {fmt::format(
        "CubaLIF {} never spiked: NIR scales the jump of a current by dt/tau_syn, and this file has no w_in "
        "that makes up for it, as if its writer (Norse, say) did not scale; current_jump = unscaled "
        "(--current-jump unscaled) runs it so",
        names_)};
}

}  // namespace memprop::host
