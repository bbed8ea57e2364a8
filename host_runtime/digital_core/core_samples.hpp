// Samples for the digital core.
//   .dat: the format of its RTL's test bench. First line: number of samples; then lines `index, step`;
//         `-2, label` begins the supervision, at the step of the event that follows; `-1, ticks` ends a
//         sample.
//   .csv: `step,index`, one sample.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace memprop::host {

struct CoreSample {
    struct Event {
        std::uint32_t step;
        std::uint8_t index;
    };
    std::vector<Event> events;  ///< ascending step
    /// TIME_TICKs: events of step k are integrated in tick k (counted from 0), and their spikes are known in
    /// tick k + 1. The last tick integrates nothing: a .csv sample gets one more than it has steps.
    std::uint32_t ticks = 0;
    std::optional<std::uint8_t> label;
    std::uint32_t supervised_from = 0;  ///< with a label
};

/// `inputs` and `outputs` limit indices and labels. Throws InputError with file and line.
std::vector<CoreSample> read_core_samples(const std::filesystem::path& file, std::uint32_t inputs,
                                          std::uint32_t outputs);

}  // namespace memprop::host
