// tb_tile as its users run it.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host_runtime/files/atomic_file.hpp"
#include "testbenches/tests/program_directory.hpp"

using namespace memprop;
using namespace memprop::tb;

namespace {

struct Scratch : ProgramDirectory {
    Scratch() : ProgramDirectory(TB_TILE) {}
};

nlohmann::json without_times(nlohmann::json json) {
    for (const char* key : {"wall_s", "simulated_cycles_per_s", "steps_per_s"}) {
        json.erase(key);
    }
    return json;
}

}  // namespace

TEST_CASE("tb_tile: the JSON has its keys, and only the seed decides about its numbers") {
    const Scratch scratch;
    const std::string arguments = "--rows 40 --columns 30 --steps 200 --write-every 50 --json --seed ";
    const Outcome first = scratch.run(arguments + "7");
    REQUIRE(first.exit_code == 0);
    CHECK(first.out.find('\n') == first.out.size() - 1);  // the JSON and nothing else
    const auto json = first.json();
    CHECK(json["steps"] == 200);
    CHECK(json["write_bursts"] == 4);
    CHECK(json["events"].get<double>() == doctest::Approx(40 * 200 * 0.05).epsilon(0.2));
    for (const char* key : {"cycles", "step_cycles_mean", "step_cycles_max", "write_cycles", "wall_s",
                            "simulated_cycles_per_s"}) {
        CAPTURE(key);
        CHECK(json[key].get<double>() > 0.0);
    }
    for (const char* part : {"periphery", "device_set", "device_reset", "device_read"}) {
        CHECK(json["energy_j"][part].get<double>() > 0.0);
    }
    CHECK(json["counters"]["tile.conversions"] == 30 * json["counters"]["tile.steps_with_events"].get<int>());
    CHECK_FALSE(json["energy_source"].get<std::string>().empty());
    CHECK(without_times(scratch.run(arguments + "7").json()) == without_times(json));
    CHECK(without_times(scratch.run(arguments + "8").json()) != without_times(json));
    CHECK(scratch.run("--rows 4 --columns 4 --steps 9").out.find("energy of the tile: Khaddam-Aljameh") !=
          std::string::npos);
}

TEST_CASE("tb_tile: both read modes give the same sums, each in the cycles of its formula") {
    const Scratch scratch;
    const std::string arguments =
        "--rows 60 --columns 12 --steps 100 --activity 0.1 --drive-cycles 3 --conversion-cycles 7 "
        "--columns-per-converter 4 --csv ";
    REQUIRE(scratch.run(arguments + "event.csv").exit_code == 0);
    REQUIRE(scratch.run(arguments + "step.csv --read-mode per_timestep").exit_code == 0);
    const auto per_event = scratch.csv("event.csv"), per_timestep = scratch.csv("step.csv");
    REQUIRE(per_event.size() == 100);
    REQUIRE(per_timestep.size() == 100);
    double events = 0;
    for (std::size_t i = 0; i < 100; ++i) {
        const auto &a = per_event[i], &b = per_timestep[i];
        REQUIRE(a.size() == 5 + 12);
        CHECK(a[0] == static_cast<double>(i));
        CHECK(a[4] - a[3] == (a[1] == 0 ? 0 : 3 * a[1] + 4 * 7));
        CHECK(b[4] - b[3] == (b[1] == 0 ? 0 : 3 + 4 * 7));
        CHECK(a[1] == b[1]);
        CHECK(std::equal(a.begin() + 5, a.end(), b.begin() + 5, b.end()));
        events += a[1];
    }
    CHECK(events > 300);
    CHECK(per_event[50] != per_event[51]);
}

TEST_CASE("tb_tile: converters round to their codes, in the same cycles") {
    const Scratch scratch;
    const std::string arguments = "--rows 30 --columns 6 --steps 1200 --activity 0.2 --csv ";
    REQUIRE(scratch.run(arguments + "ideal.csv").exit_code == 0);
    REQUIRE(scratch.run(arguments + "coarse.csv --adc-bits 4").exit_code == 0);
    const auto ideal = scratch.csv("ideal.csv"), coarse = scratch.csv("coarse.csv");
    std::map<double, int> codes;
    for (std::size_t i = 0; i < ideal.size(); ++i) {
        CHECK(std::equal(ideal[i].begin(), ideal[i].begin() + 5, coarse[i].begin()));
        if (i > 1100) {  // calibrated by then
            for (std::size_t c = 5; c < 11; ++c) {
                ++codes[coarse[i][c]];
            }
        }
    }
    CHECK(codes.size() > 3);
    CHECK(codes.size() <= 16);
}

