// Networks with traces recorded by an independent float64 implementation.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/graph/functional_network.hpp"
#include "host_runtime/nir/read.hpp"

using namespace memprop::host;
namespace fs = std::filesystem;

namespace {

using Rows = std::vector<std::vector<double>>;

const fs::path kReference = fs::path(MEMPROP_REFERENCE_DATA) / "nir";

Rows read_rows(const fs::path& file, bool header) {
    std::ifstream in(file);
    REQUIRE_MESSAGE(in.good(), file.string());
    std::string line;
    if (header) {
        std::getline(in, line);
    }
    Rows rows;
    while (std::getline(in, line)) {
        std::istringstream fields(line);
        std::string field;
        rows.emplace_back();
        while (std::getline(fields, field, ',')) {
            rows.back().push_back(std::stod(field));
        }
    }
    return rows;
}

struct Run {
    std::map<std::string, Rows> spikes;  // by file name of the node
    std::map<std::string, Rows> state;
    Rows output;
};

Run run(const fs::path& network, const fs::path& input, std::size_t steps,
        const Discretisation& discretisation) {
    std::vector<std::vector<std::uint32_t>> events(steps);
    for (const auto& row : read_rows(input, true)) {
        events.at(static_cast<std::size_t>(row.at(0))).push_back(static_cast<std::uint32_t>(row.at(1)));
    }
    FunctionalNetwork simulator(nir::read_network(network), network.string(), discretisation);
    Run result;
    for (std::size_t k = 0; k < steps; ++k) {
        simulator.step(events[k]);
        for (std::uint32_t n = 0; n < simulator.nodes().size(); ++n) {
            std::string name = simulator.nodes()[n].name;
            for (std::size_t at; (at = name.find('/')) != std::string::npos;) {
                name.replace(at, 1, "__");
            }
            for (const std::uint32_t index : simulator.spikes(n)) {
                result.spikes[name].push_back({static_cast<double>(k), static_cast<double>(index)});
            }
            const auto v = simulator.membrane(n), i = simulator.current(n);
            std::vector<double> row(v.begin(), v.end());
            row.insert(row.end(), i.begin(), i.end());
            result.state[name].push_back(row);
        }
        result.output.emplace_back(simulator.output_size());
        simulator.read_output(result.output.back());
    }
    return result;
}

double largest_deviation(const Rows& a, const Rows& b) {
    REQUIRE(a.size() == b.size());
    double largest = 0, scale = 1e-3;
    for (std::size_t r = 0; r < a.size(); ++r) {
        REQUIRE(a[r].size() >= b[r].size());  // some recordings hold the first neurons only
        for (std::size_t c = 0; c < b[r].size(); ++c) {
            largest = std::max(largest, std::abs(a[r][c] - b[r][c]) / std::max(std::abs(b[r][c]), scale));
        }
    }
    return largest;
}

/// `recorded`: number of files with spikes or states of nodes, so that a missing one is noticed.
void check_variant(const std::string& file, const std::string& traces, const std::string& variant, double dt,
                   int recorded) {
    CAPTURE(file);
    CAPTURE(variant);
    Discretisation discretisation;
    discretisation.dt_seconds = dt;
    discretisation.integrator = variant.rfind("exp", 0) == 0 ? Integrator::exponential : Integrator::euler;
    discretisation.reset = variant == "euler_sub" ? ResetRule::subtract : ResetRule::file;
    discretisation.first_step_recurrence = variant != "euler_norec0";
    const fs::path folder = kReference / "valid";
    const Rows output = read_rows(folder / fmt::format("{}.{}.output.csv", traces, variant), false);
    const Run result =
        run(folder / (file + ".nir"), folder / (traces + ".input.csv"), output.size(), discretisation);
    CHECK(largest_deviation(result.output, output) < 1e-9);
    int compared = 0;
    for (const auto& entry : fs::directory_iterator(folder)) {
        const std::string name = entry.path().filename().string();
        const std::string spikes = fmt::format("{}.{}.spikes.", traces, variant);
        const std::string state = fmt::format("{}.{}.state.", traces, variant);
        if (name.rfind(spikes, 0) == 0) {
            const std::string node = name.substr(spikes.size(), name.size() - spikes.size() - 4);
            CHECK(result.spikes.at(node) == read_rows(entry.path(), true));
            ++compared;
        } else if (name.rfind(state, 0) == 0) {
            const std::string node = name.substr(state.size(), name.size() - state.size() - 4);
            CHECK(largest_deviation(result.state.at(node), read_rows(entry.path(), false)) < 1e-9);
            ++compared;
        }
    }
    CHECK(compared == recorded);
}

}  // namespace

TEST_CASE("simulator: recorded traces are reproduced") {
    for (const char* variant : {"euler", "exp", "euler_sub"}) {
        check_variant("v01_ff_lif_2layer", "v01_ff_lif_2layer", variant, 1e-3, 4);
        check_variant("v05_uncompressed", "v01_ff_lif_2layer", variant, 1e-3, 4);
        check_variant("v06_legacy_no_v_reset", "v01_ff_lif_2layer", variant, 1e-3, 4);
    }
    for (const char* variant : {"euler", "exp", "euler_sub", "euler_norec0"}) {
        check_variant("v02_rec_cubalif", "v02_rec_cubalif", variant, 1e-4, 2);
    }
    for (const char* variant : {"euler", "exp"}) {
        check_variant("v03_rlif_li_20_100_3", "v03_rlif_li_20_100_3", variant, 1e-3, 3);
    }
    check_variant("v04_nested_conv_metadata", "v04_nested_conv_metadata", "euler", 1e-3, 2);
}

TEST_CASE("nir: malformed reference files are refused by name") {
    int files = 0;
    for (const auto& entry : fs::directory_iterator(kReference / "malformed")) {
        const std::string name = entry.path().filename().string();
        CAPTURE(name);
        std::string message;
        try {
            nir::read_network(entry.path());
        } catch (const memprop::InputError& error) {
            message = error.what();
        }
        CHECK(message.find(name) != std::string::npos);
        CHECK(message.size() > entry.path().string().size() + 5);
        ++files;
    }
    CHECK(files == 18);
}
