// What routers count. Energy and rates are derived from the counts when a report is made.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "hw_models/counter.hpp"
#include "hw_models/noc/params.hpp"
#include "hw_models/noc/routing.hpp"
#include "hw_models/word_record.hpp"

namespace memprop::hw::noc {

using hw::Counter;

struct RouterStats {
    std::array<std::uint64_t, kPorts> forwarded{};  ///< flits per output port, barrier tokens included
    std::uint64_t credit_stalls = 0;                ///< head flit x output x cycle waiting: next FIFO is full
    std::uint64_t arbitration_stalls = 0;           ///< the same: another input had the output in this cycle
    std::uint64_t injected_stalls = 0;              ///< head flit x cycle held back by Fabric::inject_stalls
    std::uint64_t unroutable_flits = 0;             ///< dropped: no row of the multicast table for them
    std::uint64_t barrier_tokens = 0;               ///< those of `forwarded` that were barrier tokens
    /// Those of `forwarded` that went to another chip; filled in when a fabric is asked.
    std::array<std::uint64_t, kPorts> over_boundary{};

    RouterStats& operator+=(const RouterStats& other);
    std::uint64_t forwarded_total() const;
    std::uint64_t over_boundary_total() const;
    double energy_j(const HopCost& cost) const;
    void record(WordRecord& record);
};

struct TerminalStats {
    std::uint64_t sent = 0;              ///< flits accepted from outside, without barrier tokens
    std::uint64_t received = 0;          ///< flits handed out, without barrier tokens
    std::uint64_t refused_full = 0;      ///< attempts to send into a full FIFO or twice in one cycle
    std::uint64_t refused_no_route = 0;  ///< attempts to send to a node or tree that does not exist
    std::uint64_t barriers_entered = 0;  ///< barrier tokens accepted
    std::uint64_t barriers_passed = 0;   ///< barrier tokens handed out

    TerminalStats& operator+=(const TerminalStats& other);
    void record(WordRecord& record);
};

/// Counts of latencies: exact below 4096 cycles, in bins of 1/2048 of the value above.
class LatencyHistogram {
public:
    void record(std::uint64_t latency_cycles);

    std::uint64_t count() const { return count_; }
    std::uint64_t max_cycles() const { return max_; }
    double mean_cycles() const;  ///< exact; 0 if nothing was recorded
    /// The smallest latency (lower edge of its bin) that at least the share `quantile` of all flits do
    /// not exceed; 0 if nothing was recorded.
    std::uint64_t quantile_cycles(double quantile) const;

    struct Bin {
        std::uint64_t lower_cycles, flits;
    };
    std::vector<Bin> bins() const;  ///< those that are not empty, ascending

private:
    std::vector<std::uint64_t> bins_ = std::vector<std::uint64_t>(4096);
    std::uint64_t count_ = 0, sum_ = 0, max_ = 0;
};

/// Append figures to a report; `stats` may be a sum over routers or terminals.
void report_routers(const std::string& prefix, const RouterStats& stats, const HopCost& cost,
                    std::vector<Counter>& out);
void report_terminals(const std::string& prefix, const TerminalStats& stats, std::vector<Counter>& out);
void report_latency(const std::string& prefix, const LatencyHistogram& latency, std::vector<Counter>& out);

}  // namespace memprop::hw::noc
