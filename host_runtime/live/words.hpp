// Between words and neurons.
#pragma once

#include <optional>
#include <vector>

#include "host_runtime/events/event_reader.hpp"
#include "host_runtime/graph/running_network.hpp"
#include "host_runtime/live/spif.hpp"

namespace memprop::host::live {

/// The input of a word by the rule of recordings: p H W + y W + x for an Input [2, H, W], y W + x for [H, W]
/// or with --width and --height; for an Input of any other shape x is the flat index and y is 0.
class WordMap {
public:
    explicit WordMap(const events::ReaderOptions& options);
    std::optional<std::uint32_t> input(const Word& word) const { return map_.index(word.x, word.y, word.on); }

private:
    events::SensorMap map_;
};

/// What a network puts out in a step as words: x the neuron, y the number of the Output node. An Output that
/// spiking nodes feed sends its spikes; any other sends the index of its largest entry, once per step.
class WordOutputs {
public:
    /// Throws InputError if an output has more neurons than x can name.
    explicit WordOutputs(const RunningNetwork& network);
    void collect(std::vector<Word>& words);  ///< of the last step, appended without times

private:
    struct Output {
        std::uint64_t begin, size;
        bool spikes;
    };
    const RunningNetwork& network_;
    std::vector<Output> outputs_;
    std::vector<double> values_;
};

}  // namespace memprop::host::live
