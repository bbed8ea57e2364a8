// tb_router as its users run it, and its traffic generators.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

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
        {"--pattern random", "uniform, transpose, hotspot or neighbour"},
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
    for (const auto& [arguments, message] : cases) {
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
    const auto corner = shares(Pattern::neighbour, 0);
    CHECK(corner.size() == 2);
    CHECK(corner.at(1) == doctest::Approx(0.5).epsilon(0.05));
    CHECK(corner.at(4) == doctest::Approx(0.5).epsilon(0.05));
    CHECK(shares(Pattern::neighbour, 5).size() == 4);
    const auto hot = shares(Pattern::hotspot, 0);
    CHECK(hot.size() == 15);
    CHECK(hot.at(10) == doctest::Approx(0.2 + 0.8 / 15).epsilon(0.05));
    CHECK(hot.at(9) == doctest::Approx(0.8 / 15).epsilon(0.15));
    CHECK_FALSE(shares(Pattern::hotspot, 10).contains(10));
}
