// Convolutions and pools onto a slice of their outputs: entries are scattered to those alone.
#include <algorithm>

#include "learning/network/connect/kinds.hpp"
#include "learning/network/connect/window_places.hpp"

namespace memprop::network {
namespace {

/// The outputs [channel, y, x] of a slice.
struct SliceOfOutputs {
    std::uint64_t plane, first, count;
    std::uint64_t first_channel, last_channel;
    std::uint64_t first_position, last_position;  ///< in the planes of these channels

    SliceOfOutputs(const Window& window, Slice post)
        : plane(window.height_out * window.width_out),
          first(post.first),
          count(post.count),
          first_channel(first / plane),
          last_channel((first + count - 1) / plane),
          first_position(first % plane),
          last_position((first + count - 1) % plane) {}

    /// Rows that some channel has in the slice.
    Slice rows(const Window& window) const {
        if (first_channel != last_channel) {
            return {.first = 0, .count = static_cast<std::uint32_t>(window.height_out)};
        }
        const std::uint64_t row = first_position / window.width_out;
        return {.first = static_cast<std::uint32_t>(row),
                .count = static_cast<std::uint32_t>(last_position / window.width_out - row + 1)};
    }
    /// The channels begin .. end - 1 that have a position in the slice.
    std::uint64_t begin(std::uint64_t position) const {
        return first_channel + (position < first_position ? 1 : 0);
    }
    std::uint64_t end(std::uint64_t position) const {
        return last_channel + (position <= last_position ? 1 : 0);
    }
    std::uint64_t at(std::uint64_t channel, std::uint64_t position) const {
        return channel * plane + position - first;
    }
};

template <class Real>
class ConvolutionSlice final : public WindowConnection<Real> {
    using WindowConnection<Real>::window_;

public:
    ConvolutionSlice(const Window& window, Kernel<Real> kernel, const SliceOfOutputs& slice)
        : WindowConnection<Real>(window, slice.rows(window)), kernel_(std::move(kernel)), slice_(slice) {}

    bool bias_is_a_line() const override { return false; }

    bool sum(const Signal<Real>& x, std::uint32_t, std::span<Real> out) override {
        if (x.form == Signal<Real>::Form::zero && kernel_.bias.empty()) {
            return false;
        }
        std::fill(out.begin(), out.end(), Real{0});
        for_each_nonzero(x, [&](std::uint32_t index, Real value) { scatter(index, value, out); });
        for (std::uint64_t i = 0; i < out.size(); ++i) {
            const Real bias =
                kernel_.bias.empty() ? Real{0} : kernel_.bias[(slice_.first + i) / slice_.plane];
            out[i] = bias + out[i];
        }
        return true;
    }

private:
    void scatter(std::uint32_t index, Real value, std::span<Real> out) const {
        const auto from = this->place_of(index);
        const std::uint64_t per_group = kernel_.channels_per_group;
        const std::uint64_t group = from.channel * window_.groups / window_.channels_in * per_group;
        if (group > slice_.last_channel || group + per_group <= slice_.first_channel) {
            return;
        }
        const Real* weights = kernel_.from(window_, from.channel);
        for (const Tap& ty : from.rows) {
            for (const Tap& tx : from.columns) {
                const std::uint64_t position = ty.out * window_.width_out + tx.out;
                const Real* tap = weights + (ty.kernel * window_.kernel_width + tx.kernel) * per_group;
                const std::uint64_t end = std::min(slice_.end(position), group + per_group);
                for (std::uint64_t o = std::max(slice_.begin(position), group); o < end; ++o) {
                    out[slice_.at(o, position)] += value * tap[o - group];
                }
            }
        }
    }

    Kernel<Real> kernel_;
    SliceOfOutputs slice_;
};

template <class Real>
class PoolSlice final : public WindowConnection<Real> {
    using WindowConnection<Real>::window_;

public:
    PoolSlice(const Window& window, Real factor, const SliceOfOutputs& slice)
        : WindowConnection<Real>(window, slice.rows(window)), factor_(factor), slice_(slice) {}

    bool sum(const Signal<Real>& x, std::uint32_t, std::span<Real> out) override {
        if (x.form == Signal<Real>::Form::zero) {
            return false;
        }
        std::fill(out.begin(), out.end(), Real{0});
        for_each_nonzero(x, [&](std::uint32_t index, Real value) {
            const auto from = this->place_of(index);
            if (from.channel < slice_.first_channel || from.channel > slice_.last_channel) {
                return;
            }
            for (const Tap& ty : from.rows) {
                for (const Tap& tx : from.columns) {
                    const std::uint64_t position = ty.out * window_.width_out + tx.out;
                    if (from.channel >= slice_.begin(position) && from.channel < slice_.end(position)) {
                        out[slice_.at(from.channel, position)] += value;
                    }
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
    SliceOfOutputs slice_;
};

}  // namespace

template <class Real>
std::unique_ptr<Connection<Real>> make_convolution_slice(const Projection& projection, Slice post) {
    const Window& window = projection.connect.window;
    return std::make_unique<ConvolutionSlice<Real>>(
        window, Kernel<Real>(window, projection.weights, projection.bias), SliceOfOutputs(window, post));
}

template <class Real>
std::unique_ptr<Connection<Real>> make_pool_slice(const Projection& projection, Slice post) {
    const Window& window = projection.connect.window;
    return std::make_unique<PoolSlice<Real>>(window, narrow<Real>(projection.connect.factor),
                                             SliceOfOutputs(window, post));
}

template std::unique_ptr<Connection<float>> make_convolution_slice(const Projection&, Slice);
template std::unique_ptr<Connection<double>> make_convolution_slice(const Projection&, Slice);
template std::unique_ptr<Connection<float>> make_pool_slice(const Projection&, Slice);
template std::unique_ptr<Connection<double>> make_pool_slice(const Projection&, Slice);

}  // namespace memprop::network
