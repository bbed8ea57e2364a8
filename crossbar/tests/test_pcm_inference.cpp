#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "crossbar/characterize/characterize.hpp"
#include "crossbar/device/pcm_inference.hpp"
#include "testbenches/support/csv.hpp"

using namespace memprop;
using namespace memprop::crossbar;
using memprop::test::Csv;

TEST_CASE("retention of pcm_inference meets the quadrature of its equations") {
    CharacterizeOptions options;
    options.config.device = "pcm_inference";
    PcmInference::preset(options.config);
    options.devices = 100000;
    Curve curve;
    for (const CurveKind& kind : curve_kinds()) {
        if (kind.name == "retention") {
            curve = kind.measure(options);
        }
    }
    const Csv golden(std::string(MEMPROP_REFERENCE_DATA) + "/pcm_inference/pcm_conductance_vs_time.csv");
    REQUIRE(curve.rows.size() == 60);
    REQUIRE(golden.size() == 60);
    for (std::size_t row = 0; row < golden.size(); ++row) {
        CAPTURE(row);
        const auto& ours = curve.rows[row];
        REQUIRE(ours[0] == golden.at(row, "g_rel"));
        REQUIRE(ours[1] == doctest::Approx(golden.at(row, "t_total_s")).epsilon(1e-5));
        const double mean = golden.at(row, "quad_mean_g_uS"), std = golden.at(row, "quad_std_g_uS");
        CHECK(std::abs(ours[2] - mean) < 4 * std / std::sqrt(1e5));
        CHECK(std::abs(ours[3] / std - 1.0) < 0.03);
    }
}

TEST_CASE("a device of pcm_inference programmed earlier has drifted further") {
    CrossbarConfig config;
    PcmInference::preset(config);
    PcmInference model(config, 3600.0);
    model.advance_to(30);
    DeviceState state;
    state.resize(2, true);
    const float target = 20.0F;
    const DrawKey key{.stream = Stream::test};
    model.program_targets(state, 0, {&target, 1}, key, 0);
    state.conductance_us[1] = state.conductance_us[0];
    state.auxiliary[1] = state.auxiliary[0];
    state.programmed_tick[1] = 24;
    float mean[2], sigma[2];
    model.observe(state, 0, 24, mean, sigma);
    const double nu = double(state.auxiliary[0]);
    CHECK(double(mean[0]) ==
          doctest::Approx(double(state.conductance_us[0]) * std::pow((24 * 3600.0 + 20) / 20, -nu))
              .epsilon(1e-5));
    CHECK(mean[1] == state.conductance_us[1]);
    CHECK(sigma[0] / mean[0] > sigma[1] / mean[1]);  // 1/f noise accumulates
}
