#include "testbenches/router/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <sstream>
#include <string_view>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "testbenches/support/option_reader.hpp"
#include "testbenches/support/option_values.hpp"

namespace memprop::tb {
namespace {

namespace po = boost::program_options;
using hw::noc::NocParams;

constexpr std::string_view kIntroduction =
    R"(tb_router: drives the event routers of a mesh with traffic and measures latency, throughput and energy

  tb_router --pattern uniform --rate 0.1            one flit per node every 10 cycles on average
  tb_router --rate 0.6 --mesh 8x8 --json            beyond saturation, result as JSON
  tb_router --pattern tornado --loads 0.02:0.5:0.02 --csv curve.csv     latency against load, one line a load
  tb_router --loads 0.02:0.5:0.02 --json > curve.json; scripts/plot.py curve.json   the same as a figure
  tb_router --pattern hotspot --hotspots 27,36 --hotspot-share 0.3      30 % of all flits to two nodes
  tb_router --pattern multicast --tree-size 12 --rate 0.02              each flit to 12 nodes
  tb_router --traffic spikes.csv --csv latency.csv  flits from a file, latency histogram to a file
  tb_router --mesh 2x2 --cycles 200 --warmup 0 --trace mesh.vcd   waveforms for gtkwave

Model: single-flit packets, routers with an input FIFO per port (north, east, south, west, local),
credits, round-robin arbitration, routes along the row first, then along the column. Without load a
flit takes (routers passed) x (router cycles + link cycles). A link carries at most one flit a cycle, and
at most fifo depth flits per loop of router cycles + 2 link cycles + credit cycles: FIFOs shorter than that
loop cost throughput. Source queues are unbounded; latency counts from the creation of a flit, so it
includes the wait at the source. Statistics begin after the warm-up; latency is that of flits created
after it.

Reading a curve: at low load latency is that of the way alone. It rises as links fill, and without bound
from the load on at which the busiest link would need more than a flit a cycle: accepted stays behind
offered, source queues grow, and the latency that is reported only says how long the run was. Such points
are marked saturated (accepted less than 95 % of offered). Uniform traffic on k x k routers cannot exceed
the bisection bound of 4/k flits per node and cycle; routers lose part of that to flits that wait behind
others with another way (there are no virtual channels).

Patterns, node = y * width + x (Dally and Towles, Principles and Practices of Interconnection Networks,
2004, table 3.1); a node that a pattern maps to itself is silent:
  uniform         every other node alike
  transpose       from (x, y) to (y, x); square meshes
  tornado         each coordinate + ceil(side / 2) - 1, modulo the side
  bit_complement  all bits of the node inverted          } the number of nodes
  bit_reversal    the bits of the node in reverse order  } must be a
  shuffle         the bits of the node rotated left      } power of two
  neighbour       each coordinate + 1, modulo the side (a mesh has no link for the way around)
  hotspot         --hotspot-share of the flits to the nodes of --hotspots alike, the others uniform
  multicast       along a tree to --tree-size other nodes, drawn once for each source; offered counts
                  flits sent, accepted and latency the copies that arrive

)";

void parse_mesh(const std::string& text, NocParams& network) {
    const std::size_t cross = text.find('x');
    try {
        if (cross == std::string::npos) {
            throw InputError("");
        }
        network.width =
            static_cast<std::uint32_t>(parse_integer("", text.substr(0, cross), 1, NocParams::kMaxSide));
        network.height =
            static_cast<std::uint32_t>(parse_integer("", text.substr(cross + 1), 1, NocParams::kMaxSide));
    } catch (const InputError&) {
        throw InputError("--mesh", text,
                         fmt::format("must be WIDTHxHEIGHT with whole numbers from 1 to {}, such as 8x8",
                                     NocParams::kMaxSide));
    }
}

