// What the task `golden` leaves behind, over all iterations:
//   /golden/z     u8 [iteration, trial, step, neuron]: spikes
//   /golden/y     [iteration, trial, step, readout]
//   /golden/loss  [iteration]
//   /golden/{w_in, w_rec, w_out}  [post, pre] after the last update
#pragma once

#include <cstdint>
#include <vector>

#include "host_runtime/hdf5/h5.hpp"
#include "learning/trainer.hpp"

namespace memprop::host {

class GoldenRecording {
public:
    /// Adds the forward pass that `trainer` has just made.
    void keep(const learning::TrainerBase& trainer);
    void serialize(StateArchive& archive);
    /// Throws InputError unless what serialize() has read can be of `trainer`.
    void check(const learning::TrainerBase& trainer) const;
    void write(h5::File& out, learning::TrainerBase& trainer) const;

private:
    std::vector<std::uint32_t> events_;  // per spike: step counted through the run, neuron
    std::vector<double> output_;
    std::uint64_t steps_ = 0;
};

}  // namespace memprop::host
