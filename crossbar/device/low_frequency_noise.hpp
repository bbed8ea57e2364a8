// Noise of devices that is correlated from read to read, so that every device has a state:
//
// 1/f noise: the relative conductance is 1 + A sum_k s_k y_k, with Ornstein-Uhlenbeck processes y_k of
// variance 1 and time constants of 1, 4, 16 .. 4^7 update intervals, s_k^2 in proportion to tau_k^(beta - 1)
// and of sum 1. The spectrum of such a sum falls as 1/f^beta between the slowest and the fastest process (van
// der Ziel, Physica 16, 359, 1950); A is the standard deviation of the sum.
//
// Random telegraph noise: a part of the devices has a trap. While it holds an electron, the conductance is
// smaller by a part a of itself; it captures after exponential times of mean tau_c and emits after tau_e. a,
// tau_c and tau_e are log-normal from device to device (Machlup, J. Appl. Phys. 25, 341, 1954; in resistive
// memory Ielmini, Nardi, Cagli, Appl. Phys. Lett. 96, 053503, 2010). The chain is exact from one update
// interval to the next.
//
// Both relative amplitudes are multiplied by (g_max / G)^state_exponent: noise is larger in high-resistance
// states (0.65 for 1/f noise of PCM, Nandakumar et al., ICECS 2019; up to 1 for telegraph noise in ReRAM).
// Noise is constant between two device ticks, as drift is: what is faster than an update interval belongs to
// the read noise, which is fresh at each read.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "crossbar/base/random.hpp"
#include "crossbar/base/state_archive.hpp"
#include "crossbar/config.hpp"

namespace memprop::crossbar {

class LowFrequencyNoise {
public:
    static constexpr std::size_t kProcesses = 8;

    LowFrequencyNoise(const LowFrequencyConfig& config, double g_max_us, std::size_t devices,
                      double tick_seconds, std::uint64_t seed, std::uint8_t array);

    bool none() const { return relative_.empty(); }

    /// Takes the states from device time to device time, tick by tick.
    void advance_to(std::int32_t tick);

    /// Applies the noise of now to the mean conductances of devices first .. first + mean_us.size() - 1.
    void apply(std::uint32_t first, std::span<float> mean_us) const;

    /// Per device: relative deviation of now at G = g_max, and whether a trap holds an electron.
    std::span<const float> relative() const { return relative_; }
    std::span<const std::uint32_t> trapped() const { return trapped_; }

    void serialize(StateArchive& archive);

private:
    void draw_traps(double tick_seconds);
    void step();
    void combine();

    LowFrequencyConfig config_;
    float per_g_max_;
    std::uint64_t seed_;
    std::uint8_t array_;
    std::uint64_t tick_ = 0;
    bool combined_ = false;         // whether relative_ belongs to the states
    std::vector<float> processes_;  // [process][device]; empty without 1/f noise
    std::vector<float> keep_, kick_, weight_;
    std::vector<std::uint32_t> trapped_;                 // empty without telegraph noise
    std::vector<float> amplitude_, capture_, emission_;  // per device: a, probabilities per tick
    std::vector<float> relative_, draws_;
};

}  // namespace memprop::crossbar
