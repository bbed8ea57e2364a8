// The command line of tb_chip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "host_runtime/chip/waveform_request.hpp"
#include "host_runtime/config/experiment.hpp"
#include "testbenches/support/stimulus.hpp"

namespace memprop::tb {

struct ChipOptions {
    host::Experiment experiment;
    bool own_task = false;  ///< samples of the experiment's task in place of a stimulus
    bool learn = false, json = false;
    std::uint32_t samples = 1, steps = 0;  ///< steps 0: as many as the stimulus has
    double activity = 0.0;
    double stalls = 0.0;  ///< probability that the head of a router's FIFO is held back, per cycle
    std::optional<std::filesystem::path> stimulus_file, csv_file;
    std::optional<host::WaveformRequest> waveforms;
};

/// Nothing if help was asked for and printed. Throws InputError naming the option, its value and what is
/// allowed.
std::optional<ChipOptions> parse_chip_options(int argc, const char* const* argv);

/// The stimulus for `rows` inputs, and its steps in `options.steps`.
std::unique_ptr<Stimulus> make_chip_stimulus(ChipOptions& options, std::uint32_t rows);

}  // namespace memprop::tb
