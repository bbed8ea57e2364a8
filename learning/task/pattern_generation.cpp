#include "learning/task/pattern_generation.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "crossbar/base/random.hpp"

namespace memprop::learning {
namespace {

constexpr std::array<double, 4> kFrequenciesHz{1.0, 2.0, 3.0, 5.0};

SpikeTrain draw_input(const ExperimentConfig& config, std::uint32_t sample, float probability) {
    SpikeTrain input;
    std::vector<float> uniform(static_cast<std::size_t>(config.network.inputs));
    for (std::uint32_t t = 0; t < config.task.steps; ++t) {
        fill_uniforms({.seed = static_cast<std::uint64_t>(config.run.seed),
                       .stream = Stream::task_input,
                       .event = sample,
                       .step = t},
                      0, uniform);
        for (std::uint32_t i = 0; i < uniform.size(); ++i) {
            if (uniform[i] < probability) {
                input.add(i);
            }
        }
        input.end_step();
    }
    return input;
}

void draw_target(const ExperimentConfig& config, std::uint32_t sample, std::uint32_t output,
                 std::vector<double>& target) {
    const auto steps = static_cast<std::size_t>(config.task.steps);
    const auto outputs = static_cast<std::size_t>(config.network.outputs);
    std::vector<double> wave(steps, 0.0);
    for (std::uint32_t f = 0; f < kFrequenciesHz.size(); ++f) {
        const DrawKey key{.seed = static_cast<std::uint64_t>(config.run.seed),
                          .stream = Stream::task_target,
                          .event = sample,
                          .step = output};
        const double amplitude = 0.5 + 1.5 * double(random_uniform(key, 2 * f));
        const double phase_turns = double(random_uniform(key, 2 * f + 1));
        for (std::size_t t = 0; t < steps; ++t) {
            const double seconds = static_cast<double>(t) * config.network.time_step_seconds;
            wave[t] += amplitude * math::sin_turns(kFrequenciesHz[f] * seconds + phase_turns);
        }
    }
    double peak = 0.0;
    for (const double v : wave) {
        peak = std::max(peak, std::abs(v));
    }
    for (std::size_t t = 0; t < steps; ++t) {
        target[t * outputs + output] = peak > 0.0 ? static_cast<float>(wave[t] / peak) : 0.0;
    }
}

}  // namespace

PatternGeneration::PatternGeneration(const ExperimentConfig& config) {
    const double probability = config.task.input_rate_hz * config.network.time_step_seconds;
    if (probability > 1.0) {
        throw InputError("task.input_rate_hz", config.task.input_rate_hz,
                         "must be at most one spike per network.time_step_seconds");
    }
    for (std::uint32_t sample = 0; sample < config.task.samples; ++sample) {
        Trial trial{.input = draw_input(config, sample, static_cast<float>(probability)),
                    .target = std::vector<double>(
                        static_cast<std::size_t>(config.task.steps * config.network.outputs))};
        for (std::uint32_t k = 0; k < config.network.outputs; ++k) {
            draw_target(config, sample, k, trial.target);
        }
        trials_.push_back(std::move(trial));
    }
}

}  // namespace memprop::learning
