#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "crossbar/base/simd.hpp"
#include "crossbar/characterize/characterize.hpp"
#include "crossbar/device/device_model.hpp"
#include "testbenches/support/csv.hpp"

using namespace memprop;
using namespace memprop::crossbar;
using memprop::test::Csv;

namespace {

constexpr double kDevices = 100000;

Curve measure(std::string_view curve, double g_max_us, bool clamp_reads) {
    CharacterizeOptions options;
    options.config.g_max_us = g_max_us;
    options.config.clamp_reads = clamp_reads;
    options.devices = static_cast<std::uint32_t>(kDevices);
    for (const CurveKind& kind : curve_kinds()) {
        if (kind.name == curve) {
            return kind.measure(options);
        }
    }
    FAIL("no such curve");
    return {};
}

std::size_t column(const Curve& curve, const std::string& name) {
    for (std::size_t i = 0; i < curve.columns.size(); ++i) {
        if (curve.columns[i] == name) {
            return i;
        }
    }
    FAIL("no such column");
    return 0;
}

/// Two independent samples of `n` devices each: four standard errors of the difference of their means;
/// for the spreads, whose distribution is not normal near a clamp, the error of a standard deviation with
/// a kurtosis of up to 6. Half a unit of the sixth digit is what the tables are rounded to.
void check_moments(double mean, double std, double expected_mean, double expected_std, double n = kDevices) {
    const double spread = std::max(std, expected_std);
    CHECK(std::abs(mean - expected_mean) < 4 * spread * std::sqrt(2 / n) + 1e-5);
    CHECK(std::abs(std - expected_std) < 4 * spread * std::sqrt((6.0 - 1.0) / 4 * 2 / n) + 1e-5);
}

Csv golden(const std::string& name) {
    return Csv(std::string(MEMPROP_REFERENCE_DATA) + "/pcm_device/" + name);
}

}  // namespace

TEST_CASE("PCM staircase agrees with an independent implementation") {
    const Csv reference = golden("set_staircase.csv");
    for (const double g_max : {12.0, 20.0}) {
        const Curve curve = measure("staircase", g_max, true);
        std::size_t compared = 0;
        for (std::size_t r = 0; r < reference.size(); ++r) {
            if (reference.at(r, "gmax_uS") == g_max) {
                const auto& row = curve.rows[static_cast<std::size_t>(reference.at(r, "pulse_number"))];
                CAPTURE(row[0]);
                check_moments(row[1], row[2], reference.at(r, "read_mean_uS"),
                              reference.at(r, "read_std_uS"));
                ++compared;
            }
        }
        CHECK(compared == 21);
    }
}

TEST_CASE("PCM drift, single-pulse and read-noise curves agree with an independent implementation") {
    struct Case {
        std::string curve, file, key, mean, std;
    };
    for (const Case& c :
         {Case{"drift", "drift_after_10_pulses.csv", "time_over_T0", "read_mean_uS", "read_std_uS"},
          Case{"single_pulse", "single_pulse_step.csv", "g_start_uS", "dg_mean_uS", "dg_std_uS"},
          Case{"read_noise", "read_noise.csv", "g_state_uS", "read_mean_uS", "read_std_uS"}}) {
        const Csv reference = golden(c.file);
        std::size_t compared = 0;
        for (const double g_max : {12.0, 20.0}) {
            const Curve curve = measure(c.curve, g_max, true);
            for (std::size_t r = 0; r < reference.size(); ++r) {
                for (const auto& row : curve.rows) {
                    if (reference.at(r, "gmax_uS") == g_max &&
                        row[column(curve, c.key)] == reference.at(r, c.key)) {
                        CAPTURE(c.curve);
                        CAPTURE(reference.at(r, c.key));
                        check_moments(row[column(curve, c.mean)], row[column(curve, c.std)],
                                      reference.at(r, c.mean), reference.at(r, c.std));
                        ++compared;
                    }
                }
            }
        }
        CHECK(compared == reference.size());
    }
}

TEST_CASE("a PCM pulse has the published mean and spread away from the limits") {
    const Curve curve = measure("single_pulse", 100.0, false);
    for (const auto& row : curve.rows) {
        const double g = row[column(curve, "g_start_uS")];
        const double p = std::exp(-1 / 2.6);
        const double mean = -0.084 * g + 0.880 + 1.40 * p, sigma = 0.091 * g + 0.260 + 2.15 * p;
        CHECK(row[column(curve, "dg_mean_unclamped_model_uS")] == doctest::Approx(mean).epsilon(1e-6));
        CHECK(row[column(curve, "dg_std_unclamped_model_uS")] == doctest::Approx(sigma).epsilon(1e-6));
        if (g > 14 && g < 80) {  // more than 4 sigma from both limits
            CHECK(std::abs(row[column(curve, "dg_mean_uS")] - mean) < 4 * sigma / std::sqrt(kDevices));
            CHECK(std::abs(row[column(curve, "dg_std_uS")] - sigma) < 4 * sigma / std::sqrt(2 * kDevices));
        }
    }
}

TEST_CASE("PCM drift follows the power law and does not amplify before T0") {
    CrossbarConfig config;
    const auto model = find_device_kind("pcm_nandakumar2018").make(config, 38.6);
    model->advance_to(1000);
    CHECK(model->drift_factor(0) == 1.0);
    CHECK(model->drift_factor(1) == 1.0);
    CHECK(model->drift_factor(10) == doctest::Approx(std::pow(10.0, -0.04)).epsilon(1e-6));
    CHECK(model->drift_factor(1000) == doctest::Approx(std::pow(1000.0, -0.04)).epsilon(1e-6));
}

TEST_CASE("scale factors of 0 switch every PCM non-ideality off") {
    CharacterizeOptions options;
    options.devices = 1000;
    options.config.write_noise_scale = options.config.read_noise_scale = 0.0;
    options.config.drift_scale = options.config.nonlinearity_scale = 0.0;
    for (const CurveKind& kind : curve_kinds()) {
        if (kind.name != "staircase") {
            continue;
        }
        const Curve curve = kind.measure(options);
        for (std::size_t pulse = 0; pulse < curve.rows.size(); ++pulse) {
            CHECK(curve.rows[pulse][1] == doctest::Approx(std::min(0.1 + double(pulse), 12.0)).epsilon(1e-5));
            CHECK(curve.rows[pulse][2] == doctest::Approx(0.0).epsilon(1e-4));
        }
    }
}

TEST_CASE("PCM pulses give the same bits at every SIMD level") {
    std::vector<DeviceState> results;
    for (const SimdLevel level : available_simd_levels()) {
        set_simd_level(level);
        const auto model = find_device_kind("pcm_nandakumar2018").make(CrossbarConfig{}, 38.6);
        model->advance_to(3);
        DeviceState state;
        state.resize(1003);
        std::vector<std::uint16_t> pulses(1003);
        for (std::size_t i = 0; i < pulses.size(); ++i) {
            pulses[i] = static_cast<std::uint16_t>(i % 7 == 0 ? i % 5 : 0);
        }
        for (std::uint32_t i = 0; i < 1003; ++i) {
            model->reset(state, i, {.seed = 9, .stream = Stream::reset_noise}, 1);
        }
        model->set(state, 0, pulses, {.seed = 9, .stream = Stream::set_noise}, 2);
        results.push_back(state);
    }
    for (const DeviceState& state : results) {
        CHECK(state.conductance_us == results.front().conductance_us);
        CHECK(state.pulse_memory == results.front().pulse_memory);
        CHECK(state.programmed_tick == results.front().programmed_tick);
        CHECK(state.set_pulses == results.front().set_pulses);
    }
}
