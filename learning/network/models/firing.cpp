#include "learning/network/models/firing.hpp"

#include <algorithm>

#include "learning/network/models/leak.hpp"

namespace memprop::network {

template <class Real>
Firing<Real>::Firing(const Population& population, std::span<const Field> fields)
    : reset_(static_cast<ResetKind>(static_cast<int>(value_of(population, fields, "reset")))),
      at_threshold_(value_of(population, fields, "firing_test") == double(FiringTest::at_or_above)),
      silent_steps_(
          std::max(0, static_cast<std::int32_t>(value_of(population, fields, "refractory_steps")) - 1)),
      pseudo_(pseudo_derivatives_of<Real>(population, fields, values_of(population, fields, "threshold"))),
      threshold_(narrow<Real>(values_of(population, fields, "threshold"))),
      reset_value_(narrow<Real>(values_of(population, fields, "reset_value"))),
      spike_(population.size),
      carry_(reset_ == ResetKind::subtract_carry ? population.size : 0),
      before_(silent_steps_ > 0 && reset_ == ResetKind::to_value ? population.size : 0),
      silent_(silent_steps_ > 0 ? population.size : 0) {}

template <class Real>
void Firing<Real>::clear() {
    std::fill(spike_.begin(), spike_.end(), Real{0});
    std::fill(silent_.begin(), silent_.end(), 0);
}

template <class Real>
void Firing<Real>::before_integration(std::span<const Real> v) {
    for (std::size_t n = 0; n < carry_.size(); ++n) {
        carry_[n] = reaches(v[n], threshold_[n]) ? Real{1} : Real{0};
    }
    std::copy_n(v.begin(), before_.size(), before_.begin());
}

template <class Real>
void Firing<Real>::finish_integration(std::span<Real> v) const {
    if (is_late()) {
        const Real *late = carry_.empty() ? spike_.data() : carry_.data(), *threshold = threshold_.data();
        for (std::size_t n = 0; n < v.size(); ++n) {
            v[n] -= late[n] * threshold[n];
        }
    }
    for (std::size_t n = 0; n < before_.size(); ++n) {
        v[n] = silent_[n] == 0 ? v[n] : before_[n];
    }
}

template <class Real>
bool Firing<Real>::fire(std::span<Real> v, Signal<Real>& out, std::span<Real> psi) {
    finish_integration(v);
    if (!psi.empty()) {
        for (std::size_t n = 0; n < v.size(); ++n) {
            psi[n] = is_awake(n) ? v[n] - threshold_[n] : kRefractory<Real>;
        }
        pseudo_.apply(psi);
    }
    out.index.clear();
    bool quiet = is_late() ? fire_late(v, out) : fire_at_once(v, out);
    out.form = out.index.empty() ? Signal<Real>::Form::zero : Signal<Real>::Form::spikes;
    if (!silent_.empty()) {
        for (std::int32_t& steps : silent_) {
            quiet = quiet && steps == 0;  // who has just become awake has not been tested
            steps -= steps > 0 ? 1 : 0;
        }
        for (const std::uint32_t n : out.index) {
            silent_[n] = silent_steps_;
            quiet = false;
        }
    }
    return quiet;
}

template <class Real>
bool Firing<Real>::fire_at_once(std::span<Real> v, Signal<Real>& out) {
    std::fill(spike_.begin(), spike_.end(), Real{0});
    // Local copies: the compiler cannot know that no store of the loop changes the members.
    Real *membrane = v.data(), *spike = spike_.data();
    const Real *threshold = threshold_.data(), *reset_value = reset_value_.data();
    const std::int32_t* silent = silent_.empty() ? nullptr : silent_.data();
    const bool at_threshold = at_threshold_, subtracts = reset_ == ResetKind::subtract;
    const std::size_t size = v.size();
    for (std::size_t n = 0; n < size; ++n) {
        const Real u = membrane[n], limit = threshold[n];
        if ((at_threshold ? u >= limit : u > limit) && (silent == nullptr || silent[n] == 0)) {
            out.index.push_back(static_cast<std::uint32_t>(n));
            spike[n] = Real{1};
            membrane[n] = subtracts ? u - limit : reset_value[n];
        }
    }
    return out.index.empty();
}

template <class Real>
bool Firing<Real>::fire_late(std::span<Real> v, Signal<Real>& out) {
    const Real* threshold = threshold_.data();
    bool quiet = true;
    for (std::size_t n = 0; n < v.size(); ++n) {
        const Real z = reaches(v[n], threshold[n]) && is_awake(n) ? Real{1} : Real{0};
        if (z != Real{0}) {
            out.index.push_back(static_cast<std::uint32_t>(n));
            quiet = false;
        }
        if (reset_ == ResetKind::subtract_carry) {
            v[n] -= (z - carry_[n]) * threshold[n];
            quiet = quiet && carry_[n] == Real{0};
        }
        spike_[n] = z;
    }
    return quiet;
}

template <class Real>
bool Firing<Real>::is_quiet(std::span<const Real> v) const {
    for (std::size_t n = 0; n < v.size(); ++n) {
        if (reaches(v[n], threshold_[n]) || !is_awake(n) || spike_[n] != Real{0}) {
            return false;
        }
    }
    return true;
}

template <class Real>
void Firing<Real>::serialize(StateArchive& archive) {
    archive("spike", spike_);
    archive("silent", silent_);
}

template <class Real>
std::span<const Real> Firing<Real>::state(std::string_view field) const {
    return field == "spike" ? std::span<const Real>(spike_) : std::span<const Real>();
}

template class Firing<float>;
template class Firing<double>;

}  // namespace memprop::network
