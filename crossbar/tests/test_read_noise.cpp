// One draw per column, with the variance summed over the rows read, against one draw per device.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "crossbar/array/synapse_array.hpp"

using namespace memprop;
using namespace memprop::crossbar;

namespace {

constexpr std::uint32_t kRows = 100, kColumns = 64, kReads = 400;

/// Every read of every column, minus the column's noise-free value, over the standard deviation that
/// theory gives: N(0, 1) if the model is right.
std::vector<double> standardised_reads(ReadNoise noise, std::uint32_t active,
                                       std::uint32_t devices_per_polarity) {
    CrossbarConfig config;
    config.read_noise = noise;
    SynapseArray array(config,
                       {.rows = kRows, .columns = kColumns, .devices_per_polarity = devices_per_polarity},
                       38.6, 3, 0);
    std::vector<std::int16_t> pulses(kRows * kColumns);
    for (std::size_t i = 0; i < pulses.size(); ++i) {
        pulses[i] = static_cast<std::int16_t>(static_cast<int>(i * 7 % 19) - 9);
    }
    array.program(pulses, SynapseArray::Phase::update, 0, 1);
    array.renew(2);
    std::vector<float> d(kRows * kColumns), out(kColumns);
    array.state(2, d);
    std::vector<std::uint32_t> rows(active);
    std::iota(rows.begin(), rows.end(), 0U);
    std::vector<double> mean(kColumns), sigma(kColumns);
    const std::uint32_t synapses = kRows * kColumns;
    for (std::uint32_t c = 0; c < kColumns; ++c) {
        double variance = 0;
        for (const std::uint32_t row : rows) {
            mean[c] += double(d[row * kColumns + c]);
            for (std::uint32_t plane = 0; plane < 2 * devices_per_polarity; ++plane) {
                float g = 0, s = 0;
                array.model().observe(array.devices(), plane * synapses + row * kColumns + c, 2, {&g, 1},
                                      {&s, 1});
                variance += double(s) * double(s) / (devices_per_polarity * devices_per_polarity);
            }
        }
        sigma[c] = std::sqrt(variance);
    }
    std::vector<double> reads;
    for (std::uint32_t step = 0; step < kReads; ++step) {
        array.read(rows, 0, step, out);
        for (std::uint32_t c = 0; c < kColumns; ++c) {
            reads.push_back((double(out[c]) - mean[c]) / sigma[c]);
        }
    }
    return reads;
}

double ks_distance(std::vector<double> a, std::vector<double> b) {
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    double largest = 0;
    for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
        a[i] <= b[j] ? ++i : ++j;
        largest = std::max(largest, std::abs(double(i) / double(a.size()) - double(j) / double(b.size())));
    }
    return largest;
}

void check_standard_normal(const std::vector<double>& x) {
    const double n = double(x.size());
    double m1 = 0, m2 = 0, m4 = 0;
    for (const double v : x) {
        m1 += v / n;
        m2 += v * v / n;
        m4 += v * v * v * v / n;
    }
    // Four standard errors of the moments of N(0,1).
    CHECK(std::abs(m1) < 4 / std::sqrt(n));
    CHECK(std::abs(m2 - 1) < 4 * std::sqrt(2 / n));
    CHECK(std::abs(m4 - 3) < 4 * std::sqrt(96 / n));
}

}  // namespace

TEST_CASE("one draw per column has the distribution of one draw per device") {
    for (const std::uint32_t devices : {1U, 4U}) {
        for (const std::uint32_t active : {1U, 10U, 100U}) {
            CAPTURE(devices);
            CAPTURE(active);
            const auto per_column = standardised_reads(ReadNoise::per_column, active, devices);
            const auto per_device = standardised_reads(ReadNoise::per_device, active, devices);
            check_standard_normal(per_column);
            check_standard_normal(per_device);
            // Kolmogorov-Smirnov, two samples, significance 1e-4.
            const double n = double(per_column.size());
            CHECK(ks_distance(per_column, per_device) <
                  std::sqrt(-0.5 * std::log(1e-4 / 2)) * std::sqrt(2 / n));
        }
    }
}
