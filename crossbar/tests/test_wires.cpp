#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"
#include "crossbar/base/simd.hpp"
#include "crossbar/wires/wired_array.hpp"

using namespace memprop;
using crossbar::ReadPower;
using crossbar::Renewal;
using crossbar::WiredArray;
using crossbar::WireParameters;

namespace {

// Conductances from 1 to 200 uS, about one in ten open, one in ten a near-short of 1 to 100 ohm.
std::vector<double> conductances(std::size_t count, std::uint32_t event, bool defects) {
    std::vector<double> g(count);
    for (std::uint32_t d = 0; d < count; ++d) {
        const DrawKey key{.seed = 3, .stream = Stream::test, .event = event};
        g[d] = 1e-6 * std::pow(200.0, static_cast<double>(random_uniform(key, 2 * d)));
        const float defect = random_uniform(key, 2 * d + 1);
        if (defects && defect < 0.1F) {
            g[d] = 0.0;
        } else if (defects && defect > 0.9F) {
            g[d] = std::pow(0.01, static_cast<double>(defect - 0.9F) * 10.0);
        }
    }
    return g;
}

struct Solution {
    std::vector<double> out, in, word, bit;
};

// Kirchhoff's current law at every node, zero-ohm segments as joined nodes, solved densely in extended
// precision by Gaussian elimination with partial pivoting. Shares nothing with the code under test.
Solution solve_densely(std::size_t m, std::size_t n, const WireParameters& wires,
                       const std::vector<double>& g, const std::vector<double>& volts) {
    struct Resistor {
        std::size_t a, b;
        long double ohm;
    };
    // Nodes: W(i,j), B(i,j), sources, ground (one for all bit lines would hide which is which).
    const auto w = [&](std::size_t i, std::size_t j) { return i * n + j; };
    const auto b = [&](std::size_t i, std::size_t j) { return m * n + w(i, j); };
    const std::size_t sources = 2 * m * n;
    const std::size_t grounds = sources + m;
    const std::size_t nodes = grounds + n;
    std::vector<Resistor> resistors;
    const long double end_w = wires.r_wl_ohm + wires.r_driver_ohm;
    const long double end_b = wires.r_bl_ohm + wires.r_sense_ohm;
    for (std::size_t i = 0; i < m; ++i) {
        resistors.push_back({sources + i, w(i, 0), end_w});
        if (wires.drive_both_ends) {
            resistors.push_back({sources + i, w(i, n - 1), end_w});
        }
        for (std::size_t j = 0; j < n; ++j) {
            if (g[i * n + j] > 0) {
                resistors.push_back({w(i, j), b(i, j), 1.0L / g[i * n + j]});
            }
            if (j > 0) {
                resistors.push_back({w(i, j - 1), w(i, j), wires.r_wl_ohm});
            }
            if (i > 0) {
                resistors.push_back({b(i - 1, j), b(i, j), wires.r_bl_ohm});
            }
        }
    }
    for (std::size_t j = 0; j < n; ++j) {
        resistors.push_back({b(m - 1, j), grounds + j, end_b});
        if (wires.sense_both_ends) {
            resistors.push_back({b(0, j), grounds + j, end_b});
        }
    }
    std::vector<std::size_t> joined(nodes);
    std::iota(joined.begin(), joined.end(), std::size_t{0});
    const auto find = [&](std::size_t node) {
        while (joined[node] != node) {
            node = joined[node];
        }
        return node;
    };
    for (const Resistor& r : resistors) {
        if (r.ohm == 0) {
            const std::size_t x = find(r.a);
            const std::size_t y = find(r.b);
            joined[std::min(x, y)] = std::max(x, y);  // sources and grounds have the highest numbers
        }
    }
    std::vector<std::vector<long double>> a(nodes, std::vector<long double>(nodes + 1, 0.0L));
    for (const Resistor& r : resistors) {
        const std::size_t x = find(r.a);
        const std::size_t y = find(r.b);
        if (x != y) {
            a[x][x] += 1 / r.ohm, a[y][y] += 1 / r.ohm;
            a[x][y] -= 1 / r.ohm, a[y][x] -= 1 / r.ohm;
        }
    }
    for (std::size_t x = 0; x < nodes; ++x) {
        if (x >= sources || find(x) != x || a[x][x] == 0) {
            std::fill(a[x].begin(), a[x].end(), 0.0L);
            a[x][x] = 1;
            a[x][nodes] = x >= sources && x < grounds ? volts[x - sources] : 0.0;
        }
    }
    for (std::size_t x = 0; x < nodes; ++x) {
        std::size_t pivot = x;
        for (std::size_t y = x; y < nodes; ++y) {
            pivot = std::abs(a[y][x]) > std::abs(a[pivot][x]) ? y : pivot;
        }
        std::swap(a[x], a[pivot]);
        for (std::size_t y = 0; y < nodes; ++y) {
            if (y != x && a[y][x] != 0) {
                const long double factor = a[y][x] / a[x][x];
                for (std::size_t c = x; c <= nodes; ++c) {
                    a[y][c] -= factor * a[x][c];
                }
            }
        }
    }
    const auto volt = [&](std::size_t node) { return a[find(node)][nodes] / a[find(node)][find(node)]; };
    Solution s{std::vector<double>(n), std::vector<double>(m), std::vector<double>(m * n),
               std::vector<double>(m * n)};
    for (std::size_t i = 0; i < m; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
            const long double ampere = (volt(w(i, j)) - volt(b(i, j))) * g[i * n + j];
            s.out[j] += static_cast<double>(ampere);
            s.in[i] += static_cast<double>(ampere);
            s.word[i * n + j] = static_cast<double>(volt(w(i, j)));
            s.bit[i * n + j] = static_cast<double>(volt(b(i, j)));
        }
    }
    return s;
}

