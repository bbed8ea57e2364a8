// tb_chip as its users run it.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "testbenches/tests/program_directory.hpp"
#include "testbenches/tests/vcd_reader.hpp"

using namespace memprop;
using namespace memprop::tb;

namespace {

const std::string kSmall =
    "--set network.inputs=12 --set network.recurrent=10 --set network.outputs=2 --set "
    "network.threshold=0.003 ";
const std::string kFour = "--set chip.mesh_width=2 --set chip.mesh_height=2 ";

struct Scratch : ProgramDirectory {
    Scratch() : ProgramDirectory(TB_CHIP) {}
};

nlohmann::json without_times(nlohmann::json json) {
    for (const char* key : {"wall_s", "simulated_cycles_per_s", "steps_per_s"}) {
        json.erase(key);
    }
    return json;
}

}  // namespace

TEST_CASE("tb_chip: the JSON has its keys, and only the seed decides about its numbers") {
    const Scratch scratch;
    const std::string arguments = kSmall + "--steps 50 --samples 3 --learn on --activity 0.2 --json --seed ";
    const Outcome first = scratch.run(arguments + "7");
    CAPTURE(first.error);
    REQUIRE(first.exit_code == 0);
    CHECK(first.out.find('\n') == first.out.size() - 1);  // the JSON and nothing else
    const auto json = first.json();
    CHECK(json["steps"] == 150);
    CHECK(json["samples"] == 3);
    CHECK(json["loss_history"].size() == 3);
    CHECK(json["counters"]["host.steps"] == 150);
    CHECK(json["counters"]["host.samples"] == 3);
    CHECK(json["counters"]["host.events_in"].get<double>() == doctest::Approx(12 * 150 * 0.2).epsilon(0.2));
    CHECK(json["counters"]["host.update_cycles"].get<double>() > 0);
    CHECK(json["pulses"]["set"].get<double>() > 0);
    for (const char* key : {"cycles", "wall_s", "simulated_cycles_per_s"}) {
        CHECK(json[key].get<double>() > 0.0);
    }
    const auto& phases = json["chip"]["phase_cycles"];
    CHECK(phases["neurons"].get<double>() + phases["readouts"].get<double>() +
              phases["learning"].get<double>() ==
          json["counters"]["host.step_cycles"].get<double>());
    CHECK(without_times(scratch.run(arguments + "7").json()) == without_times(json));
    CHECK(without_times(scratch.run(arguments + "8").json()) != without_times(json));
    CHECK(scratch.run(kSmall + "--steps 5").out.find("1 x 1 cores, 1 in use") != std::string::npos);
}

TEST_CASE("tb_chip: meshes and read modes change the cycles of steps, not the numbers") {
    const Scratch scratch;
    const std::string arguments = kSmall + "--steps 60 --activity 0.3 --csv ";
    REQUIRE(scratch.run(arguments + "one.csv").exit_code == 0);
    REQUIRE(scratch.run(arguments + "four.csv --set chip.read_mode=per_timestep " + kFour).exit_code == 0);
    const auto one = scratch.csv("one.csv"), four = scratch.csv("four.csv");
    REQUIRE(one.size() == 60);
    REQUIRE(four.size() == 60);
    double spikes = 0;
    bool other_cycles = false;
    for (std::size_t t = 0; t < 60; ++t) {
        for (const auto* step : {&one[t], &four[t]}) {
            CHECK(step->at(8) == step->at(2) + step->at(5) + step->at(6) + step->at(7));
        }
        for (const std::size_t same : {0, 1, 3, 4, 9, 10}) {
            CHECK(one[t].at(same) == four[t].at(same));
        }
        CHECK((t == 0 || one[t][2] > one[t - 1][8]));
        spikes += one[t][4];
        other_cycles = other_cycles || one[t][5] != four[t][5];
    }
    CHECK(spikes > 60);
    CHECK(other_cycles);
}

