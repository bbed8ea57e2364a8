// Linear, Affine, LIF, IF and LI as the training engine computes them (learning/network): the same operations
// in the same order and precision, so that a network trained here gives the same bits when it is run.
//   sum[o]  = unit * (sums of D[o][i] over ascending i, row block by row block)   D = weight / unit
//   v[n]    = alpha v[n] + gain x[n] - v_th z[n] of the last step (reset subtract_next), spike at v >= v_th
//   y[k]    = kappa y[k] + gain x[k]
// An IF node is an LIF node with alpha = 1 and gain = r, or dt r (if_integration per_second).
// `weight_unit` and `tile_rows` stand in the metadata of a node whose weights were on a crossbar: its tiles
// are summed one by one there. gain = (1 - alpha) r.
#include "host_runtime/graph/trained.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "host_runtime/nir/layer_values.hpp"

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
          weights_(trained_weights<Real>(node, place)),
          scratch_(in_),
          sum_(out_),
          block_(out_) {
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
        const std::uint64_t tile = weights_.tile_rows;
        std::fill(sum_.begin(), sum_.end(), Real{0});
        for (std::uint64_t begin = 0; begin < in_; begin += tile) {
            std::fill(block_.begin(), block_.end(), Real{0});
            for (std::uint64_t i = begin; i < std::min(in_, begin + tile); ++i) {
                if (values[i] != 0.0) {
                    const auto value = narrow<Real>(values[i]);
                    const Real* row = weights_.values.data() + i * out_;
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
            const Real scaled = sum_[o] * weights_.unit;
            y.dense[o] = static_cast<double>(bias_.empty() ? scaled : scaled + bias_[o]);
        }
    }

private:
    std::uint64_t in_, out_;
    TrainedWeights<Real> weights_;
    std::vector<Real> bias_;  // empty: none
    std::vector<double> scratch_;
    std::vector<Real> sum_, block_;
};

template <class Real>
class TrainedNeuronsOperator final : public Operator {
public:
    TrainedNeuronsOperator(const nir::FlatNode& flat, const Discretisation& discretisation,
                           const std::string& place)
        : spiking_(nir::is_spiking(flat.node->type)),
          at_threshold_(discretisation.fires_at_threshold),
          rule_(discretisation.reset),
          p_(trained_neurons<Real>(flat, discretisation, place)) {
        const std::uint64_t count = flat.output_size();
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
            Real v = p_.alpha[n] * v_[n] + p_.gain[n] * narrow<Real>(input[n]);
            if (late) {
                v -= p_.threshold[n] * spike_[n];
            }
            v_[n] = v + p_.leak[n];
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
            const Real th = p_.threshold[n];
            const bool fires = at_threshold_ ? v_[n] >= th : v_[n] > th;
            spike_[n] = fires ? Real{1} : Real{0};
            if (fires) {
                y.add(static_cast<std::uint32_t>(n), 1.0);
                if (rule_ == ResetRule::subtract) {
                    v_[n] -= th;
                } else if (rule_ != ResetRule::subtract_next) {
                    v_[n] = p_.reset_value[n];
                }
            }
        }
        y.finish_sparse();
    }

    bool spiking_, at_threshold_;
    ResetRule rule_;
    TrainedNeurons<Real> p_;
    std::vector<Real> v_, spike_;
    std::vector<double> scratch_, shown_;
};

template <class Real>
std::unique_ptr<Operator> make(const nir::FlatNode& node, const Discretisation& discretisation,
                               const std::string& place) {
    switch (node.node->type) {
        case NodeType::linear:
        case NodeType::affine:
            if (!nir::is_one_matrix(node.node->find("weight")->shape)) {
                return nullptr;
            }
            return std::make_unique<TrainedLinear<Real>>(node, place);
        case NodeType::lif:
        case NodeType::integrate_fire:
        case NodeType::leaky_integrator:
            if (discretisation.reset == ResetRule::subtract_carry) {
                return nullptr;  // no rule of training
            }
            return std::make_unique<TrainedNeuronsOperator<Real>>(node, discretisation, place);
        default:
            return nullptr;
    }
}

}  // namespace

