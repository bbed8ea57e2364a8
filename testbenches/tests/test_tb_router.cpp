// tb_router as its users run it, and its traffic generators.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "testbenches/router/traffic.hpp"
#include "testbenches/tests/program_directory.hpp"

using namespace memprop;
using namespace memprop::tb;

namespace {

struct Scratch : ProgramDirectory {
    Scratch() : ProgramDirectory(TB_ROUTER) {}
};

nlohmann::json without_times(nlohmann::json json) {
    json.erase("wall_s");
    json.erase("simulated_cycles_per_s");
    return json;
}

}  // namespace

TEST_CASE("tb_router: the JSON has its keys, and only the seed decides about its numbers") {
    const Scratch scratch;
    const std::string arguments =
        "--mesh 8x8 --pattern uniform --rate 0.05 --cycles 3000 --warmup 500 "
        "--fifo-depth 4 --json --seed ";
    const Outcome first = scratch.run(arguments + "7");
    REQUIRE(first.exit_code == 0);
    const auto json = first.json();
    for (const char* key :
         {"offered_flits_per_node_per_cycle", "accepted_flits_per_node_per_cycle", "latency_mean_cycles",
          "latency_p95_cycles", "latency_max_cycles", "energy_j", "simulated_cycles_per_s", "wall_s"}) {
        CAPTURE(key);
        REQUIRE(json.contains(key));
        CHECK(json[key].is_number());
        CHECK(json[key].get<double>() > 0.0);
    }
    CHECK(json["simulated_cycles_per_s"].get<double>() ==
          doctest::Approx(3500.0 / json["wall_s"].get<double>()));
    CHECK_FALSE(json["energy_source"].get<std::string>().empty());
    CHECK(without_times(scratch.run(arguments + "7").json()) == without_times(json));
    CHECK(without_times(scratch.run(arguments + "8").json()) != without_times(json));
}

TEST_CASE("tb_router: at a low rate all is accepted and latency is hops times two") {
    const Scratch scratch;
    const auto json = scratch.run("--rate 0.002 --cycles 100000 --json").json();
    CHECK(json["offered_flits_per_node_per_cycle"].get<double>() == doctest::Approx(0.002).epsilon(0.04));
    CHECK(std::abs(json["offered_flits"].get<int>() - json["accepted_flits"].get<int>()) < 10);
    // Mean distance of two different nodes of 8 x 8: 16/3; one router more; two cycles each.
    CHECK(json["latency_mean_cycles"].get<double>() == doctest::Approx(2 * (16.0 / 3 + 1)).epsilon(0.02));
    CHECK(json["latency_max_cycles"].get<int>() >= 28);
    CHECK(json["latency_max_cycles"].get<int>() <= 34);
    const auto silent = scratch.run("--rate 0 --json").json();
    CHECK(silent["mesh_process_activations"] == 0);
    CHECK(silent["latency_mean_cycles"].is_null());
}

