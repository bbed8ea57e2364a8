// What a user sets about network, learning rule, weight updates, task and run. As in
// crossbar/config.hpp, `describe` names every field once.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "crossbar/config.hpp"

namespace memprop::learning {

template <class E, std::size_t N>
using Names = std::array<std::pair<std::string_view, E>, N>;

/// How the same gradient is computed; the two agree to rounding (tests/test_eprop.cpp).
enum class GradientForm {
    factorised,  ///< backwards in time with one vector per step: cheap, for updates after a sample
    online,      ///< forwards in time with an eligibility trace per synapse: what hardware does
};
inline constexpr Names<GradientForm, 2> kGradientFormNames{
    {{"factorised", GradientForm::factorised}, {"online", GradientForm::online}}};

enum class Feedback {
    random,     ///< fixed normal weights
    symmetric,  ///< the readout weights, read once per sample
};
inline constexpr Names<Feedback, 2> kFeedbackNames{
    {{"random", Feedback::random}, {"symmetric", Feedback::symmetric}}};

enum class Loss {
    mse,            ///< E = 1/2 sum (y - y*)^2 over the steps of the learning window
    cross_entropy,  ///< E = -sum log softmax(y)_label over the steps of the learning window
};
inline constexpr Names<Loss, 2> kLossNames{{{"mse", Loss::mse}, {"cross_entropy", Loss::cross_entropy}}};

/// How an input of size 1 enters a leaky state with decay d: v = d v + scale * input.
enum class LeakScaling {
    one_minus_decay,  ///< scale 1 - d: the state settles at the input
    one,              ///< scale 1
};
inline constexpr Names<LeakScaling, 2> kLeakScalingNames{
    {{"one_minus_decay", LeakScaling::one_minus_decay}, {"one", LeakScaling::one}}};

enum class OptimizerKind { gd, momentum, adam };
inline constexpr Names<OptimizerKind, 3> kOptimizerNames{
    {{"gd", OptimizerKind::gd}, {"momentum", OptimizerKind::momentum}, {"adam", OptimizerKind::adam}}};

/// Where Adam's epsilon stands; n counts the updates.
enum class AdamForm {
    kingma,      ///< lr m^ / (sqrt(v^) + eps), m^ = m / (1 - b1^n), v^ = v / (1 - b2^n)
    tensorflow,  ///< lr sqrt(1 - b2^n) / (1 - b1^n) m / (sqrt(v) + eps)
};
inline constexpr Names<AdamForm, 2> kAdamFormNames{
    {{"kingma", AdamForm::kingma}, {"tensorflow", AdamForm::tensorflow}}};

enum class Precision { single, double_ };
inline constexpr Names<Precision, 2> kPrecisionNames{
    {{"single", Precision::single}, {"double", Precision::double_}}};

enum class AccumulatorRounding { truncate, stochastic };
inline constexpr Names<AccumulatorRounding, 2> kAccumulatorRoundingNames{
    {{"truncate", AccumulatorRounding::truncate}, {"stochastic", AccumulatorRounding::stochastic}}};

enum class Engine { functional };
inline constexpr Names<Engine, 1> kEngineNames{{{"functional", Engine::functional}}};

enum class NeuronKind { lif };
inline constexpr Names<NeuronKind, 1> kNeuronNames{{{"lif", NeuronKind::lif}}};

struct TaskConfig {
    std::string name = "pattern_generation";
    std::int64_t samples = 3;
    std::int64_t steps = 1000;
    double input_rate_hz = 50.0;
    double update_interval_seconds = 38.6;
    std::string file;

    template <class Field>
    void describe(Field&& field) {
        field.text("name", name, "task; `memprop train --list` names them");
        field("samples", samples, {1, 1000000}, "different trials, shown in order in every epoch");
        field("steps", steps, {1, 10000000}, "time steps of a trial");
        field("input_rate_hz", input_rate_hz, {0.0, 1e6}, "rate of the Poisson input of each line, Hz");
        field("update_interval_seconds", update_interval_seconds, {0.0, 1e12},
              "device time that passes from one training sample to the next, s");
        field.text("file", file, "data of tasks that read a file; relative to the working directory");
    }
};

struct NetworkConfig {
    std::int64_t inputs = 100;
    std::int64_t recurrent = 100;
    std::int64_t outputs = 1;
    NeuronKind neuron = NeuronKind::lif;
    double time_step_seconds = 1e-3;
    double tau_membrane_seconds = 30e-3;
    double tau_readout_seconds = 30e-3;
    double threshold = 0.03;
    double dampening = 0.3;
    std::int64_t refractory_steps = 0;
    LeakScaling input_scaling = LeakScaling::one_minus_decay;
    LeakScaling readout_scaling = LeakScaling::one_minus_decay;
    double init_std_in = 0.1;
    double init_std_rec = 0.1;
    double init_std_out = 0.1;

