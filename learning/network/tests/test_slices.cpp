// Slices of populations and connections: the bits of the whole.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <string>

#include "learning/network/connect/connections.hpp"
#include "learning/network/tests/support.hpp"

namespace memprop::network {
namespace {

using namespace test;

template <class Real>
bool same_bits(std::span<const Real> a, std::span<const Real> b) {
    using Bits = std::conditional_t<std::is_same_v<Real, float>, std::uint32_t, std::uint64_t>;
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](Real x, Real y) { return std::bit_cast<Bits>(x) == std::bit_cast<Bits>(y); });
}

/// A population cut into slices of `count`; the last one may be smaller.
std::vector<Slice> cut(std::uint32_t size, std::uint32_t count) {
    std::vector<Slice> slices;
    for (std::uint32_t first = 0; first < size; first += count) {
        slices.push_back({.first = first, .count = std::min(count, size - first)});
    }
    return slices;
}

std::vector<double> sparse_draws(std::uint32_t family, std::size_t count) {
    std::vector<double> values = draws(family, count);
    for (std::uint32_t i = 0; i < count; ++i) {
        values[i] = draw(family + 1000, i) < 0.0 ? 0.0 : values[i];
    }
    return values;
}

template <class Real>
std::vector<Signal<Real>> signals_of(std::uint32_t family, std::uint32_t size) {
    const std::vector<double> x = sparse_draws(family, size);
    Signal<Real> listed, graded;
    std::vector<std::uint32_t> index;
    for (std::uint32_t i = 0; i < size; ++i) {
        if (x[i] > 0.0) {
            index.push_back(i);
        }
    }
    listed.set_spikes(index);
    index.insert(index.begin(), size - 1);  // not in order, and twice
    index.push_back(0);
    Signal<Real> unordered;
    unordered.set_spikes(index);
    graded.form = Signal<Real>::Form::graded;
    graded.index = index;
    for (const std::uint32_t i : index) {
        graded.value.push_back(static_cast<Real>(draw(family + 2, i)));
    }
    return {Signal<Real>{}, listed, unordered, graded, dense<Real>(std::vector<Real>(x.begin(), x.end()))};
}

template <class Real>
void check_slices_of_sums(const Network& network) {
    check(network);
    const Projection& p = network.projections[0];
    const std::uint32_t size = columns_of(network, p);
    const auto whole = make_connection<Real>(network, p);
    for (const std::uint32_t count : {1U, 3U, 8U, 17U, size}) {
        for (const Slice slice : cut(size, count)) {
            CAPTURE(slice.first);
            CAPTURE(slice.count);
            const auto part = make_connection<Real>(network, p, slice);
            CHECK(part->bias_is_a_line() == whole->bias_is_a_line());
            for (const Signal<Real>& x : signals_of<Real>(77, network.at(p.from).size)) {
                std::vector<Real> all(size, Real(-77)), own(slice.count, Real(-77));
                const bool any = whole->sum(x, 0, all);
                REQUIRE(part->sum(x, 0, own) == any);
                REQUIRE(same_bits<Real>(own, std::span(all).subspan(slice.first, slice.count)));
            }
        }
    }
}

void check_slices(const Network& network) {
    check_slices_of_sums<float>(network);
    check_slices_of_sums<double>(network);
}

Numbers numbers(bool in_float, const std::vector<double>& values) {
    return in_float ? Numbers(std::vector<float>(values.begin(), values.end())) : Numbers(values);
}

Network pair_of(std::uint32_t from, std::uint32_t to, ConnectKind kind) {
    Network network;
    network.populations = {population("a", from, "input"), population("b", to, "leaky_readout")};
    network.projections.push_back(projection("ab", 0, 1));
    network.projections[0].connect.kind = kind;
    return network;
}

TEST_CASE("matrices onto slices sum up as the whole") {
    constexpr std::uint32_t kPre = 26, kPost = 45;
    for (const bool in_float : {false, true}) {
        Network network = pair_of(kPre, kPost, ConnectKind::dense);
        Projection& p = network.projections[0];
        p.weights = numbers(in_float, draws(1, kPre * kPost));
        check_slices(network);
        p.bias = true;
        std::vector<double> weights = draws(2, (kPre + 1) * kPost);
        std::fill(weights.begin() + kPre * kPost, weights.end() - 5, 0.0);  // slices without biases
        p.weights = numbers(in_float, weights);
        check_slices(network);
        p.bias_first = true;
        check_slices(network);
        p.bias_first = false;
        p.unit = -0.37;
        p.rows_at_once = 7;
        check_slices(network);
        p.connect.kind = ConnectKind::masked;
        for (std::uint32_t i = 0; i < (kPre + 1) * kPost; ++i) {
            p.connect.mask.push_back(draw(3, i) > 0.0 ? 1 : 0);
        }
        check_slices(network);
    }
    Network recurrent;
    recurrent.populations = {population("n", kPost, "lif")};
    recurrent.projections.push_back(projection("rec", 0, 0, draws(4, kPost * kPost), 1));
    recurrent.projections[0].connect.self = false;
    check_slices(recurrent);
}

