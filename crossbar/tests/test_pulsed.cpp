#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/simd.hpp"
#include "crossbar/characterize/characterize.hpp"
#include "crossbar/device/presets.hpp"
#include "crossbar/device/pulsed_device.hpp"

using namespace memprop;
using namespace memprop::crossbar;

namespace {

constexpr std::uint32_t kDevices = 10000;

struct Moments {
    double mean = 0, std = 0, error_of_mean = 0, error_of_std = 0;
};

/// Sample moments with their standard errors; that of the standard deviation from the fourth moment.
Moments moments(const std::vector<float>& values) {
    const double n = double(values.size());
    Moments m;
    double m2 = 0, m4 = 0;
    for (const float v : values) {
        m.mean += double(v) / n;
    }
    for (const float v : values) {
        const double d = double(v) - m.mean;
        m2 += d * d / n;
        m4 += d * d * d * d / n;
    }
    m.std = std::sqrt(m2);
    m.error_of_mean = m.std / std::sqrt(n);
    m.error_of_std = m2 > 0 ? std::sqrt(std::max(0.0, (m4 - m2 * m2) / n)) / (2 * m.std) : 0.0;
    return m;
}

/// A configuration without any deviation or noise, weights from -1 to 1 on 2 to 12 uS: w = 0 is 7 uS.
CrossbarConfig plain() {
    CrossbarConfig c;
    c.g_max_us = 12.0;
    c.pulsed = {};
    c.pulsed.g_min_us = 2.0;
    c.pulsed.w_min = -1.0;
    c.pulsed.w_max = 1.0;
    c.pulsed.dw_min = 0.01;
    c.pulsed.w_min_dtod = c.pulsed.w_max_dtod = c.pulsed.dw_min_dtod = c.pulsed.dw_min_std = 0.0;
    c.pulsed.up_down_dtod = c.pulsed.reset_std = 0.0;
    return c;
}
constexpr double kUsPerWeight = 5.0, kGZero = 7.0;

struct Population {
    Population(const CrossbarConfig& config, PulsedLaw law, std::uint32_t devices = kDevices)
        : model(config, law) {
        state.resize(devices, model.has_auxiliary());
        model.draw_spread(devices, 7, 0);
        for (std::uint32_t d = 0; d < devices; ++d) {
            model.reset(state, d, {.seed = 7, .stream = Stream::reset_noise}, 0);
        }
    }
    void pulse(std::int16_t each) {
        const std::vector<std::int16_t> pulses(state.size(), each);
        model.pulse(state, 0, pulses, {.seed = 7, .stream = Stream::set_noise, .event = event++}, tick);
    }
    void place(double weight) {
        const auto g = static_cast<float>(kGZero + weight * kUsPerWeight);
        std::fill(state.conductance_us.begin(), state.conductance_us.end(), g);
        std::fill(state.auxiliary.begin(), state.auxiliary.end(), g);
    }
    std::vector<float> weights() const {
        std::vector<float> w(state.size());
        for (std::size_t i = 0; i < w.size(); ++i) {
            w[i] = static_cast<float>((double(state.conductance_us[i]) - kGZero) / kUsPerWeight);
        }
        return w;
    }

