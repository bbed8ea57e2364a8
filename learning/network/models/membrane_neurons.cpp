#include "learning/network/models/membrane_neurons.hpp"

#include <algorithm>
#include <optional>

#include "learning/network/models/firing.hpp"
#include "learning/network/models/leak.hpp"
#include "learning/network/models/synaptic_currents.hpp"

namespace memprop::network {
namespace {

template <class Real>
class MembraneNeurons final : public Neurons<Real> {
public:
    MembraneNeurons(const Population& population, std::span<const Field> fields, MembraneKind kind,
                    double time_step_seconds)
        : leaky_(kind.leaky), v_(population.size) {
        const auto values = [&](std::string_view name) { return values_of(population, fields, name); };
        const std::vector<double> r = values("resistance");
        decay_ = find_field_or_none(fields, "equations") &&
                 value_of(population, fields, "equations") == double(Equations::decay);
        if (leaky_) {
            read_leak(population, fields, r, time_step_seconds, kind);
        } else {
            for (const double resistance : r) {
                gain_.push_back(decay_ ? gain_of<Real>(1.0, resistance) : narrow<Real>(resistance));
            }
        }
        if (kind.currents) {
            currents_.emplace(population, fields, time_step_seconds);
        }
        if (kind.fires) {
            firing_.emplace(population, fields);
        }
        describe(population.size);
        clear();
    }

    void clear() override {
        std::fill(v_.begin(), v_.end(), Real{0});
        if (currents_) {
            currents_->clear();
        }
        if (firing_) {
            firing_->clear();
        }
        look_whether_quiet();
    }

    void step(const Arriving<Real>& arriving, Signal<Real>& out, std::span<Real> psi) override {
        if (!leaky_ && quiet_ && arriving.nothing && psi.empty()) {
            // Nothing arrives and nothing is above its threshold: an integrator does not change.
            put_out_values_or_nothing(out);
            return;
        }
        if (firing_) {
            firing_->before_integration(v_);
        }
        integrate(currents_ ? currents_->step(arriving) : arriving.receptors[0]);
        if (firing_) {
            quiet_ = firing_->fire(v_, out, psi);
            return;
        }
        std::fill(psi.begin(), psi.end(), Real{1});
        put_out_values_or_nothing(out);
    }

    void serialize(StateArchive& archive) override {
        archive("membrane", v_);
        if (currents_) {
            currents_->serialize(archive);
        }
        if (firing_) {
            firing_->serialize(archive);
        }
        look_whether_quiet();
    }

    std::span<const Real> state(std::string_view field) const override {
        if (field == "membrane") {
            return v_;
        }
        const std::span<const Real> fired = firing_ ? firing_->state(field) : std::span<const Real>();
        return fired.empty() && currents_ ? currents_->state(field) : fired;
    }

    const Eligibility<Real>* eligibility() const override { return &eligibility_; }

private:
    static bool find_field_or_none(std::span<const Field> fields, std::string_view name) {
        return std::any_of(fields.begin(), fields.end(), [&](const Field& f) { return f.name == name; });
    }

    void read_leak(const Population& population, std::span<const Field> fields, const std::vector<double>& r,
                   double time_step_seconds, MembraneKind kind) {
        const Leak leak = leak_of(population, fields, "tau_membrane_seconds", time_step_seconds);
        const std::vector<double> v_leak = values_of(population, fields, "leak_potential");
        if (!decay_) {
            kept_ = narrow<Real>(leak.lost);
            gain_ = narrow<Real>(r);
            leak_ = narrow<Real>(v_leak);
            return;
        }
        kept_ = narrow<Real>(leak.decay);
        const bool scaled =
            value_of(population, fields, "input_scaling") == double(LeakScaling::one_minus_decay);
        for (std::size_t n = 0; n < r.size(); ++n) {
            gain_.push_back(scaled && !kind.fires && r[n] == 1.0
                                ? Real{1} - kept_[n]  // readouts take the rounded decay
                                : gain_of<Real>(scaled ? 1.0 - leak.decay[n] : 1.0, r[n]));
            leak_.push_back(narrow<Real>(leak.lost[n] * v_leak[n]));
        }
    }

    void describe(std::uint32_t size) {
        std::vector<Real> alpha(size, Real{1}), gain = gain_;
        for (std::size_t n = 0; n < size && leaky_; ++n) {
            alpha[n] = decay_ ? kept_[n] : Real{1} - kept_[n];
            gain[n] = decay_ ? gain_[n] : kept_[n] * gain_[n];
        }
        eligibility_.alpha = shared(std::move(alpha));
        eligibility_.gain = shared(std::move(gain));
        eligibility_.spiking = firing_.has_value();
        eligibility_.receptors.resize(1);
        if (currents_) {
            eligibility_.receptors = currents_->eligibility();
        }
    }

    void look_whether_quiet() { quiet_ = !firing_ || firing_->is_quiet(v_); }

    void put_out_values_or_nothing(Signal<Real>& out) const {
        if (firing_) {
            out.set_zero();
            return;
        }
        out.form = Signal<Real>::Form::dense;
        out.dense.assign(v_.begin(), v_.end());
    }

    void integrate(std::span<const Real> input) {
        const std::size_t count = v_.size();
        Real* v = v_.data();
        const Real *x = input.data(), *gain = gain_.data(), *kept = kept_.data(), *leak = leak_.data();
        if (!leaky_) {
            for (std::size_t n = 0; n < count; ++n) {
                v[n] += gain[n] * x[n];
            }
        } else if (decay_) {
            for (std::size_t n = 0; n < count; ++n) {
                v[n] = kept[n] * v[n] + gain[n] * x[n] + leak[n];
            }
        } else {
            for (std::size_t n = 0; n < count; ++n) {
                v[n] += kept[n] * ((leak[n] - v[n]) + gain[n] * x[n]);
            }
        }
    }

    bool leaky_, decay_ = false;
    bool quiet_ = true;                     // no membrane is above its threshold and no reset is due
    std::vector<Real> kept_, gain_, leak_;  // decay, gain, (1 - decay) v_leak; or a, r, v_leak
    std::vector<Real> v_;
    std::optional<SynapticCurrents<Real>> currents_;
    std::optional<Firing<Real>> firing_;
    Eligibility<Real> eligibility_;
};

}  // namespace

template <class Real>
std::unique_ptr<Neurons<Real>> make_membranes(const Population& population, std::span<const Field> fields,
                                              MembraneKind kind, double time_step_seconds) {
    return std::make_unique<MembraneNeurons<Real>>(population, fields, kind, time_step_seconds);
}

template std::unique_ptr<Neurons<float>> make_membranes(const Population&, std::span<const Field>,
                                                        MembraneKind, double);
template std::unique_ptr<Neurons<double>> make_membranes(const Population&, std::span<const Field>,
                                                         MembraneKind, double);

}  // namespace memprop::network
