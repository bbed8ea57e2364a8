// Connections against direct sums.
#include <doctest/doctest.h>

#include <cmath>

#include "learning/network/connect/connections.hpp"
#include "learning/network/tests/support.hpp"

namespace memprop::network {
namespace {

using namespace test;

Network two(std::uint32_t from, std::uint32_t to) {
    Network network;
    network.populations = {population("a", from, "input"), population("b", to, "leaky_readout")};
    network.projections.push_back(projection("ab", 0, 1));
    return network;
}

template <class Real>
std::vector<Real> sum_of(const Network& network, const Signal<Real>& x, bool expect = true) {
    check(network);
    const Projection& projection = network.projections[0];
    std::vector<Real> out(columns_of(network, projection), Real(-77));
    const bool any = make_connection<Real>(network, projection)->sum(x, 0, out);
    CHECK(any == expect);
    return out;
}

std::vector<float> floats(const std::vector<double>& values) {
    return {values.begin(), values.end()};
}

TEST_CASE("dense sums of NIR graphs start at the bias and take events as they are listed") {
    for (const bool in_float : {false, true}) {
        for (const bool bias : {false, true}) {
            Network network = two(9, 37);
            Projection& p = network.projections[0];
            const std::vector<double> w = draws(1, (9 + (bias ? 1 : 0)) * 37);
            p.weights = in_float ? Numbers(floats(w)) : Numbers(w);
            p.bias = bias;
            p.bias_first = true;
            Signal<double> graded;
            graded.form = Signal<double>::Form::graded;
            graded.index = {7, 2, 2, 5};
            graded.value = {0.3, -1.7, 0.1, 2.0};
            for (const auto& x : {graded, spikes<double>({1, 4, 4, 8}), dense(draws(2, 9))}) {
                std::vector<double> expected(37);
                for (std::size_t o = 0; o < 37; ++o) {
                    expected[o] = bias ? number_at(p.weights, 9 * 37 + o) : 0.0;
                    for_each_nonzero(x, [&](std::uint32_t i, double value) {
                        expected[o] += number_at(p.weights, i * 37 + o) * value;
                    });
                }
                CHECK(sum_of(network, x) == expected);
            }
        }
    }
}

template <class Real>
void check_training_sums(std::uint64_t rows_at_once, double unit) {
    constexpr std::uint32_t kPre = 29, kPost = 21;
    Network network = two(kPre, kPost);
    Projection& p = network.projections[0];
    p.weights = draws(3, (kPre + 1) * kPost);
    p.bias = true;
    p.unit = unit;
    p.rows_at_once = rows_at_once;
    Signal<Real> twice = spikes<Real>({11, 3, 25, 3});
    for (const auto& x : {twice, spikes<Real>({0, 8, 9, 28}), dense<Real>([] {
                              const auto v = draws(4, kPre);
                              return std::vector<Real>(v.begin(), v.end());
                          }())}) {
        std::vector<Real> value(kPre), expected(kPost);
        for_each_nonzero(x, [&](std::uint32_t i, Real v) { value[i] += v; });
        const std::uint64_t tile = rows_at_once == 0 ? kPre : rows_at_once;
        for (std::size_t o = 0; o < kPost; ++o) {
            Real sum = 0;
            for (std::uint64_t begin = 0; begin < kPre; begin += tile) {
                Real block = 0;
                for (std::uint64_t i = begin; i < std::min<std::uint64_t>(kPre, begin + tile); ++i) {
                    block += static_cast<Real>(number_at(p.weights, i * kPost + o)) * value[i];
                }
                sum += block;
            }
            expected[o] =
                sum * static_cast<Real>(unit) + static_cast<Real>(number_at(p.weights, kPre * kPost + o));
        }
        CHECK(sum_of(network, x) == expected);
    }
}

TEST_CASE("dense sums of training take rows in ascending order, block by block, and the bias last") {
    for (const std::uint64_t rows : {0, 8, 29, 100}) {
        check_training_sums<float>(rows, 1.0);
        check_training_sums<double>(rows, 0.013);
    }
}

TEST_CASE("without a bias nothing in is nothing out, with one the bias arrives") {
    Network network = two(2, 2);
    network.projections[0].weights = std::vector<double>{1, 2, 3, 4};
    CHECK(sum_of(network, Signal<double>{}, false) == std::vector<double>{-77, -77});
    network.projections[0].bias = true;
    network.projections[0].weights = std::vector<double>{1, 2, 3, 4, 0.5, -0.5};
    CHECK(sum_of(network, Signal<double>{}) == std::vector<double>{0.5, -0.5});
    network.projections[0].weights = std::vector<double>{1, 2, 3, 4, 0, 0};
    CHECK(sum_of(network, Signal<double>{}, false)[0] == -77);
}

TEST_CASE("synapses that do not exist carry nothing") {
    Network network = two(3, 3);
    Projection& p = network.projections[0];
    p.weights = std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9};
    p.connect.kind = ConnectKind::masked;
    p.connect.mask = {1, 0, 1, 0, 1, 0, 0, 0, 1};
    CHECK(sum_of(network, spikes<double>({0, 1, 2})) == std::vector<double>{1, 5, 12});
    p.connect.mask.clear();
    p.connect.density = 0.5;
    CHECK(input_error([&] { make_connection<double>(network, p); }).find("projection.ab.density = 0.5") !=
          std::string::npos);

