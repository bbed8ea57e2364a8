// The long form of a network: named tables [population.X], [projection.X], [objective.X], and [device.X],
// [rule.X], [update.X] that projections name. Without a table [population.X] the network is that of
// [network].
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "crossbar/config.hpp"
#include "learning/config/learning_config.hpp"
#include "learning/config/update_config.hpp"
#include "learning/network/models/models.hpp"
#include "learning/network/network.hpp"

namespace memprop::learning {

struct PopulationTable {
    std::string name;
    std::int64_t size = 0;
    std::string model = "lif";
    std::vector<network::Parameter> parameters;  ///< of the model's field table

    template <class Field>
    void describe(Field&& field) {
        field("size", size, {1, 1 << 28}, "neurons");
        field.text("model", model,
                   "neuron model; `memprop config --models` names them with their parameters");
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
    std::vector<double> window = {1.0};
    std::int64_t receptor = 0;
    std::int64_t delay_steps = 0;
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
        field("self", self, "from a population to itself: neurons reach themselves");
        field("density", density, {0.0, 1.0}, "masked: part of the synapses that exist, drawn once");
        field.file("mask_file", mask_file,
                   "masked: a text file with one line of 0 and 1 per presynaptic neuron; instead of density");
        field("fan_out", fan_out, {1, 1 << 28}, "sparse: synapses of every presynaptic neuron, drawn once");
        field.list(
            "window", window, {0.0, 1e9},
            "convolution, pool: channels_in, height, width, channels_out, kernel_height, kernel_width, "
            "stride_y, stride_x, padding_top, padding_left, groups");
        field("receptor", receptor, {0, 255}, "receptor of the receiving neurons");
        field("delay_steps", delay_steps, {0, 1000000}, "steps from an event to its sum");
        field("bias", bias, "one more presynaptic line, active in every step");
        field("init_std", init_std, {0.0, 1e6}, "standard deviation of the initial weights");
        field("init_mean", init_mean, {-1e6, 1e6}, "their mean");
        field.text("device", device, "name of a table [device.X]; empty: weights are numbers");
        field.text("rule", rule,
                   "name of a table [rule.X], or \"eprop\" for what [learning] says; empty: does not learn");
        field.text("update", update, "name of a table [update.X]; empty: [update]");
        field("lr", lr, {0.0, 1e6}, "learning rate; 0: learning.lr, onto readouts learning.lr_out");
        field("weight_scale_per_us", weight_scale_per_us, {0.0, 1e12},
              "weight of 1 uS; 0: crossbar.weight_scale_per_us, onto readouts weight_scale_out_per_us");
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
    std::string kind = "eprop";
    std::vector<network::Parameter> parameters;
    LearningConfig eprop;
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
};

}  // namespace memprop::learning
