// I, IF, LI, LIF, CubaLI, CubaLIF. x is the sum of what arrives in the step.
//   I, IF:          v += r x                   (no dt: the convention of most writers), or v += dt r x
//   LI, LIF:        v += a ((v_leak - v) + r x)
//   CubaLI, CubaLIF: i += a_syn (-i + w_in x) or i += -a_syn i + w_in x, then v as LIF with the new i for x
// a = dt/tau or 1 - exp(-dt/tau). A spike is v > v_threshold, strictly; then the reset rule.
#include <fmt/format.h>

#include <algorithm>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "host_runtime/graph/operators.hpp"
#include "host_runtime/nir/layer_values.hpp"

namespace memprop::host {
namespace {

using nir::NodeType;

class Neurons final : public Operator {
public:
    Neurons(const nir::FlatNode& flat, const Discretisation& discretisation, const std::string& place)
        : type_(flat.node->type),
          rule_(discretisation.reset),
          spiking_(nir::is_spiking(type_)),
          leaky_(type_ != NodeType::integrator && type_ != NodeType::integrate_fire),
          current_based_(nir::has_current(type_)),
          scaled_jumps_(discretisation.current_jump == CurrentJump::scaled) {
        const std::uint64_t count = flat.output_size();
        const auto parameter = [&](std::string_view name, double missing) {
            return nir::layer_values(flat, name, missing);
        };
        r_ = parameter("r", 1.0);
        if (!leaky_ && discretisation.if_integration == IfIntegration::per_second) {
            for (double& r : r_) {
                r *= discretisation.dt_seconds;
            }
        }
        if (leaky_) {
            v_leak_ = parameter("v_leak", 0.0);
            a_ = leak_coefficients(parameter(current_based_ ? "tau_mem" : "tau", 0.0),
                                   current_based_ ? "tau_mem" : "tau", discretisation, place);
        }
        if (current_based_) {
            w_in_ = parameter("w_in", 1.0);
            a_syn_ = leak_coefficients(parameter("tau_syn", 0.0), "tau_syn", discretisation, place);
            i_.resize(count);
        }
        if (spiking_) {
            v_threshold_ = parameter("v_threshold", 0.0);
            v_reset_ = rule_ == ResetRule::file ? parameter("v_reset", 0.0) : std::vector<double>(count, 0.0);
            late_.resize(carries() ? count : 0);
        }
        v_.resize(count);
        scratch_.resize(count);
        reset();
    }

    void reset() override {
        std::fill(v_.begin(), v_.end(), 0.0);
        std::fill(i_.begin(), i_.end(), 0.0);
        std::fill(late_.begin(), late_.end(), 0.0);
        quiet_ = std::all_of(v_threshold_.begin(), v_threshold_.end(), [](double th) { return th >= 0.0; });
    }

    void rest(const Signal&, Signal& y) override { y.set_zero(); }

    void step(const Signal& x, Signal& y) override {
        if (!leaky_ && quiet_ && x.form == Signal::Form::zero) {
            // Nothing arrives and nothing is above its threshold: an integrator does not change.
            if (spiking_) {
                y.set_zero();
            } else {
                y.form = Signal::Form::dense;
                y.dense = v_;
            }
            return;
        }
        if (rule_ == ResetRule::subtract_carry && spiking_) {
            for (std::size_t n = 0; n < v_.size(); ++n) {
                late_[n] = v_[n] > v_threshold_[n] ? 1.0 : 0.0;
            }
        }
        integrate(dense_values(x, scratch_));
        if (spiking_) {
            fire(y);
        } else {
            y.form = Signal::Form::dense;
            y.dense = v_;
        }
    }

    void serialize(StateArchive& archive) override {
        archive("v", v_);
        archive("i", i_);
        archive("late", late_);
        std::uint64_t quiet = quiet_ ? 1 : 0;
        archive("quiet", quiet);
        quiet_ = quiet != 0;
    }

