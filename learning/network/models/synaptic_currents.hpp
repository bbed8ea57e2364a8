// Currents between events and membranes, one for each receptor (fields `currents` of common_fields.hpp):
//   decay:       i[t] = d i[t-1] + g x[t],  g = (1 - d) w_in, or w_in (current_jump = unscaled)
//   difference:  i += a (w_in x - i), or i += w_in x - a i,  a = 1 - d
// The membrane gets the sum of the new currents.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "crossbar/base/state_archive.hpp"
#include "learning/network/neurons.hpp"

namespace memprop::network {

template <class Real>
class SynapticCurrents {
public:
    static constexpr std::uint32_t kReceptors = 2;

    /// Throws InputError where forward Euler diverges.
    SynapticCurrents(const Population& population, std::span<const Field> fields, double time_step_seconds);

    void clear();
    std::span<const Real> step(const Arriving<Real>& arriving);
    void serialize(StateArchive& archive);
    /// "current", "current_1"; else empty.
    std::span<const Real> state(std::string_view field) const;
    std::vector<typename Eligibility<Real>::Receptor> eligibility() const;

private:
    enum class Form : std::uint8_t { decay, scaled_difference, unscaled_difference };
    struct Current {
        std::vector<Real> kept;    // d, or a
        std::vector<Real> weight;  // g, or w_in
        std::vector<Real> value;
    };
    void advance(Current& current, std::span<const Real> x) const;

    Form form_ = Form::decay;
    std::array<Current, kReceptors> currents_;
    bool second_ = false;  // something has reached receptor 1; until then its current is 0
    std::vector<Real> sum_;
};

}  // namespace memprop::network
