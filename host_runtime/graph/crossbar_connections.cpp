#include "host_runtime/graph/crossbar_connections.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

namespace memprop::host {
namespace {

/// Rows of one array with their values, for one read.
class RowDrives {
public:
    void clear() {
        rows_.clear();
        values_.clear();
    }
    bool empty() const { return rows_.empty(); }
    void add(std::uint32_t row, double value) {
        rows_.push_back(row);
        values_.push_back(value);
    }

    /// out[column] = what the array makes of the rows, as weights times values. Draws belong to
    /// (sample, step).
    void read(MappedArray& mapped, std::uint32_t sample, std::uint32_t step, std::span<float> out) {
        sort();
        float scale = mapped.weight_per_us * mapped.compensation;
        const bool spikes =
            std::all_of(values_.begin(), values_.end(), [](double value) { return value == 1.0; });
        if (spikes) {
            mapped.array.read(rows_, sample, step, out);
        } else {
            double largest = 0.0;
            for (const double value : values_) {
                largest = std::max(largest, std::abs(value));
            }
            if (largest == 0.0) {  // what arrived has cancelled out
                std::fill(out.begin(), out.end(), 0.0F);
                return;
            }
            drive_.assign(mapped.array.rows(), 0.0F);
            for (std::size_t k = 0; k < rows_.size(); ++k) {
                drive_[rows_[k]] = static_cast<float>(values_[k] / largest);
            }
            mapped.array.read_graded(drive_, sample, step, out);
            scale *= static_cast<float>(largest);
        }
        for (float& value : out) {
            value *= scale;
        }
    }

private:
    /// Ascending rows, values of equal rows added up.
    void sort() {
        if (std::adjacent_find(rows_.begin(), rows_.end(), std::greater_equal<>()) == rows_.end()) {
            return;
        }
        pairs_.clear();
        for (std::size_t k = 0; k < rows_.size(); ++k) {
            pairs_.emplace_back(rows_[k], values_[k]);
        }
        std::stable_sort(pairs_.begin(), pairs_.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
        clear();
        for (const auto& [row, value] : pairs_) {
            if (!rows_.empty() && rows_.back() == row) {
                values_.back() += value;
            } else {
                add(row, value);
            }
        }
    }

    std::vector<std::uint32_t> rows_;
    std::vector<double> values_;
    std::vector<std::pair<std::uint32_t, double>> pairs_;
    std::vector<float> drive_;
};

/// Draws of a read belong to the step in which what was read arrives, as in training. Biases are numbers.
template <class Real>
class CrossbarConnection : public network::Connection<Real> {
public:
    CrossbarConnection(std::shared_ptr<MappedLayer> layer, std::vector<double> bias)
        : layer_(std::move(layer)), bias_(std::move(bias)) {}

    bool bias_is_a_line() const override { return false; }
    void serialize(StateArchive& archive) override {
        for (std::size_t i = 0; i < layer_->arrays.size(); ++i) {
            crossbar::SynapseArray& array = layer_->arrays[i]->array;
            array.account_reads();
            archive.enter("array" + std::to_string(i));
            array.serialize(archive);
            archive.leave();
            array.renew(layer_->ticks);
        }
    }

protected:
    std::shared_ptr<MappedLayer> layer_;
    std::vector<double> bias_;  // empty: none
};

/// One array for each matrix of a Linear node.
template <class Real>
class CrossbarLinear final : public CrossbarConnection<Real> {
public:
    CrossbarLinear(std::shared_ptr<MappedLayer> layer, std::vector<double> bias)
        : CrossbarConnection<Real>(std::move(layer), std::move(bias)),
          in_(this->layer_->arrays.front()->array.rows()),
          out_(this->layer_->arrays.front()->array.columns()),
          drives_(this->layer_->arrays.size()),
          read_(out_) {}

