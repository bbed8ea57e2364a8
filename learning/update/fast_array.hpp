// A second array of devices on which a scheme gathers weight changes before they reach the weights. It has
// the shape and the devices of the weights' array, its own noise and wear, and starts at zero. Weight changes
// enter as pulses, `transfer.fast_gain` for a change of one step, rounded stochastically to whole pulses;
// its word lines are read one at a time, with read noise and converters as any read.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "crossbar/array/synapse_pulses.hpp"
#include "learning/update/scheme.hpp"

namespace memprop::learning {

/// Number of a fast array: that of the weights' array, plus this.
inline constexpr std::uint8_t kFirstFastArray = 16;

/// What an update did to a fast array besides its pulses: for hardware that charges it.
struct FastArrayLog {
    bool refreshed = false;
    crossbar::SynapsePulses refresh{};     ///< pulses of the refresh
    std::vector<std::uint32_t> rows_read;  ///< in their order
    std::span<const std::uint8_t>
        reset{};  ///< [row][column]: synapses that were RESET are marked; empty: none
};

class FastArray {
public:
    FastArray(const UpdateConfig& config, const SchemeContext& context);

    /// Adds delta_weight, row by row times `sign[row]` if there are signs.
    void add(std::span<const float> delta_weight, std::span<const float> sign, std::uint32_t event,
             std::int32_t tick);

    /// Makes reads that follow see the state at `tick`; read `index` of the update `event`.
    void begin_reads(std::int32_t tick) { array_.renew(tick); }
    /// What a row holds, noisy, in steps of one pulse. Valid until the next read.
    std::span<const float> read_row(std::uint32_t row, std::uint32_t event, std::uint32_t index);
    void end_reads() { array_.account_reads(); }

    void reset(std::span<const std::uint8_t> marked, std::uint32_t event, std::int32_t tick) {
        array_.reset_synapses(marked, event, tick);
        log_.reset = marked;
    }
    void refresh(std::uint32_t event, std::int32_t tick);

    /// From now on log() holds the pulses of refreshes, and pulses() is kept.
    void keep_log() {
        keeps_log_ = true;
        given_.resize(pulses_.size());
    }
    /// Of the last update, and the pulses that add() gave the devices of each synapse, [row][column], < 0 on
    /// G-.
    const FastArrayLog& log() const { return log_; }
    std::span<const std::int16_t> pulses() const { return given_; }
    std::uint32_t most_refresh_pulses() const { return array_.most_refresh_pulses(refresh_limits_); }

    std::uint32_t rows() const { return array_.rows(); }
    std::uint32_t columns() const { return array_.columns(); }
    const crossbar::SynapseArray& array() const { return array_; }
    void serialize(StateArchive& archive) {
        archive.enter("fast_array");
        array_.serialize(archive);
        archive.leave();
    }

private:
    crossbar::SynapseArray array_;
    crossbar::RefreshLimits refresh_limits_;
    float pulses_per_weight_;
    float steps_per_us_;
    float max_pulses_;
    std::uint64_t seed_;
    std::uint8_t id_;
    std::vector<std::int16_t> pulses_;  // in steps of the smallest effect
    std::vector<std::int16_t> given_;
    std::vector<float> uniform_, row_;
    bool keeps_log_ = false;
    FastArrayLog log_;
    crossbar::SynapsePulses before_;
};

}  // namespace memprop::learning