bool near(const std::vector<double>& got, const std::vector<double>& expected, double tolerance) {
    double largest = 0.0;
    double deviation = 0.0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        largest = std::max(largest, std::abs(expected[i]));
        deviation =
            std::max(deviation, std::isfinite(got[i] - expected[i]) ? std::abs(got[i] - expected[i]) : 1e300);
    }
    return got.size() == expected.size() && deviation <= tolerance * largest + 1e-18;
}

std::vector<double> signed_volts(std::size_t count) {
    std::vector<double> v(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        v[i] = 0.4 * static_cast<double>(random_uniform({.seed = 4, .stream = Stream::test}, i)) - 0.2;
    }
    return v;
}

bool same_bits(const WiredArray& a, const WiredArray& b) {
    std::vector<double> volts = signed_volts(a.rows()), in_a(a.rows()), in_b(a.rows());
    a.source_currents(volts, in_a);
    b.source_currents(volts, in_b);
    bool same = true;
    for (std::size_t i = 0; i < a.rows(); ++i) {
        same = same && std::bit_cast<std::uint64_t>(in_a[i]) == std::bit_cast<std::uint64_t>(in_b[i]);
        for (std::size_t j = 0; j < a.columns(); ++j) {
            same = same && std::bit_cast<std::uint64_t>(a.effective_conductance(i, j)) ==
                               std::bit_cast<std::uint64_t>(b.effective_conductance(i, j));
        }
    }
    return same;
}

const std::vector<WireParameters> kWires{
    {},
    {.r_wl_ohm = 1.0},
    {.r_bl_ohm = 1.0},
    {.r_wl_ohm = 0.1, .r_bl_ohm = 10.0},
    {.r_driver_ohm = 300.0},
    {.r_sense_ohm = 200.0},
    {.r_driver_ohm = 300.0, .r_sense_ohm = 200.0},
    {.r_wl_ohm = 2.0, .r_bl_ohm = 3.0, .r_driver_ohm = 300.0, .r_sense_ohm = 200.0},
    {.r_wl_ohm = 2.0, .r_bl_ohm = 3.0, .drive_both_ends = true},
    {.r_wl_ohm = 2.0, .r_bl_ohm = 3.0, .sense_both_ends = true},
    {.r_wl_ohm = 5.0,
     .r_bl_ohm = 3.0,
     .r_driver_ohm = 50.0,
     .drive_both_ends = true,
     .sense_both_ends = true},
    {.r_bl_ohm = 3.0, .r_driver_ohm = 50.0, .drive_both_ends = true, .sense_both_ends = true},
    {.r_wl_ohm = 3.0, .r_sense_ohm = 50.0, .drive_both_ends = true, .sense_both_ends = true},
    {.drive_both_ends = true, .sense_both_ends = true},
};

}  // namespace

