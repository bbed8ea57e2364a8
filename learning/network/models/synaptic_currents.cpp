#include "learning/network/models/synaptic_currents.hpp"

#include <algorithm>

#include "learning/network/models/leak.hpp"

namespace memprop::network {

template <class Real>
SynapticCurrents<Real>::SynapticCurrents(const Population& population, std::span<const Field> fields,
                                         double time_step_seconds)
    : sum_(population.size) {
    const bool scaled = value_of(population, fields, "current_jump") == double(CurrentJump::scaled);
    const bool decay = value_of(population, fields, "equations") == double(Equations::decay);
    form_ = decay ? Form::decay : scaled ? Form::scaled_difference : Form::unscaled_difference;
    const std::vector<double> weight = values_of(population, fields, "input_weight");
    constexpr std::array<std::string_view, kReceptors> kTau{"tau_synapse_seconds", "tau_synapse_1_seconds"};
    for (std::size_t r = 0; r < kReceptors; ++r) {
        const Leak leak = leak_of(population, fields, kTau[r], time_step_seconds);
        Current& current = currents_[r];
        current.kept = narrow<Real>(decay ? leak.decay : leak.lost);
        for (std::size_t j = 0; j < weight.size(); ++j) {
            current.weight.push_back(decay && scaled ? gain_of<Real>(1.0 - leak.decay[j], weight[j])
                                                     : narrow<Real>(weight[j]));
        }
        current.value.resize(population.size);
    }
}

template <class Real>
void SynapticCurrents<Real>::clear() {
    for (Current& current : currents_) {
        std::fill(current.value.begin(), current.value.end(), Real{0});
    }
    second_ = false;
}

template <class Real>
void SynapticCurrents<Real>::advance(Current& current, std::span<const Real> x) const {
    const std::size_t count = current.value.size();
    const Real *kept = current.kept.data(), *weight = current.weight.data(), *in = x.data();
    Real* i = current.value.data();
    switch (form_) {
        case Form::decay:
            for (std::size_t n = 0; n < count; ++n) {
                i[n] = kept[n] * i[n] + weight[n] * in[n];
            }
            return;
        case Form::scaled_difference:
            for (std::size_t n = 0; n < count; ++n) {
                i[n] += kept[n] * (-i[n] + weight[n] * in[n]);
            }
            return;
        case Form::unscaled_difference:
            for (std::size_t n = 0; n < count; ++n) {
                i[n] += weight[n] * in[n] - kept[n] * i[n];
            }
            return;
    }
}

template <class Real>
std::span<const Real> SynapticCurrents<Real>::step(const Arriving<Real>& arriving) {
    advance(currents_[0], arriving.receptors[0]);
    const std::span<const Real> second = arriving.receptors[1];
    second_ = second_ || std::any_of(second.begin(), second.end(), [](Real x) { return x != Real{0}; });
    if (!second_ || second.empty()) {
        return currents_[0].value;
    }
    advance(currents_[1], second);
    for (std::size_t n = 0; n < sum_.size(); ++n) {
        sum_[n] = currents_[0].value[n] + currents_[1].value[n];
    }
    return sum_;
}

template <class Real>
void SynapticCurrents<Real>::serialize(StateArchive& archive) {
    archive("current", currents_[0].value);
    archive("current_1", currents_[1].value);
    const auto& second = currents_[1].value;
    second_ = std::any_of(second.begin(), second.end(), [](Real i) { return i != Real{0}; });
}

template <class Real>
std::span<const Real> SynapticCurrents<Real>::state(std::string_view field) const {
    return field == "current"     ? std::span<const Real>(currents_[0].value)
           : field == "current_1" ? std::span<const Real>(currents_[1].value)
                                  : std::span<const Real>();
}

template <class Real>
std::vector<typename Eligibility<Real>::Receptor> SynapticCurrents<Real>::eligibility() const {
    std::vector<typename Eligibility<Real>::Receptor> receptors;
    for (const Current& current : currents_) {
        auto& receptor = receptors.emplace_back();
        receptor.decay = current.kept;
        receptor.gain = current.weight;
        for (std::size_t j = 0; j < current.kept.size() && form_ != Form::decay; ++j) {
            receptor.decay[j] = Real{1} - current.kept[j];
            if (form_ == Form::scaled_difference) {
                receptor.gain[j] = current.kept[j] * current.weight[j];
            }
        }
        receptor.decay = shared(std::move(receptor.decay));
        receptor.gain = shared(std::move(receptor.gain));
    }
    return receptors;
}

template class SynapticCurrents<float>;
template class SynapticCurrents<double>;

}  // namespace memprop::network
