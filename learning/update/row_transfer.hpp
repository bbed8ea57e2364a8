// Schemes in which the gradient lives on a fast array A and moves to the weights C read by read: every
// update adds its weight changes to A as pulses; every `transfer.every` updates the next `transfer.rows` rows
// of A are read, one word line at a time, and what is read moves C. A is never written back: it forgets
// because up and down pulses balance at its zero, so these schemes need devices with a gradual step in both
// directions. The weights that the network sees are those of C alone.
#pragma once

#include "learning/update/fast_array.hpp"

namespace memprop::learning {

class RowTransfer : public UpdateScheme {
public:
    void advance(std::int32_t tick) override { tick_ = tick; }
    bool plan(std::span<const float> delta_weight, std::uint32_t event,
              std::span<std::int16_t> pulses) override;
    const crossbar::SynapseArray* array() const override { return &fast_.array(); }
    FastArray* fast_array() override { return &fast_; }
    void serialize(StateArchive& archive) override;

protected:
    /// Throws InputError for devices without a gradual step in both directions.
    RowTransfer(const UpdateConfig& config, const SchemeContext& context);

    /// `read`: what row `row` of A holds, in steps of a pulse. Sets the pulses of the row of C.
    virtual void transfer(std::uint32_t row, std::span<const float> read, std::uint32_t event,
                          std::span<std::int16_t> pulses) = 0;
    /// The sign with which changes of a row enter A; empty: always +1.
    virtual std::span<const float> signs() const { return {}; }

    /// Whole steps of a buffer, at most max_pulses of them, become pulses; the buffer keeps the rest.
    void take_whole_steps(std::span<float> buffer, std::span<std::int16_t> pulses) const;

    SchemeContext context_;
    float rate_, max_pulses_;

private:
    std::uint64_t every_;
    std::uint32_t rows_at_once_;
    FastArray fast_;
    std::int32_t tick_ = 0;
    std::uint64_t updates_ = 0;
    std::uint64_t next_row_ = 0;
};

/// The rows' signs of chopped schemes: a row that has been read changes its sign with some probability, so
/// that what does not depend on the sign, such as an offset of A's zero, averages out.
class Chopper {
public:
    Chopper(const UpdateConfig& config, const SchemeContext& context)
        : probability_(static_cast<float>(config.transfer.chop_probability)),
          seed_(context.seed),
          array_(context.array),
          sign_(context.shape.rows, 1.0F) {}

    std::span<const float> signs() const { return sign_; }
    float sign(std::uint32_t row) const { return sign_[row]; }
    /// Returns whether the row has changed its sign.
    bool turn(std::uint32_t row, std::uint32_t event);
    void serialize(StateArchive& archive) { archive("chopper_sign", sign_); }

private:
    float probability_;
    std::uint64_t seed_;
    std::uint8_t array_;
    std::vector<float> sign_;
};

}  // namespace memprop::learning
