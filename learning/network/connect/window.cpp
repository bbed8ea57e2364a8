// Convolutions and pools: what arrives is scattered, entry by entry, to the outputs that it reaches.
#include <algorithm>

#include "learning/network/connect/axis_taps.hpp"
#include "learning/network/connect/kinds.hpp"
#include "learning/network/models/leak.hpp"

namespace memprop::network {
namespace {

template <class Real>
class WindowConnection : public Connection<Real> {
public:
    explicit WindowConnection(const Window& window)
        : window_(window),
          rows_(window.height_in, window.height_out, window.kernel_height, window.stride_y, window.dilation_y,
                window.padding_top),
          columns_(window.width_in, window.width_out, window.kernel_width, window.stride_x, window.dilation_x,
                   window.padding_left) {}

protected:
    struct Place {
        std::uint64_t channel;
        std::span<const Tap> rows, columns;
    };
    Place place_of(std::uint32_t index) const {
        const std::uint64_t plane = window_.height_in * window_.width_in, width = window_.width_in;
        return {index / plane, rows_.at(index % plane / width), columns_.at(index % width)};
    }
    std::uint64_t plane_out() const { return window_.height_out * window_.width_out; }

    Window window_;

private:
    AxisTaps rows_, columns_;
};

/// Sums are kept as [y, x, channel] while a step runs, so that a tap adds to neighbouring numbers.
template <class Real>
class Convolution final : public WindowConnection<Real> {
    using WindowConnection<Real>::window_;
    using WindowConnection<Real>::plane_out;

public:
    Convolution(const Window& window, const Numbers& numbers, bool bias)
        : WindowConnection<Real>(window), channels_per_group_(window.channels_out / window.groups) {
        // [in channel][ky][kx][out channel of its group] from [out channel][in channel of its group][ky][kx]
        const std::uint64_t in_per_group = window.channels_in / window.groups;
        const std::uint64_t taps = window.kernel_height * window.kernel_width;
        weight_.resize(window.channels_out * in_per_group * taps);
        for (std::uint64_t o = 0; o < window.channels_out; ++o) {
            const std::uint64_t group = o / channels_per_group_;
            for (std::uint64_t i = 0; i < in_per_group; ++i) {
                for (std::uint64_t tap = 0; tap < taps; ++tap) {
                    weight_[((group * in_per_group + i) * taps + tap) * channels_per_group_ +
                            o % channels_per_group_] =
                        narrow<Real>(number_at(numbers, (o * in_per_group + i) * taps + tap));
                }
            }
        }
        for (std::uint64_t o = 0; bias && o < window.channels_out; ++o) {
            bias_.push_back(narrow<Real>(number_at(numbers, weight_.size() + o)));
        }
        if (std::all_of(bias_.begin(), bias_.end(), [](Real b) { return b == Real{0}; })) {
            bias_.clear();
        }
    }

    bool bias_is_a_line() const override { return false; }

    bool sum(const Signal<Real>& x, std::uint32_t, std::span<Real> out) override {
        if (x.form == Signal<Real>::Form::zero && bias_.empty()) {
            return false;
        }
        static thread_local std::vector<Real> sums;  // all 0 between calls
        sums.resize(std::max(sums.size(), out.size()));
        const std::uint64_t channels = window_.channels_out;
        for_each_nonzero(x, [&](std::uint32_t index, Real value) {
            const auto at = this->place_of(index);
            const std::uint64_t group = at.channel * window_.groups / window_.channels_in;
            const Real* weights = weight_.data() + at.channel * window_.kernel_height * window_.kernel_width *
                                                       channels_per_group_;
            for (const Tap& ty : at.rows) {
                for (const Tap& tx : at.columns) {
                    Real* to = sums.data() + (ty.out * window_.width_out + tx.out) * channels +
                               group * channels_per_group_;
                    const Real* from =
                        weights + (ty.kernel * window_.kernel_width + tx.kernel) * channels_per_group_;
                    for (std::uint64_t o = 0; o < channels_per_group_; ++o) {
                        to[o] += value * from[o];
                    }
                }
            }
        });
        const std::uint64_t plane = plane_out();
        for (std::uint64_t o = 0; o < channels; ++o) {
            const Real bias = bias_.empty() ? Real{0} : bias_[o];
            Real* to = out.data() + o * plane;
            for (std::uint64_t p = 0; p < plane; ++p) {
                to[p] = bias + sums[p * channels + o];
            }
        }
        std::fill_n(sums.begin(), out.size(), Real{0});
        return true;
    }

private:
    std::uint64_t channels_per_group_;
    std::vector<Real> weight_;
    std::vector<Real> bias_;  // per channel; empty: none
};

template <class Real>
class Pool final : public WindowConnection<Real> {
    using WindowConnection<Real>::window_;

public:
    Pool(const Window& window, Real factor) : WindowConnection<Real>(window), factor_(factor) {}

    bool sum(const Signal<Real>& x, std::uint32_t, std::span<Real> out) override {
        if (x.form == Signal<Real>::Form::zero) {
            return false;
        }
        std::fill(out.begin(), out.end(), Real{0});
        for_each_nonzero(x, [&](std::uint32_t index, Real value) {
            const auto at = this->place_of(index);
            Real* plane = out.data() + at.channel * this->plane_out();
            for (const Tap& ty : at.rows) {
                for (const Tap& tx : at.columns) {
                    plane[ty.out * window_.width_out + tx.out] += value;
                }
            }
        });
        if (factor_ != Real{1}) {
            for (Real& entry : out) {
                entry *= factor_;
            }
        }
        return true;
    }

private:
    Real factor_;
};

}  // namespace

template <class Real>
std::unique_ptr<Connection<Real>> make_convolution(const Network&, const Projection& projection) {
    return std::make_unique<Convolution<Real>>(projection.connect.window, projection.weights,
                                               projection.bias);
}

template <class Real>
std::unique_ptr<Connection<Real>> make_pool(const Network&, const Projection& projection) {
    return std::make_unique<Pool<Real>>(projection.connect.window, narrow<Real>(projection.connect.factor));
}

template std::unique_ptr<Connection<float>> make_convolution(const Network&, const Projection&);
template std::unique_ptr<Connection<double>> make_convolution(const Network&, const Projection&);
template std::unique_ptr<Connection<float>> make_pool(const Network&, const Projection&);
template std::unique_ptr<Connection<double>> make_pool(const Network&, const Projection&);

}  // namespace memprop::network
