#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "crossbar/array/read_kernels.hpp"
#include "crossbar/array/synapse_array.hpp"
#include "crossbar/base/error.hpp"
#include "crossbar/base/simd.hpp"
#include "crossbar/periphery/adc.hpp"

using namespace memprop;
using namespace memprop::crossbar;

namespace {

/// 64 codes of 1 uS over -32 .. 32 uS.
CrossbarConfig six_bits() {
    CrossbarConfig c;
    c.adc_bits = 6;
    c.adc.range = AdcRange::fixed;
    c.adc.range_us = 32.0;
    return c;
}

const DrawKey kRead{.seed = 3, .stream = Stream::read_noise_column};

double convert_one(AdcBank& adc, double x) {
    auto value = static_cast<float>(x);
    adc.convert(kRead, {&value, 1});
    return double(value);
}

/// For each of `converters` columns, the output averaged over a fine ramp of inputs from a to b.
std::vector<double> average_over(AdcBank& adc, std::size_t converters, double a, double b) {
    constexpr int kSteps = 4096;
    std::vector<double> mean(converters);
    std::vector<float> x(converters);
    for (int i = 0; i < kSteps; ++i) {
        std::fill(x.begin(), x.end(), static_cast<float>(a + (b - a) * (i + 0.5) / kSteps));
        adc.convert(kRead, x);
        for (std::size_t c = 0; c < converters; ++c) {
            mean[c] += double(x[c]) / kSteps;
        }
    }
    return mean;
}

double standard_deviation(const std::vector<double>& values) {
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
    double sum = 0;
    for (const double v : values) {
        sum += (v - mean) * (v - mean);
    }
    return std::sqrt(sum / double(values.size()));
}

constexpr std::uint32_t kConverters = 2000;
/// Four standard errors of the standard deviation of a normal sample.
constexpr double kSpreadTolerance = 4.0 / 63.2455532;  // sqrt(2 * 2000)

}  // namespace

TEST_CASE("the transfer of an ideal converter is exact") {
    AdcBank adc(six_bits(), 1, 1, 1, 0);
    CHECK(adc.lsb_us() == 1.0);
    for (int code = -32; code <= 31; ++code) {
        CHECK(convert_one(adc, code) == code);
        CHECK(convert_one(adc, std::nextafter(static_cast<float>(code) + 0.5F, -100.0F)) == code);
        CHECK(convert_one(adc, code - 0.5) == (code == -32 ? -32 : code));
    }
    CHECK(convert_one(adc, 1e30) == 31);
    CHECK(convert_one(adc, -1e30) == -32);
}

TEST_CASE("a converter of one bit tells the sign") {
    CrossbarConfig config;
    config.adc_bits = 1;
    config.adc.range = AdcRange::fixed;
    config.adc.range_us = 10.0;
    AdcBank adc(config, 1, 1, 1, 0);
    for (const double x : {1e-6, 0.3, 9.0, 1e9}) {
        CHECK(convert_one(adc, x) == 5.0);  // the middle of 0 .. 10
        CHECK(convert_one(adc, -x) == -5.0);
    }
    CHECK(convert_one(adc, 0.0) == 5.0);
    config.adc.offset_lsb = 0.5;
    config.adc.noise_lsb = 0.1;
    AdcBank shifted(config, 1, 1000, 1, 0);
    std::vector<float> sums(1000, 0.0F);
    CHECK(shifted.convert({.seed = 1, .stream = Stream::adc_noise}, sums) == 1000);
    const auto up = std::count(sums.begin(), sums.end(), 5.0F);
    CHECK(std::count(sums.begin(), sums.end(), -5.0F) == 1000 - up);
    CHECK(up > 400);  // offsets of both signs
    CHECK(up < 600);
}

TEST_CASE("the code density of an ideal converter is exact") {
    AdcBank adc(six_bits(), 1, 1, 1, 0);
    std::vector<int> hits(64);
    for (int i = 0; i < 64 * 256; ++i) {  // a ramp over the full scale, 256 samples per code
        ++hits[static_cast<std::size_t>(convert_one(adc, -32.0 + (i + 0.5) / 256) + 32)];
    }
    CHECK(hits[0] == 128);  // half a code lies within the scale
    CHECK(hits[63] == 384);
    for (std::size_t code = 1; code < 63; ++code) {
        CHECK(hits[code] == 256);
    }
}

