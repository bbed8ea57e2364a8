#include "testbenches/router/traffic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "crossbar/base/random.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "testbenches/support/option_values.hpp"

namespace memprop::tb {
namespace {

using hw::noc::kNever;
using hw::noc::NodeId;

constexpr std::uint64_t kLastCycle = 1'000'000'000'000;  // far beyond any run; keeps sums from overflowing

class RandomSource : public TrafficSource {
public:
    RandomSource(const GeneratorConfig& config, std::uint32_t node)
        : seed_(config.seed),
          node_(node),
          targets_(targets_of(config, node)),
          along_tree_(config.pattern == Pattern::multicast),
          every_cycle_(config.rate >= 1.0) {
        if (config.rate <= 0.0 || targets_.uniform.empty()) {
            return;
        }
        if (!every_cycle_) {
            log_silent_ = math::log(1.0 - config.rate);
        }
        cycle_ = gap(random_block(key(1, 0), 0)) - 1;
    }

    Injection next() override {
        if (cycle_ > kLastCycle) {
            return {};
        }
        const auto words = random_block(key(0, cycle_), 0);
        Injection injection{.cycle = cycle_, .along_tree = along_tree_};
        const double share = static_cast<double>(words[3]) * 0x1p-32;
        if (share < targets_.hot_share) {  // what is left of the number says which one
            const auto spots = static_cast<double>(targets_.hot.size());
            injection.destination =
                targets_.hot[static_cast<std::size_t>(share / targets_.hot_share * spots)];
        } else {
            injection.destination = targets_.uniform[(words[2] * targets_.uniform.size()) >> 32];
        }
        cycle_ += gap(words);
        return injection;
    }

private:
    DrawKey key(std::uint8_t purpose, std::uint64_t cycle) const {
        return {.seed = seed_,
                .stream = Stream::traffic,
                .array = purpose,
                .block = static_cast<std::uint16_t>(cycle >> 32),
                .event = node_,
                .step = static_cast<std::uint32_t>(cycle)};
    }

    // Cycles to the next flit: geometric, P(gap = k) = rate (1 - rate)^(k-1), by inversion.
    std::uint64_t gap(const std::array<std::uint32_t, 4>& words) const {
        if (every_cycle_) {
            return 1;
        }
        const std::uint64_t bits = (static_cast<std::uint64_t>(words[0]) << 21) ^ (words[1] >> 11);
        const double u = (static_cast<double>(bits) + 1.0) * 0x1p-53;  // (0, 1]
        const double silent = std::floor(math::log(u) / log_silent_);
        return silent < static_cast<double>(kLastCycle) ? 1 + static_cast<std::uint64_t>(silent) : kLastCycle;
    }

    std::uint64_t seed_;
    std::uint32_t node_;
    Targets targets_;
    bool along_tree_;
    bool every_cycle_;
    double log_silent_ = 0.0;
    std::uint64_t cycle_ = kNever;
};

class ListSource : public TrafficSource {
public:
    explicit ListSource(std::vector<Injection> list) : list_(std::move(list)) {}

    Injection next() override { return position_ < list_.size() ? list_[position_++] : Injection{}; }

private:
    std::vector<Injection> list_;
    std::size_t position_ = 0;
};

std::uint64_t parse_field(std::string_view text, std::string_view name, std::uint64_t highest,
                          const std::string& where) {
    return parse_integer(fmt::format("{}: {}", where, name), text, 0, highest);
}

}  // namespace

std::vector<std::unique_ptr<TrafficSource>> make_generators(const GeneratorConfig& config) {
    config.validate();
    std::vector<std::unique_ptr<TrafficSource>> sources;
    for (std::uint32_t node = 0; node < config.nodes(); ++node) {
        sources.push_back(std::make_unique<RandomSource>(config, node));
    }
    return sources;
}

std::vector<std::unique_ptr<TrafficSource>> read_traffic(const std::filesystem::path& file,
                                                         std::uint32_t nodes) {
    const std::string text = host::read_text(file);
    std::vector<std::vector<Injection>> lists(nodes);
    std::size_t line_number = 0;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        std::string_view line(text.data() + begin, end - begin);
        begin = end + 1;
        const std::string where = fmt::format("{}, line {}", file.string(), ++line_number);
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        if (line_number == 1) {
            if (line != "cycle,source,destination") {
                throw InputError(where, line, "the header must be cycle,source,destination");
            }
            continue;
        }
        if (line.empty()) {
            continue;
        }
        const std::size_t first = line.find(',');
        const std::size_t second = first == line.npos ? line.npos : line.find(',', first + 1);
        if (second == line.npos || line.find(',', second + 1) != line.npos) {
            throw InputError(where, line, "must have the three fields cycle,source,destination");
        }
        const auto cycle = parse_field(line.substr(0, first), "cycle", kLastCycle, where);
        const auto source =
            parse_field(line.substr(first + 1, second - first - 1), "source", nodes - 1, where);
        const auto destination = parse_field(line.substr(second + 1), "destination", nodes - 1, where);
        if (source == destination) {
            throw InputError(fmt::format("{}: destination", where), destination,
                             "a source never sends to itself");
        }
        lists[source].push_back(
            {.cycle = cycle, .destination = NodeId{static_cast<std::uint16_t>(destination)}});
    }
    if (line_number == 0) {
        throw InputError(
            fmt::format("{}: is empty, the header must be cycle,source,destination", file.string()));
    }
    std::vector<std::unique_ptr<TrafficSource>> sources;
    for (auto& list : lists) {
        std::stable_sort(list.begin(), list.end(),
                         [](const Injection& a, const Injection& b) { return a.cycle < b.cycle; });
        sources.push_back(std::make_unique<ListSource>(std::move(list)));
    }
    return sources;
}

}  // namespace memprop::tb
