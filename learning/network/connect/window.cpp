// Convolutions and pools: what arrives is scattered, entry by entry, to the outputs that it reaches.
#include <algorithm>

#include "learning/network/connect/kinds.hpp"
#include "learning/network/connect/window_places.hpp"

namespace memprop::network {
namespace {

/// Sums are kept as [y, x, channel] while a step runs, so that a tap adds to neighbouring numbers.
template <class Real>
class Convolution final : public WindowConnection<Real> {
    using WindowConnection<Real>::window_;
    using WindowConnection<Real>::plane_out;

public:
    Convolution(const Window& window, Kernel<Real> kernel)
        : WindowConnection<Real>(window), kernel_(std::move(kernel)) {}

    bool bias_is_a_line() const override { return false; }

    bool sum(const Signal<Real>& x, std::uint32_t, std::span<Real> out) override {
        if (x.form == Signal<Real>::Form::zero && kernel_.bias.empty()) {
            return false;
        }
        static thread_local std::vector<Real> sums_of_thread;  // all 0 between calls
        sums_of_thread.resize(std::max(sums_of_thread.size(), out.size()));
        // Local copies: no store of the loops changes them, and a look at the thread's vector is a call.
        Real* const sums = sums_of_thread.data();
        const std::uint64_t channels = window_.channels_out, per_group = kernel_.channels_per_group;
        const std::uint64_t width_out = window_.width_out, kernel_width = window_.kernel_width;
        for_each_nonzero(x, [&](std::uint32_t index, Real value) {
            const auto at = this->place_of(index);
            const std::uint64_t group = at.channel * window_.groups / window_.channels_in;
            const Real* weights = kernel_.from(window_, at.channel);
            for (const Tap& ty : at.rows) {
                for (const Tap& tx : at.columns) {
                    Real* to = sums + (ty.out * width_out + tx.out) * channels + group * per_group;
                    const Real* from = weights + (ty.kernel * kernel_width + tx.kernel) * per_group;
                    for (std::uint64_t o = 0; o < per_group; ++o) {
                        to[o] += value * from[o];
                    }
                }
            }
        });
        const std::uint64_t plane = plane_out();
        for (std::uint64_t o = 0; o < channels; ++o) {
            const Real bias = kernel_.bias.empty() ? Real{0} : kernel_.bias[o];
            Real* to = out.data() + o * plane;
            for (std::uint64_t p = 0; p < plane; ++p) {
                to[p] = bias + sums[p * channels + o];
            }
        }
        std::fill_n(sums, out.size(), Real{0});
        return true;
    }

private:
    Kernel<Real> kernel_;
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
std::unique_ptr<Connection<Real>> make_convolution(const Network& network, const Projection& projection,
                                                   Slice post) {
    if (post.count < columns_of(network, projection)) {
        return make_convolution_slice<Real>(projection, post);
    }
    const Window& window = projection.connect.window;
    return std::make_unique<Convolution<Real>>(window,
                                               Kernel<Real>(window, projection.weights, projection.bias));
}

template <class Real>
std::unique_ptr<Connection<Real>> make_pool(const Network& network, const Projection& projection,
                                            Slice post) {
    if (post.count < columns_of(network, projection)) {
        return make_pool_slice<Real>(projection, post);
    }
    return std::make_unique<Pool<Real>>(projection.connect.window, narrow<Real>(projection.connect.factor));
}

template std::unique_ptr<Connection<float>> make_convolution(const Network&, const Projection&, Slice);
template std::unique_ptr<Connection<double>> make_convolution(const Network&, const Projection&, Slice);
template std::unique_ptr<Connection<float>> make_pool(const Network&, const Projection&, Slice);
template std::unique_ptr<Connection<double>> make_pool(const Network&, const Projection&, Slice);

}  // namespace memprop::network