    template <class Field>
    void describe(Field&& field) {
        field("inputs", inputs, {1, 65536}, "input lines");
        field("recurrent", recurrent, {1, 65536}, "recurrent neurons");
        field("outputs", outputs, {1, 4096}, "leaky-integrator readouts");
        field.choice("neuron", neuron, kNeuronNames, "neuron model of the recurrent layer");
        field("time_step_seconds", time_step_seconds, {1e-9, 1e3}, "algorithmic time step, s");
        field("tau_membrane_seconds", tau_membrane_seconds, {1e-9, 1e6}, "membrane time constant, s");
        field("tau_readout_seconds", tau_readout_seconds, {1e-9, 1e6}, "time constant of the readouts, s");
        field("threshold", threshold, {1e-9, 1e9}, "firing threshold");
        field("dampening", dampening, {0.0, 100.0},
              "height gamma of the pseudo-derivative (times 1/threshold)");
        field("refractory_steps", refractory_steps, {0, 1000000},
              "n > 1: a spike at t silences the steps t+1 .. t+n-1; 0 and 1: none");
        field.choice("input_scaling", input_scaling, kLeakScalingNames,
                     "scale of a weight on its way into the membrane");
        field.choice("readout_scaling", readout_scaling, kLeakScalingNames,
                     "scale of a weight on its way into a readout");
        field("init_std_in", init_std_in, {0.0, 1e6}, "standard deviation of the initial input weights");
        field("init_std_rec", init_std_rec, {0.0, 1e6}, "of the initial recurrent weights");
        field("init_std_out", init_std_out, {0.0, 1e6}, "of the initial readout weights");
    }
};

struct LearningConfig {
    GradientForm gradient = GradientForm::factorised;
    Loss loss = Loss::mse;
    bool average_over_window = false;
    LeakScaling eligibility_scaling = LeakScaling::one_minus_decay;
    double eligibility_decay = 0.0;
    Feedback feedback = Feedback::random;
    double feedback_std = 0.1;
    OptimizerKind optimizer = OptimizerKind::gd;
    double lr = 1.2e-3;
    double lr_out = 4.2e-3;
    std::int64_t batch = 1;
    double adam_beta1 = 0.9;
    double adam_beta2 = 0.999;
    double adam_epsilon = 1e-8;
    AdamForm adam_form = AdamForm::kingma;
    double momentum = 0.9;
    double rate_regularization = 160.0;
    double target_rate_hz = 10.0;

    template <class Field>
    void describe(Field&& field) {
        field.choice("gradient", gradient, kGradientFormNames, "form of e-prop; equal to rounding");
        field.choice("loss", loss, kLossNames, "what the readouts are compared by");
        field("average_over_window", average_over_window,
              "divide gradients, the regulariser included, by the steps of the learning window");
        field.choice("eligibility_scaling", eligibility_scaling, kLeakScalingNames,
                     "scale of the eligibility trace on its way into its low-pass filter");
        field("eligibility_decay", eligibility_decay, {0.0, 0.999999999},
              "decay per step of the filtered eligibility trace; 0 = that of the readouts");
        field.choice("feedback", feedback, kFeedbackNames, "weights that carry the error back");
        field("feedback_std", feedback_std, {0.0, 1e6}, "standard deviation of random feedback weights");
        field.choice("optimizer", optimizer, kOptimizerNames, "what turns a gradient into a weight change");
        field("lr", lr, {0.0, 1e6}, "learning rate of input and recurrent weights");
        field("lr_out", lr_out, {0.0, 1e6}, "learning rate of readout weights");
        field("batch", batch, {1, 1000000}, "samples whose gradients are averaged into one update");
        field("adam_beta1", adam_beta1, {0.0, 0.999999999}, "adam: decay of the mean gradient");
        field("adam_beta2", adam_beta2, {0.0, 0.999999999}, "adam: decay of the mean square");
        field("adam_epsilon", adam_epsilon, {1e-30, 1.0}, "adam: added to the root of the mean square");
        field.choice("adam_form", adam_form, kAdamFormNames, "adam: where epsilon stands");
        field("momentum", momentum, {0.0, 0.999999999}, "momentum: decay of the velocity");
        field("rate_regularization", rate_regularization, {0.0, 1e9},
              "c_reg: strength of the pull of each neuron's rate towards target_rate_hz");
        field("target_rate_hz", target_rate_hz, {0.0, 1e6}, "firing rate the regulariser asks for, Hz");
    }
};

struct UpdateConfig {
    std::string scheme = "mixed_precision";
    double epsilon_us = 1.0;
    std::int64_t devices_per_polarity = 1;
    crossbar::DeviceCounter device_counter = crossbar::DeviceCounter::per_synapse;
    std::int64_t max_pulses = 10;
    double weight_limit = 0.0;
    double sign_threshold = 0.5;
    std::int64_t accumulator_bits = 0;
    std::int64_t accumulator_headroom_bits = 1;
    AccumulatorRounding accumulator_rounding = AccumulatorRounding::stochastic;
    std::int64_t accumulate_samples = 10;
    std::string inner_scheme = "multi_device";
    std::int64_t refresh_period = 10;
    double refresh_high = 0.75;
    double refresh_low = 0.375;
    std::int64_t refresh_max_pulses = 20;