TEST_CASE("gain error and offset are recovered by a linear fit") {
    CrossbarConfig config = six_bits();
    config.adc.gain_error = 0.05;
    config.adc.offset_lsb = 0.8;
    AdcBank adc(config, 1, kConverters, 5, 0);
    const auto low = average_over(adc, kConverters, -12.0, -8.0);
    const auto high = average_over(adc, kConverters, 8.0, 12.0);
    std::vector<double> gain, offset;
    for (std::size_t c = 0; c < kConverters; ++c) {
        gain.push_back((high[c] - low[c]) / 20.0);
        offset.push_back((high[c] + low[c]) / 2.0);
    }
    CHECK(std::accumulate(gain.begin(), gain.end(), 0.0) / kConverters ==
          doctest::Approx(1.0).epsilon(4 * 0.05 / std::sqrt(kConverters)));
    CHECK(standard_deviation(gain) == doctest::Approx(0.05).epsilon(kSpreadTolerance));
    CHECK(standard_deviation(offset) == doctest::Approx(0.8).epsilon(kSpreadTolerance));
}

TEST_CASE("integral nonlinearity is a bow and an S that vanish at the ends") {
    CrossbarConfig config = six_bits();
    config.adc.inl_lsb = 0.6;
    AdcBank adc(config, 1, kConverters, 5, 0);
    // Averaging over one code around u = 0 and around u = +-1/sqrt(3), where the S peaks.
    const double peak = 32.0 / std::sqrt(3.0);
    const auto middle = average_over(adc, kConverters, -2.0, 2.0);
    const auto upper = average_over(adc, kConverters, peak - 2.0, peak + 2.0);
    const auto lower = average_over(adc, kConverters, -peak - 2.0, -peak + 2.0);
    const auto end = average_over(adc, kConverters, 28.0, 30.0);
    std::vector<double> bow, s_shape;
    for (std::size_t c = 0; c < kConverters; ++c) {
        bow.push_back(middle[c]);
        s_shape.push_back((upper[c] - peak - lower[c] - peak) / 2.0);
        const double u = 29.0 / 32.0;
        CHECK(end[c] - 29.0 ==
              doctest::Approx(bow[c] * (1 - u * u) + s_shape[c] * 1.5 * std::sqrt(3.0) * u * (1 - u * u))
                  .epsilon(0.1)
                  .scale(1.0));
    }
    CHECK(standard_deviation(bow) == doctest::Approx(0.6).epsilon(kSpreadTolerance + 0.02));
    CHECK(standard_deviation(s_shape) == doctest::Approx(0.6).epsilon(kSpreadTolerance + 0.02));
}

TEST_CASE("columns that share a converter share its errors, and tiles have their own") {
    CrossbarConfig config = six_bits();
    config.adc.gain_error = 0.1;
    config.adc.columns_per_converter = 4;
    AdcBank adc(config, 2, 10, 5, 0);
    CHECK(adc.conversions_in_sequence() == 4);
    std::vector<float> first(10, 30.0F), second(10, 30.0F);
    config.adc_bits = 16;  // fine enough to see the gains
    AdcBank fine(config, 2, 10, 5, 0);
    CHECK(fine.convert(kRead, first) == 10);
    DrawKey other = kRead;
    other.block = 1;
    fine.convert(other, second);
    CHECK(first[0] == first[3]);
    CHECK(first[0] != first[4]);
    CHECK(first[4] == first[7]);
    CHECK(first[8] == first[9]);
    CHECK(first[0] != second[0]);
}

TEST_CASE("the noise of conversions has its standard deviation and is fresh for each read") {
    CrossbarConfig config = six_bits();
    config.adc.noise_lsb = 2.0;
    AdcBank adc(config, 1, kConverters, 5, 0);
    std::vector<float> a(kConverters, 3.25F), b(kConverters, 3.25F), again(kConverters, 3.25F);
    DrawKey key = kRead;
    adc.convert(key, a);
    adc.convert(key, again);
    key.step = 1;
    adc.convert(key, b);
    CHECK(a == again);
    CHECK(a != b);
    // Rounding adds 1/12 to the variance.
    CHECK(standard_deviation(std::vector<double>(a.begin(), a.end())) ==
          doctest::Approx(std::sqrt(4.0 + 1.0 / 12.0)).epsilon(kSpreadTolerance));
}

TEST_CASE("converters give the same bits at every SIMD level") {
    CrossbarConfig config = six_bits();
    config.adc = {.range = AdcRange::fixed,
                  .range_us = 20.0,
                  .offset_lsb = 0.3,
                  .gain_error = 0.02,
                  .inl_lsb = 0.4,
                  .noise_lsb = 0.5};
    std::vector<float> reference;
    for (const SimdLevel level : available_simd_levels()) {
        set_simd_level(level);
        AdcBank adc(config, 1, 77, 5, 0);
        std::vector<float> x(77);
        for (std::size_t i = 0; i < x.size(); ++i) {
            x[i] = static_cast<float>(i) * 0.61F - 22.0F;
        }
        adc.convert(kRead, x);
        if (reference.empty()) {
            reference = x;
        }
        CHECK(x == reference);
    }
}