    std::span<const double> membrane() const override { return v_; }
    std::span<const double> current() const override { return i_; }

private:
    bool carries() const { return rule_ == ResetRule::subtract_carry || rule_ == ResetRule::subtract_next; }

    void integrate(const double* x) {
        const std::size_t count = v_.size();
        double* v = v_.data();
        const double* r = r_.data();
        if (!leaky_) {
            for (std::size_t n = 0; n < count; ++n) {
                v[n] += r[n] * x[n];
            }
            return;
        }
        const double *a = a_.data(), *v_leak = v_leak_.data();
        if (current_based_) {
            double* i = i_.data();
            const double *a_syn = a_syn_.data(), *w_in = w_in_.data();
            if (scaled_jumps_) {
                for (std::size_t n = 0; n < count; ++n) {
                    i[n] += a_syn[n] * (-i[n] + w_in[n] * x[n]);
                }
            } else {
                for (std::size_t n = 0; n < count; ++n) {
                    i[n] += w_in[n] * x[n] - a_syn[n] * i[n];
                }
            }
            x = i;
        }
        for (std::size_t n = 0; n < count; ++n) {
            v[n] += a[n] * ((v_leak[n] - v[n]) + r[n] * x[n]);
        }
    }

    void fire(Signal& y) {
        y.start_sparse();
        const std::size_t count = v_.size();
        double* v = v_.data();
        const double* th = v_threshold_.data();
        if (carries()) {
            fire_late(y);
            return;
        }
        quiet_ = true;
        for (std::size_t n = 0; n < count; ++n) {
            if (v[n] > th[n]) {
                y.add(static_cast<std::uint32_t>(n), 1.0);
                v[n] = rule_ == ResetRule::subtract ? v[n] - th[n] : v_reset_[n];
                quiet_ = quiet_ && !(v[n] > th[n]);
            }
        }
        y.finish_sparse();
    }

    /// The rules under which a spike still subtracts in the step after it.
    void fire_late(Signal& y) {
        quiet_ = true;
        for (std::size_t n = 0; n < v_.size(); ++n) {
            const double th = v_threshold_[n];
            v_[n] -= late_[n] * th;
            const double z = v_[n] > th ? 1.0 : 0.0;
            if (z != 0.0) {
                y.add(static_cast<std::uint32_t>(n), 1.0);
                quiet_ = false;
            }
            if (rule_ == ResetRule::subtract_carry) {
                v_[n] -= (z - late_[n]) * th;
                quiet_ = quiet_ && late_[n] == 0.0;
            }
            late_[n] = z;
        }
        y.finish_sparse();
    }

    NodeType type_;
    ResetRule rule_;
    bool spiking_, leaky_, current_based_, scaled_jumps_;
    bool quiet_ = true;  // no membrane is above its threshold and no reset is due
    std::vector<double> r_, v_leak_, a_, w_in_, a_syn_, v_threshold_, v_reset_;
    std::vector<double> v_, i_;
    std::vector<double> late_;  // 1 where the step before left a reset to be done
    std::vector<double> scratch_;
};

}  // namespace

std::vector<double> leak_coefficients(std::vector<double> tau, std::string_view name,
                                      const Discretisation& discretisation, const std::string& place) {
    const double dt = discretisation.dt_seconds;
    for (double& t : tau) {
        if (discretisation.integrator == Integrator::exponential) {
            // exp(-700) is far below half an ulp of 1
            t = 1.0 - math::exp(-std::min(dt / t, 700.0));
        } else {
            if (dt / t > 2.0) {
                throw InputError(
                    fmt::format("{}: dataset {}: {} s with dt = {} s: forward Euler diverges for dt > 2 {}; "
                                "use a smaller dt or the exponential integrator",
                                place, name, t, dt, name));
            }
            t = dt / t;
        }
    }
    return tau;
}

std::unique_ptr<Operator> make_neurons(const nir::FlatNode& node, const Discretisation& discretisation,
                                       const std::string& place) {
    return std::make_unique<Neurons>(node, discretisation, place);
}

}  // namespace memprop::host