TEST_CASE("tb_chip: stalls and several chips change cycles and energy, not the numbers") {
    const Scratch scratch;
    const std::string arguments = kSmall + kFour + "--steps 40 --activity 0.3 --learn on --json ";
    const Outcome plain = scratch.run(arguments), stalled = scratch.run(arguments + "--stalls 0.3"),
                  chips = scratch.run(arguments +
                                      "--set chip.chip_columns=1 --set chip.chip_rows=1 --set "
                                      "chip.boundary_cycles=9 --set chip.boundary_pj=50 --set "
                                      "chip.boundary_source=made_up");
    REQUIRE(plain.exit_code == 0);
    REQUIRE(stalled.exit_code == 0);
    CAPTURE(chips.error);
    REQUIRE(chips.exit_code == 0);
    const auto expected = plain.json();
    CHECK(expected["counters"]["network.injected_stalls"] == 0);
    CHECK(stalled.json()["counters"]["network.injected_stalls"].get<double>() > 100);
    CHECK_FALSE(expected["counters"].contains("network.forwarded_boundary"));
    CHECK(chips.json()["counters"]["network.forwarded_boundary"].get<double>() > 100);
    CHECK(chips.json()["counters"]["network.energy"].get<double>() >
          expected["counters"]["network.energy"].get<double>());
    for (const auto& other : {stalled.json(), chips.json()}) {
        CHECK(other["loss_history"] == expected["loss_history"]);
        CHECK(other["counters"]["host.events_out"] == expected["counters"]["host.events_out"]);
        CHECK(other["counters"]["host.step_cycles"].get<double>() >
              expected["counters"]["host.step_cycles"].get<double>());
    }
    const Outcome unknown = scratch.run(kSmall + kFour + "--set chip.chip_columns=1");
    CHECK(unknown.exit_code == 2);
    CHECK(unknown.error.find("chip.boundary_pj") != std::string::npos);
}

TEST_CASE("tb_chip: learning the experiment's task gives the losses of memprop train") {
    const Scratch scratch;
    scratch.write("job.toml", "[network]\nrecurrent = 20\n[task]\nsteps = 80\n[run]\nepochs = 1\n");
    const auto chip =
        scratch.run("--experiment job.toml --task --samples 3 --learn on --json " + kFour).json();
    ProgramDirectory functional(MEMPROP_PROGRAM);
    functional.write("job.toml", "[network]\nrecurrent = 20\n[task]\nsteps = 80\n[run]\nepochs = 1\n");
    const auto trained = functional.run("train job.toml --out out --json").json();
    const auto losses = chip["loss_history"].get<std::vector<double>>();
    REQUIRE(losses.size() == 3);
    CHECK(std::accumulate(losses.begin(), losses.end(), 0.0) / 3.0 ==
          trained["loss_history"][0].get<double>());
    CHECK(chip["pulses"] == trained["pulses"]);
}

TEST_CASE("tb_chip: stimulus from a file, steps and waveforms to files") {
    const Scratch scratch;
    scratch.write("spikes.csv", "step,input\r\n4,3\r\n\r\n1,0\r\n1,11\r\n");
    const Outcome run = scratch.run(
        kSmall + kFour + "--stimulus spikes.csv --csv steps.csv --trace chip.vcd --json --learn on");
    CAPTURE(run.error);
    REQUIRE(run.exit_code == 0);
    CHECK(run.json()["steps"] == 5);
    CHECK(run.json()["counters"]["host.events_in"] == 3);
    const auto steps = scratch.csv("steps.csv");
    REQUIRE(steps.size() == 5);
    CHECK(steps[1][3] == 2);
    CHECK(steps[2][3] == 0);
    CHECK(steps[4][3] == 1);
    CHECK(Waveforms(scratch.path / "chip.vcd").at("host.step").back().value == 4);
    CHECK(scratch.files() == 4);  // stimulus, steps, waves, stderr: no temporaries
    CHECK(scratch.run(kSmall + "--stimulus spikes.csv --steps 9 --json").json()["steps"] == 9);
}

