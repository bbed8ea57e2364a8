// tb_digital_core as users run it.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "host_runtime/files/atomic_file.hpp"

namespace {

namespace fs = std::filesystem;

// SystemC changes stacks, and AddressSanitizer misjudges exceptions after that.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kThrowsWhileSimulating = false;
#else
constexpr bool kThrowsWhileSimulating = true;
#endif

class Scratch {
public:
    Scratch() : path_(fs::temp_directory_path() / ("memprop_core_" + std::to_string(::getpid()))) {
        fs::create_directories(path_);
    }
    ~Scratch() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    fs::path operator/(const char* name) const { return path_ / name; }

private:
    fs::path path_;
};

struct Outcome {
    int code = -1;
    std::string out, err;
};

Outcome run(const Scratch& scratch, const std::string& arguments) {
    const std::string command = std::string(TB_DIGITAL_CORE) + " " + arguments + " >" +
                                (scratch / "out").string() + " 2>" + (scratch / "err").string();
    const int status = std::system(command.c_str());  // NOLINT: a shell is what users have
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, memprop::host::read_text(scratch / "out"),
            memprop::host::read_text(scratch / "err")};
}

void check_script(const Scratch& scratch, const fs::path& script) {
    for (const std::string level : {"transaction", "pin"}) {
        CAPTURE(script.string());
        CAPTURE(level);
        const fs::path out = scratch / "observed.txt";
        const Outcome outcome =
            run(scratch, "--level " + level + " --script " + script.string() + " --out " + out.string());
        CHECK(outcome.code == 0);
        CHECK(memprop::host::read_text(out) == memprop::host::read_text(script));
    }
}

std::string without_lines(const std::string& text, const std::string& start) {
    std::istringstream in(text);
    std::string kept;
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with(start)) {
            kept += line + "\n";
        }
    }
    return kept;
}

nlohmann::json last_json(const std::string& text) {
    const std::size_t end = text.find_last_not_of('\n');
    return nlohmann::json::parse(text.substr(text.find_last_of('\n', end) + 1));
}

}  // namespace

TEST_CASE("tb_digital_core: random configurations kept with the sources, at both levels") {
    const Scratch scratch;
    int files = 0;
    for (const auto& entry : fs::directory_iterator(fs::path(MEMPROP_TEST_DATA) / "digital_core")) {
        check_script(scratch, entry.path());
        ++files;
    }
    CHECK(files == 6);
}

TEST_CASE("tb_digital_core: random configurations observed on the RTL") {
    const Scratch scratch;
    const fs::path directory = fs::path(MEMPROP_REFERENCE_DATA) / "digital_core/random_configs";
    int files = 0;
    for (const auto& entry : fs::directory_iterator(directory)) {
        check_script(scratch, entry.path());
        ++files;
    }
    CHECK(files == 2);  // a file that is missing is noticed
}

TEST_CASE("tb_digital_core: observed values in the input do not matter") {
    const Scratch scratch;
    const std::string text =
        memprop::host::read_text(fs::path(MEMPROP_TEST_DATA) / "digital_core/random_1.txt");
    std::istringstream in(text);
    std::ofstream blanked(scratch / "blank.txt");
    for (std::string line; std::getline(in, line);) {
        const std::size_t z = line.find(" z");
        if (line.starts_with("tick") && z != std::string::npos) {
            for (std::size_t i = z + 2; i < line.size() && line[i] != ' '; ++i) {
                line[i] = 'x';
            }
        }
        if (line.starts_with("fw") || line.starts_with("fneur")) {
            const std::size_t words = line.find(' ', line.find(' ') + 1);
            for (std::size_t i = words; i < line.size(); ++i) {
                line[i] = line[i] == ' ' ? ' ' : '0';
            }
        }
        blanked << line << "\n";
    }
    blanked.close();
    CHECK(run(scratch, "--script " + (scratch / "blank.txt").string() + " --out " + (scratch / "o").string())
              .code == 0);
    CHECK(memprop::host::read_text(scratch / "o") == text);
}

