// A LiveNetwork on the network.
#pragma once

#include "host_runtime/graph/running_network.hpp"
#include "host_runtime/live/live_network.hpp"
#include "host_runtime/live/words.hpp"

namespace memprop::host::live {

class SimulatedNetwork final : public LiveNetwork {
public:
    explicit SimulatedNetwork(RunningNetwork& network) : network_(network), outputs_(network) {}

    void step(std::span<const std::uint32_t> inputs, std::span<const std::uint16_t>,
              std::vector<Word>& out) override {
        network_.step(inputs);
        outputs_.collect(out);
        if (network_.steps_done() % kCheckInterval == 0) {
            network_.check_finite();
        }
    }
    std::uint64_t steps_done() const override { return network_.steps_done(); }

private:
    static constexpr std::uint64_t kCheckInterval = 4096;
    RunningNetwork& network_;
    WordOutputs outputs_;
};

}  // namespace memprop::host::live
