#include "hw_models/noc/stats.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace memprop::hw::noc {
namespace {

constexpr std::uint64_t kExact = 4096;
constexpr std::uint64_t kPerOctave = kExact / 2;
constexpr int kExactBits = std::bit_width(kExact) - 1;

std::uint64_t bin_of(std::uint64_t latency) {
    if (latency < kExact) {
        return latency;
    }
    const auto shift = static_cast<std::uint64_t>(std::bit_width(latency) - kExactBits);
    return kExact + (shift - 1) * kPerOctave + ((latency >> shift) - kPerOctave);
}

std::uint64_t lower_edge(std::uint64_t bin) {
    if (bin < kExact) {
        return bin;
    }
    const std::uint64_t shift = (bin - kExact) / kPerOctave + 1;
    return ((bin - kExact) % kPerOctave + kPerOctave) << shift;
}

}  // namespace

RouterStats& RouterStats::operator+=(const RouterStats& other) {
    for (std::size_t port = 0; port < kPorts; ++port) {
        forwarded[port] += other.forwarded[port];
        over_boundary[port] += other.over_boundary[port];
    }
    barrier_tokens += other.barrier_tokens;
    credit_stalls += other.credit_stalls;
    arbitration_stalls += other.arbitration_stalls;
    injected_stalls += other.injected_stalls;
    unroutable_flits += other.unroutable_flits;
    return *this;
}

void RouterStats::record(WordRecord& record) {
    record(std::span(forwarded));
    for (std::uint64_t* count :
         {&barrier_tokens, &credit_stalls, &arbitration_stalls, &injected_stalls, &unroutable_flits}) {
        record(*count);
    }
}

void TerminalStats::record(WordRecord& record) {
    for (std::uint64_t* count :
         {&sent, &received, &refused_full, &refused_no_route, &barriers_entered, &barriers_passed}) {
        record(*count);
    }
}

std::uint64_t RouterStats::forwarded_total() const {
    return std::accumulate(forwarded.begin(), forwarded.end(), std::uint64_t{0});
}

std::uint64_t RouterStats::over_boundary_total() const {
    return std::accumulate(over_boundary.begin(), over_boundary.end(), std::uint64_t{0});
}

double RouterStats::energy_j(const HopCost& cost) const {
    const auto flits = [&](Port port) {
        const auto p = static_cast<std::size_t>(port);
        return static_cast<double>(forwarded[p] - over_boundary[p]);
    };
    const std::uint64_t crossings = over_boundary_total();
    const double boundary_pj =
        crossings == 0 ? 0.0 : cost.boundary_pj.value() * static_cast<double>(crossings);
    return 1e-12 * (cost.east_west_pj.value() * (flits(Port::east) + flits(Port::west)) +
                    cost.north_south_pj.value() * (flits(Port::north) + flits(Port::south)) +
                    cost.local_pj.value() * flits(Port::local) + boundary_pj);
}

TerminalStats& TerminalStats::operator+=(const TerminalStats& other) {
    sent += other.sent;
    received += other.received;
    refused_full += other.refused_full;
    refused_no_route += other.refused_no_route;
    barriers_entered += other.barriers_entered;
    barriers_passed += other.barriers_passed;
    return *this;
}

void LatencyHistogram::record(std::uint64_t latency_cycles) {
    const std::uint64_t bin = bin_of(latency_cycles);
    if (bin >= bins_.size()) {
        bins_.resize(std::max<std::size_t>(bin + 1, bins_.size() + kPerOctave));
    }
    ++bins_[bin];
    ++count_;
    sum_ += latency_cycles;
    max_ = std::max(max_, latency_cycles);
}

double LatencyHistogram::mean_cycles() const {
    return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

std::uint64_t LatencyHistogram::quantile_cycles(double quantile) const {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::uint64_t bin = 0; bin < bins_.size(); ++bin) {
        seen += bins_[bin];
        if (seen >= wanted && seen != 0) {
            return lower_edge(bin);
        }
    }
    return 0;
}

std::vector<LatencyHistogram::Bin> LatencyHistogram::bins() const {
    std::vector<Bin> out;
    for (std::uint64_t bin = 0; bin < bins_.size(); ++bin) {
        if (bins_[bin] != 0) {
            out.push_back({lower_edge(bin), bins_[bin]});
        }
    }
    return out;
}

void report_routers(const std::string& prefix, const RouterStats& stats, const HopCost& cost,
                    std::vector<Counter>& out) {
    const auto add = [&](const char* name, double value, const char* unit, std::string description) {
        out.push_back({prefix + name, value, unit, std::move(description)});
    };
    for (std::size_t port = 0; port < kPorts; ++port) {
        add((std::string("forwarded_") += kPortNames[port]).c_str(),
            static_cast<double>(stats.forwarded[port]), "flits",
            std::string("flits sent through the output ") += kPortNames[port]);
    }
    if (cost.boundary_pj) {
        add("forwarded_boundary", static_cast<double>(stats.over_boundary_total()), "flits",
            "flits sent to routers on other chips, among those above");
    }
    add("barrier_tokens", static_cast<double>(stats.barrier_tokens), "flits",
        "barrier tokens among the flits sent through all outputs");
    add("credit_stalls", static_cast<double>(stats.credit_stalls), "cycles",
        "head flits times outputs times cycles waiting for room in the next FIFO");
    add("arbitration_stalls", static_cast<double>(stats.arbitration_stalls), "cycles",
        "head flits times outputs times cycles waiting while another input used the output");
    add("injected_stalls", static_cast<double>(stats.injected_stalls), "cycles",
        "head flits times cycles held back by injected stalls (verification)");
    add("unroutable_flits", static_cast<double>(stats.unroutable_flits), "flits",
        "flits dropped because the multicast table has no row for them");
    add("energy", stats.energy_j(cost), "J",
        "flits forwarded times cost per link; " + cost.source +
            (cost.boundary_pj ? "; between chips: " + cost.boundary_source : ""));
}

void report_terminals(const std::string& prefix, const TerminalStats& stats, std::vector<Counter>& out) {
    out.push_back({prefix + "sent", static_cast<double>(stats.sent), "flits", "flits accepted from outside"});
    out.push_back({prefix + "received", static_cast<double>(stats.received), "flits", "flits handed out"});
    out.push_back({prefix + "refused_full", static_cast<double>(stats.refused_full), "attempts",
                   "attempts to send into a full FIFO or twice in one cycle"});
    out.push_back({prefix + "refused_no_route", static_cast<double>(stats.refused_no_route), "attempts",
                   "attempts to send to a node or tree that does not exist"});
    out.push_back({prefix + "barriers_entered", static_cast<double>(stats.barriers_entered), "tokens",
                   "barrier tokens that entered at terminals"});
    out.push_back({prefix + "barriers_passed", static_cast<double>(stats.barriers_passed), "tokens",
                   "barrier tokens that arrived and were taken at terminals"});
}

void report_latency(const std::string& prefix, const LatencyHistogram& latency, std::vector<Counter>& out) {
    out.push_back({prefix + "latency_mean", latency.mean_cycles(), "cycles",
                   "mean latency from the creation of a flit to its reception"});
    out.push_back({prefix + "latency_p95", static_cast<double>(latency.quantile_cycles(0.95)), "cycles",
                   "latency that 95 % of the flits do not exceed"});
    out.push_back(
        {prefix + "latency_max", static_cast<double>(latency.max_cycles()), "cycles", "largest latency"});
}

}  // namespace memprop::hw::noc