TEST_CASE("an array converts each tile before the digital sum, in a calibrated range") {
    CrossbarConfig config;
    config.read_noise_scale = 0.0;
    config.tile_rows = 8;
    const SynapseArrayShape shape{.rows = 20, .columns = 5};
    std::vector<std::int16_t> pulses(100);
    for (std::size_t i = 0; i < pulses.size(); ++i) {
        pulses[i] = static_cast<std::int16_t>(int(i * 7 % 13) - 6);
    }
    const std::vector<std::uint32_t> rows{0, 3, 9, 12, 15, 19};
    const auto run = [&](std::int64_t bits, std::uint32_t steps, SynapseArray& array) {
        (void)bits;
        array.program(pulses, SynapseArray::Phase::initial, 0, 0);
        array.renew(0);
        std::vector<float> out(5);
        for (std::uint32_t step = 0; step < steps; ++step) {
            array.read(rows, 0, step, out);
        }
        return out;
    };
    SynapseArray exact(config, shape, 1.0, 1, 0);
    const auto expected = run(0, 1, exact);
    CHECK(exact.counters().adc_conversions == 0);
    config.adc_bits = 8;
    config.adc.calibration_reads = 1;  // one read, of the three tiles
    SynapseArray converted(config, shape, 1.0, 1, 0);
    const auto got = run(8, 2, converted);
    CHECK(converted.counters().adc_conversions == 15);
    CHECK(converted.converters().range_us() > 0.0);
    for (std::size_t c = 0; c < 5; ++c) {
        const double lsb = converted.converters().lsb_us();
        CHECK(std::abs(got[c] - expected[c]) <= 3 * 1.0001 * lsb);  // the largest sum may lose one lsb
        const double codes = double(got[c]) / lsb;
        CHECK(codes == doctest::Approx(std::round(codes)).epsilon(1e-4));
    }
}

TEST_CASE("sums over rows are those of a plain loop, bit for bit, at every vector width and size") {
    struct Size {
        std::uint32_t rows, columns;
    };
    for (const Size size : {Size{1, 1},
                            {7, 5},
                            {9, 16},
                            {40, 17},
                            {12, 45},
                            {12, 64},
                            {12, 80},
                            {12, 96},
                            {100, 100},
                            {12, 128},
                            {33, 150},
                            {100, 500},
                            {301, 257}}) {
        const std::size_t stride = (size.columns + 63) / 64 * 64;
        std::vector<float> value(size.rows * stride), variance(value.size()), drive;
        std::vector<std::uint32_t> rows;
        for (std::size_t i = 0; i < value.size(); ++i) {
            value[i] = static_cast<float>(i * 37 % 101) / 7.0F - 6.0F;
            variance[i] = static_cast<float>(i * 53 % 89) / 11.0F;
        }
        for (std::uint32_t r = 0; r < size.rows; ++r) {
            if (size.rows < 3 || r % 3 != 1) {
                rows.push_back(r);
                drive.push_back(static_cast<float>(r % 13) / 9.0F - 0.5F);
            }
        }
        std::vector<float> sum(size.columns, 0.0F), squares(size.columns, 0.0F);
        for (std::size_t k = 0; k < rows.size(); ++k) {
            for (std::uint32_t c = 0; c < size.columns; ++c) {
                sum[c] += drive[k] * value[rows[k] * stride + c];
                squares[c] += drive[k] * drive[k] * variance[rows[k] * stride + c];
            }
        }
        const ReadMatrices matrices{value.data(), variance.data(), stride};
        for (const SimdLevel level : available_simd_levels()) {
            set_simd_level(level);
            for (const bool from_last : {false, true}) {
                std::vector<float> out(stride, -1.0F), noise(stride, -1.0F), spikes(stride, -1.0F);
                sum_rows(matrices, rows, drive, size.columns, from_last, out.data(), noise.data());
                CHECK(std::equal(sum.begin(), sum.end(), out.begin()));
                CHECK(std::equal(squares.begin(), squares.end(), noise.begin()));
                std::fill(out.begin(), out.end(), -1.0F);
                sum_rows(matrices, rows, drive, size.columns, from_last, out.data(), nullptr);
                CHECK(std::equal(sum.begin(), sum.end(), out.begin()));
                const std::vector<float> ones(rows.size(), 1.0F);
                sum_rows(matrices, rows, ones, size.columns, from_last, out.data(), noise.data());
                std::vector<float> spike_noise(stride, -1.0F);
                sum_rows(matrices, rows, {}, size.columns, from_last, spikes.data(), spike_noise.data());
                CHECK(std::equal(spikes.begin(), spikes.begin() + size.columns, out.begin()));
                CHECK(std::equal(spike_noise.begin(), spike_noise.begin() + size.columns, noise.begin()));
            }
        }
    }
}