TEST_CASE("lists and lines onto slices sum up as the whole") {
    constexpr std::uint32_t kPre = 31, kPost = 43;
    for (const bool bias : {false, true}) {
        Network network = pair_of(kPre, kPost, ConnectKind::sparse);
        Projection& p = network.projections[0];
        p.bias = bias;
        p.connect.row_begin = {0};
        for (std::uint32_t i = 0; i < kPre + (bias ? 1 : 0); ++i) {
            for (std::uint32_t j = 0; j < kPost; ++j) {
                if (draw(5, i * kPost + j) > 0.6) {
                    p.connect.column.push_back(j);
                }
            }
            p.connect.row_begin.push_back(p.connect.column.size());
        }
        p.weights = numbers(bias, draws(6, p.connect.column.size()));
        check_slices(network);
    }
    Network network = pair_of(kPost, kPost, ConnectKind::one_to_one);
    check_slices(network);
    network.projections[0].weights = draws(7, kPost);
    check_slices(network);
}

/// A window of any geometry, and what it leads from and to.
Window window_of(std::uint32_t family, bool pool) {
    std::uint32_t index = 0;
    const auto pick = [&](int low, int high) {
        return static_cast<std::uint64_t>(draw(family, index++, low, high + 1));
    };
    Window w;
    w.groups = pool ? 1 : pick(1, 3);
    w.channels_in = w.groups * pick(1, 2);
    w.channels_out = pool ? w.channels_in : w.groups * pick(1, 3);
    w.kernel_height = pick(1, 3);
    w.kernel_width = pick(1, 3);
    w.stride_y = pick(1, 2);
    w.stride_x = pick(1, 3);
    w.dilation_y = pick(1, 2);
    w.dilation_x = pick(1, 2);
    w.padding_top = pick(0, 2);
    w.padding_left = pick(0, 2);
    w.height_in = pick(5, 8);
    w.width_in = pick(5, 9);
    w.height_out =
        (w.height_in + 2 * w.padding_top - w.dilation_y * (w.kernel_height - 1) - 1) / w.stride_y + 1;
    w.width_out =
        (w.width_in + 2 * w.padding_left - w.dilation_x * (w.kernel_width - 1) - 1) / w.stride_x + 1;
    return w;
}

TEST_CASE("windows onto slices sum up as the whole") {
    for (std::uint32_t family = 0; family < 24; ++family) {
        CAPTURE(family);
        const bool pool = family % 3 == 2;
        const Window w = window_of(100 + family, pool);
        Network network = pair_of(static_cast<std::uint32_t>(w.channels_in * w.height_in * w.width_in),
                                  static_cast<std::uint32_t>(w.channels_out * w.height_out * w.width_out),
                                  pool ? ConnectKind::pool : ConnectKind::convolution);
        Projection& p = network.projections[0];
        p.connect.window = w;
        p.connect.factor = pool && family % 2 == 0 ? 1.0 / 3.0 : 1.0;
        p.bias = !pool && family % 2 == 0;
        if (!pool) {
            const std::uint64_t each =
                w.channels_in / w.groups * w.kernel_height * w.kernel_width + (p.bias ? 1 : 0);
            p.weights = draws(8 + family, w.channels_out * each);
        }
        check_slices(network);
    }
}

/// A value for a parameter, within what its equations bear.
double value_for(const Field& field, std::uint32_t family, std::uint32_t index) {
    if (field.name.starts_with("tau_")) {
        return draw(family, index, 2e-3, 40e-3);
    }
    if (field.name == "delay_steps") {
        return std::floor(draw(family, index, 0.0, 9.0));
    }
    if (field.name == "refractory_steps") {
        return std::floor(draw(family, index, 0.0, 5.0));
    }
    if (field.name == "threshold") {
        return draw(family, index, 0.05, 0.6);
    }
    if (field.name == "pseudo_height" || field.name == "pseudo_slope") {
        return draw(family, index) < 0.0 ? 0.0 : draw(family + 1, index, 0.5, 2.0);
    }
    return field.missing == 0.0 ? draw(family, index, -0.1, 0.1)
                                : field.missing * draw(family, index, 0.9, 1.1);
}

