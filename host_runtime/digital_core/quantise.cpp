#include "host_runtime/digital_core/quantise.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "host_runtime/exchange/layers.hpp"
#include "host_runtime/nir/layer_values.hpp"
#include "hw_models/digital_core/shape.hpp"

namespace memprop::host {
namespace {

using nir::FlatNode;

constexpr double kLargestWeight = 127.0;
constexpr std::uint32_t kMostShift = 7;
constexpr double kOutputUnit = 2048.0;
constexpr std::uint32_t kLeastAlpha = 0x7000, kMostAlpha = 0x8FFF, kMostKappa = 0x80;

class Quantiser {
public:
    Quantiser(const nir::FlatGraph& graph, const std::string& file, const Discretisation& discretisation)
        : file_(file),
          d_(discretisation),
          layers_(recurrent_layers(graph, file)),
          neurons_(graph.nodes[layers_.neurons]),
          readouts_(graph.nodes[layers_.readouts]),
          graph_(graph) {}

    QuantisedNetwork run() {
        const FlatNode& w_in = graph_.nodes[layers_.w_in];
        net_.inputs = size("inputs", w_in, w_in.input_size(), hw::kMaxNeurons);
        net_.real_neurons = size("neurons", neurons_, neurons_.output_size(), hw::kMaxNeurons);
        net_.outputs = size("outputs", readouts_, readouts_.output_size(), hw::kMaxOutputs);
        net_.neurons = net_.real_neurons + net_.real_neurons % 2;
        no_leak_potential(neurons_);
        no_leak_potential(readouts_);
        choose_reset();
        set_leaks();
        const std::vector<double> in = effective(w_in, neurons_);
        const std::vector<double> rec =
            layers_.w_rec ? effective(graph_.nodes[*layers_.w_rec], neurons_)
                          : std::vector<double>(std::size_t{net_.real_neurons} * net_.real_neurons);
        const double threshold = common_threshold();
        double scale = kMostThreshold / threshold;
        const double largest = std::max(magnitude(in), magnitude(rec));
        if (largest > 0.0) {
            scale = std::min(scale, kLargestWeight * double(1U << kMostShift) / largest);
        }
        set_thresholds(scale);
        net_.membrane_unit = 1.0 / scale;
        net_.w_in = quantised(in, net_.inputs, net_.real_neurons, net_.neurons, scale, w_in);
        net_.w_rec = quantised(rec, net_.real_neurons, net_.real_neurons, net_.neurons, scale,
                               layers_.w_rec ? graph_.nodes[*layers_.w_rec] : neurons_);
        // The silent neuron of an odd network has a row too.
        net_.w_rec.weights.resize(std::size_t{net_.neurons} * net_.neurons, 0);
        const FlatNode& w_out = graph_.nodes[layers_.w_out];
        net_.w_out = quantised(effective(w_out, readouts_), net_.real_neurons, net_.outputs, net_.outputs,
                               kOutputUnit, w_out);
        net_.w_out.weights.resize(std::size_t{net_.neurons} * net_.outputs, 0);
        return std::move(net_);
    }

private:
    [[noreturn]] void fail(const FlatNode& node, const std::string& reason) const {
        refuse_node(file_, node, reason);
    }

    std::uint32_t size(std::string_view what, const FlatNode& node, std::uint64_t need,
                       std::uint32_t limit) const {
        if (need > limit) {
            fail(node, fmt::format("{} {} needed, the core has {}", need, what, limit));
        }
        return static_cast<std::uint32_t>(need);
    }

    static double at(const FlatNode& node, std::string_view name, std::uint64_t i, double missing) {
        return nir::layer_value(node, name, i, missing);
    }

    void no_leak_potential(const FlatNode& node) const {
        for (std::uint64_t i = 0; i < node.output_size(); ++i) {
            if (at(node, "v_leak", i, 0.0) != 0.0) {
                fail(node,
                     fmt::format("v_leak[{}] = {}: the core leaks to 0", i, at(node, "v_leak", i, 0.0)));
            }
        }
    }

    void choose_reset() {
        net_.reset_to_zero = d_.reset == ResetRule::zero || d_.reset == ResetRule::file;
        if (!net_.reset_to_zero && d_.reset != ResetRule::subtract_next) {
            fail(neurons_, fmt::format("reset = {}: the core subtracts the threshold one step later "
                                       "(subtract_next) or resets to 0 (file with v_reset 0, zero)",
                                       to_string(d_.reset)));
        }
        for (std::uint64_t i = 0; d_.reset == ResetRule::file && i < net_.real_neurons; ++i) {
            if (at(neurons_, "v_reset", i, 0.0) != 0.0) {
                fail(neurons_, fmt::format("v_reset[{}] = {}: the core resets to 0", i,
                                           at(neurons_, "v_reset", i, 0.0)));
            }
        }
    }

    double decay(const FlatNode& node, std::uint64_t i) const {
        const double tau = at(node, "tau", i, 0.0);
        if (d_.integrator == Integrator::exponential) {
            return math::exp(-std::min(d_.dt_seconds / tau, 700.0));
        }
        return 1.0 - d_.dt_seconds / tau;
    }

