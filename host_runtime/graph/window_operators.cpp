// Conv1d, Conv2d (cross-correlation, zero padding), SumPool2d and AvgPool2d (padding counts as zeros
// that belong to the window). Values are [channel, y, x], row-major.
#include <algorithm>

#include "host_runtime/graph/axis_taps.hpp"
#include "host_runtime/graph/operators.hpp"
#include "host_runtime/nir/window.hpp"

namespace memprop::host {
namespace {

using nir::Window;

class WindowOperator : public Operator {
public:
    explicit WindowOperator(const Window& window)
        : window_(window),
          rows_(window.height_in, window.height_out, window.kernel_height, window.stride_y, window.dilation_y,
                window.padding_top),
          columns_(window.width_in, window.width_out, window.kernel_width, window.stride_x, window.dilation_x,
                   window.padding_left) {}

protected:
    std::uint64_t plane_in() const { return window_.height_in * window_.width_in; }
    std::uint64_t plane_out() const { return window_.height_out * window_.width_out; }
    std::uint64_t size_out() const { return window_.channels_out * plane_out(); }

    Window window_;
    AxisTaps rows_, columns_;
};

/// Sums are kept as [y, x, channel] while a step runs, so that a tap adds to neighbouring numbers.
class Convolution final : public WindowOperator {
public:
    Convolution(const Window& window, const nir::Dataset& weight, std::vector<double> bias)
        : WindowOperator(window),
          channels_per_group_(window.channels_out / window.groups),
          bias_(std::move(bias)),
          sums_(size_out(), 0.0) {
        // [in channel][ky][kx][out channel of its group] from [out channel][in channel of its group][ky][kx]
        const std::uint64_t in_per_group = window.channels_in / window.groups;
        const std::uint64_t taps = window.kernel_height * window.kernel_width;
        weight_.resize(h5::element_count(weight.shape));
        for (std::uint64_t o = 0; o < window.channels_out; ++o) {
            const std::uint64_t group = o / channels_per_group_;
            for (std::uint64_t i = 0; i < in_per_group; ++i) {
                for (std::uint64_t tap = 0; tap < taps; ++tap) {
                    weight_[((group * in_per_group + i) * taps + tap) * channels_per_group_ +
                            o % channels_per_group_] =
                        nir::number_at(weight, (o * in_per_group + i) * taps + tap);
                }
            }
        }
    }

    void step(const Signal& x, Signal& y) override {
        if (x.form == Signal::Form::zero && bias_.empty()) {
            y.set_zero();
            return;
        }
        y.form = Signal::Form::dense;
        y.dense.resize(size_out());
        const std::uint64_t channels = window_.channels_out;
        for_each_nonzero(x, [&](std::uint32_t index, double value) {
            const std::uint64_t channel = index / plane_in();
            const std::uint64_t row = index % plane_in() / window_.width_in,
                                column = index % window_.width_in;
            const std::uint64_t group = channel * window_.groups / window_.channels_in;
            const double* weights =
                weight_.data() + channel * window_.kernel_height * window_.kernel_width * channels_per_group_;
            for (const Tap& ty : rows_.at(row)) {
                for (const Tap& tx : columns_.at(column)) {
                    double* to = sums_.data() + (ty.out * window_.width_out + tx.out) * channels +
                                 group * channels_per_group_;
                    const double* from =
                        weights + (ty.kernel * window_.kernel_width + tx.kernel) * channels_per_group_;
                    for (std::uint64_t o = 0; o < channels_per_group_; ++o) {
                        to[o] += value * from[o];
                    }
                }
            }
        });
        const std::uint64_t plane = plane_out();
        for (std::uint64_t o = 0; o < channels; ++o) {
            const double bias = bias_.empty() ? 0.0 : bias_[o];
            double* to = y.dense.data() + o * plane;
            for (std::uint64_t p = 0; p < plane; ++p) {
                to[p] = bias + sums_[p * channels + o];
            }
        }
        std::fill(sums_.begin(), sums_.end(), 0.0);
    }

private:
    std::uint64_t channels_per_group_;
    std::vector<double> weight_;
    std::vector<double> bias_;  // per channel; empty: none
    std::vector<double> sums_;  // all zero between steps
};

class Pool final : public WindowOperator {
public:
    Pool(const Window& window, double factor) : WindowOperator(window), factor_(factor) {}

    void step(const Signal& x, Signal& y) override {
        if (x.form == Signal::Form::zero) {
            y.set_zero();
            return;
        }
        y.start_dense(size_out(), 0.0);
        for_each_nonzero(x, [&](std::uint32_t index, double value) {
            const std::uint64_t channel = index / plane_in();
            const std::uint64_t row = index % plane_in() / window_.width_in,
                                column = index % window_.width_in;
            double* plane = y.dense.data() + channel * plane_out();
            for (const Tap& ty : rows_.at(row)) {
                for (const Tap& tx : columns_.at(column)) {
                    plane[ty.out * window_.width_out + tx.out] += value;
                }
            }
        });
        if (factor_ != 1.0) {
            for (double& entry : y.dense) {
                entry *= factor_;
            }
        }
    }

private:
    double factor_;  // 1 or 1 / window size
};

}  // namespace

std::vector<double> channel_bias(const nir::FlatNode& node, const Window& window) {
    std::vector<double> bias;
    if (const nir::Dataset* stored = node.node->find("bias")) {
        bias = nir::numbers(*stored, window.channels_out);
        if (std::all_of(bias.begin(), bias.end(), [](double b) { return b == 0.0; })) {
            bias.clear();
        }
    }
    return bias;
}

std::unique_ptr<Operator> make_convolution(const nir::FlatNode& node, const std::string& place) {
    const Window window = nir::window_of(*node.node, node.input_shape, place);
    return std::make_unique<Convolution>(window, *node.node->find("weight"), channel_bias(node, window));
}

std::unique_ptr<Operator> make_pool(const nir::FlatNode& node, const std::string& place) {
    const Window window = nir::window_of(*node.node, node.input_shape, place);
    const auto size = static_cast<double>(window.kernel_height * window.kernel_width);
    return std::make_unique<Pool>(window, node.node->type == nir::NodeType::avg_pool2d ? 1.0 / size : 1.0);
}

}  // namespace memprop::host
