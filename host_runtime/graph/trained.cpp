// Linear, Affine, LIF and LI as the training engine computes them (learning/network): the same operations
// in the same order and precision, so that a network trained here gives the same bits when it is run.
//   sum[o]  = unit * (sums of D[o][i] over ascending i, row block by row block)   D = weight / unit
//   v[n]    = alpha v[n] + gain x[n] - v_th z[n] of the last step (reset subtract_next), spike at v >= v_th
//   y[k]    = kappa y[k] + gain x[k]
// `weight_unit` and `tile_rows` stand in the metadata of a node whose weights were on a crossbar: its tiles
// are summed one by one there. gain = (1 - alpha) r.
#include <algorithm>
#include <cmath>
#include <limits>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "host_runtime/graph/operators.hpp"

namespace memprop::host {
namespace {

using nir::NodeType;

/// Metadata comes from a file like everything else.
double checked(const nir::FlatNode& node, std::string_view name, double missing, double low, double high,
               const std::string& place) {
    const double value = node_metadata(*node.node, name).value_or(missing);
    if (!(value >= low && value <= high)) {
        throw InputError(
            fmt::format("{}: metadata memprop/{} = {}: must be in [{}, {}]", place, name, value, low, high));
    }
    return value;
}

/// Values beyond Real's range become its limits: overflow in the conversion would be undefined.
template <class Real>
Real narrow(double value) {
    constexpr auto kMost = static_cast<double>(std::numeric_limits<Real>::max());
    return static_cast<Real>(std::clamp(value, -kMost, kMost));
}

template <class Real>
class TrainedLinear final : public Operator {
public:
    TrainedLinear(const nir::FlatNode& node, const std::string& place)
        : in_(node.input_size()),
          out_(node.output_size()),
          unit_(narrow<Real>(checked(node, "weight_unit", 1.0, 1e-30, 1e30, place))),
          tile_rows_(static_cast<std::uint64_t>(checked(node, "tile_rows", 0.0, 0.0, 1e9, place))),
          weight_(in_ * out_),
          scratch_(in_),
          sum_(out_),
          block_(out_) {
        const nir::Dataset& weight = *node.node->find("weight");
        for (std::uint64_t o = 0; o < out_; ++o) {
            for (std::uint64_t i = 0; i < in_; ++i) {
                weight_[i * out_ + o] =
                    narrow<Real>(nir::number_at(weight, o * in_ + i) / static_cast<double>(unit_));
            }
        }
        for (const double b : linear_bias(node)) {
            bias_.push_back(narrow<Real>(b));
        }
    }

    void step(const Signal& x, Signal& y) override {
        if (bias_.empty() && x.form == Signal::Form::zero) {
            y.set_zero();
            return;
        }
        const double* values = dense_values(x, scratch_);
        const std::uint64_t tile = tile_rows_ == 0 ? in_ : tile_rows_;
        std::fill(sum_.begin(), sum_.end(), Real{0});
        for (std::uint64_t begin = 0; begin < in_; begin += tile) {
            std::fill(block_.begin(), block_.end(), Real{0});
            for (std::uint64_t i = begin; i < std::min(in_, begin + tile); ++i) {
                if (values[i] != 0.0) {
                    const auto value = narrow<Real>(values[i]);
                    const Real* row = weight_.data() + i * out_;
                    for (std::uint64_t o = 0; o < out_; ++o) {
                        block_[o] += row[o] * value;
                    }
                }
            }
            for (std::uint64_t o = 0; o < out_; ++o) {
                sum_[o] += block_[o];
            }
        }
        y.form = Signal::Form::dense;
        y.dense.resize(out_);
        for (std::uint64_t o = 0; o < out_; ++o) {
            const Real scaled = sum_[o] * unit_;
            y.dense[o] = static_cast<double>(bias_.empty() ? scaled : scaled + bias_[o]);
        }
    }

private:
    std::uint64_t in_, out_;
    Real unit_;
    std::uint64_t tile_rows_;
    std::vector<Real> weight_;  // [in][out], in units
    std::vector<Real> bias_;    // empty: none
    std::vector<double> scratch_;
    std::vector<Real> sum_, block_;
};

template <class Real>
class TrainedNeurons final : public Operator {
public:
    TrainedNeurons(const nir::FlatNode& flat, const Discretisation& discretisation, const std::string& place)
        : spiking_(flat.node->type == NodeType::lif), rule_(discretisation.reset) {
        const std::uint64_t count = flat.output_size();
        const auto parameter = [&](std::string_view name, double missing) {
            const nir::Dataset* dataset = flat.node->find(name);
            return dataset == nullptr ? std::vector<double>(count, missing) : nir::numbers(*dataset, count);
        };
        const std::vector<double> a = leak_coefficients(parameter("tau", 0.0), "tau", discretisation, place);
        const std::vector<double> tau = parameter("tau", 0.0), r = parameter("r", 1.0),
                                  leak = parameter("v_leak", 0.0), threshold = parameter("v_threshold", 0.0),
                                  reset_value = parameter("v_reset", 0.0);
        constexpr double kRounding = 4.0 * std::numeric_limits<double>::epsilon();
        for (std::uint64_t n = 0; n < count; ++n) {
            const double decay = discretisation.integrator == Integrator::exponential
                                     ? math::exp(-std::min(discretisation.dt_seconds / tau[n], 700.0))
                                     : 1.0 - a[n];
            const double gain = (1.0 - decay) * r[n];
            alpha_.push_back(narrow<Real>(decay));
            if (!spiking_ && r[n] == 1.0) {
                gain_.push_back(Real{1} - alpha_.back());  // readouts take the rounded decay
            } else {
                gain_.push_back(std::abs(gain - 1.0) <= kRounding ? Real{1} : narrow<Real>(gain));
            }
            leak_.push_back(narrow<Real>(a[n] * leak[n]));
            const auto th = narrow<Real>(threshold[n]);
            threshold_.push_back(discretisation.fires_at_threshold
                                     ? std::nextafter(th, std::numeric_limits<Real>::infinity())
                                     : th);
            reset_value_.push_back(rule_ == ResetRule::file ? narrow<Real>(reset_value[n]) : Real{0});
        }
        at_threshold_ = discretisation.fires_at_threshold;
        v_.resize(count);
        scratch_.resize(count);
        shown_.resize(count);
        spike_.resize(count);
    }