    PulsedDevice model;
    DeviceState state;
    std::uint32_t event = 0;
    std::int32_t tick = 0;
};

CrossbarConfig exp_config() {
    CrossbarConfig c = plain();
    c.pulsed.exp_a_up = 0.2;
    c.pulsed.exp_a_down = 0.3;
    c.pulsed.gamma_up = 2.0;
    c.pulsed.gamma_down = 1.5;
    c.pulsed.exp_scale = 0.8;
    c.pulsed.exp_offset = 0.1;
    return c;
}
CrossbarConfig power_config() {
    CrossbarConfig c = plain();
    c.pulsed.gamma_up = 1.7;
    c.pulsed.gamma_down = 0.6;
    return c;
}
CrossbarConfig piecewise_config() {
    CrossbarConfig c = plain();
    c.pulsed.piecewise_up = {1.5, 1.0, 0.8, 0.1};
    c.pulsed.piecewise_down = {0.2, 0.9, 1.0, 2.0};
    return c;
}

/// The equations of the models, transcribed in double: the mean step of a pulse at weight w.
double mean_step(PulsedLaw law, const PulsedConfig& c, double w, bool up) {
    switch (law) {
        case PulsedLaw::constant_step:
            return c.dw_min;
        case PulsedLaw::linear_step:
            return c.dw_min * (up ? 1 - c.gamma_up * w / c.w_max : 1 - c.gamma_down * w / c.w_min);
        case PulsedLaw::soft_bounds:
        case PulsedLaw::soft_bounds_reference:
            return c.dw_min * (up ? 1 - w / c.w_max : 1 - w / c.w_min);
        case PulsedLaw::exp_step: {
            const double z = 2 * c.exp_scale * w / (c.w_max - c.w_min) + c.exp_offset;
            return c.dw_min * std::max(0.0, up ? 1 - c.exp_a_up * std::exp(c.gamma_up * z)
                                               : 1 - c.exp_a_down * std::exp(-c.gamma_down * z));
        }
        case PulsedLaw::pow_step: {
            const double range = c.w_max - c.w_min;
            return c.dw_min * (up ? std::pow((c.w_max - w) / range, c.gamma_up)
                                  : std::pow((w - c.w_min) / range, c.gamma_down));
        }
        case PulsedLaw::piecewise_step: {
            const auto& nodes = up ? c.piecewise_up : c.piecewise_down;
            const double at = (w - c.w_min) / (c.w_max - c.w_min) * double(nodes.size() - 1);
            const auto i = std::min(static_cast<std::size_t>(at), nodes.size() - 2);
            return c.dw_min * (nodes[i] + (at - double(i)) * (nodes[i + 1] - nodes[i]));
        }
    }
    return 0.0;
}

struct Case {
    PulsedLaw law;
    CrossbarConfig config;
};
std::vector<Case> cases() {
    CrossbarConfig linear = plain();
    linear.pulsed.gamma_up = 0.4;
    linear.pulsed.gamma_down = 0.7;
    return {{PulsedLaw::constant_step, plain()},
            {PulsedLaw::linear_step, linear},
            {PulsedLaw::soft_bounds, plain()},
            {PulsedLaw::soft_bounds_reference, plain()},
            {PulsedLaw::exp_step, exp_config()},
            {PulsedLaw::pow_step, power_config()},
            {PulsedLaw::piecewise_step, piecewise_config()}};
}

}  // namespace

TEST_CASE("a pulsed device without deviations follows its equation up and down") {
    for (const Case& c : cases()) {
        CAPTURE(int(c.law));
        Population population(c.config, c.law, 3);
        double w = 0.0;
        for (int k = 0; k < 300; ++k) {
            const bool up = k < 180;
            population.pulse(up ? 1 : -1);
            w = std::clamp(w + (up ? 1 : -1) * mean_step(c.law, c.config.pulsed, w, up), -1.0, 1.0);
            REQUIRE(double(population.weights()[2]) == doctest::Approx(w).epsilon(2e-4));
        }
        CHECK(population.state.set_pulses[0] == 180);
        CHECK(population.state.reset_pulses[0] == 120);
    }
}

TEST_CASE("the step of every pulsed device has the mean and spread of its equation at every state") {
    for (Case c : cases()) {
        c.config.pulsed.dw_min_std = 0.7;
        if (c.law == PulsedLaw::exp_step) {
            c.config.pulsed.dw_min_std_add = 0.004;
            c.config.pulsed.dw_min_std_slope = 0.003;
        }
        for (const double w : {-0.55, 0.0, 0.4}) {
            for (const bool up : {true, false}) {
                CAPTURE(int(c.law));
                CAPTURE(w);
                CAPTURE(up);
                Population population(c.config, c.law);
                population.place(w);
                population.pulse(up ? 1 : -1);
                const Moments m = moments(population.weights());
                const double step = mean_step(c.law, c.config.pulsed, w, up);
                double sigma = 0.7 * step;
                if (c.law == PulsedLaw::exp_step) {
                    sigma = 0.7 * (step + 0.004 + 0.003 * std::abs(w));
                }
                CHECK(std::abs(m.mean - (w + (up ? step : -step))) < 4 * m.error_of_mean + 1e-6);
                CHECK(std::abs(m.std - sigma) < 4 * m.error_of_std + 1e-6);
            }
        }
    }
}