TEST_CASE("wires: currents, voltages and power agree with a dense solution of Kirchhoff's law") {
    const std::pair<std::size_t, std::size_t> sizes[] = {{1, 1},  {1, 5}, {5, 1}, {1, 19},
                                                         {19, 1}, {2, 2}, {4, 3}, {9, 11}};
    std::uint32_t event = 0;
    for (const auto& size : sizes) {
        const std::size_t m = size.first;
        const std::size_t n = size.second;
        for (const WireParameters& wires : kWires) {
            for (const bool defects : {false, true}) {
                CAPTURE(m);
                CAPTURE(n);
                CAPTURE(defects);
                CAPTURE(&wires - kWires.data());
                const auto g = conductances(m * n, ++event, defects);
                const auto volts = signed_volts(m);
                const Solution expected = solve_densely(m, n, wires, g, volts);
                WiredArray array(m, n, wires);
                array.set_conductances(g);
                array.renew();
                std::vector<double> out(n), in(m), word(m * n), bit(m * n);
                array.read(volts, out);
                array.source_currents(volts, in);
                array.node_voltages(volts, word, bit);
                CHECK(near(out, expected.out, 1e-12));
                CHECK(near(in, expected.in, 1e-12));
                CHECK(near(word, expected.word, 1e-12));
                CHECK(near(bit, expected.bit, 1e-12));

                const double drawn = std::inner_product(volts.begin(), volts.end(), expected.in.begin(), 0.0);
                CHECK(array.drawn_power_watts(volts) == doctest::Approx(drawn).scale(0).epsilon(1e-11));
                const ReadPower power = array.read_power(volts).at(0);
                double devices = 0.0;
                for (std::size_t d = 0; d < m * n; ++d) {
                    devices += g[d] * std::pow(expected.word[d] - expected.bit[d], 2);
                }
                CHECK(power.devices_watts == doctest::Approx(devices).scale(0).epsilon(1e-11));
                CHECK(power.devices_watts + power.wires_watts() + power.drivers_watts + power.sense_watts ==
                      doctest::Approx(drawn).epsilon(1e-10));
                CHECK((power.word_lines_watts > 0) == (wires.r_wl_ohm > 0 && drawn > 0));
                CHECK((power.drivers_watts > 0) == (wires.r_driver_ohm > 0 && drawn > 0));
            }
        }
    }
}

TEST_CASE("wires: two devices in series with their segments by hand") {
    // 1 x 1: source - 100 driver - 10 segment - 1000 device - 20 segment - 70 sense - ground.
    WiredArray array(1, 1, {.r_wl_ohm = 10, .r_bl_ohm = 20, .r_driver_ohm = 100, .r_sense_ohm = 70});
    array.set_conductance(0, 0, 1e-3);
    array.renew();
    CHECK(array.effective_conductance(0, 0) == doctest::Approx(1.0 / 1200).epsilon(1e-14));
    const std::vector<double> volts{1.2};
    const ReadPower power = array.read_power(volts).at(0);
    CHECK(power.drawn_watts == doctest::Approx(1.2e-3).scale(0).epsilon(1e-13));
    CHECK(power.devices_watts == doctest::Approx(1e-3).scale(0).epsilon(1e-12));
    CHECK(power.word_lines_watts == doctest::Approx(1e-5).scale(0).epsilon(1e-12));
    CHECK(power.bit_lines_watts == doctest::Approx(2e-5).scale(0).epsilon(1e-12));
    CHECK(power.drivers_watts == doctest::Approx(1e-4).scale(0).epsilon(1e-12));
    CHECK(power.sense_watts == doctest::Approx(7e-5).scale(0).epsilon(1e-12));
}

