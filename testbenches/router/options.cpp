#include "testbenches/router/options.hpp"

#include <fmt/format.h>

#include <boost/program_options.hpp>
#include <limits>
#include <sstream>
#include <string_view>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "testbenches/support/option_values.hpp"

namespace memprop::tb {
namespace {

namespace po = boost::program_options;
using hw::noc::NocParams;

constexpr std::string_view kIntroduction =
    R"(tb_router: drives the event routers of a mesh with traffic and measures latency, throughput and energy

  tb_router --pattern uniform --rate 0.1            one flit per node every 10 cycles on average
  tb_router --rate 0.6 --mesh 8x8 --json            beyond saturation, result as JSON
  tb_router --traffic spikes.csv --csv latency.csv  flits from a file, latency histogram to a file
  tb_router --mesh 2x2 --cycles 200 --warmup 0 --trace mesh.vcd   waveforms for gtkwave

Model: single-flit packets, routers with an input FIFO per port (north, east, south, west, local),
credits, round-robin arbitration, routes along the row first, then along the column. Without load a
flit takes (routers passed) x (router cycles + link cycles). Source queues are unbounded; latency
counts from the creation of a flit, so it includes the wait at the source. Statistics begin after the
warm-up; latency is that of flits created after it. Uniform traffic on k x k routers cannot exceed the
bisection bound of 4/k flits per node and cycle.

Patterns (a source never sends to itself):
  uniform    every other node alike
  transpose  from (x, y) to (y, x); nodes on the diagonal are silent; square meshes
  hotspot    20 % to the node (width/2, height/2), the others uniform
  neighbour  one of the two to four adjacent nodes

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
    add("pattern", text("uniform"), "uniform, transpose, hotspot or neighbour");
    add("rate", text("0.1"), "flits per node and cycle, 0 to 1");
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
    add("csv", po::value<std::string>(), "write the latency histogram (latency_cycles,flits) to this file");
    add("trace", po::value<std::string>(), "write waveforms to this file, NAME.vcd");
    return options;
}

RouterOptions read(const po::variables_map& given) {
    const auto text = [&](const char* name) { return given[name].as<std::string>(); };
    const auto is_set = [&](const char* name) { return given.count(name) != 0 && !given[name].defaulted(); };
    constexpr std::uint64_t kMostCycles = 1'000'000'000'000;
    RouterOptions options;
    parse_mesh(text("mesh"), options.network);
    const auto small = [&](const char* name, std::uint32_t high) {
        return static_cast<std::uint32_t>(parse_integer(std::string("--") + name, text(name), 1, high));
    };
    options.network.fifo_depth = small("fifo-depth", NocParams::kMaxFifoDepth);
    options.network.router_cycles = small("router-cycles", NocParams::kMaxCycles);
    options.network.link_cycles = small("link-cycles", NocParams::kMaxCycles);
    options.network.credit_cycles = static_cast<std::uint32_t>(
        parse_integer("--credit-cycles", text("credit-cycles"), 0, NocParams::kMaxCycles));
    options.network.cost = hw::noc::loihi_hop_cost();
    options.length.cycles = parse_integer("--cycles", text("cycles"), 1, kMostCycles);
    options.length.warmup_cycles = parse_integer("--warmup", text("warmup"), 0, kMostCycles);
    options.pattern_name = text("pattern");
    options.generator = {
        .width = options.network.width,
        .height = options.network.height,
        .pattern = parse_pattern(options.pattern_name),
        .rate = parse_share("--rate", text("rate"), " flits per node and cycle"),
        .seed = parse_integer("--seed", text("seed"), 0, std::numeric_limits<std::uint64_t>::max())};
    options.stall_probability = parse_share("--stalls", text("stalls"), ", below 1");
    if (options.stall_probability >= 1.0) {
        throw InputError("--stalls", text("stalls"), "must be below 1, or nothing would ever move");
    }
    if (is_set("traffic")) {
        for (const char* other : {"pattern", "rate"}) {
            if (is_set(other)) {
                throw InputError(fmt::format("--{} and --traffic exclude each other", other));
            }
        }
        options.traffic_file = text("traffic");
        options.pattern_name = "file";
        if (!is_set("cycles")) {
            options.length.cycles = 0;
        }
        if (!is_set("warmup")) {
            options.length.warmup_cycles = 0;
        }
    } else {
        options.generator.validate();
    }
    if (is_set("csv")) {
        options.csv_file = text("csv");
    }
    if (is_set("trace")) {
        options.trace_file = check_vcd(text("trace"));
    }
    options.json = given.count("json") != 0;
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
