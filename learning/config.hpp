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
    adaptive,   ///< random ones that get the changes of the readout weights; both decay (Kolen-Pollack)
};
inline constexpr Names<Feedback, 3> kFeedbackNames{
    {{"random", Feedback::random}, {"symmetric", Feedback::symmetric}, {"adaptive", Feedback::adaptive}}};

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

enum class Engine {
    functional,
    cycle,  ///< the cycle-level chip; the same numbers, and the cycles and energy they take
};
inline constexpr Names<Engine, 2> kEngineNames{
    {{"functional", Engine::functional}, {"cycle", Engine::cycle}}};

enum class NeuronKind {
    lif,
    alif,  ///< adaptive threshold A = v_th + beta b, b = rho b + z of the last step
};
inline constexpr Names<NeuronKind, 2> kNeuronNames{{{"lif", NeuronKind::lif}, {"alif", NeuronKind::alif}}};

/// What a spike does to the membrane.
enum class ResetKind {
    subtract_next,  ///< v -= v_th one step later, undecayed
    subtract,       ///< v -= v_th at once, so decayed by alpha in the next step
    to_value,       ///< v = reset_value at once, and v stays there while refractory
};
inline constexpr Names<ResetKind, 3> kResetNames{{{"subtract_next", ResetKind::subtract_next},
                                                  {"subtract", ResetKind::subtract},
                                                  {"to_value", ResetKind::to_value}}};

enum class FiringTest { at_or_above, above };
inline constexpr Names<FiringTest, 2> kFiringTestNames{
    {{"at_or_above", FiringTest::at_or_above}, {"above", FiringTest::above}}};

/// The pseudo-derivative of a spike by x = v - A, with height h and slope s; sources in README.md.
enum class PseudoDerivative {
    piecewise_linear,  ///< h max(0, 1 - s |x|)
    exponential,       ///< h exp(-s |x|)
    fast_sigmoid,      ///< h / (1 + s |x|)^2
    arctan,            ///< h / pi / (1 + (pi s x)^2)
    boxcar,            ///< h where s |x| <= 1
    table,             ///< five constant segments of s x
};
inline constexpr Names<PseudoDerivative, 6> kPseudoDerivativeNames{
    {{"piecewise_linear", PseudoDerivative::piecewise_linear},
     {"exponential", PseudoDerivative::exponential},
     {"fast_sigmoid", PseudoDerivative::fast_sigmoid},
     {"arctan", PseudoDerivative::arctan},
     {"boxcar", PseudoDerivative::boxcar},
     {"table", PseudoDerivative::table}}};

/// Which recurrent layers reach the readouts.
enum class LayerReadout { all, last };
inline constexpr Names<LayerReadout, 2> kLayerReadoutNames{
    {{"all", LayerReadout::all}, {"last", LayerReadout::last}}};

/// What the network is told about a trial.
enum class Supervision {
    target,  ///< the error of every readout in every step of the window
    reward,  ///< after the trial, whether the answer it chose was right (eprop/reward.hpp)
};
inline constexpr Names<Supervision, 2> kSupervisionNames{
    {{"target", Supervision::target}, {"reward", Supervision::reward}}};

enum class StateReset { trial, never };
inline constexpr Names<StateReset, 2> kStateResetNames{
    {{"trial", StateReset::trial}, {"never", StateReset::never}}};

enum class RegularizerForm {
    per_trial,        ///< (c_reg / T) (f - f*) sum_t e[t], f = spikes of the trial / T
    running_average,  ///< sum_t c_reg (f[t] - f*) er[t], f and er low-pass filters of spikes and e
};
inline constexpr Names<RegularizerForm, 2> kRegularizerNames{
    {{"per_trial", RegularizerForm::per_trial}, {"running_average", RegularizerForm::running_average}}};

struct TaskConfig {
    std::string name = "pattern_generation";
    std::int64_t samples = 3;
    std::int64_t steps = 1000;
    double input_rate_hz = 50.0;
    double update_interval_seconds = 38.6;
    std::int64_t validation_samples = 0;
    std::int64_t test_samples = 0;
    bool fresh_trials = false;
    std::int64_t cues = 7;
    double cue_seconds = 0.1;
    double gap_seconds = 0.05;
    double delay_seconds = 1.05;
    double response_seconds = 0.15;
    double cue_rate_hz = 40.0;
    double noise_rate_hz = 10.0;
    double side_probability = 0.3;
    double interval_min_seconds = 0.1;
    double interval_max_seconds = 0.4;
    double interval_ratio = 1.5;
    std::string file;
    std::string test_file;
    bool readout_delay_from_data = false;

