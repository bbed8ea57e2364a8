// Latencies in bounded memory: logarithmic bins, 16 per octave, so a quantile is within 5 %.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace memprop::host::live {

class LatencyHistogram {
public:
    void add(std::chrono::nanoseconds latency, std::uint64_t count);
    std::uint64_t count() const { return count_; }
    /// Seconds; the middle of the bin that holds the quantile, 0 without any latency.
    double quantile(double q) const;

private:
    static constexpr std::size_t kBins = 16 * 40;  // 1 ns to 18 minutes
    std::array<std::uint64_t, kBins> bins_{};
    std::uint64_t count_ = 0;
};

}  // namespace memprop::host::live
