#include "host_runtime/live/words.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crossbar/base/error.hpp"

namespace memprop::host::live {
namespace {

events::SensorMap map_of(const events::ReaderOptions& options) {
    h5::Shape shape = options.input_shape.value_or(h5::Shape{});
    while (shape.size() > 2 && shape.front() == 1) {
        shape.erase(shape.begin());
    }
    const bool pixels = shape.size() == 2 || (shape.size() == 3 && shape[0] == 2);
    if (pixels || options.width != 0 || options.height != 0) {
        return events::sensor_map(options);
    }
    if (options.input_size > kFieldLimit) {
        throw InputError(
            fmt::format("the network's input has {} elements, a word names at most {} without "
                        "--width and --height",
                        options.input_size, kFieldLimit));
    }
    return {static_cast<std::uint32_t>(options.input_size), 1, 1};
}

}  // namespace

WordMap::WordMap(const events::ReaderOptions& options) : map_(map_of(options)) {}

WordOutputs::WordOutputs(const RunningNetwork& network) : network_(network), values_(network.output_size()) {
    std::uint64_t begin = 0;
    for (const RunningNetwork::OutputInfo& output : network.outputs()) {
        if (output.size > kFieldLimit) {
            throw InputError(fmt::format("output {} has {} neurons, a word names at most {}", output.name,
                                         output.size, kFieldLimit));
        }
        outputs_.push_back({begin, output.size, output.spikes});
        begin += output.size;
    }
}

void WordOutputs::collect(std::vector<Word>& words) {
    network_.read_output(values_);
    for (std::size_t k = 0; k < outputs_.size(); ++k) {
        const auto first = values_.begin() + static_cast<std::ptrdiff_t>(outputs_[k].begin);
        const auto last = first + static_cast<std::ptrdiff_t>(outputs_[k].size);
        const auto add = [&](std::ptrdiff_t index) {
            words.push_back({.x = static_cast<std::uint16_t>(index),
                             .y = static_cast<std::uint16_t>(k),
                             .on = false,
                             .timed = false,
                             .time_us = 0});
        };
        if (!outputs_[k].spikes) {
            add(std::max_element(first, last) - first);
            continue;
        }
        for (auto it = first; it != last; ++it) {
            if (*it != 0.0) {
                add(it - first);
            }
        }
    }
}

}  // namespace memprop::host::live