    template <class Field>
    void describe(Field&& field) {
        field.text("name", name, "task; `memprop train --list` names them");
        field("samples", samples, {1, 1000000}, "different trials, shown in order in every epoch");
        field("steps", steps, {1, 10000000}, "time steps of a trial");
        field("input_rate_hz", input_rate_hz, {0.0, 1e6}, "rate of the Poisson input of each line, Hz");
        field("update_interval_seconds", update_interval_seconds, {0.0, 1e12},
              "device time that passes from one training sample to the next, s");
        field("validation_samples", validation_samples, {0, 1000000},
              "memory tasks: trials of the validation split");
        field("test_samples", test_samples, {0, 1000000}, "memory tasks: trials of the test split");
        field("fresh_trials", fresh_trials, "memory tasks: every epoch trains on new trials");
        field("cues", cues, {1, 10000}, "cue_accumulation, store_recall: cues of a trial");
        field("cue_seconds", cue_seconds, {0.0, 1e6}, "memory tasks: length of a cue, s");
        field("gap_seconds", gap_seconds, {0.0, 1e6}, "memory tasks: silence before a cue, s");
        field("delay_seconds", delay_seconds, {0.0, 1e6}, "memory tasks: time to remember, s");
        field("response_seconds", response_seconds, {0.0, 1e6},
              "memory tasks: length of the response, the learning window, s");
        field("cue_rate_hz", cue_rate_hz, {0.0, 1e6}, "memory tasks: rate of a cue's inputs, Hz");
        field("noise_rate_hz", noise_rate_hz, {0.0, 1e6}, "memory tasks: rate of the noise inputs, Hz");
        field("side_probability", side_probability, {0.0, 0.5},
              "cue_accumulation: probability of a cue on the rarer side");
        field("interval_min_seconds", interval_min_seconds, {0.0, 1e6},
              "interval_discrimination: shortest second interval, s");
        field("interval_max_seconds", interval_max_seconds, {0.0, 1e6},
              "interval_discrimination: longest second interval, s");
        field("interval_ratio", interval_ratio, {1.0, 100.0},
              "interval_discrimination: longer interval over shorter; above 1");
        field.file("test_file", test_file, "shd: file of the test split; empty = none");
        field("readout_delay_from_data", readout_delay_from_data,
              "golden: sets network.readout_delay_steps to 1 if the first step of the data has input "
              "spikes, else to 0");
        field.file("file", file, "data of tasks that read a file; relative to the working directory");
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
    double adaptive_fraction = 1.0;
    double adaptation_beta = 0.0174;
    double tau_adaptation_seconds = 2.0;
    double tau_membrane_max_seconds = 0.0;
    ResetKind reset = ResetKind::subtract_next;
    double reset_value = 0.0;
    FiringTest firing_test = FiringTest::at_or_above;
    PseudoDerivative pseudo_derivative = PseudoDerivative::piecewise_linear;
    double pseudo_height = 0.0;
    double pseudo_slope = 0.0;
    std::string pseudo_table_edges = "-1, -0.5, 0.5, 1";
    std::string pseudo_table_values = "0, 0.5, 1, 0.5, 0";
    std::int64_t readout_delay_steps = 0;
    StateReset state_reset = StateReset::trial;
    LeakScaling input_scaling = LeakScaling::one_minus_decay;
    LeakScaling readout_scaling = LeakScaling::one_minus_decay;
    std::int64_t layers = 1;
    LayerReadout layer_readout = LayerReadout::last;
    double density_in = 1.0, density_rec = 1.0, density_out = 1.0;
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
        field("adaptive_fraction", adaptive_fraction, {0.0, 1.0},
              "alif: part of the neurons that adapt, the last ones; the others are LIF");
        field("adaptation_beta", adaptation_beta, {0.0, 1e9},
              "alif: rise of the threshold per unit of the adaptation variable");
        field("tau_adaptation_seconds", tau_adaptation_seconds, {1e-9, 1e6},
              "alif: time constant of the adaptation variable, s");
        field("tau_membrane_max_seconds", tau_membrane_max_seconds, {0.0, 1e6},
              "membrane time constants are spaced evenly in their logarithm from tau_membrane_seconds "
              "(first neuron) to this (last); 0 = all alike, s");
        field.choice("reset", reset, kResetNames, "what a spike does to the membrane");
        field("reset_value", reset_value, {-1e9, 1e9}, "reset = to_value: the membrane after a spike");
        field.choice("firing_test", firing_test, kFiringTestNames, "where v equals the threshold");
        field.choice("pseudo_derivative", pseudo_derivative, kPseudoDerivativeNames,
                     "stand-in for the derivative of a spike by v");
        field("pseudo_height", pseudo_height, {0.0, 1e9}, "its height; 0 = dampening / threshold");
        field("pseudo_slope", pseudo_slope, {0.0, 1e9},
              "one over its half width in units of v; 0 = 1 / threshold");
        field.text("pseudo_table_edges", pseudo_table_edges,
                   "table: four ascending limits of the segments, of slope times (v - threshold)");
        field.text("pseudo_table_values", pseudo_table_values, "table: five values, in units of the height");
        field("readout_delay_steps", readout_delay_steps, {0, 1},
              "steps a spike of the recurrent neurons takes to the readouts");
        field.choice("state_reset", state_reset, kStateResetNames,
                     "when neurons, readouts and traces start from zero");
        field.choice("input_scaling", input_scaling, kLeakScalingNames,
                     "scale of a weight on its way into the membrane");
        field.choice("readout_scaling", readout_scaling, kLeakScalingNames,
                     "scale of a weight on its way into a readout");
        field("layers", layers, {1, 1024},
              "recurrent layers, neurons in equal parts: inputs reach the first, each layer itself and, a "
              "step later, the next one");
        field.choice("layer_readout", layer_readout, kLayerReadoutNames, "layers that reach the readouts");
        field("density_in", density_in, {0.0, 1.0}, "part of the input synapses that exist, drawn once");
        field("density_rec", density_rec, {0.0, 1.0}, "of the recurrent synapses");
        field("density_out", density_out, {0.0, 1.0}, "of the readout synapses");
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
    double feedback_decay = 1e-2;
    Supervision supervision = Supervision::target;
    double reward_decay = 0.95;
    OptimizerKind optimizer = OptimizerKind::gd;
    double lr = 1.2e-3;
    double lr_out = 4.2e-3;
    std::int64_t batch = 1;
    double adam_beta1 = 0.9;
    double adam_beta2 = 0.999;
    double adam_epsilon = 1e-8;
    AdamForm adam_form = AdamForm::kingma;
    double momentum = 0.9;
    double weight_decay = 0.0;
    double gradient_clip = 0.0;
    std::int64_t update_every_steps = 0;
    std::int64_t trace_cutoff_steps = 0;
    std::int64_t optimizer_start = 1;
    bool early_spikes_lose_last_error = false;
    RegularizerForm regularizer = RegularizerForm::per_trial;
    double regularizer_decay = 0.97;
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
        field("feedback_decay", feedback_decay, {0.0, 1.0},
              "adaptive feedback: part of feedback and readout weights lost per update");
        field.choice("supervision", supervision, kSupervisionNames, "what the network is told about a trial");
        field("reward_decay", reward_decay, {0.0, 0.999999999},
              "reward: decay per trial of the running mean that rewards are compared with");
        field.choice("optimizer", optimizer, kOptimizerNames, "what turns a gradient into a weight change");
        field("lr", lr, {0.0, 1e6}, "learning rate of input and recurrent weights");
        field("lr_out", lr_out, {0.0, 1e6}, "learning rate of readout weights");
        field("batch", batch, {1, 1000000}, "samples whose gradients are averaged into one update");
        field("adam_beta1", adam_beta1, {0.0, 0.999999999}, "adam: decay of the mean gradient");
        field("adam_beta2", adam_beta2, {0.0, 0.999999999}, "adam: decay of the mean square");
        field("adam_epsilon", adam_epsilon, {1e-30, 1.0}, "adam: added to the root of the mean square");
        field.choice("adam_form", adam_form, kAdamFormNames, "adam: where epsilon stands");
        field("momentum", momentum, {0.0, 0.999999999}, "momentum: decay of the velocity");
        field("weight_decay", weight_decay, {0.0, 1.0}, "part of every weight lost per update");
        field("gradient_clip", gradient_clip, {0.0, 1e30},
              "largest Euclidean norm of the gradient of all weights; 0 = no limit");
        field("update_every_steps", update_every_steps, {0, 1000000},
              "K > 0: update after every K steps, within the trial, two steps behind; 0 = after the batch");
        field("trace_cutoff_steps", trace_cutoff_steps, {0, 1000000000},
              "updates within the trial: steps after a presynaptic spike in which its synapses learn; "
              "0 = all");
        field("optimizer_start", optimizer_start, {1, 1000000},
              "updates within the trial: adam's count of steps at the first input spike");
        field("early_spikes_lose_last_error", early_spikes_lose_last_error,
              "inputs that spike in step 1 of the next trial miss the error of the last step; needs "
              "gradient = \"online\"");
        field.choice("regularizer", regularizer, kRegularizerNames, "form of the firing-rate regulariser");
        field("regularizer_decay", regularizer_decay, {0.0, 0.999999999},
              "running_average: decay per step of its filters of spikes and eligibility");
        field("rate_regularization", rate_regularization, {0.0, 1e9},
              "c_reg: strength of the pull of each neuron's rate towards target_rate_hz");
        field("target_rate_hz", target_rate_hz, {0.0, 1e6}, "firing rate the regulariser asks for, Hz");
    }
};

