#include "testbenches/digital_core/options.hpp"

#include <fmt/format.h>

#include <boost/program_options.hpp>
#include <charconv>
#include <sstream>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"

namespace memprop::tb {
namespace {

namespace po = boost::program_options;

constexpr const char* kIntroduction =
    R"(tb_digital_core: runs the digital e-prop core, a cycle- and bit-exact model of the ReckOn RTL

  tb_digital_core --script FILE --out FILE            a configuration with stimuli; writes what was observed
  tb_digital_core --cue-accumulation DIR --epochs 10  the reference task on the chip's data set
  tb_digital_core --cue-accumulation --seed 3 --json  the same on a generated data set

Levels: `transaction` drives the core by calls, `pin` through SPI bits, handshakes and synchronisers; results
and intrinsic cycles (STEP, SDONE, EPROP, PROP while it delivers events) are equal.

)";

template <class Integer>
Integer parse_integer(const std::string& option, const std::string& text, Integer low, Integer high) {
    Integer value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < low || value > high) {
        throw InputError(option, text, fmt::format("must be a whole number from {} to {}", low, high));
    }
    return value;
}

po::options_description describe() {
    po::options_description options("Options");
    options.add_options()("help", "this text")(
        "level", po::value<std::string>()->default_value("transaction"), "transaction or pin")(
        "script", po::value<std::string>(), "FILE with registers, memories, stimuli")(
        "out", po::value<std::string>(), "FILE: the script with the observed values (with --script)")(
        "cue-accumulation", po::value<std::vector<std::string>>()->multitoken()->zero_tokens(),
        "[DIR] reference task; without DIR on data drawn from the seed")(
        "epochs", po::value<std::string>()->default_value("1"), "training, then test, so many times")(
        "train", po::value<std::string>(), "training samples per epoch (default: all)")(
        "test", po::value<std::string>(), "test samples per epoch (default: all)")(
        "seed", po::value<std::string>()->default_value("1"), "of the generated data set")(
        "json", "result as one JSON object on the last line of stdout")(
        "dump", po::value<std::string>(), "FILE.npz: records of every time step (with --cue-accumulation)")(
        "trace", po::value<std::string>(), "FILE.vcd: waveforms");
    return options;
}

void require_with(const po::variables_map& given, const char* option, const char* needed) {
    if (given.count(option) != 0 && !given[option].defaulted() && given.count(needed) == 0) {
        throw InputError(fmt::format("--{} needs --{}", option, needed));
    }
}

}  // namespace

std::optional<DigitalCoreOptions> parse_digital_core_options(int argc, const char* const* argv) {
    const po::options_description described = describe();
    po::variables_map given;
    try {
        po::store(po::command_line_parser(argc, argv)
                      .options(described)
                      .positional({})
                      .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
                      .run(),
                  given);
    } catch (const po::error& error) {
        throw InputError(fmt::format("{}; --help lists the options", error.what()));
    }
    if (given.count("help") != 0) {
        std::ostringstream text;
        text << kIntroduction << described;
        put("{}", text.str());
        return std::nullopt;
    }
    DigitalCoreOptions options;
    const auto path = [&](const char* name) -> std::optional<std::filesystem::path> {
        return given.count(name) == 0 ? std::nullopt
                                      : std::optional<std::filesystem::path>(given[name].as<std::string>());
    };
    const auto level = given["level"].as<std::string>();
    if (level != "transaction" && level != "pin") {
        throw InputError("--level", level, "must be transaction or pin");
    }
    options.pin_level = level == "pin";
    options.script = path("script");
    options.out = path("out");
    options.dump = path("dump");
    options.trace = path("trace");
    options.cue_accumulation = given.count("cue-accumulation") != 0;
    if (options.script.has_value() == options.cue_accumulation) {
        throw InputError("one of --script FILE and --cue-accumulation [DIR] must be given");
    }
    if (options.script && !options.out) {
        throw InputError("--script needs --out FILE");
    }
    require_with(given, "out", "script");
    for (const char* option : {"epochs", "train", "test", "seed", "dump", "json"}) {
        require_with(given, option, "cue-accumulation");
    }
    if (options.cue_accumulation) {
        const auto directories = given["cue-accumulation"].as<std::vector<std::string>>();
        if (directories.size() > 1) {
            throw InputError("--cue-accumulation", directories[1], "one directory at most");
        }
        if (!directories.empty()) {
            options.data_set = directories[0];
        }
    }
    options.epochs =
        parse_integer<std::uint32_t>("--epochs", given["epochs"].as<std::string>(), 1, 1'000'000);
    const auto samples = [&](const char* name) -> std::optional<std::uint32_t> {
        if (given.count(name) == 0) {
            return std::nullopt;
        }
        return parse_integer<std::uint32_t>(fmt::format("--{}", name), given[name].as<std::string>(), 0,
                                            1'000'000);
    };
    options.train = samples("train");
    options.test = samples("test");
    options.seed = parse_integer<std::uint64_t>("--seed", given["seed"].as<std::string>(), 0, UINT64_MAX);
    options.json = given.count("json") != 0;
    return options;
}

}  // namespace memprop::tb