template <class Real>
TrainedWeights<Real> trained_weights(const nir::FlatNode& node, const std::string& place) {
    const std::uint64_t in = node.input_size(), out = node.output_size();
    const auto unit = narrow<Real>(checked(node, "weight_unit", 1.0, 1e-30, 1e30, place));
    const auto rows = static_cast<std::uint64_t>(checked(node, "tile_rows", 0.0, 0.0, 1e9, place));
    TrainedWeights<Real> result{.unit = unit,
                                .tile_rows = rows == 0 ? in : std::min(rows, in),
                                .values = std::vector<Real>(in * out)};
    const nir::Dataset& weight = *node.node->find("weight");
    for (std::uint64_t o = 0; o < out; ++o) {
        for (std::uint64_t i = 0; i < in; ++i) {
            result.values[i * out + o] =
                narrow<Real>(nir::number_at(weight, o * in + i) / static_cast<double>(unit));
        }
    }
    return result;
}

template <class Real>
TrainedNeurons<Real> trained_neurons(const nir::FlatNode& node, const Discretisation& discretisation,
                                     const std::string& place) {
    const std::uint64_t count = node.output_size();
    const auto parameter = [&](std::string_view name, double missing) {
        return nir::layer_values(node, name, missing);
    };
    const bool leaky = node.node->type != NodeType::integrate_fire;
    const std::vector<double> a = leaky
                                      ? leak_coefficients(parameter("tau", 0.0), "tau", discretisation, place)
                                      : std::vector<double>(count, 0.0);
    const std::vector<double> tau = parameter("tau", 0.0), r = parameter("r", 1.0),
                              leak = parameter("v_leak", 0.0), threshold = parameter("v_threshold", 0.0),
                              reset_value = parameter("v_reset", 0.0);
    const bool readout = node.node->type == NodeType::leaky_integrator;
    const double if_gain =
        discretisation.if_integration == IfIntegration::per_second ? discretisation.dt_seconds : 1.0;
    constexpr double kRounding = 4.0 * std::numeric_limits<double>::epsilon();
    TrainedNeurons<Real> p;
    for (std::uint64_t n = 0; n < count; ++n) {
        const double decay = leaky && discretisation.integrator == Integrator::exponential
                                 ? math::exp(-std::min(discretisation.dt_seconds / tau[n], 700.0))
                                 : 1.0 - a[n];
        const double gain = leaky ? (1.0 - decay) * r[n] : if_gain * r[n];
        p.alpha.push_back(narrow<Real>(decay));
        if (readout && r[n] == 1.0) {
            p.gain.push_back(Real{1} - p.alpha.back());  // readouts take the rounded decay
        } else {
            p.gain.push_back(std::abs(gain - 1.0) <= kRounding ? Real{1} : narrow<Real>(gain));
        }
        p.leak.push_back(narrow<Real>(a[n] * leak[n]));
        const auto th = narrow<Real>(threshold[n]);
        p.threshold.push_back(discretisation.fires_at_threshold
                                  ? std::nextafter(th, std::numeric_limits<Real>::infinity())
                                  : th);
        p.reset_value.push_back(discretisation.reset == ResetRule::file ? narrow<Real>(reset_value[n])
                                                                        : Real{0});
    }
    return p;
}

template TrainedWeights<float> trained_weights(const nir::FlatNode&, const std::string&);
template TrainedNeurons<float> trained_neurons(const nir::FlatNode&, const Discretisation&,
                                               const std::string&);

std::unique_ptr<Operator> make_trained(const nir::FlatNode& node, const Discretisation& discretisation,
                                       const std::string& place) {
    return discretisation.arithmetic == Arithmetic::single ? make<float>(node, discretisation, place)
                                                           : make<double>(node, discretisation, place);
}

}  // namespace memprop::host
