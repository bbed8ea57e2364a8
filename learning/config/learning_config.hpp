// What a user sets about e-prop: the gradient, feedback, optimiser and regulariser.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "learning/network/choices.hpp"

namespace memprop::learning {

using network::kLeakScalingNames;
using network::kLossNames;
using network::LeakScaling;
using network::Loss;
using network::Names;

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

/// What the network is told about a trial.
enum class Supervision {
    target,  ///< the error of every readout in every step of the window
    reward,  ///< after the trial, whether the answer it chose was right (eprop/reward.hpp)
};
inline constexpr Names<Supervision, 2> kSupervisionNames{
    {{"target", Supervision::target}, {"reward", Supervision::reward}}};

enum class RegularizerForm {
    per_trial,        ///< (c_reg / T) (f - f*) sum_t e[t], f = spikes of the trial / T
    running_average,  ///< sum_t c_reg (f[t] - f*) er[t], f and er low-pass filters of spikes and e
};
inline constexpr Names<RegularizerForm, 2> kRegularizerNames{
    {{"per_trial", RegularizerForm::per_trial}, {"running_average", RegularizerForm::running_average}}};

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

}  // namespace memprop::learning