po::options_description describe() {
    const auto text = [](const char* fallback) { return po::value<std::string>()->default_value(fallback); };
    po::options_description options("Options");
    auto add = options.add_options();
    add("help,h", "this text");
    add("mesh", text("8x8"), "columns x rows of routers");
    add("pattern", text("uniform"), "where flits go, see above");
    add("hotspots", po::value<std::string>(),
        "nodes of --pattern hotspot, such as 27,36; without it (width / 2, height / 2)");
    add("hotspot-share", text("0.2"), "share of the flits that go there, 0 to 1");
    add("tree-size", text("4"), "leaves of each tree of --pattern multicast");
    add("rate", text("0.1"), "flits per node and cycle, 0 to 1");
    add("loads", po::value<std::string>(),
        "FROM:TO:STEP instead of --rate: a run for each of these rates, on the plain model of the mesh");
    add("cycles", text("100000"), "cycles to measure, after the warm-up");
    add("warmup", text("10000"), "cycles before statistics begin");
    add("fifo-depth", text("16"), "flits per input FIFO");
    add("router-cycles", text("1"), "router pipeline: from arrival at a FIFO to the crossbar");
    add("link-cycles", text("1"), "from the crossbar to the next FIFO; credits take as long");
    add("credit-cycles", text("0"), "more cycles before a freed place can be filled again");
    add("seed", text("1"), "fixes everything random");
    add("stalls", text("0"), "verification: probability that a FIFO is held back in a cycle");
    add("traffic", po::value<std::string>(),
        "CSV file with the header cycle,source,destination (node = y * width + x) instead of a pattern; "
        "without --cycles it runs until every flit has been received, without --warmup there is none");
    add("json", "one JSON object on the last line of stdout");
    add("csv", po::value<std::string>(),
        "write the latency histogram (latency_cycles,flits) to this file; with --loads the curve");
    add("trace", po::value<std::string>(), "write waveforms to this file, NAME.vcd");
    return options;
}

double parse_rate(const std::string& all, std::string_view text) {
    double value = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !(value >= 0.0 && value <= 1.0)) {
        throw InputError("--loads", all,
                         "must be FROM:TO:STEP with numbers from 0 to 1, such as 0.02:0.5:0.02");
    }
    return value;
}

// FROM, FROM + STEP, ... up to TO, as they are written (the sum of many steps would not be).
std::vector<double> parse_loads(const std::string& text) {
    constexpr double kDigits = 1e9;
    constexpr std::size_t kMostLoads = 1000;
    const std::size_t first = text.find(':'), second = text.find(':', first + 1);
    const auto part = [&](std::size_t begin, std::size_t end) {
        return parse_rate(text, std::string_view(text).substr(begin, end - begin));
    };
    const double from = part(0, std::min(first, text.size()));
    if (first == text.npos || second == text.npos) {
        parse_rate(text, "");
    }
    const double to = part(first + 1, second), step = part(second + 1, text.size());
    if (!(step >= 1.0 / kDigits && from <= to)) {
        throw InputError("--loads", text, "STEP must be above 0 and TO not below FROM");
    }
    std::vector<double> loads;
    for (std::size_t i = 0;; ++i) {
        const double load = std::round((from + static_cast<double>(i) * step) * kDigits) / kDigits;
        if (load > to) {
            return loads;
        }
        if (loads.size() == kMostLoads) {
            throw InputError("--loads", text, fmt::format("must be at most {} loads", kMostLoads));
        }
        loads.push_back(load);
    }
}

std::vector<std::uint32_t> parse_nodes(const std::string& text, std::uint32_t nodes) {
    std::vector<std::uint32_t> list;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        list.push_back(static_cast<std::uint32_t>(
            parse_integer("--hotspots", std::string_view(text).substr(begin, end - begin), 0, nodes - 1)));
        begin = end + 1;
    }
    return list;
}

