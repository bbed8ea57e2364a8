// The command line of tb_router.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hw_models/noc/params.hpp"
#include "testbenches/router/bench.hpp"
#include "testbenches/router/traffic.hpp"

namespace memprop::tb {

struct RouterOptions {
    hw::noc::NocParams network;
    GeneratorConfig generator;
    std::string pattern_name;
    RunLength length;
    std::vector<double> loads;  ///< rates of a curve; none: one run with the rate of `generator`
    double stall_probability = 0.0;
    std::optional<std::filesystem::path> traffic_file, csv_file, trace_file;
    bool json = false;

    /// Flits that arrive for one that is sent.
    std::uint32_t copies_per_flit() const {
        return !traffic_file && generator.pattern == Pattern::multicast ? generator.tree_size : 1;
    }
};

/// Nothing if help was asked for and printed. Throws InputError naming the option, its value and what
/// is allowed.
std::optional<RouterOptions> parse_router_options(int argc, const char* const* argv);

}  // namespace memprop::tb