TEST_CASE("mean trajectories of noisy linear devices meet their closed form") {
    // w <- w + d (1 - gamma w)(1 + s n) with independent n is linear in w, so the mean obeys the noise-free
    // recursion: E w_k = (1 - (1 - d gamma)^k) / gamma. Bounds are out of reach.
    for (const double gamma : {0.4, 1.0}) {
        CrossbarConfig config = plain();
        config.pulsed.gamma_up = config.pulsed.gamma_down = gamma;
        config.pulsed.dw_min_std = 0.5;
        for (const bool multiplicative : {true, false}) {
            config.pulsed.mult_noise = multiplicative;
            Population population(config, gamma == 1.0 ? PulsedLaw::soft_bounds : PulsedLaw::linear_step);
            const int pulses = 60;
            for (int k = 0; k < pulses; ++k) {
                population.pulse(1);
            }
            const Moments m = moments(population.weights());
            const double expected = (1 - std::pow(1 - 0.01 * gamma, pulses)) / gamma;
            CHECK(std::abs(m.mean - expected) < 4 * m.error_of_mean + 1e-6);
            // Additive noise: a first-order autoregression, sum of (1 - d gamma)^2j (d s)^2.
            if (!multiplicative) {
                const double keep = (1 - 0.01 * gamma) * (1 - 0.01 * gamma);
                const double variance = 0.005 * 0.005 * (1 - std::pow(keep, pulses)) / (1 - keep);
                CHECK(std::abs(m.std - std::sqrt(variance)) < 4 * m.error_of_std);
            }
        }
    }
}

TEST_CASE("a pulse of k equals k pulses of one in distribution and counts as k") {
    CrossbarConfig config = plain();
    config.pulsed.dw_min_std = 0.5;
    Population once(config, PulsedLaw::soft_bounds);
    once.pulse(20);
    const Moments m = moments(once.weights());
    CHECK(std::abs(m.mean - (1 - std::pow(0.99, 20))) < 4 * m.error_of_mean);
    CHECK(once.state.set_pulses[17] == 20);
}

TEST_CASE("alternating pulses bring soft bounds to their symmetry point") {
    CrossbarConfig config = plain();
    config.pulsed.up_down = 0.3;  // down steps are 0.7 of up steps
    Population population(config, PulsedLaw::soft_bounds, 2);
    // (D+ - D-) / (D+ / b+ - D- / b-), b+- = +-1
    const double expected = (1 - 0.7) / (1 + 0.7);
    CHECK((double(population.model.symmetry_point_us(0)) - kGZero) / kUsPerWeight ==
          doctest::Approx(expected).epsilon(1e-5));
    for (int k = 0; k < 3000; ++k) {
        population.pulse(1);
        population.pulse(-1);
    }
    // After an up-down pair the state is half a step below where up and down balance.
    CHECK(std::abs(double(population.weights()[0]) - expected) < 0.01);
}

TEST_CASE("spreads from device to device are recovered from samples") {
    CrossbarConfig config = plain();
    PulsedConfig& p = config.pulsed;
    p.w_max_dtod = 0.2;
    p.w_min_dtod = 0.15;
    p.dw_min_dtod = 0.1;
    p.up_down_dtod = 0.05;
    Population population(config, PulsedLaw::constant_step);
    const auto scaled = [](const std::vector<float>& us, double offset, double unit) {
        std::vector<float> out(us.size());
        std::transform(us.begin(), us.end(), out.begin(),
                       [&](float v) { return static_cast<float>((double(v) - offset) / unit); });
        return out;
    };
    const auto check = [](const Moments& m, double mean, double std) {
        CHECK(std::abs(m.mean - mean) < 4 * m.error_of_mean);
        CHECK(std::abs(m.std - std) < 4 * m.error_of_std);
    };
    check(moments(scaled(population.model.high_us(), kGZero, kUsPerWeight)), 1.0, 0.2);
    check(moments(scaled(population.model.low_us(), kGZero, kUsPerWeight)), -1.0, 0.15);
    const auto up = scaled(population.model.step_up_us(), 0.0, 0.01 * kUsPerWeight);
    const auto down = scaled(population.model.step_down_us(), 0.0, 0.01 * kUsPerWeight);
    std::vector<float> sum, difference;
    for (std::size_t i = 0; i < up.size(); ++i) {
        sum.push_back(0.5F * (up[i] + down[i]));
        difference.push_back(0.5F * (up[i] - down[i]));
    }
    check(moments(sum), 1.0, 0.1);
    check(moments(difference), 0.0, 0.05);
    // The steps that pulses make are those that were drawn.
    population.pulse(1);
    check(moments(scaled(population.weights(), 0.0, 0.01)), 1.0, std::hypot(0.1, 0.05));

    p.dw_min_dtod_log_normal = true;
    p.dw_min_dtod = 0.5;
    Population log_normal(config, PulsedLaw::constant_step);
    std::vector<float> logs;
    for (std::size_t i = 0; i < kDevices; ++i) {
        logs.push_back(std::log((log_normal.model.step_up_us()[i] + log_normal.model.step_down_us()[i]) /
                                static_cast<float>(2 * 0.01 * kUsPerWeight)));
    }
    check(moments(logs), 0.0, 0.5);
}