TEST_CASE("tb_tile: stimulus from a file, steps and waveforms to files") {
    const Scratch scratch;
    scratch.write("spikes.csv", "step,row\r\n4,3\r\n\r\n1,0\r\n1,2\r\n");
    const Outcome run = scratch.run(
        "--rows 4 --columns 3 --stimulus spikes.csv --event-gap 2 --csv steps.csv --trace tile.vcd --json");
    REQUIRE(run.exit_code == 0);
    CHECK(run.json()["events"] == 3);
    CHECK(run.json()["steps"] == 5);
    const auto steps = scratch.csv("steps.csv");
    REQUIRE(steps.size() == 5);
    CHECK(steps[1][1] == 2);
    CHECK(steps[1][3] - steps[1][2] == 2);       // one gap
    CHECK(steps[1][4] - steps[1][2] == 10 + 8);  // two drives of 5, a conversion
    CHECK(steps[4][4] - steps[4][3] == 5 + 8);
    const std::string waves = host::read_text(scratch.path / "tile.vcd");
    for (const char* name :
         {"driving", "reading_out", "writing", "waiting", "row_events", "sum_column_0", "sum_column_2"}) {
        CAPTURE(name);
        CHECK(waves.find(name) != std::string::npos);
    }
    CHECK(scratch.files() == 4);  // stimulus, steps, waves, stderr: no temporaries
    CHECK(scratch.run("--rows 4 --stimulus spikes.csv --steps 9 --json").json()["steps"] == 9);
}

TEST_CASE("tb_tile: the SRAM tile behind the same options") {
    const Scratch scratch;
    const std::string arguments =
        "--tile sram --rows 50 --columns 20 --weight-bits 4 --word-bits 32 --steps 60 --json --csv ";
    const auto per_event = scratch.run(arguments + "event.csv").json();
    const auto per_timestep = scratch.run(arguments + "step.csv --read-mode per_timestep").json();
    CHECK(per_event["counters"]["tile.words_read"] == per_timestep["counters"]["tile.words_read"]);
    CHECK(host::read_text(scratch.path / "event.csv") == host::read_text(scratch.path / "step.csv"));
    for (const auto& step : scratch.csv("event.csv")) {
        CHECK(step[4] - step[3] == 3 * step[1]);
        CHECK(std::all_of(step.begin() + 5, step.end(), [](double s) { return s == double(int(s)); }));
    }
    CHECK_FALSE(per_event.contains("device_energy_source"));
}

TEST_CASE("tb_tile: bad input is refused with exit code 2 and what is allowed") {
    const Scratch scratch;
    scratch.write("empty.csv", "");
    scratch.write("header.csv", "step;row\n");
    scratch.write("fields.csv", "step,row\n1,2,3\n");
    scratch.write("number.csv", "step,row\n1,2\n-1,3\n");
    scratch.write("range.csv", "step,row\n1,128\n");
    scratch.write("twice.csv", "step,row\n1,5\n2,5\n1,5\n");
    const std::map<std::string, std::string> cases{
        {"--tile dram", "--tile = dram: must be crossbar or sram"},
        {"--read-mode never", "--read-mode = never: must be per_event or per_timestep"},
        {"--rows 0", "--rows = 0: must be a whole number from 1 to 4096"},
        {"--columns 5000", "--columns = 5000"},
        {"--activity 1.5", "--activity = 1.5: must be a number from 0 to 1"},
        {"--activity nan", "--activity = nan"},
        {"--cycle-ns 0", "--cycle-ns = 0"},
        {"--steps 0", "--steps = 0"},
        {"--adc-bits 17", "--adc-bits = 17: must be a whole number from 0 to 16"},
        {"--drive-cycles 0", "--drive-cycles = 0"},
        {"--device none", "none"},
        {"--weight-bits 4", "--weight-bits is an option of --tile sram"},
        {"--tile sram --adc-bits 4", "--adc-bits is an option of --tile crossbar"},
        {"--tile sram --weight-bits 16 --rows 1000", "tile.rows = 1000: must be at most 512"},
        {"--tile sram --weight-bits 8 --word-bits 4", "--word-bits = 4: must be a whole number from 8"},
        {"--trace waves", "must be a name that ends in .vcd"},
        {"--speed 3", "--speed"},
        {"--stimulus missing.csv", "missing.csv: cannot be read"},
        {"--stimulus empty.csv", "empty.csv: is empty"},
        {"--stimulus header.csv", "header.csv, line 1"},
        {"--stimulus fields.csv", "fields.csv, line 2"},
        {"--stimulus number.csv", "number.csv, line 3: step = -1: must be a whole number"},
        {"--stimulus range.csv", "range.csv, line 2: row = 128: must be a whole number from 0 to 127"},
        {"--stimulus twice.csv", "twice.csv, line 4: row = 5: has its event of step 1 already in line 2"},
        {"--stimulus twice.csv --activity 0.1", "--stimulus and --activity exclude each other"},
        {"--rows 200 --stimulus range.csv --steps 1", "--steps = 1: the stimulus has events up to step 1"},
    };
    for (const auto& [arguments, message] : cases) {
        const Outcome outcome = scratch.run(arguments);
        CAPTURE(arguments);
        CAPTURE(outcome.error);
        CHECK(outcome.exit_code == 2);
        CHECK(outcome.out.empty());
        CHECK(outcome.error.find(message) != std::string::npos);
    }
    CHECK(scratch.run("--steps 10 --csv nowhere/steps.csv").exit_code == 1);
    CHECK(scratch.run("--steps 10 --trace nowhere/waves.vcd").exit_code == 1);
    CHECK(scratch.run("--help").exit_code == 0);
    CHECK(scratch.files() == 7);
}