    void set_leaks() {
        for (std::uint32_t i = 0; i < net_.neurons; ++i) {
            const std::uint32_t real = std::min(i, net_.real_neurons - 1);
            const double alpha = decay(neurons_, real);
            const double code = std::round(alpha * 32768.0);
            if (!(code >= kLeastAlpha && code <= kMostAlpha)) {
                fail(neurons_,
                     fmt::format("tau[{}] = {} s with dt = {} s: keeps {:.6g} of the membrane per step, "
                                 "the core {:.6g} to {:.6g}",
                                 real, at(neurons_, "tau", real, 0.0), d_.dt_seconds, alpha,
                                 kLeastAlpha / 32768.0, kMostAlpha / 32768.0));
            }
            net_.alpha.push_back(static_cast<std::uint16_t>(code));
            same_in_pair(i, net_.alpha, "tau");
        }
        for (std::uint32_t k = 0; k < net_.outputs; ++k) {
            const double kappa = decay(readouts_, k), code = std::round(kappa * 128.0);
            if (!(code >= 0.0 && code <= kMostKappa)) {
                fail(readouts_,
                     fmt::format("tau[{}]: keeps {:.6g} of the output per step, the core 0 to 1", k, kappa));
            }
            if (k > 0 && static_cast<std::uint8_t>(code) != net_.kappa) {
                fail(readouts_,
                     fmt::format("tau[{}] = {} s, tau[0] = {} s: the core has one leak for all outputs", k,
                                 at(readouts_, "tau", k, 0.0), at(readouts_, "tau", 0, 0.0)));
            }
            net_.kappa = static_cast<std::uint8_t>(code);
        }
    }

    template <class T>
    void same_in_pair(std::uint32_t i, const std::vector<T>& values, std::string_view name) const {
        if (i % 2 == 1 && values[i] != values[i - 1]) {
            fail(neurons_,
                 fmt::format("{} of neurons {} and {} differ: the core has one for a pair", name, i - 1, i));
        }
    }

    double threshold_of(std::uint32_t i) const {
        const double th = at(neurons_, "v_threshold", i, 0.0);
        // What fires at its threshold is stored with the next number below it.
        if (!d_.fires_at_threshold) {
            return th;
        }
        return d_.arithmetic == Arithmetic::single
                   ? double(std::nextafter(float(th), std::numeric_limits<float>::infinity()))
                   : std::nextafter(th, std::numeric_limits<double>::infinity());
    }

    double common_threshold() const {
        double largest = 0.0;
        for (std::uint32_t i = 0; i < net_.real_neurons; ++i) {
            const double th = threshold_of(i);
            if (!(th > 0.0)) {
                fail(neurons_, fmt::format("v_threshold[{}] = {}: must be above 0 for the core", i, th));
            }
            largest = std::max(largest, th);
        }
        return largest;
    }

    void set_thresholds(double scale) {
        for (std::uint32_t i = 0; i < net_.neurons; ++i) {
            const std::uint32_t real = std::min(i, net_.real_neurons - 1);
            const double th = scale * threshold_of(real);
            const double code = d_.fires_at_threshold ? std::round(th) : std::floor(th) + 1.0;
            if (!(th >= 1.0)) {
                fail(neurons_,
                     fmt::format("v_threshold[{}] = {} is less than one unit ({:.3g}) of the core's "
                                 "membrane: its weights are too large for it",
                                 real, threshold_of(real), 1.0 / scale));
            }
            net_.threshold.push_back(static_cast<std::int16_t>(code));
            same_in_pair(i, net_.threshold, "v_threshold");
        }
    }

    /// (1 - decay) r W, [pre][post].
    std::vector<double> effective(const FlatNode& layer, const FlatNode& target) const {
        const nir::Dataset& weight = *layer.node->find("weight");
        const std::uint64_t post = layer.output_size(), pre = layer.input_size();
        std::vector<double> result(pre * post);
        for (std::uint64_t o = 0; o < post; ++o) {
            const double gain = (1.0 - decay(target, o)) * at(target, "r", o, 1.0);
            for (std::uint64_t i = 0; i < pre; ++i) {
                result[i * post + o] = gain * nir::number_at(weight, o * pre + i);
            }
        }
        return result;
    }

    static double magnitude(const std::vector<double>& values) {
        double largest = 0.0;
        for (const double v : values) {
            largest = std::max(largest, std::abs(v));
        }
        return largest;
    }

    QuantisedMatrix quantised(const std::vector<double>& values, std::uint32_t pre, std::uint32_t post,
                              std::uint32_t columns, double scale, const FlatNode& layer) const {
        QuantisedMatrix result;
        const double largest = scale * magnitude(values);
        while (largest > (kLargestWeight + 0.5) * double(1U << result.shift)) {
            if (++result.shift > kMostShift) {
                fail(layer,
                     fmt::format("a weight of {:.6g} is {:.0f} units of the core, which holds {:.0f}",
                                 magnitude(values), largest, kLargestWeight * double(1U << kMostShift)));
            }
        }
        const double step = double(1U << result.shift) / scale;
        result.unit = step;
        result.weights.assign(std::size_t{pre} * columns, 0);
        double error = 0.0, square = 0.0;
        for (std::uint32_t i = 0; i < pre; ++i) {
            for (std::uint32_t o = 0; o < post; ++o) {
                const double w = values[std::size_t{i} * post + o];
                const double code = std::clamp(std::round(w / step), -kLargestWeight, kLargestWeight);
                result.weights[std::size_t{i} * columns + o] = static_cast<std::int8_t>(code);
                error += (code * step - w) * (code * step - w);
                square += w * w;
                result.lost += code == 0.0 && w != 0.0 ? 1 : 0;
            }
        }
        result.rms_error = square > 0.0 ? std::sqrt(error / square) : 0.0;
        return result;
    }

    const std::string& file_;
    const Discretisation& d_;
    RecurrentLayers layers_;
    const FlatNode &neurons_, &readouts_;
    const nir::FlatGraph& graph_;
    QuantisedNetwork net_;
};

}  // namespace

QuantisedNetwork quantise(const nir::Network& network, const std::string& file,
                          const Discretisation& discretisation) {
    const nir::FlatGraph graph = nir::flatten(network, file);
    return Quantiser(graph, file, discretisation).run();
}

}  // namespace memprop::host