TEST_CASE("wires: without resistance the effective conductances are the devices' own") {
    const auto g = conductances(37 * 29, 500, true);
    WiredArray array(37, 29, {});
    array.set_conductances(g);
    array.renew();
    for (std::size_t d = 0; d < g.size(); ++d) {
        CHECK(array.effective_conductance(d / 29, d % 29) == g[d]);
    }
}

TEST_CASE("wires: an open line carries exactly nothing and zero volts drive exactly nothing") {
    auto g = conductances(40 * 33, 600, true);
    for (std::size_t j = 0; j < 33; ++j) {
        g[7 * 33 + j] = 0.0;
    }
    for (std::size_t i = 0; i < 40; ++i) {
        g[i * 33 + 20] = 0.0;
    }
    WiredArray array(40, 33, {.r_wl_ohm = 1.0, .r_bl_ohm = 2.0});
    array.set_conductances(g);
    array.renew();
    std::vector<double> volts(40, 0.2), out(33), in(40);
    array.read(volts, out);
    array.source_currents(volts, in);
    CHECK(out[20] == 0.0);
    CHECK(in[7] == 0.0);
    CHECK(out[19] > 0.0);
    CHECK(in[6] > 0.0);
    std::fill(volts.begin(), volts.end(), 0.0);
    array.read(volts, out);
    array.source_currents(volts, in);
    CHECK(std::all_of(out.begin(), out.end(), [](double x) { return x == 0.0; }));
    CHECK(std::all_of(in.begin(), in.end(), [](double x) { return x == 0.0; }));
}

TEST_CASE("wires: what is renewed after writes is bit for bit what a new array gives") {
    for (const auto& [m, n] : {std::pair<std::size_t, std::size_t>{70, 45}, {3, 200}, {61, 64}}) {
        const WireParameters wires{.r_wl_ohm = 1.0, .r_bl_ohm = 0.5, .r_driver_ohm = 20.0};
        auto g = conductances(m * n, 700, true);
        WiredArray written(m, n, wires);
        written.set_conductances(g);
        written.renew();
        WiredArray by_device(m, n, wires);
        by_device.set_conductances(g);
        by_device.renew();
        WiredArray whole(m, n, wires, Renewal::whole_array);
        for (std::uint32_t write = 0; write < 12; ++write) {
            const std::size_t device = random_bits({.seed = 5, .stream = Stream::test}, write) % (m * n);
            g[device] = write % 3 == 0 ? g[device] + 1e-7 : 1e-5 * (write + 1);
            by_device.set_conductance(device / n, device % n, g[device]);
            CHECK(!by_device.is_current());
            by_device.renew();
            written.set_conductances(g);
            written.renew();
            whole.set_conductances(g);
            whole.renew();
            WiredArray fresh(m, n, wires);
            fresh.set_conductances(g);
            fresh.renew();
            CHECK(same_bits(whole, fresh));
            CHECK(same_bits(by_device, fresh));
            CHECK(same_bits(written, fresh));
        }
        written.set_conductances(g);
        CHECK(written.is_current());  // nothing changed
    }
}

TEST_CASE("wires: every SIMD level gives the same bits") {
    const auto g = conductances(50 * 43, 800, true);
    const WireParameters wires{.r_wl_ohm = 1.0, .r_bl_ohm = 2.0, .r_sense_ohm = 5.0};
    const auto volts = signed_volts(3 * 50);
    std::vector<double> first_out, first_word;
    WiredArray first(50, 43, wires);
    first.set_conductances(g);
    first.renew();
    for (const SimdLevel level : available_simd_levels()) {
        CAPTURE(to_string(level));
        set_simd_level(level);
        WiredArray array(50, 43, wires);
        array.set_conductances(g);
        array.renew();
        CHECK(same_bits(array, first));
        std::vector<double> out(3 * 43), word(3 * 50 * 43), bit(3 * 50 * 43);
        array.read(volts, out);
        array.node_voltages(volts, word, bit);
        if (first_out.empty()) {
            first_out = out;
            first_word = word;
        }
        CHECK(out == first_out);
        CHECK(word == first_word);
    }
}