// Patterns and rates.
void read_traffic_options(const OptionReader& given, RouterOptions& options) {
    options.pattern_name = given.text("pattern");
    GeneratorConfig& generator = options.generator;
    generator.width = options.network.width;
    generator.height = options.network.height;
    generator.pattern = parse_pattern(options.pattern_name);
    generator.rate = parse_share("--rate", given.text("rate"), " flits per node and cycle");
    generator.seed = given.integer("seed", 0, std::numeric_limits<std::uint64_t>::max());
    generator.hotspot_share = parse_share("--hotspot-share", given.text("hotspot-share"), "");
    generator.tree_size = given.small("tree-size", 1, NocParams::kMaxSide * NocParams::kMaxSide - 1);
    if (given.is_set("hotspots")) {
        generator.hotspots = parse_nodes(given.text("hotspots"), options.network.nodes());
    }
    const auto needs = [&](const char* name, Pattern pattern, const char* what) {
        if (given.is_set(name) && (generator.pattern != pattern || given.is_set("traffic"))) {
            throw InputError(fmt::format("--{} has no effect without --pattern {}", name, what));
        }
    };
    needs("hotspots", Pattern::hotspot, "hotspot");
    needs("hotspot-share", Pattern::hotspot, "hotspot");
    needs("tree-size", Pattern::multicast, "multicast");
    for (const char* other : {"rate", "traffic", "trace"}) {
        given.refuse_together("loads", other);
    }
    if (given.is_set("loads")) {
        options.loads = parse_loads(given.text("loads"));
    }
    if (given.is_set("traffic")) {
        given.refuse_together("pattern", "traffic");
        given.refuse_together("rate", "traffic");
        options.traffic_file = given.text("traffic");
        options.pattern_name = "file";
        if (!given.is_set("cycles")) {
            options.length.cycles = 0;
        }
        if (!given.is_set("warmup")) {
            options.length.warmup_cycles = 0;
        }
        return;
    }
    generator.validate();
    if (generator.pattern == Pattern::multicast) {
        options.network.multicast_trees = options.network.nodes();
    }
}

RouterOptions read(const po::variables_map& variables) {
    const OptionReader given(variables);
    constexpr std::uint64_t kMostCycles = 1'000'000'000'000;
    RouterOptions options;
    NocParams& network = options.network;
    parse_mesh(given.text("mesh"), network);
    network.fifo_depth = given.small("fifo-depth", 1, NocParams::kMaxFifoDepth);
    network.router_cycles = given.small("router-cycles", 1, NocParams::kMaxCycles);
    network.link_cycles = given.small("link-cycles", 1, NocParams::kMaxCycles);
    network.credit_cycles = given.small("credit-cycles", 0, NocParams::kMaxCycles);
    network.cost = hw::noc::loihi_hop_cost();
    options.length.cycles = given.integer("cycles", 1, kMostCycles);
    options.length.warmup_cycles = given.integer("warmup", 0, kMostCycles);
    options.stall_probability = parse_share("--stalls", given.text("stalls"), ", below 1");
    if (options.stall_probability >= 1.0) {
        throw InputError("--stalls", given.text("stalls"), "must be below 1, or nothing would ever move");
    }
    read_traffic_options(given, options);
    if (given.is_set("csv")) {
        options.csv_file = given.text("csv");
    }
    if (given.is_set("trace")) {
        options.trace_file = check_vcd(given.text("trace"));
    }
    options.json = given.has("json");
    return options;
}

}  // namespace

std::optional<RouterOptions> parse_router_options(int argc, const char* const* argv) {
    const po::options_description described = describe();
    po::variables_map given;
    try {
        const po::positional_options_description none;
        po::store(po::command_line_parser(argc, argv).options(described).positional(none).run(), given);
        po::notify(given);
    } catch (const po::error& error) {
        throw InputError(fmt::format("{}; --help lists the options", error.what()));
    }
    if (given.count("help") != 0) {
        std::ostringstream list;
        list << described;
        put("{}{}", kIntroduction, list.str());
        return std::nullopt;
    }
    return read(given);
}

}  // namespace memprop::tb
