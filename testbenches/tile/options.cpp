#include "testbenches/tile/options.hpp"

#include <fmt/format.h>

#include <limits>
#include <sstream>
#include <string>
#include <string_view>

#include "crossbar/base/error.hpp"
#include "crossbar/device/device_model.hpp"
#include "testbenches/support/option_reader.hpp"

namespace memprop::tb {
namespace {

namespace po = boost::program_options;
using hw::tile::ReadMode;

constexpr std::string_view kIntroduction =
    R"(tb_tile: drives one synapse tile with word-line events and write bursts, measures cycles and energy

  tb_tile                                        a 128 x 128 PCM crossbar, 5 % active rows
  tb_tile --read-mode per_timestep --json        all active rows read at once, result as JSON
  tb_tile --tile sram --weight-bits 4            the digital alternative
  tb_tile --stimulus spikes.csv --csv steps.csv  events from a file; cycles and column sums to a file
  tb_tile --rows 8 --columns 4 --steps 5 --trace tile.vcd     waveforms for gtkwave

A run: one write burst of random pulses, then time steps. In a step the events come one after the other
(--event-gap cycles apart), the step is ended with the last one, and the next begins when the sums are out:
  per_event     last event driven, then (columns per converter) x (cycles per conversion)
  per_timestep  one drive of all rows (SRAM: one row after the other), then the same
The sums are the same numbers in both modes: uS times the read voltage, or weight steps (SRAM).

)";

po::options_description describe() {
    const auto text = [](const char* fallback) { return po::value<std::string>()->default_value(fallback); };
    po::options_description options("Options");
    auto add = options.add_options();
    add("help,h", "this text");
    add("tile", text("crossbar"), "crossbar or sram");
    add("rows", text("128"), "word lines");
    add("columns", text("128"), "columns: synapses per word line");
    add("read-mode", text("per_event"), "per_event or per_timestep");
    add("cycle-ns", text("10"), "clock period, ns");
    add("steps", text("1000"), "time steps; with --stimulus at least up to its last event");
    add("activity", text("0.05"), "probability of an event per row and step, 0 to 1");
    add("event-gap", text("0"), "cycles between the events of a step");
    add("stimulus", po::value<std::string>(), "CSV file with the header step,row instead of --activity");
    add("initial-pulses", text("8"), "first write burst: up to so many pulses of either sign per synapse");
    add("write-every", text("0"), "a write burst after every so many steps, 0 = none");
    add("write-share", text("0.1"), "share of the synapses that get one pulse in such a burst, 0 to 1");
    add("seed", text("1"), "fixes everything random");
    add("device", text("pcm_nandakumar2018"), "crossbar: device model");
    add("read-noise-scale", text("1"), "crossbar: read noise, 1 as published, 0 off");
    add("adc-bits", text("0"), "crossbar: resolution of the converters, 0 = ideal");
    add("drive-cycles", text("5"), "crossbar: a word line is driven for a read");
    add("columns-per-converter", text("1"), "crossbar: columns that share a converter");
    add("conversion-cycles", text("8"), "crossbar: one conversion");
    add("pulse-cycles", text("5"), "crossbar: one SET pulse");
    add("columns-written-together", text("8"), "crossbar: columns with own programming drivers");
    add("weight-bits", text("8"), "sram: bits per weight");
    add("word-bits", text("64"), "sram: bits per access");
    add("access-cycles", text("1"), "sram: one access");
    add("json", "one JSON object on the last line of stdout");
    add("csv", po::value<std::string>(), "write cycles and sums of every step to this file");
    add("trace", po::value<std::string>(), "write waveforms to this file, NAME.vcd");
    return options;
}

// Options of one kind of tile mean nothing to the other: silence would hide a mistake.
void refuse_foreign(const OptionReader& given, bool sram) {
    for (const char* name :
         {"device", "read-noise-scale", "adc-bits", "drive-cycles", "columns-per-converter",
          "conversion-cycles", "pulse-cycles", "columns-written-together"}) {
        if (sram && given.is_set(name)) {
            throw InputError(fmt::format("--{} is an option of --tile crossbar", name));
        }
    }
    for (const char* name : {"weight-bits", "word-bits", "access-cycles"}) {
        if (!sram && given.is_set(name)) {
            throw InputError(fmt::format("--{} is an option of --tile sram", name));
        }
    }
}

void read_crossbar(const OptionReader& given, TileOptions& options) {
    constexpr std::uint32_t kMostCycles = 1'000'000;
    auto& tile = options.crossbar_tile;
    tile.cost = hw::tile::hermes_cost();
    tile.timing.drive_cycles = given.small("drive-cycles", 1, kMostCycles);
    tile.timing.columns_per_converter = given.small("columns-per-converter", 1, 65536);
    tile.timing.conversion_cycles = given.small("conversion-cycles", 1, kMostCycles);
    tile.timing.pulse_cycles = given.small("pulse-cycles", 1, kMostCycles);
    tile.timing.columns_written_together = given.small("columns-written-together", 1, 65536);
    auto& devices = options.devices;
    devices = crossbar::published_config(given.text("device"));
    devices.read_noise_scale = given.number("read-noise-scale", 0.0, 100.0);
    devices.adc_bits = given.small("adc-bits", 0, 16);
    devices.adc.columns_per_converter = tile.timing.columns_per_converter;
    devices.tile_rows = options.rows;
    devices.energy.read_pulse_ns = tile.timing.drive_cycles * options.cycle_ns;
    devices.energy.source += fmt::format("; here reads of {} ns", devices.energy.read_pulse_ns);
}

void read_sram(const OptionReader& given, TileOptions& options) {
    auto& tile = options.sram_tile;
    tile.rows = options.rows;
    tile.columns = options.columns;
    tile.cost = hw::tile::horowitz_sram_cost();
    tile.timing.weight_bits = given.small("weight-bits", 1, 16);
    tile.timing.word_bits = given.small("word-bits", tile.timing.weight_bits, 4096);
    tile.timing.access_cycles = given.small("access-cycles", 1, 1'000'000);
    tile.validate("tile");
}

TileOptions read(const OptionReader& given) {
    TileOptions options;
    options.sram = given.second_of("tile", "crossbar", "sram");
    refuse_foreign(given, options.sram);
    given.refuse_together("stimulus", "activity");
    options.rows = given.small("rows", 1, 4096);
    options.columns = given.small("columns", 1, 4096);
    options.cycle_ns = given.number("cycle-ns", 0.001, 1e6);
    const ReadMode mode = given.second_of("read-mode", "per_event", "per_timestep") ? ReadMode::per_timestep
                                                                                    : ReadMode::per_event;
    options.crossbar_tile.read_mode = options.sram_tile.read_mode = mode;
    if (options.sram) {
        read_sram(given, options);
    } else {
        read_crossbar(given, options);
    }
    options.activity = given.number("activity", 0.0, 1.0);
    options.plan = {.steps = given.integer("steps", 1, kMostSteps),
                    .event_gap_cycles = given.integer("event-gap", 0, 1'000'000),
                    .write_every = given.integer("write-every", 0, kMostSteps),
                    .initial_pulses = given.small("initial-pulses", 0, 1000),
                    .write_share = given.number("write-share", 0.0, 1.0),
                    .seed = given.integer("seed", 0, std::numeric_limits<std::uint64_t>::max())};
    if (given.is_set("stimulus")) {
        options.stimulus_file = given.text("stimulus");
        options.plan.steps = given.is_set("steps") ? options.plan.steps : 0;  // 0: as many as the file has
    }
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

std::optional<TileOptions> parse_tile_options(int argc, const char* const* argv) {
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
        fmt::print("{}{}", kIntroduction, list.str());
        return std::nullopt;
    }
    return read(OptionReader(given));
}

}  // namespace memprop::tb
