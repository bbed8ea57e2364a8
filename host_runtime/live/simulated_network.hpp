// A LiveNetwork on the simulator.
#pragma once

#include "host_runtime/graph/simulator.hpp"
#include "host_runtime/live/live_network.hpp"
#include "host_runtime/live/words.hpp"

namespace memprop::host::live {

class SimulatedNetwork final : public LiveNetwork {
public:
    explicit SimulatedNetwork(Simulator& simulator) : simulator_(simulator), outputs_(simulator) {}

    void step(std::span<const std::uint32_t> inputs, std::span<const std::uint16_t>,
              std::vector<Word>& out) override {
        simulator_.step(inputs);
        outputs_.collect(out);
        if (simulator_.steps_done() % kCheckInterval == 0) {
            simulator_.check_finite();
        }
    }
    std::uint64_t steps_done() const override { return simulator_.steps_done(); }

private:
    static constexpr std::uint64_t kCheckInterval = 4096;
    Simulator& simulator_;
    WordOutputs outputs_;
};

}  // namespace memprop::host::live