TEST_CASE("driven rows are collected in order at every vector width") {
    for (const std::size_t rows : {1, 7, 16, 33, 100}) {
        for (const std::size_t zero_every : {1, 2, 3, 1000}) {
            std::vector<float> drive(rows), kept;
            std::vector<std::uint32_t> kept_rows, reads(rows, 5);
            std::vector<double> squared(rows, 0.5);
            for (std::size_t r = 0; r < rows; ++r) {
                drive[r] = r % zero_every == 0 ? 0.0F : static_cast<float>(r) - 3.5F;
                if (drive[r] != 0.0F) {
                    kept.push_back(drive[r]);
                    kept_rows.push_back(static_cast<std::uint32_t>(r));
                    ++reads[r];
                    squared[r] += double(drive[r] * drive[r]);
                }
            }
            for (const SimdLevel level : available_simd_levels()) {
                set_simd_level(level);
                std::vector<float> moved = drive;
                std::vector<std::uint32_t> found(rows), counted(rows, 5);
                std::vector<double> sums(rows, 0.5);
                const std::size_t driven = collect_driven(moved, found, counted, sums);
                REQUIRE(driven == kept.size());
                moved.resize(driven);
                found.resize(driven);
                CHECK(moved == kept);
                CHECK(found == kept_rows);
                CHECK(counted == reads);
                CHECK(sums == squared);
            }
        }
    }
}

TEST_CASE("graded reads weigh rows with their drive, in distribution as spikes do") {
    CrossbarConfig config;
    config.tile_rows = 64;
    const SynapseArrayShape shape{.rows = 40, .columns = 3000};
    SynapseArray array(config, shape, 38.6, 1, 0);
    array.renew(1);
    std::vector<float> drive(40), out(3000);
    double squares = 0;
    for (std::size_t r = 0; r < 40; ++r) {
        drive[r] = static_cast<float>(r % 3) * 0.5F - 0.5F;
        squares += double(drive[r]) * double(drive[r]);
    }
    std::vector<float> state(std::size_t{40} * 3000);
    array.state(1, state);
    array.read_graded(drive, 0, 0, out);
    std::vector<double> noise;
    for (std::size_t c = 0; c < 3000; ++c) {
        double sum = 0;
        for (std::size_t r = 0; r < 40; ++r) {
            sum += double(drive[r]) * double(state[r * 3000 + c]);
        }
        noise.push_back(double(out[c]) - sum);
    }
    // Devices near 0.1 uS: sigma = 0.03 G + 0.13 each, two per synapse.
    const double sigma = std::sqrt(2 * squares) * (0.13 + 0.003);
    CHECK(standard_deviation(noise) == doctest::Approx(sigma).epsilon(4 / std::sqrt(6000.0) + 0.005));
    array.account_reads();
    CHECK(array.counters().device_reads == std::uint64_t{2} * 3000 * 27);  // 27 rows are driven

    config.dac_bits = 1;
    CHECK_THROWS_WITH_AS(SynapseArray(config, shape, 38.6, 1, 0),
                         doctest::Contains("crossbar.dac_bits = 1: must be 0 or at least 2"), InputError);
    config.dac_bits = 2;  // levels -1, 0, 1
    config.read_noise_scale = 0.0;
    SynapseArray coarse(config, shape, 38.6, 1, 0);
    coarse.renew(1);
    std::vector<float> spikes(3000);
    std::vector<std::uint32_t> rows;
    for (std::uint32_t r = 0; r < 40; ++r) {
        drive[r] = r % 4 == 0 ? 0.6F : 0.4F;
        if (r % 4 == 0) {
            rows.push_back(r);
        }
    }
    coarse.read_graded(drive, 0, 0, out);
    coarse.read(rows, 0, 0, spikes);
    for (std::size_t c = 0; c < 3000; ++c) {
        REQUIRE(out[c] == doctest::Approx(double(spikes[c])).epsilon(1e-5).scale(1.0));
    }
}

TEST_CASE("driver noise is common to the columns of a row") {
    CrossbarConfig config;
    config.read_noise_scale = 0.0;
    config.write_noise_scale = 0.0;
    config.driver_noise = 0.1;
    SynapseArray array(config, {.rows = 1, .columns = 2}, 38.6, 1, 0);
    const std::vector<std::int16_t> pulses{3, 3};
    array.program(pulses, SynapseArray::Phase::initial, 0, 0);
    array.renew(0);
    std::vector<double> ratios;
    std::vector<float> state(2), out(2);
    array.state(0, state);
    const std::vector<std::uint32_t> rows{0};
    for (std::uint32_t step = 0; step < kConverters; ++step) {
        array.read(rows, 0, step, out);
        CHECK(out[0] == out[1]);
        ratios.push_back(double(out[0]) / double(state[0]));
    }
    CHECK(standard_deviation(ratios) == doctest::Approx(0.1).epsilon(kSpreadTolerance));
}
