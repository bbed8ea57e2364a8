// tb_core as its users run it.
#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "testbenches/tests/program_directory.hpp"

using namespace memprop;
using namespace memprop::tb;

namespace {

const std::string kSmall =
    "--set network.inputs=12 --set network.recurrent=10 --set network.outputs=2 --set "
    "network.threshold=0.003 ";
const std::string kTwo = "--set chip.mesh_width=2 ";

struct Scratch : ProgramDirectory {
    Scratch() : ProgramDirectory(TB_CORE) {}
};

nlohmann::json without_times(nlohmann::json json) {
    for (const char* key : {"wall_s", "simulated_cycles_per_s"}) {
        json.erase(key);
    }
    return json;
}

}  // namespace

TEST_CASE("tb_core: the JSON has its keys, and only the seed decides about its numbers") {
    const Scratch scratch;
    const std::string arguments =
        kSmall + kTwo + "--core 1 --steps 50 --samples 2 --activity 0.2 --json --seed ";
    const Outcome first = scratch.run(arguments + "7");
    CAPTURE(first.error);
    REQUIRE(first.exit_code == 0);
    CHECK(first.out.find('\n') == first.out.size() - 1);
    const auto json = first.json();
    CHECK(json["core"] == 1);
    CHECK(json["neurons"] == 5);
    CHECK(json["readouts"] == 2);
    CHECK(json["steps"] == 100);
    CHECK(json["spikes"].get<int>() > 50);
    for (const char* key : {"cycles", "load_cycles", "step_cycles_mean", "step_cycles_max", "wall_s"}) {
        CHECK(json[key].get<double>() > 0.0);
    }
    for (const char* part : {"digital", "tile_periphery", "routing"}) {
        CHECK(json["energy_j"][part].get<double>() > 0.0);
    }
    CHECK(json["counters"]["core.unmapped_events"] == 0);
    CHECK(json["counters"]["core.refused_flits"] == 0);
    CHECK(without_times(scratch.run(arguments + "7").json()) == without_times(json));
    CHECK(without_times(scratch.run(arguments + "8").json()) != without_times(json));
    CHECK(scratch.run(kSmall + "--steps 5").out.find("10 neurons, 2 readouts, 3 tiles") != std::string::npos);
}

TEST_CASE("tb_core: a core alone takes the cycles it takes on a chip") {
    const Scratch scratch;
    ProgramDirectory chip(TB_CHIP);
    const std::string silent =
        kSmall + "--set network.threshold=1000 --steps 40 --activity 0.3 --seed 3 --csv ";
    for (const std::string& mode : {std::string(), std::string(" --set chip.read_mode=per_timestep")}) {
        REQUIRE(scratch.run(silent + "core.csv" + mode).exit_code == 0);
        REQUIRE(chip.run(silent + "chip.csv" + mode).exit_code == 0);
        const auto core_steps = scratch.csv("core.csv"), chip_steps = chip.csv("chip.csv");
        REQUIRE(core_steps.size() == 40);
        REQUIRE(chip_steps.size() == 40);
        for (std::size_t t = 0; t < 40; ++t) {
            CHECK(core_steps[t][3] == chip_steps[t][3]);                     // inputs
            CHECK(core_steps[t][6] == chip_steps[t][5]);                     // neuron phase
            CHECK(core_steps[t][7] == chip_steps[t][5] + chip_steps[t][6]);  // readouts out
            CHECK(core_steps[t][8] == chip_steps[t][8] - chip_steps[t][2]);  // the whole step
        }
    }
}

TEST_CASE("tb_core: spikes of other cores, learning, steps and waveforms to files") {
    const Scratch scratch;
    // Rows 12 .. 16 are the five neurons of the first core.
    scratch.write("spikes.csv", "step,input\n0,0\n0,3\n0,12\n2,16\n");
    const std::string arguments = kSmall + kTwo + "--core 1 --stimulus spikes.csv --steps 4 --json ";
    const Outcome run = scratch.run(arguments + "--csv steps.csv --trace core.vcd --learn on");
    CAPTURE(run.error);
    REQUIRE(run.exit_code == 0);
    const auto steps = scratch.csv("steps.csv");
    REQUIRE(steps.size() == 4);
    CHECK(steps[0][3] == 2);
    CHECK(steps[0][4] == 1);
    CHECK(steps[2][4] == 1);
    CHECK(steps[3][3] + steps[3][4] == 0);
    const auto json = run.json();
    CHECK(json["events"].get<int>() == 4 + json["spikes"].get<int>());
    CHECK(json["counters"]["core.learning_cycles"].get<double>() > 0);
    const auto idle = scratch.run(arguments).json();
    CHECK(idle["counters"]["core.learning_cycles"] == 0);
    CHECK(idle["step_cycles_mean"].get<double>() < json["step_cycles_mean"].get<double>());
    const std::string waves = host::read_text(scratch.path / "core.vcd");
    for (const char* name : {"core_0", "neurons_reading", "readouts_updating", "engine_learning", "tile_2",
                             "driving", "flits_inside"}) {
        CAPTURE(name);
        CHECK(waves.find(name) != std::string::npos);
    }
    CHECK(scratch.files() == 4);
}

TEST_CASE("tb_core: bad input is refused with exit code 2 and what is allowed") {
    const Scratch scratch;
    scratch.write("range.csv", "step,input\n1,12\n");
    const std::map<std::string, std::string> cases{
        {"--core 1", "--core = 1: the plan has 1 cores"},
        {"--core x", "--core = x"},
        {"--task", "task"},
        {"--steps 0", "--steps = 0"},
        {"--learn maybe", "--learn = maybe: must be off or on"},
        {"--stimulus range.csv", "range.csv, line 2: input = 12: must be a whole number from 0 to 11"},
        {"--set chip.tiles_per_core=1", "chip.tiles_per_core = 1"},
        {"--trace waves", "must be a name that ends in .vcd"},
    };
    for (const auto& [arguments, message] : cases) {
        const Outcome outcome = scratch.run(kSmall + arguments);
        CAPTURE(arguments);
        CAPTURE(outcome.error);
        CHECK(outcome.exit_code == 2);
        CHECK(outcome.out.empty());
        CHECK(outcome.error.find(message) != std::string::npos);
    }
    CHECK(scratch.run(kSmall + "--steps 3 --csv nowhere/steps.csv").exit_code == 1);
    CHECK(scratch.run("--help").exit_code == 0);
    CHECK(scratch.files() == 2);
}