    template <class Field>
    void describe(Field&& field) {
        field.text("scheme", scheme, "how weight changes become pulses; `memprop train --list` names them");
        field("epsilon_us", epsilon_us, {1e-9, 1e6},
              "step of one SET pulse that schemes assume, uS; devices with a constant step use that instead");
        field("devices_per_polarity", devices_per_polarity, {1, 64},
              "N: devices on each side of a differential pair");
        field.choice("device_counter", device_counter, crossbar::kDeviceCounterNames,
                     "what picks the next of the N devices");
        field("max_pulses", max_pulses, {1, 10000}, "most pulses on one synapse in one update");
        field("weight_limit", weight_limit, {0.0, 1e9}, "vanilla: weights stay in +-limit; 0 = no limit");
        field("sign_threshold", sign_threshold, {0.0, 1e9},
              "sign: smallest weight change that gives a pulse, in steps of one pulse");
        field("accumulator_bits", accumulator_bits, {0, 24},
              "mixed_precision: width of the accumulator of a synapse; 0 = floating point");
        field("accumulator_headroom_bits", accumulator_headroom_bits, {0, 16},
              "mixed_precision: the accumulator saturates at 2^headroom steps of one pulse");
        field.choice("accumulator_rounding", accumulator_rounding, kAccumulatorRoundingNames,
                     "mixed_precision: how a weight change is rounded to the accumulator");
        field("accumulate_samples", accumulate_samples, {1, 1000000},
              "batch_accumulate: weight changes are summed over that many updates");
        field.text("inner_scheme", inner_scheme, "batch_accumulate: the scheme that then writes the sum");
        field("refresh_period", refresh_period, {0, 1000000},
              "updates between refreshes of saturated pairs; 0 = never");
        field("refresh_high", refresh_high, {0.0, 1.0},
              "refresh pairs whose larger side is above this part of g_max");
        field("refresh_low", refresh_low, {0.0, 1.0}, "and whose smaller side is above this part of g_max");
        field("refresh_max_pulses", refresh_max_pulses, {0, 10000}, "most SET pulses to restore one pair");
    }
};

struct RunConfig {
    std::int64_t epochs = 250;
    std::int64_t seed = 1;
    Engine engine = Engine::functional;
    Precision precision = Precision::single;
    std::int64_t checkpoint_every = 50;

    template <class Field>
    void describe(Field&& field) {
        field("epochs", epochs, {1, 1000000000}, "passes over the samples of the task");
        field("seed", seed, {0, INT64_MAX}, "fixes everything random");
        field.choice("engine", engine, kEngineNames, "what computes the network");
        field.choice("precision", precision, kPrecisionNames,
                     "numbers of states, traces and weights; double needs update.scheme = \"vanilla\"");
        field("checkpoint_every", checkpoint_every, {0, 1000000000},
              "epochs between checkpoints; 0 = only at the end");
    }
};

/// A whole experiment: one TOML file.
struct ExperimentConfig {
    TaskConfig task;
    NetworkConfig network;
    LearningConfig learning;
    UpdateConfig update;
    crossbar::CrossbarConfig crossbar;
    RunConfig run;

    template <class Field>
    void describe(Field&& field) {
        field.table("task", task);
        field.table("network", network);
        field.table("learning", learning);
        field.table("update", update);
        field.table("crossbar", crossbar);
        field.table("run", run);
    }
};

}  // namespace memprop::learning
