// Records of every time step, as NumPy arrays in an .npz file (samples in the order run, R = 2249 records):
//   spikes [sample, R, bytes] u8    bit j&7 of byte j>>3: neuron j spikes in this STEP
//   y [sample, R, outputs] i16      output membranes after their leak
//   state_crc32 [sample, R] u32     over u, ti, tr, to of all neurons, little-endian u16
//   lfsr [sample, R, 12] u32        flip-flops of W_in, W_rec, W_out, u0, u1, y, ti0, ti1, tr0, tr1, to0, to1
//   busy_delta [sample, R, 4] u16   cycles in STEP, EPROP, PROP (busy) and event passes since the last record
//   weight_crc32 [training sample, EPROP] u32   over s8 w_in, w_rec, w_out after each EPROP
//   end_state [sample, 4, neurons] u16          u, ti, tr, to at the last record
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "hw_models/digital_core/core.hpp"

namespace memprop::tb {

class StepDump : public hw::CoreObserver {
public:
    explicit StepDump(hw::Core& core);
    ~StepDump() override;
    StepDump(const StepDump&) = delete;
    StepDump& operator=(const StepDump&) = delete;

    void step_done(const hw::Core& core) override;
    void eprop_done(const hw::Core& core) override;
    /// Call after each sample.
    void end_sample(bool training);

    void write(const std::filesystem::path& file) const;

private:
    hw::Core& core_;
    std::size_t samples_ = 0, training_samples_ = 0;
    hw::CycleCounts before_;
    std::vector<std::uint8_t> spikes_;
    std::vector<std::int16_t> y_;
    std::vector<std::uint32_t> state_crc32_, lfsr_, weight_crc32_;
    std::vector<std::uint16_t> busy_delta_, end_state_, last_state_;
};

}  // namespace memprop::tb
