#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <vector>

#include "crossbar/base/error.hpp"
#include "learning/update/scheme.hpp"

using namespace memprop;
using namespace memprop::learning;

namespace {

constexpr float kStep = 0.02F;  // weight change of one pulse

std::unique_ptr<UpdateScheme> make(std::string_view name, UpdateConfig config, std::size_t synapses) {
    return find_scheme_kind("update.scheme", name)
        .make(config, {.synapses = synapses, .weight_step = kStep, .seed = 3, .array = 1});
}

std::vector<std::int16_t> plan(UpdateScheme& scheme, const std::vector<float>& delta,
                               std::uint32_t event = 0) {
    std::vector<std::int16_t> pulses(delta.size());
    if (!scheme.plan(delta, event, pulses)) {
        pulses.assign(delta.size(), 0);
    }
    return pulses;
}

using Pulses = std::vector<std::int16_t>;

}  // namespace

TEST_CASE("sign gives one pulse towards each change above the threshold") {
    UpdateConfig config;
    config.sign_threshold = 0.5;
    const auto scheme = make("sign", config, 5);
    CHECK(plan(*scheme, {0.0F, 0.011F, -0.011F, 5.0F, -0.009F}) == Pulses{0, 1, -1, 1, 0});
}

TEST_CASE("stochastic pulses with the probability of the change") {
    constexpr std::size_t n = 100000;
    const auto scheme = make("stochastic", {}, n);
    for (const float part : {0.25F, -0.6F, 1.5F, 0.0F}) {
        const Pulses pulses = plan(*scheme, std::vector<float>(n, part * kStep));
        double sum = 0;
        for (const std::int16_t p : pulses) {
            CHECK(std::abs(p) <= 1);
            sum += p;
        }
        const double expected = part > 1 ? 1.0 : double(part);
        const double error = std::sqrt(std::abs(expected) * (1 - std::abs(expected)) / n);  // binomial
        CHECK(std::abs(sum / n - expected) <= 4 * error);
    }
    CHECK(plan(*scheme, std::vector<float>(n, 0.3F * kStep), 1) !=
          plan(*scheme, std::vector<float>(n, 0.3F * kStep), 2));
}

TEST_CASE("multi_device gives whole steps, one more with the probability of the rest, up to the limit") {
    constexpr std::size_t n = 100000;
    UpdateConfig config;
    config.max_pulses = 7;
    const auto scheme = make("multi_device", config, n);
    const Pulses pulses = plan(*scheme, std::vector<float>(n, -2.3F * kStep));
    double sum = 0;
    for (const std::int16_t p : pulses) {
        CHECK((p == -2 || p == -3));
        sum += p;
    }
    CHECK(std::abs(sum / n + 2.3) < 4 * std::sqrt(0.3 * 0.7 / n));
    const Pulses limited = plan(*scheme, std::vector<float>(n, 99 * kStep));
    CHECK(limited == Pulses(n, 7));
}

TEST_CASE("mixed_precision rounds toward zero and keeps the remainder") {
    UpdateConfig config;
    config.max_pulses = 3;
    const auto scheme = make("mixed_precision", config, 3);
    CHECK(plan(*scheme, {0.7F * kStep, -0.7F * kStep, 5.2F * kStep}) == Pulses{0, 0, 3});
    CHECK(plan(*scheme, {0.7F * kStep, -0.7F * kStep, 0.0F}) == Pulses{1, -1, 2});
    CHECK(plan(*scheme, {0.7F * kStep, -0.7F * kStep, 0.0F}) == Pulses{1, -1, 0});
    CHECK(plan(*scheme, {0.0F, 0.0F, 0.9F * kStep}) == Pulses{0, 0, 1});
}

TEST_CASE("a fixed-point accumulator of n bits truncates, rounds stochastically and saturates") {
    UpdateConfig config;
    config.accumulator_bits = 5;           // -15 .. 15
    config.accumulator_headroom_bits = 1;  // 8 units make a step
    SUBCASE("truncation loses changes below one unit") {
        config.accumulator_rounding = AccumulatorRounding::truncate;
        const auto scheme = make("mixed_precision", config, 2);
        for (int i = 0; i < 100; ++i) {
            CHECK(plan(*scheme, {0.12F * kStep, -0.12F * kStep}) == Pulses{0, 0});
        }
        CHECK(plan(*scheme, {1.0F * kStep, -0.99F * kStep}) == Pulses{1, 0});
    }
    SUBCASE("stochastic rounding keeps them on average") {
        constexpr std::size_t n = 20000;
        config.accumulator_rounding = AccumulatorRounding::stochastic;
        const auto scheme = make("mixed_precision", config, n);
        std::map<int, double> sum;
        for (std::uint32_t i = 0; i < 100; ++i) {
            for (const std::int16_t p : plan(*scheme, std::vector<float>(n, -0.05F * kStep), i)) {
                sum[0] += p;
            }
        }
        // 100 changes of 0.4 units: 40 units = 5 steps, less the at most one step still in the accumulator
        // (its mean is 7/16 of a step); the standard error of the mean is below 0.005 steps.
        CHECK(sum[0] / n < -4.4);
        CHECK(sum[0] / n > -4.8);
    }
    SUBCASE("the accumulator saturates") {
        config.max_pulses = 1;
        config.accumulator_rounding = AccumulatorRounding::truncate;
        const auto scheme = make("mixed_precision", config, 1);
        CHECK(plan(*scheme, {100 * kStep}) == Pulses{1});  // 15 units, 8 taken
        CHECK(plan(*scheme, {0.0F}) == Pulses{0});
    }
    SUBCASE("a step that does not fit is refused") {
        config.accumulator_bits = 2;
        config.accumulator_headroom_bits = 2;
        CHECK_THROWS_AS(make("mixed_precision", config, 1), InputError);
    }
}

TEST_CASE("batch_accumulate writes the sum every K updates with the inner scheme") {
    UpdateConfig config;
    config.accumulate_samples = 3;
    config.inner_scheme = "sign";
    const auto scheme = make("batch_accumulate", config, 2);
    CHECK(plan(*scheme, {0.3F * kStep, -0.1F * kStep}) == Pulses{0, 0});
    CHECK(plan(*scheme, {0.3F * kStep, -0.1F * kStep}) == Pulses{0, 0});
    CHECK(plan(*scheme, {0.3F * kStep, -0.1F * kStep}) == Pulses{1, 0});
    CHECK(plan(*scheme, {-2.0F * kStep, 0.0F}) == Pulses{0, 0});
    CHECK(plan(*scheme, {0.0F, 0.0F}) == Pulses{0, 0});
    CHECK(plan(*scheme, {0.0F, 0.0F}) == Pulses{-1, 0});
    config.inner_scheme = "vanilla";
    CHECK_THROWS_AS(make("batch_accumulate", config, 2), InputError);
    config.inner_scheme = "batch_accumulate";
    CHECK_THROWS_AS(make("batch_accumulate", config, 2), InputError);
}

TEST_CASE("an unknown scheme is refused with the ones there are") {
    CHECK_THROWS_WITH_AS(find_scheme_kind("update.scheme", "tiki"),
                         "update.scheme = tiki: must be one of vanilla, sign, stochastic, multi_device, "
                         "mixed_precision, batch_accumulate, tiki_taka, buffered_transfer, chopped_transfer, "
                         "dynamic_transfer, short_term",
                         InputError);
}
