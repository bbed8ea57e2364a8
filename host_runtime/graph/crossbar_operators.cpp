#include "host_runtime/graph/crossbar_operators.hpp"

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

/// Counts the steps. Draws of a read belong to the step in which what was read arrives, as in training.
class CrossbarOperator : public Operator {
public:
    CrossbarOperator(std::shared_ptr<MappedLayer> layer, bool arrives_late)
        : layer_(std::move(layer)), late_(arrives_late ? 1 : 0) {}

    void reset() override { step_ = 0; }
    void rest(const Signal&, Signal& y) override { put_bias(y); }
    void serialize(StateArchive& archive) override { archive("step", step_); }
    void serialize_devices(StateArchive& archive) override {
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
    virtual void put_bias(Signal& y) = 0;

    /// Counts a step and gives the number that keys its draws.
    std::uint32_t next_step() { return static_cast<std::uint32_t>(step_++) + late_; }

    std::shared_ptr<MappedLayer> layer_;

private:
    std::uint32_t late_;
    std::uint64_t step_ = 0;
};

class CrossbarLinear final : public CrossbarOperator {
public:
    CrossbarLinear(std::shared_ptr<MappedLayer> layer, std::vector<double> bias, bool arrives_late)
        : CrossbarOperator(std::move(layer), arrives_late),
          in_(layer_->arrays.front()->array.rows()),
          out_(layer_->arrays.front()->array.columns()),
          bias_(std::move(bias)),
          drives_(layer_->arrays.size()),
          read_(out_) {}

    void step(const Signal& x, Signal& y) override {
        const std::uint32_t step = next_step();
        if (x.form == Signal::Form::zero) {
            put_bias(y);
            return;
        }
        for (RowDrives& drive : drives_) {
            drive.clear();
        }
        for_each_nonzero(x, [&](std::uint32_t i, double value) { drives_[i / in_].add(i % in_, value); });
        y.start_dense(std::size_t{out_} * drives_.size(), 0.0);
        for (std::size_t m = 0; m < drives_.size(); ++m) {
            if (!drives_[m].empty()) {
                drives_[m].read(*layer_->arrays[m], 0, step, read_);
                std::copy(read_.begin(), read_.end(),
                          y.dense.begin() + static_cast<std::ptrdiff_t>(m * out_));
            }
        }
        for (std::size_t o = 0; o < bias_.size(); ++o) {
            y.dense[o] += bias_[o];
        }
    }

private:
    void put_bias(Signal& y) override {
        if (bias_.empty()) {
            y.set_zero();
        } else {
            y.form = Signal::Form::dense;
            y.dense = bias_;
        }
    }

    std::uint32_t in_, out_;
    std::vector<double> bias_;
    std::vector<RowDrives> drives_;
    std::vector<float> read_;
};

/// Inputs are gathered per output position and group: one read each. The position keys the draws.
class CrossbarConvolution final : public CrossbarOperator {
public:
    CrossbarConvolution(std::shared_ptr<MappedLayer> layer, const nir::Window& window,
                        std::vector<double> bias, bool arrives_late)
        : CrossbarOperator(std::move(layer), arrives_late),
          window_(window),
          row_taps_(window.height_in, window.height_out, window.kernel_height, window.stride_y,
                    window.dilation_y, window.padding_top),
          column_taps_(window.width_in, window.width_out, window.kernel_width, window.stride_x,
                       window.dilation_x, window.padding_left),
          bias_(std::move(bias)),
          positions_(window.height_out * window.width_out),
          channels_(static_cast<std::uint32_t>(window.channels_out / window.groups)),
          drives_(positions_ * window.groups),
          read_(channels_) {}

    void step(const Signal& x, Signal& y) override {
        const std::uint32_t step = next_step();
        put_bias(y);
        if (x.form == Signal::Form::zero) {
            return;
        }
        if (y.form == Signal::Form::zero) {
            y.start_dense(window_.channels_out * positions_, 0.0);
        }
        gather(x);
        for (const std::uint32_t at : touched_) {
            const std::uint64_t group = at / positions_, position = at % positions_;
            drives_[at].read(*layer_->arrays[group], static_cast<std::uint32_t>(position), step, read_);
            drives_[at].clear();
            for (std::uint32_t o = 0; o < channels_; ++o) {
                y.dense[(group * channels_ + o) * positions_ + position] += static_cast<double>(read_[o]);
            }
        }
        touched_.clear();
    }

private:
    void put_bias(Signal& y) override {
        if (bias_.empty()) {
            y.set_zero();
            return;
        }
        y.start_dense(window_.channels_out * positions_, 0.0);
        for (std::uint64_t o = 0; o < window_.channels_out; ++o) {
            std::fill_n(y.dense.begin() + static_cast<std::ptrdiff_t>(o * positions_), positions_, bias_[o]);
        }
    }

    void gather(const Signal& x) {
        const std::uint64_t plane = window_.height_in * window_.width_in;
        const std::uint64_t per_group = window_.channels_in / window_.groups;
        for_each_nonzero(x, [&](std::uint32_t index, double value) {
            const std::uint64_t channel = index / plane, group = channel / per_group;
            const std::uint64_t first_row =
                channel % per_group * window_.kernel_height * window_.kernel_width;
            for (const Tap& ty : row_taps_.at(index % plane / window_.width_in)) {
                for (const Tap& tx : column_taps_.at(index % window_.width_in)) {
                    const std::uint64_t at = group * positions_ + ty.out * window_.width_out + tx.out;
                    if (drives_[at].empty()) {
                        touched_.push_back(static_cast<std::uint32_t>(at));
                    }
                    drives_[at].add(
                        static_cast<std::uint32_t>(first_row + ty.kernel * window_.kernel_width + tx.kernel),
                        value);
                }
            }
        });
        std::sort(touched_.begin(), touched_.end());
    }

    nir::Window window_;
    AxisTaps row_taps_, column_taps_;
    std::vector<double> bias_;
    std::uint64_t positions_;
    std::uint32_t channels_;
    std::vector<RowDrives> drives_;  // [group][position]
    std::vector<std::uint32_t> touched_;
    std::vector<float> read_;
};

}  // namespace

std::unique_ptr<Operator> make_crossbar_linear(std::shared_ptr<MappedLayer> layer, std::vector<double> bias,
                                               bool arrives_late) {
    return std::make_unique<CrossbarLinear>(std::move(layer), std::move(bias), arrives_late);
}

std::unique_ptr<Operator> make_crossbar_convolution(std::shared_ptr<MappedLayer> layer,
                                                    const nir::Window& window, std::vector<double> bias,
                                                    bool arrives_late) {
    return std::make_unique<CrossbarConvolution>(std::move(layer), window, std::move(bias), arrives_late);
}

}  // namespace memprop::host
