// Analogue-to-digital converters at the columns of a tile. A converter turns the sum x (uS times the read
// voltage) into one of 2^bits codes over -range .. range; lsb = 2 range / 2^bits:
//     v = x (1 + gain_k) / lsb + offset_k + noise n,  v' = v + INL_k(v),
//     code = clip(floor(v' + 1/2), -2^(bits-1), 2^(bits-1) - 1),  result = code lsb.
// Gain error, offset and INL are drawn once per converter k. The INL is a bow and an S over the range,
//     INL_k(u) = A_k (1 - u^2) + B_k (3 sqrt(3) / 2) u (1 - u^2),  u = v / 2^(bits-1) in [-1, 1],
// 0 at both ends, with A_k and B_k ~ N(0, inl_lsb) the peaks of the two. Ideal converters change codes at
// (code - 1/2) lsb exactly.
//
// One bit is a comparator: it tells v' >= 0 from v' < 0, and the result is the middle of that half,
// +-range / 2.
//
// A converter serves `columns_per_converter` neighbouring columns of one tile, one after the other. Every
// tile (row block) has its own, and so has every slice of a weight (crossbar.slice_base); all have the same
// full scale. A tile with no driven word line is not converted.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "crossbar/base/random.hpp"
#include "crossbar/base/state_archive.hpp"
#include "crossbar/config.hpp"

namespace memprop::crossbar {

class AdcBank {
public:
    /// Converters of `slices` times `tiles` row blocks of `columns` columns. `seed` and `array` key the
    /// draws.
    AdcBank(const CrossbarConfig& config, std::uint32_t tiles, std::uint32_t columns, std::uint64_t seed,
            std::uint8_t array, std::uint32_t slices = 1);

    /// Whether there is nothing to do: crossbar.adc_bits = 0.
    bool ideal() const { return bits_ == 0; }
    /// Columns a converter serves, which is how many conversions follow each other in one read.
    std::uint32_t conversions_in_sequence() const { return columns_per_converter_; }
    double lsb_us() const { return range_us_ * 2.0 / codes_; }
    /// Full scale; while calibrating, the largest sum so far.
    double range_us() const { return range_us_; }
    bool calibrating() const { return calibration_left_ > 0; }

    /// Converts sums of one read of a tile (of a slice) in place, those of the columns from `first_column`
    /// on. `key` is that of the read: its array, block, event and step key the noise. Returns the number of
    /// conversions: 0 while calibrating. What calibration counts are reads of the array, that is all calls
    /// with the same event and step: the order in which its tiles are read does not matter.
    std::uint32_t convert(DrawKey key, std::span<float> sums_us, std::uint32_t first_column = 0,
                          std::uint32_t slice = 0);
    /// No more calls with the last event and step.
    void close_read();

    void serialize(StateArchive& archive);

private:
    struct Deviation {
        std::vector<float> gain, offset, bow, s_shape;  // per slice, tile and column
    };
    void draw_deviations(const AdcConfig& config, std::uint32_t banks, std::uint64_t seed,
                         std::uint8_t array);

    int bits_;
    double codes_;
    std::uint32_t tiles_, columns_;
    std::uint32_t columns_per_converter_;
    float noise_lsb_;
    double range_us_;
    std::uint64_t calibration_left_;
    bool read_open_ = false;  // while calibrating: there were calls with open_event_ and open_step_
    std::uint32_t open_event_ = 0, open_step_ = 0;
    Deviation deviation_;
    std::vector<float> noise_;
};

}  // namespace memprop::crossbar
