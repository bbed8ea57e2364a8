// The long form of a network: named tables [population.X], [projection.X], [objective.X], and [device.X],
// [rule.X], [update.X] that projections name. Without a table [population.X] the network is that of
// [network].
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crossbar/config.hpp"
#include "learning/config/learning_config.hpp"
#include "learning/config/update_config.hpp"
#include "learning/network/models/models.hpp"
#include "learning/network/network.hpp"

namespace memprop::learning {

inline constexpr network::Names<network::DelayKind, 2> kDelayKindNames{
    {{"axonal", network::DelayKind::axonal}, {"dendritic", network::DelayKind::dendritic}}};

/// A rule that has no table of its own in [rule.X]: e-prop as [learning] says.
inline constexpr std::string_view kEprop = "eprop";

/// Names of neuron models and of rules, for messages.
std::vector<std::string_view> model_names();
std::vector<std::string_view> rule_names();
/// The parameters of a kind of rule; e-prop has none, but the keys of [learning].
std::span<const network::Field> rule_fields(std::string_view kind);

struct PopulationTable {
    std::string name;
    std::int64_t size = 0;
    std::vector<std::int64_t> shape;
    std::string model = "lif";
    std::vector<network::Parameter> parameters;  ///< of the model's field table; not those at their defaults

    template <class Field>
    void describe(Field&& field) {
        field("size", size, {0, 1 << 28}, "neurons; 0 = as many as shape says");
        field.list("shape", shape, {1, 1 << 28},
                   "[channels, rows, columns] or [channels, length], for convolution and pool; [] = [size]");
        field.one_of("model", model, model_names(),
                     "neuron model; `memprop config --models` explains them and their parameters");
        field.parameters(network::find_model("model", model).fields, parameters);
    }
};

struct ProjectionTable {
    std::string name;
    std::string from, to;
    network::ConnectKind connect = network::ConnectKind::dense;
    bool self = false;
    double density = 1.0;
    std::string mask_file;
    std::int64_t fan_out = 10;
    std::vector<std::int64_t> kernel, stride, padding, dilation;
    std::int64_t groups = 1;
    bool average = false;
    std::int64_t receptor = 0;
    std::int64_t delay_steps = 0;
    network::DelayKind delay = network::DelayKind::axonal;
    bool bias = false;
    double init_std = 0.1;
    double init_mean = 0.0;
    std::string device, rule, update;
    double lr = 0.0;
    double weight_scale_per_us = 0.0;

    template <class Field>
    void describe(Field&& field) {
        field.text("from", from, "population that sends");
        field.text("to", to, "population that receives");
        field.choice("connect", connect, network::kConnectNames, "which synapses there are");
        field("self_connections", self, "from a population to itself: whether a neuron reaches itself");
        field("density", density, {0.0, 1.0}, "masked: part of the synapses that exist, drawn once");
        field.file("mask_file", mask_file,
                   "masked: a text file with a line of 0 and 1 for every presynaptic neuron; instead of "
                   "density");
        field("fan_out", fan_out, {1, 1 << 28}, "sparse: synapses of every presynaptic neuron, drawn once");
        field.list("kernel", kernel, {1, 65536},
                   "convolution, pool: size of the window, [rows, columns] or one number for both");
        field.list("stride", stride, {1, 65536},
                   "steps of the window; [] = 1, and with pool the size of the window");
        field.list("padding", padding, {0, 65536}, "zeros around the input; [] = 0");
        field.list("dilation", dilation, {1, 65536}, "distance of the points of the window; [] = 1");
        field("groups", groups, {1, 1 << 28}, "convolution: groups of channels, each convolved by itself");
        field("average", average, "pool: divide the sum by the size of the window");
        field("receptor", receptor, {0, 255}, "receptor of the receiving neurons");
        field("delay_steps", delay_steps, {0, 1000000}, "steps from an event to its sum");
        field.choice("delay", delay, kDelayKindNames, "where events wait: before the weights, or behind");
        field("bias", bias, "one more presynaptic line, active in every step");
        field("init_std", init_std, {0.0, 1e6}, "standard deviation of the initial weights");
        field("init_mean", init_mean, {-1e6, 1e6}, "their mean");
        field.text("device", device, "name of a table [device.X]; empty: weights are numbers");
        field.text("rule", rule,
                   "name of a table [rule.X], or \"eprop\" for what [learning] says; empty: does not learn");
        field.text("update", update, "name of a table [update.X]; empty: [update]");
        field("lr", lr, {0.0, 1e6},
              "learning rate; 0: that of the rule, onto populations with an objective its lr_out");
        field("weight_scale_per_us", weight_scale_per_us, {0.0, 1e12},
              "weight of 1 uS; 0: that of the device's table, onto populations with an objective its "
              "weight_scale_out_per_us");
    }
};

struct ObjectiveTable {
    std::string name;
    std::string population;
    Loss loss = Loss::mse;
    double filter_seconds = 20e-3;

    template <class Field>
    void describe(Field&& field) {
        field.text("population", population, "population that is compared with targets or labels");
        field.choice("loss", loss, kLossNames, "what it is compared by");
        field("filter_seconds", filter_seconds, {1e-9, 1e6},
              "spiking populations: time constant of the filter of their spikes, s");
    }
};

/// A rule with the parameters of its kind (rules/rules.hpp), or e-prop with the keys of [learning].
struct RuleTable {
    std::string name;
    std::string kind{kEprop};
    std::vector<network::Parameter> parameters;  ///< not those at their defaults
    LearningConfig eprop;

    template <class Field>
    void describe(Field&& field) {
        field.one_of("kind", kind, rule_names(),
                     "learning rule; `memprop config --models` explains them and their parameters");
        if (kind == kEprop) {
            eprop.describe(field);
        } else {
            field.parameters(rule_fields(kind), parameters);
        }
    }
};

struct DeviceTable {
    std::string name;
    crossbar::CrossbarConfig crossbar;

    template <class Field>
    void describe(Field&& field) {
        crossbar.describe(field);
    }
};

struct UpdateTable {
    std::string name;
    UpdateConfig update;

    template <class Field>
    void describe(Field&& field) {
        update.describe(field);
    }
};

struct NetworkTables {
    std::vector<PopulationTable> populations;
    std::vector<ProjectionTable> projections;
    std::vector<ObjectiveTable> objectives;
    std::vector<DeviceTable> devices;
    std::vector<RuleTable> rules;
    std::vector<UpdateTable> updates;

    bool empty() const { return populations.empty(); }

    template <class Field>
    void describe(Field&& field) {
        field.tables("population", populations);
        field.tables("projection", projections);
        field.tables("objective", objectives);
        field.tables("device", devices);
        field.tables("rule", rules);
        field.tables("update", updates);
    }
};

}  // namespace memprop::learning
