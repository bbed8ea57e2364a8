#include "host_runtime/live/latency.hpp"

#include <algorithm>
#include <cmath>

namespace memprop::host::live {

void LatencyHistogram::add(std::chrono::nanoseconds latency, std::uint64_t count) {
    const double ns = std::max(1.0, static_cast<double>(latency.count()));
    const auto bin = static_cast<std::size_t>(16.0 * std::log2(ns));
    bins_[std::min(bin, kBins - 1)] += count;
    count_ += count;
}

double LatencyHistogram::quantile(double q) const {
    const double wanted = q * static_cast<double>(count_);
    std::uint64_t seen = 0;
    for (std::size_t bin = 0; bin < kBins && count_ > 0; ++bin) {
        seen += bins_[bin];
        if (bins_[bin] > 0 && static_cast<double>(seen) >= wanted) {
            return 1e-9 * std::exp2((static_cast<double>(bin) + 0.5) / 16.0);
        }
    }
    return 0.0;
}

}  // namespace memprop::host::live
