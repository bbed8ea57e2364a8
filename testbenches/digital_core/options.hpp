// Command line of tb_digital_core.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace memprop::tb {

struct DigitalCoreOptions {
    bool pin_level = false;
    std::optional<std::filesystem::path> script, out;
    bool cue_accumulation = false;
    std::optional<std::filesystem::path> data_set;
    std::uint32_t epochs = 1;
    std::optional<std::uint32_t> train, test;
    std::uint64_t seed = 1;
    bool json = false;
    std::optional<std::filesystem::path> dump, trace;
};

/// Empty if only help was asked for (and printed). Throws InputError.
std::optional<DigitalCoreOptions> parse_digital_core_options(int argc, const char* const* argv);

}  // namespace memprop::tb