TEST_CASE("the spread of slopes and exponents is absolute or relative, as the law has it") {
    const auto steps_at = [](const CrossbarConfig& config, PulsedLaw law, double weight, std::int16_t pulse) {
        Population population(config, law);
        population.place(weight);
        population.pulse(pulse);
        std::vector<float> steps = population.weights();
        for (float& step : steps) {
            step = static_cast<float>((double(step) - weight) / (pulse * config.pulsed.dw_min));
        }
        return steps;
    };
    const auto check = [](const std::vector<float>& values, double mean, double std) {
        const Moments m = moments(values);
        CHECK(std::abs(m.mean - mean) < 4 * m.error_of_mean);
        CHECK(std::abs(m.std - std) < 4 * m.error_of_std);
    };
    CrossbarConfig config = plain();
    config.pulsed.gamma_up = 0.2;
    config.pulsed.gamma_up_dtod = 0.05;
    config.pulsed.gamma_down = 0.4;
    config.pulsed.gamma_down_dtod = 0.05;
    // The step at w is 1 - gamma w / b.
    check(steps_at(config, PulsedLaw::linear_step, 0.5, 1), 1 - 0.5 * 0.2, 0.5 * 0.05);
    check(steps_at(config, PulsedLaw::linear_step, -0.5, -1), 1 - 0.5 * 0.4, 0.5 * 0.05);
    config.pulsed.gamma_up = 0.0;
    for (const float step : steps_at(config, PulsedLaw::linear_step, 0.5, 1)) {
        REQUIRE(step < 1.0F + 1e-3F);  // no slope that rises towards the bound
    }
    config.pulsed.gamma_up_dtod = config.pulsed.gamma_down_dtod = 0.1;
    check(steps_at(config, PulsedLaw::soft_bounds_reference, 0.5, 1), 0.5, 0.5 * 0.1);
    check(steps_at(config, PulsedLaw::soft_bounds_reference, -0.5, -1), 0.5, 0.5 * 0.1);
    for (const float step : steps_at(config, PulsedLaw::soft_bounds, 0.5, 1)) {
        REQUIRE(double(step) == doctest::Approx(0.5).epsilon(1e-4));
    }
    config.pulsed.gamma_up = 1.0;
    std::vector<float> exponents = steps_at(config, PulsedLaw::pow_step, 0.5, 1);
    for (float& exponent : exponents) {
        exponent = std::log(exponent) / std::log(0.25F);
    }
    check(exponents, 1.0, 0.1);
}

TEST_CASE("write noise is seen by reads and not remembered") {
    CrossbarConfig config = plain();
    config.pulsed.write_noise_std = 8.0;  // times dw_min = 0.01
    Population population(config, PulsedLaw::constant_step);
    for (int k = 0; k < 10; ++k) {
        population.pulse(1);
    }
    const Moments m = moments(population.weights());
    CHECK(std::abs(m.mean - 0.1) < 4 * m.error_of_mean);
    CHECK(std::abs(m.std - 0.08) < 4 * m.error_of_std);  // of one write, not of ten
    for (const float hidden : population.state.auxiliary) {
        REQUIRE(double(hidden) == doctest::Approx(kGZero + 0.1 * kUsPerWeight).epsilon(1e-5));
    }
}