TEST_CASE("wires: the currents obey conservation of charge and reciprocity on a large array") {
    const std::size_t m = 150;
    const std::size_t n = 90;
    const auto g = conductances(m * n, 900, true);
    WiredArray array(m, n, {.r_wl_ohm = 0.1, .r_bl_ohm = 0.1});
    array.set_conductances(g);
    array.renew();
    const auto volts = signed_volts(2 * m);
    std::vector<double> out(2 * n), in(2 * m);
    array.read(volts, out);
    array.source_currents(volts, in);
    for (std::size_t v = 0; v < 2; ++v) {
        const double total_out = std::accumulate(out.begin() + v * n, out.begin() + (v + 1) * n, 0.0);
        const double total_in = std::accumulate(in.begin() + v * m, in.begin() + (v + 1) * m, 0.0);
        CHECK(total_in == doctest::Approx(total_out).epsilon(1e-12));
    }
    // The mirrored array, read the other way round, has the transposed effective conductances.
    WiredArray mirrored(n, m, {.r_wl_ohm = 0.1, .r_bl_ohm = 0.1});
    for (std::size_t i = 0; i < m; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
            mirrored.set_conductance(n - 1 - j, m - 1 - i, g[i * n + j]);
        }
    }
    mirrored.renew();
    double worst = 0.0;
    for (std::size_t i = 0; i < m; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
            const double a = array.effective_conductance(i, j);
            const double b = mirrored.effective_conductance(n - 1 - j, m - 1 - i);
            worst = std::max(worst, a > 0 ? std::abs(a - b) / a : (b == 0 ? 0.0 : 1.0));
        }
    }
    CHECK(worst < 1e-12);  // relative to each single conductance
}

TEST_CASE("wires: bad input is refused and named") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_WITH_AS(WiredArray(2, 2, {.r_wl_ohm = -1}),
                         "r_wl_ohm = -1: must be 0 or in [1e-9, 1e12] ohm", InputError);
    CHECK_THROWS_AS(WiredArray(2, 2, {.r_sense_ohm = nan}), InputError);
    CHECK_THROWS_AS(WiredArray(0, 2, {}), InputError);
    CHECK_THROWS_AS(WiredArray(2, 100000, {}), InputError);
    WiredArray array(2, 3, {.r_wl_ohm = 1});
    CHECK_THROWS_AS(array.effective_conductance(0, 0), std::logic_error);
    CHECK_THROWS_WITH_AS(array.set_conductances(std::vector<double>{0, 0, 0, 0, -1, 0}),
                         "conductance[1][1] = -1: must be in [0, 1e+09] S", InputError);
    CHECK_THROWS_AS(array.set_conductances(std::vector<double>(5)), InputError);
    CHECK_THROWS_AS(array.set_conductance(2, 0, 1.0), InputError);
    CHECK_THROWS_AS(array.set_conductance(0, 0, nan), InputError);
    array.renew();
    std::vector<double> out(3);
    CHECK_THROWS_AS(array.read(std::vector<double>(3), out), InputError);
    CHECK_THROWS_AS(array.read(std::vector<double>(4), out), InputError);
}

TEST_CASE("wires: a renewal that was given up can be taken up again") {
    const auto g = conductances(64 * 64, 1000, false);
    WiredArray array(64, 64, {.r_wl_ohm = 1, .r_bl_ohm = 1});
    array.set_conductances(g);
    int blocks = 0;
    CHECK_THROWS_AS(array.renew([&] {
        if (++blocks == 3) {
            throw RunError("stop");
        }
    }),
                    RunError);
    CHECK(!array.is_current());
    array.renew();
    WiredArray fresh(64, 64, {.r_wl_ohm = 1, .r_bl_ohm = 1});
    fresh.set_conductances(g);
    fresh.renew();
    CHECK(same_bits(array, fresh));
}
