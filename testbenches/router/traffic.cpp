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

// Where the flits of one node may go: a fixed list, drawn uniformly, and perhaps a hot spot.
struct Targets {
    std::vector<NodeId> uniform;
    NodeId hotspot{};
    double hotspot_share = 0.0;
};

Targets targets_of(const GeneratorConfig& config, std::uint32_t node) {
    const std::uint32_t x = node % config.width, y = node / config.width;
    const auto id = [&](std::uint32_t column, std::uint32_t row) {
        return NodeId{static_cast<std::uint16_t>(row * config.width + column)};
    };
    Targets targets;
    switch (config.pattern) {
        case Pattern::transpose:
            if (x != y) {
                targets.uniform.push_back(id(y, x));
            }
            return targets;
        case Pattern::neighbour:
            if (y > 0) {
                targets.uniform.push_back(id(x, y - 1));
            }
            if (x + 1 < config.width) {
                targets.uniform.push_back(id(x + 1, y));
            }
            if (y + 1 < config.height) {
                targets.uniform.push_back(id(x, y + 1));
            }
            if (x > 0) {
                targets.uniform.push_back(id(x - 1, y));
            }
            return targets;
        case Pattern::hotspot:
            targets.hotspot = id(config.width / 2, config.height / 2);
            targets.hotspot_share = targets.hotspot == id(x, y) ? 0.0 : kHotspotShare;
            break;
        case Pattern::uniform:
            break;
    }
    for (std::uint32_t other = 0; other < config.width * config.height; ++other) {
        if (other != node) {
            targets.uniform.push_back(NodeId{static_cast<std::uint16_t>(other)});
        }
    }
    return targets;
}

class RandomSource : public TrafficSource {
public:
    RandomSource(const GeneratorConfig& config, std::uint32_t node)
        : seed_(config.seed),
          node_(node),
          targets_(targets_of(config, node)),
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
        Injection injection{cycle_, targets_.hotspot};
        if (static_cast<double>(words[3]) * 0x1p-32 >= targets_.hotspot_share) {
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

Pattern parse_pattern(std::string_view name) {
    static constexpr std::array<std::string_view, 4> kNames{"uniform", "transpose", "hotspot", "neighbour"};
    const auto found = std::find(kNames.begin(), kNames.end(), name);
    if (found == kNames.end()) {
        throw InputError("--pattern", name, "must be uniform, transpose, hotspot or neighbour");
    }
    return static_cast<Pattern>(found - kNames.begin());
}

void GeneratorConfig::validate() const {
    const std::string mesh = fmt::format("{}x{}", width, height);
    if (width * height < 2) {
        throw InputError("--mesh", mesh, "generated traffic needs at least two routers");
    }
    if (pattern == Pattern::transpose && width != height) {
        throw InputError("--mesh", mesh, "--pattern transpose needs as many columns as rows");
    }
    if (!(rate >= 0.0 && rate <= 1.0)) {
        throw InputError("--rate", rate, "must be from 0 to 1 flits per node and cycle");
    }
}

std::vector<std::unique_ptr<TrafficSource>> make_generators(const GeneratorConfig& config) {
    config.validate();
    std::vector<std::unique_ptr<TrafficSource>> sources;
    for (std::uint32_t node = 0; node < config.width * config.height; ++node) {
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
        lists[source].push_back({cycle, NodeId{static_cast<std::uint16_t>(destination)}});
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
