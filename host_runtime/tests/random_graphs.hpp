// Networks as NIR graphs, drawn by a seed: layers of neurons of all models, feedback, skips, delays before
// and behind linear maps, biases, convolutions and pools, several inputs and outputs, parameters per neuron.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "crossbar/base/random.hpp"
#include "host_runtime/graph/discretisation.hpp"
#include "host_runtime/nir/build.hpp"

namespace memprop::test {

/// Numbers in the order in which they are asked for.
class Draw {
public:
    explicit Draw(std::uint64_t seed, std::uint32_t event = 0) : key_{.seed = seed, .event = event} {}

    /// 0 .. most - 1
    std::uint32_t below(std::uint32_t most) { return random_bits(key_, index_++) % most; }
    /// low .. high
    std::uint32_t between(std::uint32_t low, std::uint32_t high) { return low + below(high - low + 1); }
    double number(double low, double high) {
        return low + (high - low) * static_cast<double>(random_uniform(key_, index_++));
    }
    bool chance(double probability) { return number(0.0, 1.0) < probability; }

private:
    DrawKey key_;
    std::uint32_t index_ = 0;
};

struct RandomGraph {
    host::nir::Network network;
    host::Discretisation discretisation;
    std::uint64_t seed;
};

/// What a graph is made of.
struct GraphOptions {
    bool biases = true;
    bool windows = true;  ///< convolutions and pools
    std::uint32_t largest_layer = 14;
};

RandomGraph random_graph(std::uint64_t seed, const GraphOptions& options = {});

/// Input events of a step, ascending; `repeats`: an input may have several.
std::vector<std::uint32_t> random_events(std::uint64_t seed, std::uint32_t step, std::uint64_t inputs,
                                         bool repeats);

}  // namespace memprop::test