TEST_CASE("tb_digital_core: a mistake in a script is refused with file and line") {
    const Scratch scratch;
    const std::string good =
        memprop::host::read_text(fs::path(MEMPROP_TEST_DATA) / "digital_core/random_5.txt");
    const auto refuse = [&](const std::string& text, const std::string& message) {
        CAPTURE(message);
        const fs::path script = scratch / "bad.txt";
        std::ofstream(script) << text;
        const Outcome outcome =
            run(scratch, "--script " + script.string() + " --out " + (scratch / "o").string());
        CHECK(outcome.code == 2);
        CHECK(outcome.err.find(message) != std::string::npos);
        CHECK_FALSE(fs::exists(scratch / "o"));
    };
    refuse("", "bad.txt:0: the script has no sample");
    refuse("reg 24 1\n" + good, "bad.txt:1: register 24 does not exist");
    refuse("reg 9 seven\n" + good, "bad.txt:1: 'seven' is not a whole number");
    refuse("reg 9\n" + good, "bad.txt:1: must have the form 'reg NUMBER VALUE'");
    refuse("winp 256 00000000\n" + good, "bad.txt:1: 256 must be in [0, 255]");
    refuse("winp 1 0000000\n" + good, "bad.txt:1: '0000000' must be a word of 8 hexadecimal digits");
    refuse("neur 1 alpha 0x8fff thr 3\n" + good, "bad.txt:1: alpha 0x8fff contradicts ALPHA_CONF");
    refuse("weights\n" + good, "bad.txt:1: unknown line 'weights'");
    refuse("tick 0\n" + good, "bad.txt:1: a tick must follow");
    refuse(without_lines(good, "tv0"), "must stand before the first sample");
    refuse(without_lines(good, "tick 15"), "the sample has 15 ticks");
    refuse(without_lines(good, "tick 7"), "tick 8 out of order: 7 comes next");
    refuse(without_lines(good, "sample 0"), "a tick must follow");
    refuse(good + "sample 2\ntick 0 in 300\n", "300 must be in [0, 255]");
    refuse(good + "fwinp 0 12\n", "must have 8 hexadecimal digits");
    std::string no_target = good;
    const std::size_t target = no_target.find(" target");
    REQUIRE(target != std::string::npos);
    no_target.erase(target, no_target.find('\n', target) - target);
    if (kThrowsWhileSimulating) {
        refuse(no_target, "the core waits for a target");
    }
    CHECK(run(scratch, "--script /nowhere/script.txt --out /tmp/o").code == 2);
}

TEST_CASE("tb_digital_core: command line") {
    const Scratch scratch;
    const Outcome help = run(scratch, "--help");
    CHECK(help.code == 0);
    CHECK(help.out.find("--cue-accumulation") != std::string::npos);
    CHECK(run(scratch, "").code == 2);
    CHECK(run(scratch, "--level gate --cue-accumulation").code == 2);
    CHECK(run(scratch, "--cue-accumulation --epochs 0").code == 2);
    if (kThrowsWhileSimulating) {
        CHECK(run(scratch, "--cue-accumulation --train 51").code == 2);
    }
    CHECK(run(scratch, "--cue-accumulation a b").code == 2);
    CHECK(run(scratch, "--script x").code == 2);
    CHECK(run(scratch, "--nonsense").code == 2);
    CHECK(run(scratch, "--cue-accumulation /nowhere").code == 2);
    const std::string script = (fs::path(MEMPROP_TEST_DATA) / "digital_core/random_5.txt").string();
    CHECK(run(scratch, "--script " + script + " --out /nowhere/out.txt").code == 1);
}

TEST_CASE("tb_digital_core: generated cue accumulation gives the same at both levels and for one seed") {
    const Scratch scratch;
    const std::string options = "--cue-accumulation --seed 4 --train 2 --test 1 --epochs 2 --json";
    const Outcome by_calls = run(scratch, options), by_pins = run(scratch, options + " --level pin"),
                  other = run(scratch, "--cue-accumulation --seed 5 --train 2 --test 1 --epochs 2 --json");
    REQUIRE(by_calls.code == 0);
    REQUIRE(by_pins.code == 0);
    const auto calls = last_json(by_calls.out), pins = last_json(by_pins.out);
    CHECK(calls["train_correct"].size() == 2);
    CHECK(calls["test_correct"].size() == 2);
    for (const char* key : {"train_correct", "test_correct", "events"}) {
        CHECK(calls[key] == pins[key]);
    }
    for (const char* state : {"step", "sdone", "eprop", "prop_busy"}) {
        CHECK(calls["cycles"][state] == pins["cycles"][state]);
    }
    CHECK(calls["cycles"]["step"] == 6 * 224900);
    CHECK(calls["cycles"]["eprop"] == 4 * 241976);
    CHECK(calls["simulated_cycles_per_s"].get<double>() > 0);
    CHECK(calls["wall_s"].get<double>() > 0);
    CHECK(last_json(other.out)["events"] != calls["events"]);
}