    void reset() override {
        std::fill(v_.begin(), v_.end(), Real{0});
        std::fill(spike_.begin(), spike_.end(), Real{0});
        std::fill(shown_.begin(), shown_.end(), 0.0);
    }

    void rest(const Signal&, Signal& y) override { y.set_zero(); }

    void step(const Signal& x, Signal& y) override {
        const double* input = dense_values(x, scratch_);
        const std::size_t count = v_.size();
        const bool late = spiking_ && rule_ == ResetRule::subtract_next;
        for (std::size_t n = 0; n < count; ++n) {
            Real v = alpha_[n] * v_[n] + gain_[n] * narrow<Real>(input[n]);
            if (late) {
                v -= threshold_[n] * spike_[n];
            }
            v_[n] = v + leak_[n];
        }
        if (spiking_) {
            fire(y);
        }
        for (std::size_t n = 0; n < count; ++n) {
            shown_[n] = static_cast<double>(v_[n]);
        }
        if (!spiking_) {
            y.form = Signal::Form::dense;
            y.dense = shown_;
        }
    }

    void serialize(StateArchive& archive) override {
        archive("v", v_);
        archive("spike", spike_);
        archive("shown", shown_);
    }

    std::span<const double> membrane() const override { return shown_; }

private:
    void fire(Signal& y) {
        y.start_sparse();
        for (std::size_t n = 0; n < v_.size(); ++n) {
            const Real th = threshold_[n];
            const bool fires = at_threshold_ ? v_[n] >= th : v_[n] > th;
            spike_[n] = fires ? Real{1} : Real{0};
            if (fires) {
                y.add(static_cast<std::uint32_t>(n), 1.0);
                if (rule_ == ResetRule::subtract) {
                    v_[n] -= th;
                } else if (rule_ != ResetRule::subtract_next) {
                    v_[n] = reset_value_[n];
                }
            }
        }
        y.finish_sparse();
    }

    bool spiking_, at_threshold_ = false;
    ResetRule rule_;
    std::vector<Real> alpha_, gain_, leak_, threshold_, reset_value_;
    std::vector<Real> v_, spike_;
    std::vector<double> scratch_, shown_;
};

template <class Real>
std::unique_ptr<Operator> make(const nir::FlatNode& node, const Discretisation& discretisation,
                               const std::string& place) {
    switch (node.node->type) {
        case NodeType::linear:
        case NodeType::affine:
            if (node.node->find("weight")->shape.size() != 2) {
                return nullptr;
            }
            return std::make_unique<TrainedLinear<Real>>(node, place);
        case NodeType::lif:
        case NodeType::leaky_integrator:
            if (discretisation.reset == ResetRule::subtract_carry) {
                return nullptr;  // no rule of training
            }
            return std::make_unique<TrainedNeurons<Real>>(node, discretisation, place);
        default:
            return nullptr;
    }
}

}  // namespace

std::unique_ptr<Operator> make_trained(const nir::FlatNode& node, const Discretisation& discretisation,
                                       const std::string& place) {
    return discretisation.arithmetic == Arithmetic::single ? make<float>(node, discretisation, place)
                                                           : make<double>(node, discretisation, place);
}

}  // namespace memprop::host
