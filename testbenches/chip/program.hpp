// Files, output and exit codes of tb_chip.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include "crossbar/base/error.hpp"
#include "crossbar/base/simd.hpp"
#include "crossbar/base/terminal.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "hw_models/counter.hpp"
#include "testbenches/chip/options.hpp"

namespace memprop::tb {

/// What a run gives: the JSON, and what is printed without --json.
struct ChipReport {
    nlohmann::ordered_json json;
    std::string text;
};

inline std::string counter_table(const std::vector<hw::Counter>& counters) {
    std::string out;
    for (const hw::Counter& counter : counters) {  // the sources of energy stand in the JSON
        out += fmt::format("{:<40} {:>14.6g} {:<13} {}\n", counter.name, counter.value, counter.unit,
                           std::string_view(counter.description).substr(0, counter.description.find(';')));
    }
    return out;
}

/// The main function; `run` writes its steps to the stream unless it is null.
inline int run_chip_program(int argc, char** argv,
                            const std::function<ChipReport(ChipOptions&, std::ostream*)>& run) {
    return run_program("tb_chip", [&] {
        apply_simd_environment();
        std::optional<ChipOptions> options = parse_chip_options(argc, argv);
        if (!options) {
            return 0;
        }
        ChipReport report;
        if (options->csv_file) {
            host::write_atomically(*options->csv_file, [&](const std::filesystem::path& temporary) {
                std::ofstream csv(temporary);
                if (!csv) {
                    throw RunError("the file cannot be opened");
                }
                report = run(*options, &csv);
                csv.close();
                if (!csv) {
                    throw RunError("cannot be written");
                }
            });
        } else {
            report = run(*options, nullptr);
        }
        put_text(options->json ? report.json.dump() + "\n" : report.text);
        return 0;
    });
}

}  // namespace memprop::tb
