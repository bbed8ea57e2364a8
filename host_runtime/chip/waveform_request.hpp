// Which waveforms of a chip a run is to write.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "hw_models/trace/step_window.hpp"

namespace memprop::host {

struct WaveformRequest {
    std::filesystem::path file;  ///< NAME.vcd
    hw::trace::StepWindow window;
};

/// Of the options `--trace FILE` and `--trace-steps FIRST:LAST` (empty: all steps). Throws InputError naming
/// the option, its value and what is allowed.
WaveformRequest parse_waveforms(const std::string& file, std::string_view steps);

}  // namespace memprop::host