/// With random parameters; neurons differ by groups of `alike`.
Population population_of(const NeuronModel& model, std::uint32_t size, std::uint32_t family,
                         std::uint32_t alike) {
    Population p = population("n", size, std::string(model.name));
    p.shape = {1, size};
    for (std::uint32_t f = 0; f < model.fields.size(); ++f) {
        const Field& field = model.fields[f];
        const std::uint32_t key = 100 * family + f;
        if (field.role != FieldRole::parameter || (draw(9, key) < -0.6 && field.list == 0)) {
            continue;
        }
        std::vector<double> values;
        if (field.list > 0) {
            values = draws(key, field.list);
            std::sort(values.begin(), values.end());
        } else if (!field.choices.empty()) {
            values = {std::floor(draw(10, key, 0.0, static_cast<double>(field.choices.size())))};
        } else {
            const bool each = field.per_neuron && draw(11, key) > -0.5;
            for (std::uint32_t j = 0; j < (each ? size : 1); ++j) {
                values.push_back(value_for(field, key, j / alike));
            }
        }
        p.set(field.name, std::move(values));
    }
    return p;
}

template <class Real>
struct Running {
    Running(const Population& population, Slice of)
        : slice(of),
          neurons(make_neurons<Real>(population, 1e-3)),
          psi(population.size),
          sums(2, std::vector<Real>(population.size)) {}

    void step(const std::vector<std::vector<Real>>& all, bool nothing, bool second, bool with_psi) {
        std::vector<std::span<const Real>> receptors(2);
        for (std::size_t r = 0; r < 2; ++r) {
            std::copy_n(all[r].begin() + slice.first, slice.count, sums[r].begin());
            receptors[r] = r == 0 || second ? std::span<const Real>(sums[r]) : std::span<const Real>();
        }
        neurons->step({.receptors = receptors, .nothing = nothing}, out,
                      with_psi ? std::span<Real>(psi) : std::span<Real>());
    }

    Slice slice;
    std::unique_ptr<Neurons<Real>> neurons;
    Signal<Real> out;
    std::vector<Real> psi;
    std::vector<std::vector<Real>> sums;
};

/// What a signal has of the neurons of a slice, numbered from 0.
template <class Real>
Signal<Real> part_of(const Signal<Real>& all, Slice slice) {
    using Form = typename Signal<Real>::Form;
    Signal<Real> part;
    part.form = all.form;
    for (std::size_t k = 0; (all.form == Form::spikes || all.form == Form::graded) && k < all.index.size();
         ++k) {
        if (slice.holds(all.index[k])) {
            part.index.push_back(all.index[k] - slice.first);
            if (all.form == Form::graded) {
                part.value.push_back(all.value[k]);
            }
        }
    }
    if (all.form == Form::dense) {
        const auto first = all.dense.begin() + slice.first;
        part.dense.assign(first, first + slice.count);
    } else if (part.index.empty()) {
        part.form = Form::zero;
    }
    return part;
}

template <class Real>
void compare(const NeuronModel& model, const Running<Real>& whole, const Running<Real>& part) {
    using Form = typename Signal<Real>::Form;
    const Slice slice = part.slice;
    const Signal<Real> expected = part_of(whole.out, slice);
    if (expected.form == Form::dense && part.out.form == Form::zero) {  // silence passed on
        REQUIRE(
            std::all_of(expected.dense.begin(), expected.dense.end(), [](Real y) { return y == Real{0}; }));
    } else {
        REQUIRE(part.out.form == expected.form);
        const bool dense = expected.form == Form::dense, graded = expected.form == Form::graded;
        REQUIRE((!dense || same_bits<Real>(part.out.dense, expected.dense)));
        REQUIRE((dense || expected.form == Form::zero || part.out.index == expected.index));
        REQUIRE((!graded || same_bits<Real>(part.out.value, expected.value)));
    }
    REQUIRE(same_bits<Real>(part.psi, std::span(whole.psi).subspan(slice.first, slice.count)));
    for (const Field& field : model.fields) {
        const std::span<const Real> state = whole.neurons->state(field.name);
        if (field.role == FieldRole::state && !state.empty()) {
            CAPTURE(field.name);
            REQUIRE(
                same_bits<Real>(part.neurons->state(field.name), state.subspan(slice.first, slice.count)));
        }
    }
}