TEST_CASE("tb_router: uniform traffic saturates at 60 to 100 % of the bisection bound") {
    const Scratch scratch;
    constexpr double kBound = 4.0 / 8;
    for (const char* rate : {"0.6", "1"}) {
        for (const char* seed : {"1", "2"}) {
            const auto json =
                scratch
                    .run(std::string("--mesh 8x8 --fifo-depth 16 --cycles 10000 --json --rate ") + rate +
                         " --seed " + seed)
                    .json();
            const double accepted = json["accepted_flits_per_node_per_cycle"].get<double>();
            CHECK(accepted > 0.6 * kBound);
            CHECK(accepted < kBound);
            CHECK(json["offered_flits_per_node_per_cycle"].get<double>() > accepted);
            CHECK(json["latency_max_cycles"].get<double>() < 20'000);
        }
    }
}

TEST_CASE("tb_router: traffic from a file, latency histogram and waveforms") {
    const Scratch scratch;
    // Two flits that meet in node 1 in the same cycle; one that waits for its own predecessor; CRLF.
    scratch.write("traffic.csv",
                  "cycle,source,destination\r\n0,0,1\r\n0,2,1\r\n\r\n70,2,0\r\n50,0,2\r\n50,0,1\r\n");
    const Outcome run =
        scratch.run("--mesh 3x1 --traffic traffic.csv --csv latency.csv --trace waves.vcd --json");
    REQUIRE(run.exit_code == 0);
    CHECK(run.out.find('\n') == run.out.size() - 1);  // the JSON and nothing else
    const auto json = run.json();
    CHECK(json["offered_flits"] == 5);
    CHECK(json["accepted_flits"] == 5);
    CHECK(json["flits_inside_at_end"] == 0);
    CHECK(json["cycles"] == 70 + 6 + 1);
    CHECK(json["arbitration_stall_cycles"] == 1);
    // 4 and 4 + 1 (arbitration); 6 to node 2, 4 + 1 behind it (one flit a cycle); 6 back.
    CHECK(host::read_text(scratch.path / "latency.csv") == "latency_cycles,flits\n4,1\n5,2\n6,2\n");
    const std::string waves = host::read_text(scratch.path / "waves.vcd");
    for (const char* name : {"router_x0_y0", "router_x2_y0", "in_local_level", "out_east_valid",
                             "out_west_source", "out_local_target"}) {
        CAPTURE(name);
        CHECK(waves.find(name) != std::string::npos);
    }
    CHECK(waves.find("#1250") != std::string::npos);  // the first flit crosses in cycle 1
    CHECK(scratch.files() == 4);                      // traffic, histogram, waves, stderr: no temporaries
    CHECK(scratch.run("--mesh 3x1 --traffic traffic.csv --cycles 20 --json").json()["cycles"] == 20);
}

TEST_CASE("tb_router: a multicast flit arrives once at each leaf of its tree") {
    const Scratch scratch;
    const std::string arguments =
        "--mesh 6x5 --pattern multicast --tree-size 7 --rate 0.01 --cycles 20000 --json";
    const auto json = scratch.run(arguments).json();
    CHECK(json["copies_per_flit"] == 7);
    CHECK(json["accepted_flits"].get<double>() ==
          doctest::Approx(7 * json["offered_flits"].get<double>()).epsilon(0.01));
    // A tree shares links: fewer hops than as many unicasts, more than one a copy.
    CHECK(json["hops"].get<double>() > json["accepted_flits"].get<double>());
    const auto unicast = scratch.run("--mesh 6x5 --rate 0.07 --cycles 20000 --json").json();
    CHECK(json["hops"].get<double>() < 0.8 * unicast["hops"].get<double>());
}

TEST_CASE("tb_router: a point of a curve is what a run at its rate gives") {
    const Scratch scratch;
    for (const char* traffic :
         {"--mesh 4x4 --pattern uniform", "--mesh 4x4 --pattern multicast --stalls 0.2",
          "--mesh 5x3 --pattern hotspot --hotspots 0,14 --fifo-depth 2 --credit-cycles 1"}) {
        CAPTURE(traffic);
        const std::string arguments = std::string(traffic) + " --cycles 2000 --warmup 300 --seed 5 --json";
        const auto curve = scratch.run(arguments + " --loads 0.05:0.95:0.3 --csv curve.csv").json();
        REQUIRE(curve["points"].size() == 4);
        for (const auto& point : curve["points"]) {
            const auto run = scratch.run(arguments + " --rate " + point["rate"].dump()).json();
            for (const auto& item : point.items()) {
                CAPTURE(item.key());
                CHECK((item.key() == "saturated" || run.at(item.key()) == item.value()));
            }
        }
        CHECK(curve["points"][0]["saturated"] == false);
        CHECK(curve["points"][3]["saturated"] == true);
        CHECK(curve["points"][0]["latency_mean_cycles"] < curve["points"][1]["latency_mean_cycles"]);
        CHECK(curve["saturation_rate"].get<double>() > 0.05);
        const std::string table = host::read_text(scratch.path / "curve.csv");
        CHECK(
            table.starts_with("rate,offered_flits_per_node_per_cycle,accepted_flits_per_node_per_cycle,"
                              "latency_mean_cycles,latency_p95_cycles,latency_max_cycles,saturated,"));
        CHECK(std::count(table.begin(), table.end(), '\n') == 5);
        CHECK(table.find("\n0.65,") != std::string::npos);
    }
    const auto loads =
        scratch.run("--loads 0:0.3:0.1 --cycles 100 --warmup 0 --mesh 2x2 --json").json()["points"];
    REQUIRE(loads.size() == 4);
    CHECK(loads[3]["rate"] == 0.3);  // not 0.30000000000000004
    CHECK(loads[0]["latency_mean_cycles"].is_null());
    const Outcome text = scratch.run("--loads 0.1:0.9:0.8 --cycles 1000");
    CHECK(text.exit_code == 0);
    CHECK(text.out.find("saturated\n") != std::string::npos);
}

TEST_CASE("tb_router: credits that take longer cost the throughput of short FIFOs") {
    const Scratch scratch;
    std::string text = "cycle,source,destination\n";
    for (int i = 0; i < 400; ++i) {
        text += "0,0,3\n";
    }
    scratch.write("stream.csv", text);
    const auto cycles = [&](int depth, int credit_cycles) {
        const auto json =
            scratch
                .run("--mesh 4x1 --router-cycles 2 --traffic stream.csv --json --fifo-depth " +
                     std::to_string(depth) + " --credit-cycles " + std::to_string(credit_cycles))
                .json();
        return json["cycles"].get<double>();
    };
    // depth flits in each loop of 2 + 2 + credit cycles.
    CHECK(cycles(1, 0) == doctest::Approx(400 * 4).epsilon(0.02));
    CHECK(cycles(1, 1) == doctest::Approx(400 * 5).epsilon(0.02));
    CHECK(cycles(4, 0) == doctest::Approx(400).epsilon(0.04));
    CHECK(cycles(4, 1) == doctest::Approx(400 * 1.25).epsilon(0.04));
    CHECK(cycles(5, 1) == doctest::Approx(400).epsilon(0.04));
}

TEST_CASE("tb_router: held back FIFOs lose nothing") {
    const Scratch scratch;
    std::string text = "cycle,source,destination\n";
    for (int i = 0; i < 2000; ++i) {
        text += std::to_string(i / 8) + "," + std::to_string(i % 16) + "," +
                std::to_string((i * 7 + 3) % 16) + "\n";
    }
    scratch.write("traffic.csv", text);
    const auto quick = scratch.run("--mesh 4x4 --fifo-depth 2 --traffic traffic.csv --json").json();
    const auto slow =
        scratch.run("--mesh 4x4 --fifo-depth 2 --traffic traffic.csv --stalls 0.4 --json").json();
    for (const auto& json : {quick, slow}) {
        CHECK(json["offered_flits"] == 2000);
        CHECK(json["accepted_flits"] == 2000);
        CHECK(json["hops"] == quick["hops"]);
    }
    CHECK(quick["injected_stall_cycles"] == 0);
    CHECK(slow["injected_stall_cycles"].get<int>() > 1000);
    CHECK(slow["latency_mean_cycles"].get<double>() > quick["latency_mean_cycles"].get<double>());
}

TEST_CASE("tb_router: bad input is refused with exit code 2 and what is allowed") {
    const Scratch scratch;
    scratch.write("empty.csv", "");
    scratch.write("header.csv", "cycle,source,dest\n");
    scratch.write("fields.csv", "cycle,source,destination\n1,2\n");
    scratch.write("number.csv", "cycle,source,destination\n1,2,3\n1,x,3\n");
    scratch.write("range.csv", "cycle,source,destination\n1,2,64\n");
    scratch.write("self.csv", "cycle,source,destination\n1,2,2\n");
    const std::map<std::string, std::string> cases{
        {"--mesh 8", "--mesh = 8: must be WIDTHxHEIGHT"},
        {"--mesh 65x8", "from 1 to 64"},
        {"--mesh 1x1", "at least two routers"},
        {"--pattern random",
         "uniform, transpose, tornado, bit_complement, bit_reversal, shuffle, neighbour, hotspot or "
         "multicast"},
        {"--pattern bit_reversal --mesh 6x8", "needs a number of routers that is a power of two"},
        {"--pattern shuffle --mesh 5x5", "--mesh = 5x5: --pattern shuffle needs a number of routers"},
        {"--pattern tornado --mesh 2x2", "at least three columns or rows"},
        {"--pattern hotspot --hotspots 64", "--hotspots = 64: must be a whole number from 0 to 63"},
        {"--pattern hotspot --hotspots 3,", "--hotspots = : must be a whole number from 0 to 63"},
        {"--pattern hotspot --hotspots 3,4,3", "--hotspots = 3: must name each node once"},
        {"--pattern hotspot --hotspot-share 1.5", "--hotspot-share = 1.5: must be a number from 0 to 1"},
        {"--hotspots 3", "--hotspots has no effect without --pattern hotspot"},
        {"--tree-size 3", "--tree-size has no effect without --pattern multicast"},
        {"--pattern multicast --tree-size 64", "--tree-size = 64: must be from 1 to 63"},
        {"--credit-cycles 32", "from 0 to 31"},
        {"--loads 0.1", "must be FROM:TO:STEP"},
        {"--loads 0.1:0.2:0.1:0.1", "must be FROM:TO:STEP"},
        {"--loads 0.1:1.2:0.1", "must be FROM:TO:STEP"},
        {"--loads 0.1:0.5:0", "STEP must be above 0"},
        {"--loads 0.5:0.1:0.1", "TO not below FROM"},
        {"--loads 0:1:0.0001", "at most 1000 loads"},
        {"--loads 0.1:0.2:0.1 --rate 0.1", "--loads and --rate exclude each other"},
        {"--loads 0.1:0.2:0.1 --trace a.vcd", "--loads and --trace exclude each other"},
        {"--pattern transpose --mesh 4x2", "as many columns as rows"},
        {"--rate 1.01", "--rate = 1.01: must be a number from 0 to 1"},
        {"--rate nan", "--rate = nan"},
        {"--cycles 0", "--cycles = 0: must be a whole number from 1"},
        {"--warmup -1", "--warmup = -1"},
        {"--fifo-depth 257", "from 1 to 256"},
        {"--link-cycles 32", "from 1 to 31"},
        {"--stalls 1", "must be below 1"},
        {"--seed 18446744073709551616", "--seed = 18446744073709551616"},
        {"--trace waves", "must be a name that ends in .vcd"},
        {"--speed 3", "--speed"},
        {"something", "--help lists the options"},
        {"--traffic missing.csv", "missing.csv: cannot be read"},
        {"--traffic empty.csv", "empty.csv: is empty"},
        {"--traffic header.csv", "header.csv, line 1"},
        {"--traffic fields.csv", "fields.csv, line 2"},
        {"--traffic number.csv", "number.csv, line 3: source = x: must be a whole number from 0 to 63"},
        {"--traffic range.csv", "range.csv, line 2: destination = 64"},
        {"--traffic self.csv", "a source never sends to itself"},
        {"--traffic self.csv --rate 0.1", "--rate and --traffic exclude each other"},
    };
    for (const auto& item : cases) {
        const std::string &arguments = item.first, &message = item.second;
        const Outcome outcome = scratch.run(arguments);
        CAPTURE(arguments);
        CAPTURE(outcome.error);
        CHECK(outcome.exit_code == 2);
        CHECK(outcome.out.empty());
        CHECK(outcome.error.find(message) != std::string::npos);
    }
    CHECK(scratch.run("--cycles 10 --csv nowhere/latency.csv").exit_code == 1);
    CHECK(scratch.run("--cycles 10 --trace nowhere/waves.vcd").exit_code == 1);
    CHECK(scratch.run("--help").exit_code == 0);
    CHECK(scratch.files() == 7);
}

TEST_CASE("traffic: generators create flits with the asked probability and geometric gaps") {
    for (const double rate : {0.001, 0.05, 0.4, 1.0}) {
        CAPTURE(rate);
        constexpr double kFlits = 50'000;
        const auto sources = make_generators({.width = 4, .height = 2, .rate = rate, .seed = 5});
        for (const std::size_t node : {0UL, 7UL}) {
            Injection last = sources[node]->next();
            const std::uint64_t first_cycle = last.cycle;
            double squares = 0.0;
            std::array<int, 8> hits{};
            for (int i = 0; i < static_cast<int>(kFlits); ++i) {
                const Injection next = sources[node]->next();
                REQUIRE(next.cycle > last.cycle);
                const auto gap = static_cast<double>(next.cycle - last.cycle);
                squares += (gap - 1 / rate) * (gap - 1 / rate);
                ++hits.at(static_cast<std::size_t>(next.destination));
                last = next;
            }
            // Mean 1/p and variance (1-p)/p^2 of a geometric number; four standard errors.
            const double mean = static_cast<double>(last.cycle - first_cycle) / kFlits;
            const double deviation = std::sqrt(1 - rate) / rate;
            CHECK(std::abs(mean - 1 / rate) <= 4 * deviation / std::sqrt(kFlits));
            CHECK(squares / kFlits == doctest::Approx(deviation * deviation).epsilon(0.05));
            CHECK(hits[node] == 0);
            for (std::size_t other = 0; other < 8; ++other) {
                if (other != node) {
                    CHECK(hits[other] == doctest::Approx(kFlits / 7).epsilon(0.06));
                }
            }
        }
    }
}

TEST_CASE("traffic: patterns send where they say") {
    const auto shares = [](Pattern pattern, std::size_t node) {
        const auto sources = make_generators({.width = 4, .height = 4, .pattern = pattern, .rate = 0.5});
        std::map<int, double> share;
        for (int i = 0; i < 20'000; ++i) {
            const Injection injection = sources[node]->next();
            if (injection.cycle != hw::noc::kNever) {
                share[static_cast<int>(injection.destination)] += 1.0 / 20'000;
            }
        }
        return share;
    };
    CHECK(shares(Pattern::transpose, 1).size() == 1);
    CHECK(shares(Pattern::transpose, 1).contains(4));  // (1, 0) -> (0, 1)
    CHECK(shares(Pattern::transpose, 5).empty());      // the diagonal
    const auto hot = shares(Pattern::hotspot, 0);
    CHECK(hot.size() == 15);
    CHECK(hot.at(10) == doctest::Approx(0.2 + 0.8 / 15).epsilon(0.05));
    CHECK(hot.at(9) == doctest::Approx(0.8 / 15).epsilon(0.15));
    CHECK_FALSE(shares(Pattern::hotspot, 10).contains(10));
}

TEST_CASE("traffic: permutations are those of Dally and Towles") {
    // Of each node of a mesh, where it sends; itself where it is silent.
    const auto images = [](Pattern pattern, std::uint32_t width, std::uint32_t height) {
        const GeneratorConfig config{.width = width, .height = height, .pattern = pattern};
        config.validate();
        std::vector<std::uint32_t> to;
        for (std::uint32_t node = 0; node < config.nodes(); ++node) {
            const Targets targets = targets_of(config, node);
            REQUIRE(targets.uniform.size() <= 1);
            to.push_back(targets.uniform.empty() ? node
                                                 : static_cast<std::uint32_t>(targets.uniform.front()));
        }
        return to;
    };
    using Nodes = std::vector<std::uint32_t>;
    CHECK(images(Pattern::bit_complement, 4, 2) == Nodes{7, 6, 5, 4, 3, 2, 1, 0});
    CHECK(images(Pattern::bit_reversal, 4, 2) == Nodes{0, 4, 2, 6, 1, 5, 3, 7});
    CHECK(images(Pattern::shuffle, 4, 2) == Nodes{0, 2, 4, 6, 1, 3, 5, 7});
    CHECK(images(Pattern::neighbour, 3, 2) == Nodes{4, 5, 3, 1, 2, 0});
    CHECK(images(Pattern::tornado, 5, 1) == Nodes{2, 3, 4, 0, 1});
    CHECK(images(Pattern::tornado, 4, 4).at(0) == 5);  // ceil(4 / 2) - 1 = 1 in both
    CHECK(images(Pattern::tornado, 8, 8).at(9) == 4 * 8 + 4);
    CHECK(images(Pattern::transpose, 3, 3) == Nodes{0, 3, 6, 1, 4, 7, 2, 5, 8});
    // On 2^n x 2^n nodes the transpose of the coordinates is that of the bits: the halves change places.
    const Nodes transposed = images(Pattern::transpose, 8, 8);
    for (std::uint32_t node = 0; node < 64; ++node) {
        CHECK(transposed[node] == ((node << 3 | node >> 3) & 63U));
    }
}

TEST_CASE("traffic: hot spots share their part, and never send it to themselves") {
    const GeneratorConfig config{.width = 4,
                                 .height = 4,
                                 .pattern = Pattern::hotspot,
                                 .rate = 0.5,
                                 .hotspots = {3, 12},
                                 .hotspot_share = 0.6};
    const auto sources = make_generators(config);
    const auto shares = [&](std::size_t node) {
        std::map<int, double> share;
        for (int i = 0; i < 20'000; ++i) {
            share[static_cast<int>(sources[node]->next().destination)] += 1.0 / 20'000;
        }
        return share;
    };
    const auto other = shares(5);
    CHECK(other.at(3) == doctest::Approx(0.3 + 0.4 / 15).epsilon(0.05));
    CHECK(other.at(12) == doctest::Approx(0.3 + 0.4 / 15).epsilon(0.05));
    CHECK(other.at(0) == doctest::Approx(0.4 / 15).epsilon(0.15));
    const auto hot = shares(3);
    CHECK_FALSE(hot.contains(3));
    CHECK(hot.at(12) == doctest::Approx(0.6 + 0.4 / 15).epsilon(0.05));
}

TEST_CASE("traffic: multicast trees have the asked size, other nodes only, and depend on the seed alone") {
    GeneratorConfig config{.width = 5, .height = 3, .pattern = Pattern::multicast, .seed = 3, .tree_size = 6};
    const auto leaves = multicast_leaves(config);
    REQUIRE(leaves.size() == 15);
    std::vector<int> drawn(15);
    for (std::uint32_t node = 0; node < 15; ++node) {
        CHECK(leaves[node].size() == 6);
        for (std::size_t i = 0; i < 6; ++i) {
            CHECK(static_cast<std::uint32_t>(leaves[node][i]) != node);
            CHECK((i == 0 || leaves[node][i - 1] < leaves[node][i]));
            ++drawn.at(static_cast<std::size_t>(leaves[node][i]));
        }
    }
    CHECK(*std::min_element(drawn.begin(), drawn.end()) > 0);
    CHECK(multicast_leaves(config) == leaves);
    config.seed = 4;
    CHECK(multicast_leaves(config) != leaves);
    config.tree_size = 14;
    CHECK(multicast_leaves(config)[7].size() == 14);
}