TEST_CASE("tb_digital_core: mistakes in a data set are refused with file and line") {
    const Scratch scratch;
    const auto fill = [&](const std::string& train, int weights) {
        std::ofstream(scratch / "dataset_cueAcc_train.dat") << train;
        std::ofstream(scratch / "dataset_cueAcc_test.dat") << "1\r\n3, 5\r\n-2, 0\r\n-1, 2250\r\n";
        const std::pair<const char*, int> files[] = {{"inp", 4000}, {"rec", 10000}, {"out", weights}};
        for (const auto& [layer, count] : files) {
            std::ofstream out(scratch / ("init_rand_weights_" + std::string(layer) + "_cueAcc.dat").c_str());
            for (int i = 0; i < count; ++i) {
                out << i % 7 - 3 << "\n";
            }
        }
        const std::string directory = (scratch / "").string();
        return run(scratch, "--cue-accumulation " + directory);
    };
    const std::string sample = "3, 5\n39, 2249\n-2, 1\n-1, 2250\n";
    CHECK(fill("1\n" + sample, 200).code == 0);
    const auto refuse = [&](const std::string& train, int weights, const std::string& message) {
        CAPTURE(message);
        const Outcome outcome = fill(train, weights);
        CHECK(outcome.code == 2);
        CHECK(outcome.err.find(message) != std::string::npos);
    };
    refuse("", 200, "dataset_cueAcc_train.dat:1: is empty");
    refuse("2\n" + sample, 200, "dataset_cueAcc_train.dat:1: announces 2 samples, the file has 1");
    refuse("1\n3, 5\n40, 7\n", 200, "dataset_cueAcc_train.dat:3: 40 must be in [-2, 39]");
    refuse("1\n3, 5\n4, 4\n", 200, "dataset_cueAcc_train.dat:3: 4 must be in [5, 2249]");
    refuse("1\n3, 5\n-1, 2250\n", 200, "dataset_cueAcc_train.dat:3: the sample has no label");
    refuse("1\n3, 5\n-2, 1\n", 200, "dataset_cueAcc_train.dat:3: the last sample is not ended");
    refuse("1\n3 5 6\n", 200, "dataset_cueAcc_train.dat:2: must have the form");
    refuse("1\n" + sample, 199, "init_rand_weights_out_cueAcc.dat:199: has 199 weights, must have 200");
}

TEST_CASE("tb_digital_core: waveforms carry the names of the pins at both levels") {
    const Scratch scratch;
    const std::string script = (fs::path(MEMPROP_TEST_DATA) / "digital_core/random_5.txt").string();
    for (const std::string level : {"transaction", "pin"}) {
        const fs::path vcd = scratch / "wave.vcd";
        const Outcome outcome = run(scratch, fmt::format("--level {} --script {} --out {} --trace {}", level,
                                                         script, (scratch / "o").string(), vcd.string()));
        CHECK(outcome.code == 0);
        const std::string text = memprop::host::read_text(vcd);
        for (const char* name : {" SAMPLE ", " TIME_TICK ", " TARGET_VALID ", " INFER_ACC ", " AERIN_ADDR",
                                 " AERIN_REQ ", " AERIN_TAR_EN ", " REQ_TAR ", " SPI_RDY ",
                                 " TIMING_ERROR_RDY ", " OUT_REQ ", " OUT_DATA", " state", " state_evt"}) {
            CAPTURE(name);
            CHECK(text.find(name) != std::string::npos);
        }
        CHECK(text.size() > 5000);
    }
}