    bool sum(const network::Signal<Real>& arriving, std::uint32_t step, std::span<Real> out) override {
        const std::vector<double>& bias = this->bias_;
        if (arriving.form == network::Signal<Real>::Form::zero && bias.empty()) {
            return false;
        }
        for (RowDrives& drive : drives_) {
            drive.clear();
        }
        for_each_nonzero(arriving, [&](std::uint32_t i, Real value) {
            drives_[i / in_].add(i % in_, static_cast<double>(value));
        });
        std::fill(out.begin(), out.end(), Real{0});
        for (std::size_t m = 0; m < drives_.size(); ++m) {
            if (!drives_[m].empty()) {
                drives_[m].read(*this->layer_->arrays[m], 0, step, read_);
                std::copy(read_.begin(), read_.end(), out.begin() + static_cast<std::ptrdiff_t>(m * out_));
            }
        }
        for (std::size_t o = 0; o < bias.size(); ++o) {
            out[o] = static_cast<Real>(static_cast<double>(out[o]) + bias[o]);
        }
        return true;
    }

private:
    std::uint32_t in_, out_;
    std::vector<RowDrives> drives_;
    std::vector<float> read_;
};

/// Inputs are gathered per output position and group: one read each. The position keys the draws.
template <class Real>
class CrossbarConvolution final : public CrossbarConnection<Real> {
public:
    CrossbarConvolution(std::shared_ptr<MappedLayer> layer, const network::Window& window,
                        std::vector<double> bias)
        : CrossbarConnection<Real>(std::move(layer), std::move(bias)),
          window_(window),
          row_taps_(window.height_in, window.height_out, window.kernel_height, window.stride_y,
                    window.dilation_y, window.padding_top),
          column_taps_(window.width_in, window.width_out, window.kernel_width, window.stride_x,
                       window.dilation_x, window.padding_left),
          positions_(window.height_out * window.width_out),
          channels_(static_cast<std::uint32_t>(window.channels_out / window.groups)),
          drives_(positions_ * window.groups),
          read_(channels_) {}

    bool sum(const network::Signal<Real>& arriving, std::uint32_t step, std::span<Real> out) override {
        const std::vector<double>& bias = this->bias_;
        if (arriving.form == network::Signal<Real>::Form::zero && bias.empty()) {
            return false;
        }
        for (std::uint64_t o = 0; o < window_.channels_out; ++o) {
            std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(o * positions_), positions_,
                        bias.empty() ? Real{0} : static_cast<Real>(bias[o]));
        }
        gather(arriving);
        for (const std::uint32_t at : touched_) {
            const std::uint64_t group = at / positions_, position = at % positions_;
            drives_[at].read(*this->layer_->arrays[group], static_cast<std::uint32_t>(position), step, read_);
            drives_[at].clear();
            for (std::uint32_t o = 0; o < channels_; ++o) {
                out[(group * channels_ + o) * positions_ + position] += static_cast<Real>(read_[o]);
            }
        }
        touched_.clear();
        return true;
    }

private:
    void gather(const network::Signal<Real>& x) {
        const std::uint64_t plane = window_.height_in * window_.width_in;
        const std::uint64_t per_group = window_.channels_in / window_.groups;
        for_each_nonzero(x, [&](std::uint32_t index, Real value) {
            const std::uint64_t channel = index / plane, group = channel / per_group;
            const std::uint64_t first_row =
                channel % per_group * window_.kernel_height * window_.kernel_width;
            for (const network::Tap& ty : row_taps_.at(index % plane / window_.width_in)) {
                for (const network::Tap& tx : column_taps_.at(index % window_.width_in)) {
                    const std::uint64_t at = group * positions_ + ty.out * window_.width_out + tx.out;
                    if (drives_[at].empty()) {
                        touched_.push_back(static_cast<std::uint32_t>(at));
                    }
                    drives_[at].add(
                        static_cast<std::uint32_t>(first_row + ty.kernel * window_.kernel_width + tx.kernel),
                        static_cast<double>(value));
                }
            }
        });
        std::sort(touched_.begin(), touched_.end());
    }

    network::Window window_;
    network::AxisTaps row_taps_, column_taps_;
    std::uint64_t positions_;
    std::uint32_t channels_;
    std::vector<RowDrives> drives_;  // [group][position]
    std::vector<std::uint32_t> touched_;
    std::vector<float> read_;
};

}  // namespace

template <class Real>
std::unique_ptr<network::Connection<Real>> make_crossbar_linear(std::shared_ptr<MappedLayer> layer,
                                                                std::vector<double> bias) {
    return std::make_unique<CrossbarLinear<Real>>(std::move(layer), std::move(bias));
}

template <class Real>
std::unique_ptr<network::Connection<Real>> make_crossbar_convolution(std::shared_ptr<MappedLayer> layer,
                                                                     const network::Window& window,
                                                                     std::vector<double> bias) {
    return std::make_unique<CrossbarConvolution<Real>>(std::move(layer), window, std::move(bias));
}

template std::unique_ptr<network::Connection<float>> make_crossbar_linear(std::shared_ptr<MappedLayer>,
                                                                          std::vector<double>);
template std::unique_ptr<network::Connection<double>> make_crossbar_linear(std::shared_ptr<MappedLayer>,
                                                                           std::vector<double>);
template std::unique_ptr<network::Connection<float>> make_crossbar_convolution(std::shared_ptr<MappedLayer>,
                                                                               const network::Window&,
                                                                               std::vector<double>);
template std::unique_ptr<network::Connection<double>> make_crossbar_convolution(std::shared_ptr<MappedLayer>,
                                                                                const network::Window&,
                                                                                std::vector<double>);

}  // namespace memprop::host
