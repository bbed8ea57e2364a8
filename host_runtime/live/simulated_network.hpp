// A LiveNetwork on the network.
#pragma once

#include "host_runtime/graph/running_network.hpp"
#include "host_runtime/graph/step_warnings.hpp"
#include "host_runtime/live/live_network.hpp"
#include "host_runtime/live/words.hpp"

namespace memprop::host::live {

class SimulatedNetwork final : public LiveNetwork {
public:
    /// `silence`, if there is one, hears of every step.
    explicit SimulatedNetwork(RunningNetwork& network, SilenceWatch* silence = nullptr)
        : network_(network), silence_(silence), outputs_(network) {}

    void step(std::span<const std::uint32_t> inputs, std::span<const std::uint16_t>,
              std::vector<Word>& out) override {
        network_.step(inputs);
        if (silence_ != nullptr) {
            silence_->note(network_);
        }
        outputs_.collect(out);
        if (network_.steps_done() % kCheckInterval == 0) {
            network_.check_finite();
        }
    }
    std::uint64_t steps_done() const override { return network_.steps_done(); }

private:
    static constexpr std::uint64_t kCheckInterval = 4096;
    RunningNetwork& network_;
    SilenceWatch* silence_;
    WordOutputs outputs_;
};

}  // namespace memprop::host::live