template <class Real>
void check_model(const NeuronModel& model, std::uint32_t family, std::uint32_t count) {
    constexpr std::uint32_t kSize = 37, kSteps = 200;
    CAPTURE(model.name);
    CAPTURE(family);
    CAPTURE(count);
    const Population p = population_of(model, kSize, family, family % 3 == 0 ? 1 : family % 3 == 1 ? 17 : 40);
    Running<Real> whole(p, {.first = 0, .count = kSize});
    std::vector<Running<Real>> parts;
    for (const Slice slice : cut(kSize, count)) {
        const Population part = slice_of(p, slice, 1e-3);
        CHECK(part.shape.empty());
        parts.emplace_back(part, slice);
    }
    const bool second = family % 2 == 0, with_psi = family % 4 < 3;
    const double scale = model.name == "adex" ? 1500.0 : 1.0;
    for (std::uint32_t t = 0; t < kSteps; ++t) {
        const bool nothing = t % 7 == 5;
        std::vector<std::vector<Real>> sums(2, std::vector<Real>(kSize));
        for (std::uint32_t j = 0; j < kSize && !nothing; ++j) {
            sums[0][j] = static_cast<Real>(scale * draw(500 + t, j, -0.3, 1.0));
            sums[1][j] = static_cast<Real>(t > 20 ? draw(800 + t, j, -0.4, 0.4) : 0.0);
        }
        // Some slices have silence of their own, and their core knows it.
        std::vector<bool> silent(parts.size(), nothing);
        for (std::uint32_t i = 0; i < parts.size() && t % 3 == 1 && !nothing; ++i) {
            silent[i] = draw(900 + t, i) < -0.4;
            for (std::uint32_t j = 0; silent[i] && j < parts[i].slice.count; ++j) {
                sums[0][parts[i].slice.first + j] = sums[1][parts[i].slice.first + j] = Real{0};
            }
        }
        whole.step(sums, nothing, second, with_psi);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            parts[i].step(sums, silent[i], second, with_psi);
            compare(model, whole, parts[i]);
        }
    }
}

TEST_CASE("slices of populations compute what the whole computes") {
    for (const NeuronModel* model : models()) {
        for (std::uint32_t family = 0; family < 24; ++family) {
            for (const std::uint32_t count : {1U, 3U, 17U}) {
                check_model<float>(*model, family, count);
            }
            check_model<double>(*model, family, 3);
        }
    }
}

TEST_CASE("slices of neurons that differ elsewhere round as the whole") {
    for (const char* name : {"lif", "cuba_lif"}) {
        for (const char* differs :
             {"threshold", "tau_membrane_seconds", "resistance", "leak_potential", "reset_value"}) {
            CAPTURE(std::string(name));
            CAPTURE(std::string(differs));
            constexpr std::uint32_t kSize = 20;
            Population p = population("n", kSize, name, {{"threshold", {0.07}}});
            std::vector<double> values(kSize, 0.07);
            values.back() = 0.3;
            p.set(differs, values);
            if (std::string(differs) != "threshold") {
                p.set("threshold", {0.07});
            }
            const Slice slice{.first = 2, .count = 9};
            Running<float> whole(p, {.first = 0, .count = kSize}), part(slice_of(p, slice, 1e-3), slice);
            for (std::uint32_t t = 0; t < 100; ++t) {
                std::vector<std::vector<float>> sums(2, std::vector<float>(kSize));
                for (std::uint32_t j = 0; j < kSize; ++j) {
                    sums[0][j] = static_cast<float>(draw(t, j, -0.5, 2.0));
                }
                whole.step(sums, false, false, true);
                part.step(sums, false, false, true);
                compare(find_model("model", name), whole, part);
            }
        }
    }
}

TEST_CASE("slices outside their population are refused by name") {
    Network network = pair_of(4, 6, ConnectKind::one_to_one);
    network.projections[0].connect.kind = ConnectKind::dense;
    network.projections[0].weights = draws(1, 24);
    for (const Slice slice : {Slice{.first = 0, .count = 0}, Slice{.first = 6, .count = 1},
                              Slice{.first = 2, .count = 5}, Slice{.first = 5, .count = 4294967295U}}) {
        CHECK(input_error([&] {
                  make_connection<float>(network, network.projections[0], slice);
              }).find("projection.ab.slice = neurons from " + std::to_string(slice.first)) !=
              std::string::npos);
        CHECK(input_error([&] {
                  slice_of(network.populations[1], slice, 1e-3);
              }).find("population.b.slice") != std::string::npos);
    }
}

}  // namespace
}  // namespace memprop::network