/// Schemes that gather weight changes on an array of their own and transfer them row by row.
struct TransferConfig {
    double fast_gain = 4.0;
    std::int64_t every = 1;
    std::int64_t rows = 1;
    double rate = 0.1;
    double chop_probability = 0.1;
    double mean_decay = 0.1;

    template <class Field>
    void describe(Field&& field) {
        field("fast_gain", fast_gain, {1e-6, 1e6},
              "pulses on the fast array for a weight change of one step of the slow one");
        field("every", every, {1, 1000000}, "updates between two transfers");
        field("rows", rows, {1, 65536}, "rows of the fast array that a transfer reads, in turn");
        field("rate", rate, {0.0, 1e6},
              "tiki_taka and its relatives: steps of the slow array per step read from the fast one");
        field("chop_probability", chop_probability, {0.0, 1.0},
              "chopped_transfer, dynamic_transfer: probability that a row changes its sign when read");
        field("mean_decay", mean_decay, {1e-6, 1.0},
              "dynamic_transfer: weight of a read in the running mean of its period");
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
    bool write_verify = false;
    double verify_tolerance_us = 0.5;
    std::int64_t verify_rounds = 5;
    TransferConfig transfer;

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
        field("write_verify", write_verify,
              "read synapses before and after their pulses and correct what was missed");
        field("verify_tolerance_us", verify_tolerance_us, {1e-9, 1e6},
              "write_verify: a synapse is done when its read is that close to its target");
        field("verify_rounds", verify_rounds, {1, 1000}, "write_verify: most corrections of one write");
        field.table("transfer", transfer);
    }
};

struct RunConfig {
    std::int64_t epochs = 250;
    std::int64_t seed = 1;
    Engine engine = Engine::functional;
    Precision precision = Precision::single;
    std::int64_t threads = 0;
    std::int64_t validate_every = 0;
    std::int64_t patience = 0;
    std::int64_t checkpoint_every = 50;

    template <class Field>
    void describe(Field&& field) {
        field("epochs", epochs, {1, 1000000000}, "passes over the samples of the task");
        field("seed", seed, {0, INT64_MAX}, "fixes everything random");
        field.choice("engine", engine, kEngineNames, "what computes the network");
        field.choice("precision", precision, kPrecisionNames,
                     "numbers of states, traces and weights; double needs update.scheme = \"vanilla\"");
        field("threads", threads, {0, 1024},
              "threads for the trials of a batch; 0 = one per core; results do not depend on it, and "
              "devices use one");
        field("validate_every", validate_every, {0, 1000000000},
              "epochs between passes over the validation split; 0 = none");
        field("patience", patience, {0, 1000000000},
              "stop after that many validations without a lower loss; 0 = never");
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