TEST_CASE("the step of a single pulse is that of the state behind write noise") {
    CharacterizeOptions options;
    options.config = plain();
    options.config.device = "constant_step";
    options.config.pulsed.dw_min_std = 2.0;
    options.config.pulsed.write_noise_std = 50.0;
    options.devices = kDevices;
    const auto single_pulse = std::find_if(curve_kinds().begin(), curve_kinds().end(),
                                           [](const CurveKind& kind) { return kind.name == "single_pulse"; });
    const Curve curve = single_pulse->measure(options);
    const auto& row = curve.rows[curve.rows.size() / 2];  // far from both bounds
    const double step = row[3], sigma = row[4], expected_step = row[7], expected_sigma = row[8];
    CHECK(std::abs(step - expected_step) < 4 * expected_sigma / std::sqrt(double(kDevices)));
    CHECK(std::abs(sigma / expected_sigma - 1.0) < 4 / std::sqrt(2.0 * kDevices));
}

TEST_CASE("weights decay with their lifetime and diffuse as a random walk") {
    CrossbarConfig config = plain();
    config.pulsed.lifetime_intervals = 50.0;
    Population decaying(config, PulsedLaw::constant_step, 4);
    decaying.place(0.5);
    decaying.model.relax(decaying.state, 30);
    CHECK(double(decaying.weights()[3]) == doctest::Approx(0.5 * std::exp(-30.0 / 50.0)).epsilon(1e-5));

    config.pulsed.lifetime_intervals = 0.0;
    config.pulsed.diffusion = 0.004;
    Population walking(config, PulsedLaw::constant_step);
    walking.model.relax(walking.state, 16);
    Population in_steps(config, PulsedLaw::constant_step);
    for (std::int32_t tick = 1; tick <= 16; ++tick) {
        in_steps.model.relax(in_steps.state, tick);
    }
    CHECK(in_steps.state.conductance_us == walking.state.conductance_us);
    const Moments m = moments(walking.weights());
    CHECK(std::abs(m.mean) < 4 * m.error_of_mean);
    CHECK(std::abs(m.std - 0.016) < 4 * m.error_of_std);
}

TEST_CASE("pulsed devices give the same bits at every SIMD level") {
    for (Case c : cases()) {
        c.config.pulsed.dw_min_std = 0.5;
        c.config.pulsed.dw_min_dtod = 0.3;
        c.config.pulsed.w_max_dtod = 0.2;
        std::vector<float> reference;
        for (const SimdLevel level : available_simd_levels()) {
            set_simd_level(level);
            Population population(c.config, c.law, 203);
            std::vector<std::int16_t> pulses(203);
            for (std::size_t i = 0; i < pulses.size(); ++i) {
                pulses[i] = static_cast<std::int16_t>(int(i * 7 % 11) - 5);
            }
            for (std::uint32_t k = 0; k < 5; ++k) {
                population.model.pulse(population.state, 0, pulses, {.stream = Stream::test, .event = k}, 0);
            }
            if (reference.empty()) {
                reference = population.state.conductance_us;
            }
            CHECK(population.state.conductance_us == reference);
        }
    }
}

TEST_CASE("states stay numbers within their bounds when steps are as large as they may be") {
    CrossbarConfig exponential = plain();
    exponential.pulsed.gamma_up = exponential.pulsed.gamma_down = 1000.0;
    exponential.pulsed.exp_a_up = exponential.pulsed.exp_a_down = -1e6;
    exponential.pulsed.exp_scale = 1000.0;
    CrossbarConfig power = plain();
    power.pulsed.gamma_up = power.pulsed.gamma_down = 1000.0;
    power.pulsed.gamma_up_dtod = power.pulsed.gamma_down_dtod = 10.0;
    for (Case c : {Case{PulsedLaw::exp_step, exponential}, Case{PulsedLaw::pow_step, power}}) {
        CAPTURE(int(c.law));
        c.config.pulsed.dw_min = 1000.0;
        c.config.pulsed.dw_min_dtod = 10.0;
        c.config.pulsed.dw_min_std = 1000.0;
        c.config.write_noise_scale = 100.0;
        for (const SimdLevel level : available_simd_levels()) {
            set_simd_level(level);
            Population population(c.config, c.law, 203);
            for (int k = 0; k < 6; ++k) {
                population.pulse(k % 2 == 0 ? 1 : -1);
                for (std::size_t i = 0; i < population.state.size(); ++i) {
                    const float g = population.state.conductance_us[i];
                    REQUIRE(g >= population.model.low_us()[i]);
                    REQUIRE(g <= population.model.high_us()[i]);
                }
            }
        }
    }
    const PulsedDevice model(exponential, PulsedLaw::exp_step);
    CHECK(std::isfinite(model.expected_step(12.0F, 1.0F).sigma_us));
}

