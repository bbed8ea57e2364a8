// Parameters of neuron nodes as fields of the models in learning/network/models. What a file states for
// training (thresholds below those that are meant, the gain of integrators) is undone here.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "crossbar/base/error.hpp"
#include "host_runtime/nir/layer_values.hpp"
#include "host_runtime/nir/node_values.hpp"

namespace memprop::host {
namespace {

using nir::NodeType;

template <class E>
double choice(E value) {
    return static_cast<double>(static_cast<int>(value));
}

std::string_view model_of(NodeType type) {
    switch (type) {
        case NodeType::integrator:
            return "i";
        case NodeType::integrate_fire:
            return "if";
        case NodeType::leaky_integrator:
            return "li";
        case NodeType::cuba_li:
            return "cuba_li";
        case NodeType::cuba_lif:
            return "cuba_lif";
        case NodeType::threshold:
            return "threshold";
        default:
            return "lif";
    }
}

network::ResetKind reset_of(ResetRule rule) {
    switch (rule) {
        case ResetRule::subtract:
            return network::ResetKind::subtract;
        case ResetRule::subtract_carry:
            return network::ResetKind::subtract_carry;
        case ResetRule::subtract_next:
            return network::ResetKind::subtract_next;
        default:
            return network::ResetKind::to_value;
    }
}

class NeuronNode {
public:
    NeuronNode(const nir::FlatNode& node, const Discretisation& discretisation, const std::string& place)
        : node_(node), d_(discretisation), place_(place), type_(node.node->type) {
        p_.name = node.name;
        p_.size = static_cast<std::uint32_t>(node.output_size());
        p_.model = model_of(type_);
        p_.shape = node.output_shape;
    }

    network::Population population() {
        if (type_ == NodeType::threshold) {
            set_threshold("threshold");
            return std::move(p_);
        }
        const bool leaky = type_ != NodeType::integrator && type_ != NodeType::integrate_fire;
        std::vector<double> r = values("r", 1.0);
        if (type_ != NodeType::integrator) {
            p_.set("equations",
                   {choice(as_training() ? network::Equations::decay : network::Equations::difference)});
        }
        if (leaky) {
            const bool current = nir::has_current(type_);
            p_.set("integrator",
                   {choice(d_.integrator == Integrator::euler ? network::Integrator::euler
                                                              : network::Integrator::exponential)});
            set_time_constant(current ? "tau_mem" : "tau", "tau_membrane_seconds");
            set("leak_potential", values("v_leak", 0.0));
            if (current) {
                set_time_constant("tau_syn", "tau_synapse_seconds");
                set("input_weight", values("w_in", 1.0));
                p_.set("current_jump",
                       {choice(d_.current_jump == CurrentJump::scaled ? network::CurrentJump::scaled
                                                                      : network::CurrentJump::unscaled)});
            }
        } else if (d_.if_integration == IfIntegration::per_second) {
            for (double& value : r) {
                value *= d_.dt_seconds;
            }
        }
        set("resistance", std::move(r));
        if (nir::is_spiking(type_)) {
            set_firing();
        }
        return std::move(p_);
    }

private:
    std::vector<double> values(std::string_view name, double missing) const {
        return nir::layer_values(node_, name, missing);
    }

    /// One value in the place of many that are equal.
    void set(std::string_view parameter, std::vector<double> all) {
        if (std::all_of(all.begin(), all.end(), [&](double v) { return v == all.front(); })) {
            all.resize(1);
        }
        p_.set(parameter, std::move(all));
    }

    /// With the operations of training, which knows no carried subtraction.
    bool as_training() const {
        return d_.arithmetic != Arithmetic::graph && d_.reset != ResetRule::subtract_carry;
    }

    void set_time_constant(std::string_view dataset, std::string_view parameter) {
        std::vector<double> tau = values(dataset, 0.0);
        for (const double t : tau) {
            if (d_.integrator == Integrator::euler && d_.dt_seconds / t > 2.0) {
                throw InputError(fmt::format(
                    "{}: dataset {}: {} s with dt = {} s: forward Euler diverges for dt > 2 {}; use a "
                    "smaller dt or the exponential integrator",
                    place_, dataset, t, d_.dt_seconds, dataset));
            }
        }
        set(parameter, std::move(tau));
    }

    void set_threshold(std::string_view dataset) {
        std::vector<double> threshold = values(dataset, 0.0);
        if (d_.fires_at_threshold) {  // the file has the next number below (Discretisation)
            for (double& th : threshold) {
                if (d_.arithmetic == Arithmetic::single) {
                    constexpr auto kMost = static_cast<double>(std::numeric_limits<float>::max());
                    th = static_cast<double>(std::nextafter(static_cast<float>(std::clamp(th, -kMost, kMost)),
                                                            std::numeric_limits<float>::infinity()));
                } else {
                    th = std::nextafter(th, std::numeric_limits<double>::infinity());
                }
            }
        }
        set("threshold", std::move(threshold));
        p_.set("firing_test", {choice(d_.fires_at_threshold ? network::FiringTest::at_or_above
                                                            : network::FiringTest::above)});
    }

    void set_firing() {
        set_threshold("v_threshold");
        p_.set("reset", {choice(reset_of(d_.reset))});
        if (d_.reset == ResetRule::file) {
            set("reset_value", values("v_reset", 0.0));
        }
    }

    const nir::FlatNode& node_;
    const Discretisation& d_;
    const std::string& place_;
    const NodeType type_;
    network::Population p_;
};

}  // namespace

network::Population neuron_population(const nir::FlatNode& node, const Discretisation& discretisation,
                                      const std::string& place) {
    return NeuronNode(node, discretisation, place).population();
}

}  // namespace memprop::host