TEST_CASE("tb_chip: waveforms show as many cycles as are counted, in the window asked for") {
    const Scratch scratch;
    const std::string arguments = kSmall + kFour +
                                  "--set chip.clock_period_ns=2.5 --set chip.read_mode=per_timestep "
                                  "--activity 0.3 --steps 20 --samples 2 --learn on --json ";
    const auto json = scratch.run(arguments + "--trace all.vcd").json();
    CHECK(without_times(scratch.run(arguments).json()) == without_times(json));  // watching changes nothing
    const Waveforms all(scratch.path / "all.vcd");
    CHECK(all.timescale == "ps");
    constexpr std::uint64_t kPeriod = 2500;
    const auto& counters = json["counters"];
    const auto cycles = [&](const std::string& signal) {
        CHECK(all.high(signal) % kPeriod == 0);
        return all.high(signal) / kPeriod;
    };
    std::uint64_t driving = 0;
    for (int c = 0; c < 4; ++c) {
        const std::string core = "core_" + std::to_string(c), tile_scope = core + ".tile_";
        const auto counted = [&](const std::string& name) {
            return counters[fmt::format("{}.{}", core, name)].get<std::uint64_t>();
        };
        CHECK(cycles(core + ".unit_0_neurons.updating") == counted("neuron_update_cycles"));
        CHECK(cycles(core + ".unit_0_neurons.reading") == counted("neuron_read_cycles"));
        CHECK(cycles(core + ".engine_learning") == counted("learning_cycles"));
        CHECK(cycles(core + ".engine_planning") == counted("planning_cycles"));
        CHECK(cycles(core + ".engine_writing") == counted("write_cycles"));
        CHECK(all.at(core + ".spikes").back().value == counted("spikes"));
        std::uint64_t tiles = 0;
        for (const auto& [name, changes] : all.signals) {
            const bool of_core = name.starts_with(tile_scope);
            tiles += of_core && name.ends_with(".driving") ? cycles(name) : 0;
        }
        driving += tiles;
    }
    std::uint64_t counted = 0;
    for (const auto& [name, value] : counters.items()) {
        counted +=
            name.starts_with("core_") && name.ends_with("driving_cycles") ? value.get<std::uint64_t>() : 0;
    }
    CHECK(driving == counted);
    CHECK(driving > 100);
    CHECK(all.high("mesh.tokens_inside") > 0);
    CHECK(all.high("core_0.tile_0_w_in.reading_out") > 0);
    CHECK(all.at("host.steps_done").back().value == 40);

    REQUIRE(scratch.run(arguments + "--trace some.vcd --trace-steps 19:20").exit_code == 0);
    const Waveforms some(scratch.path / "some.vcd");
    CHECK(some.at("host.steps_done").front().value == 19);
    CHECK(some.at("host.steps_done").back().value == 21);
    CHECK(some.end < all.end);
    const Outcome none = scratch.run(arguments + "--trace none.vcd --trace-steps 40");
    CHECK(none.exit_code == 0);
    CHECK(none.error.find("the run has ended before step 40") != std::string::npos);
    CHECK(!std::filesystem::exists(scratch.path / "none.vcd"));
}

TEST_CASE("tb_chip: bad input is refused with exit code 2 and what is allowed") {
    const Scratch scratch;
    scratch.write("header.csv", "step,row\n");
    scratch.write("range.csv", "step,input\n1,100\n");
    scratch.write("late.csv", "step,input\n10,1\n");
    const std::map<std::string, std::string> cases{
        {"--samples 0", "--samples = 0: must be a whole number from 1"},
        {"--steps 0", "--steps = 0"},
        {"--activity 2", "--activity = 2: must be a number from 0 to 1"},
        {"--learn yes", "--learn = yes: must be off or on"},
        {"--seed x", "--seed = x"},
        {"--set chip.mesh_width=99", "chip.mesh_width = 99"},
        {"--set chip.mesh=2", "unknown key 'chip.mesh'"},
        {"--set chip.neurons_per_core=5", "chip.neurons_per_core = 5: is too few"},
        {"--set chip.tile_cost.conversion_pj=-1", "is not known"},
        {"--set learning.loss=cross_entropy", "needs --task"},
        {"--set crossbar.drift_compensation=true", "crossbar.drift_compensation = true"},
        {"--experiment missing.toml", "missing.toml"},
        {"--task --activity 0.1", "--task and --activity exclude each other"},
        {"--stimulus late.csv --activity 0.1", "--stimulus and --activity exclude each other"},
        {"--stimulus header.csv", "header.csv, line 1 = step,row: the header must be step,input"},
        {"--stimulus range.csv", "range.csv, line 2: input = 100: must be a whole number from 0 to 99"},
        {"--stimulus late.csv --steps 10", "--steps = 10: the stimulus has events up to step 10"},
        {"--trace waves", "must be a name that ends in .vcd"},
        {"--trace-steps 1:2", "--trace-steps needs --trace"},
        {"--trace a.vcd --trace-steps 2:1", "--trace-steps = 2:1: must be FIRST:LAST"},
        {"--trace a.vcd --trace-steps x", "--trace-steps = x: must be"},
    };
    for (const auto& refused : cases) {
        const std::string &arguments = refused.first, &message = refused.second;
        const Outcome outcome = scratch.run(arguments);
        CAPTURE(arguments);
        CAPTURE(outcome.error);
        CHECK(outcome.exit_code == 2);
        CHECK(outcome.out.empty());
        CHECK(outcome.error.find(message) != std::string::npos);
    }
    CHECK(scratch.run(kSmall + "--steps 3 --csv nowhere/steps.csv").exit_code == 1);
    CHECK(scratch.run(kSmall + "--steps 3 --trace nowhere/waves.vcd").exit_code == 1);
    const Outcome help = scratch.run("--help");
    CHECK(help.exit_code == 0);
    CHECK(help.out.find("--stimulus") != std::string::npos);
    CHECK(scratch.files() == 4);
}