    Network recurrent;
    recurrent.populations = {population("n", 2, "lif")};
    recurrent.projections.push_back(projection("rec", 0, 0, std::vector<float>{1, 2, 3, 4}, 1));
    recurrent.projections[0].connect.self = false;
    CHECK(sum_of(recurrent, spikes<float>({0, 1})) == std::vector<float>{3, 2});
}

TEST_CASE("lists of synapses add up as the matrix does") {
    constexpr std::uint32_t kPre = 40, kPost = 31;
    Network sparse = two(kPre, kPost), full = two(kPre, kPost);
    Connect& c = sparse.projections[0].connect;
    c.kind = ConnectKind::sparse;
    std::vector<double> weights, matrix((kPre + 1) * kPost);
    c.row_begin = {0};
    for (std::uint32_t i = 0; i <= kPre; ++i) {
        for (std::uint32_t j = 0; j < kPost; ++j) {
            if (draw(5, i * kPost + j) > 0.7) {
                c.column.push_back(j);
                weights.push_back(draw(6, i * kPost + j));
                matrix[i * kPost + j] = weights.back();
            }
        }
        c.row_begin.push_back(c.column.size());
    }
    sparse.projections[0].weights = weights;
    full.projections[0].weights = matrix;
    sparse.projections[0].bias = full.projections[0].bias = true;
    const Signal<double> x = dense(draws(7, kPre));
    CHECK(sum_of(sparse, x) == sum_of(full, x));
    const auto events = spikes<double>({2, 3, 17, 39});
    CHECK(sum_of(sparse, events) == sum_of(full, events));

    sparse.projections[0].unit = 2.0;
    CHECK(input_error([&] { make_connection<double>(sparse, sparse.projections[0]); }).find("only dense") !=
          std::string::npos);
}

TEST_CASE("one to one scales, or passes on") {
    Network network = two(3, 3);
    network.projections[0].connect.kind = ConnectKind::one_to_one;
    CHECK(sum_of(network, dense<double>({1, -2, 0.5})) == std::vector<double>{1, -2, 0.5});
    CHECK(sum_of(network, spikes<double>({0, 2, 2})) == std::vector<double>{1, 0, 2});
    network.projections[0].weights = std::vector<double>{2, 3, 4};
    CHECK(sum_of(network, dense<double>({1, -2, 0.5})) == std::vector<double>{2, -6, 2});
    CHECK(sum_of(network, spikes<double>({0, 2, 2})) == std::vector<double>{2, 0, 8});
    network.projections[0].bias = true;
    CHECK(input_error([&] { check(network); }).find("projection.ab.bias") != std::string::npos);
}

/// By the definition, output by output.
std::vector<double> convolve(const Window& w, const std::vector<double>& x, const std::vector<double>& kernel,
                             bool pool) {
    std::vector<double> y;
    const std::uint64_t per_group = w.channels_in / w.groups;
    for (std::uint64_t o = 0; o < w.channels_out; ++o) {
        for (std::uint64_t row = 0; row < w.height_out; ++row) {
            for (std::uint64_t column = 0; column < w.width_out; ++column) {
                double sum =
                    pool ? 0.0 : kernel[w.channels_out * per_group * w.kernel_height * w.kernel_width + o];
                for (std::uint64_t c = 0; c < (pool ? 1 : per_group); ++c) {
                    const std::uint64_t in = pool ? o : o / (w.channels_out / w.groups) * per_group + c;
                    for (std::uint64_t ky = 0; ky < w.kernel_height; ++ky) {
                        for (std::uint64_t kx = 0; kx < w.kernel_width; ++kx) {
                            const auto iy = static_cast<std::int64_t>(row * w.stride_y + ky * w.dilation_y) -
                                            static_cast<std::int64_t>(w.padding_top);
                            const auto ix =
                                static_cast<std::int64_t>(column * w.stride_x + kx * w.dilation_x) -
                                static_cast<std::int64_t>(w.padding_left);
                            if (iy < 0 || ix < 0 || iy >= std::int64_t(w.height_in) ||
                                ix >= std::int64_t(w.width_in)) {
                                continue;
                            }
                            const double value =
                                x[(in * w.height_in + std::uint64_t(iy)) * w.width_in + std::uint64_t(ix)];
                            sum +=
                                value *
                                (pool ? 1.0
                                      : kernel[((o * per_group + c) * w.kernel_height + ky) * w.kernel_width +
                                               kx]);
                        }
                    }
                }
                y.push_back(sum);
            }
        }
    }
    return y;
}

TEST_CASE("convolutions and pools are what their definition says") {
    const Window window{.channels_in = 4,
                        .channels_out = 6,
                        .groups = 2,
                        .height_in = 7,
                        .width_in = 9,
                        .height_out = 4,
                        .width_out = 4,
                        .kernel_height = 3,
                        .kernel_width = 2,
                        .stride_y = 2,
                        .stride_x = 2,
                        .dilation_y = 1,
                        .dilation_x = 3,
                        .padding_top = 1,
                        .padding_left = 1};
    const auto whole = [](std::vector<double> values) {  // sums of small numbers of eighths are exact
        for (double& v : values) {
            v = std::round(8.0 * v) / 8.0;
        }
        return values;
    };
    Network network = two(4 * 7 * 9, 6 * 4 * 4);
    Projection& p = network.projections[0];
    p.connect.kind = ConnectKind::convolution;
    p.connect.window = window;
    p.bias = true;
    const auto kernel = whole(draws(8, 6 * (2 * 3 * 2 + 1)));
    p.weights = kernel;
    const auto x = whole(draws(9, 4 * 7 * 9));
    CHECK(sum_of(network, dense(x)) == convolve(window, x, kernel, false));

    Window pool = window;
    pool.channels_out = 4;
    pool.groups = 1;
    network = two(4 * 7 * 9, 4 * 4 * 4);
    network.projections[0].connect.kind = ConnectKind::pool;
    network.projections[0].connect.window = pool;
    network.projections[0].connect.factor = 0.25;
    std::vector<double> expected = convolve(pool, x, {}, true);
    for (double& v : expected) {
        v *= 0.25;
    }
    CHECK(sum_of(network, dense(x)) == expected);
    network.projections[0].connect.window.stride_y = 0;
    CHECK(input_error([&] { check(network); }).find("strides") != std::string::npos);
}

TEST_CASE("weights that nobody gives are asked for") {
    const Network network = two(2, 2);
    CHECK(input_error([&] {
              make_connection<double>(network, network.projections[0]);
          }).find("projection.ab.weights = none") != std::string::npos);
}

}  // namespace
}  // namespace memprop::network