TEST_CASE("every preset moves up and down within its own range") {
    for (const PulsedPreset& preset : pulsed_presets()) {
        CAPTURE(preset.name);
        CharacterizeOptions options;
        options.config.device = preset.name;
        preset.apply(options.config);
        options.devices = 500;
        options.pulses = 200;
        // No figure stands there without its source, and none is another device's.
        const EnergyConfig& energy = options.config.energy;
        const bool any = energy.set_pulse_pj || energy.reset_pulse_pj || energy.set_pulse_ns ||
                         energy.reset_pulse_ns || energy.read_voltage_v || energy.read_pulse_ns;
        CHECK(any == (energy.source.size() > 20));
        CHECK(energy.missing().empty() == preset.name.starts_with("pcm"));
        for (const CurveKind& kind : curve_kinds()) {
            if (kind.name != (options.config.pulsed.one_sided ? "staircase" : "up_down")) {
                continue;
            }
            const Curve curve = kind.measure(options);
            const double start = curve.rows.front()[1], top = curve.rows[200][1];
            CHECK(top > start);
            CHECK(curve.rows.back()[1] <= top);
            for (const auto& row : curve.rows) {
                CHECK(row[1] > 0.0);
                CHECK(row[1] < 1.2 * options.config.g_max_us);
            }
            if (!options.config.pulsed.one_sided) {
                CHECK(curve.rows.back()[1] < top);
            }
        }
    }
}

TEST_CASE("a device whose up step vanishes at rest is refused with the parameter that makes it do so") {
    const auto message = [](const CrossbarConfig& config, PulsedLaw law) -> std::string {
        try {
            const PulsedDevice device(config, law);
        } catch (const InputError& error) {
            return error.what();
        }
        return "no error";
    };
    CrossbarConfig config = plain();
    config.pulsed.up_down = -1.0;
    CHECK(message(config, PulsedLaw::constant_step)
              .starts_with("crossbar.pulsed.up_down = -1: the mean up step"));
    config = plain();
    config.pulsed.exp_a_up = 2.0;
    CHECK(message(config, PulsedLaw::exp_step).starts_with("crossbar.pulsed.exp_a_up = 2: "));
    config = plain();
    config.pulsed.piecewise_up = {1.0, -1.0, 1.0};
    config.pulsed.piecewise_down = {1.0, 1.0, 1.0};
    CHECK(message(config, PulsedLaw::piecewise_step)
              .starts_with("crossbar.pulsed.piecewise_up = [1, -1, 1]: "));
    config = plain();
    config.pulsed.one_sided = true;
    config.pulsed.gamma_up = 3.0;
    config.pulsed.w_min = -0.1;  // half way up is w = 0.45
    CHECK(message(config, PulsedLaw::linear_step).starts_with("crossbar.pulsed.gamma_up = 3: "));
}

TEST_CASE("contradicting parameters of pulsed devices are refused") {
    CrossbarConfig config = plain();
    config.pulsed.g_min_us = 12.0;
    CHECK_THROWS_AS(PulsedDevice(config, PulsedLaw::constant_step), InputError);
    config = plain();
    config.pulsed.w_min = 0.0;
    CHECK_THROWS_AS(PulsedDevice(config, PulsedLaw::soft_bounds), InputError);
    config.pulsed.one_sided = true;  // takes no down pulses
    CHECK_NOTHROW(PulsedDevice(config, PulsedLaw::soft_bounds));
    config = plain();
    config.pulsed.piecewise_up = {1.0, 2.0, 3.0};
    CHECK_THROWS_AS(PulsedDevice(config, PulsedLaw::piecewise_step), InputError);
    config = plain();
    config.pulsed.write_noise_std = 1.0;
    config.pulsed.diffusion = 0.1;
    CHECK_THROWS_AS(PulsedDevice(config, PulsedLaw::constant_step), InputError);
}
