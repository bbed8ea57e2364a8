#include "crossbar/periphery/adc.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "crossbar/periphery/adc.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace memprop::crossbar::HWY_NAMESPACE {

/// A sum in steps of a converter, with what deviates in it.
HWY_INLINE float Bent(float sum, float gain, float offset, float bow, float s_shape, float noise,
                      float half_codes, float lsb) {
    const float v = sum * gain / lsb + offset + noise;
    const float u = v / half_codes;
    const float inside = u < -1.0F ? -1.0F : (u > 1.0F ? 1.0F : u);
    const float arc = 1.0F - inside * inside;
    return v + (bow * arc + s_shape * (inside * arc));
}

void Compare(const float* HWY_RESTRICT gain, const float* HWY_RESTRICT offset, const float* HWY_RESTRICT bow,
             const float* HWY_RESTRICT s_shape, const float* HWY_RESTRICT noise, float lsb, std::size_t count,
             float* HWY_RESTRICT sums) {
    for (std::size_t i = 0; i < count; ++i) {
        const float bent = Bent(sums[i], gain[i], offset[i], bow[i], s_shape[i], noise[i], 1.0F, lsb);
        sums[i] = (bent >= 0.0F ? 0.5F : -0.5F) * lsb;
    }
}

void Convert(const float* HWY_RESTRICT gain, const float* HWY_RESTRICT offset, const float* HWY_RESTRICT bow,
             const float* HWY_RESTRICT s_shape, const float* HWY_RESTRICT noise, float half_codes, float lsb,
             std::size_t count, float* HWY_RESTRICT sums) {
    const float lowest = -half_codes, highest = half_codes - 1.0F;
    for (std::size_t i = 0; i < count; ++i) {
        const float bent = Bent(sums[i], gain[i], offset[i], bow[i], s_shape[i], noise[i], half_codes, lsb);
        const float low = bent < lowest ? lowest : bent;
        const float clipped = low > highest ? highest : low;
        const auto whole = static_cast<float>(static_cast<std::int32_t>(clipped));
        const float rest = clipped - whole;  // exact, unlike clipped + 1/2
        const float code = whole + (rest >= 0.5F ? 1.0F : (rest < -0.5F ? -1.0F : 0.0F));
        sums[i] = code * lsb;
    }
}

}  // namespace memprop::crossbar::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>

#include "crossbar/base/error.hpp"

namespace memprop::crossbar {

HWY_EXPORT(Convert);
HWY_EXPORT(Compare);

AdcBank::AdcBank(const CrossbarConfig& config, std::uint32_t tiles, std::uint32_t columns, std::uint64_t seed,
                 std::uint8_t array, std::uint32_t slices)
    : bits_(static_cast<int>(config.adc_bits)),
      codes_(std::ldexp(1.0, bits_)),
      tiles_(tiles),
      columns_(columns),
      columns_per_converter_(static_cast<std::uint32_t>(config.adc.columns_per_converter)),
      noise_lsb_(static_cast<float>(config.adc.noise_lsb)),
      range_us_(config.adc.range == AdcRange::fixed ? config.adc.range_us : 0.0),
      calibration_left_(config.adc.range == AdcRange::fixed
                            ? 0
                            : static_cast<std::uint64_t>(config.adc.calibration_reads)) {
    if (!ideal()) {
        noise_.assign(columns, 0.0F);
        draw_deviations(config.adc, slices * tiles, seed, array);
    }
}

void AdcBank::draw_deviations(const AdcConfig& config, std::uint32_t banks, std::uint64_t seed,
                              std::uint8_t array) {
    const std::uint32_t converters = (columns_ + columns_per_converter_ - 1) / columns_per_converter_;
    const float peak = 1.5F * std::sqrt(3.0F);
    std::uint32_t what = 0;
    const auto draw = [&](std::vector<float>& out, float mean, double spread) {
        const DrawKey key{.seed = seed, .stream = Stream::adc_spread, .array = array, .step = what++};
        out.resize(std::size_t{banks} * columns_);
        for (std::uint32_t i = 0; i < out.size(); ++i) {
            const std::uint32_t converter = i / columns_ * converters + i % columns_ / columns_per_converter_;
            out[i] = mean + static_cast<float>(spread) * random_normal(key, converter);
        }
    };
    draw(deviation_.gain, 1.0F, config.gain_error);
    draw(deviation_.offset, 0.0F, config.offset_lsb);
    draw(deviation_.bow, 0.0F, config.inl_lsb);
    draw(deviation_.s_shape, 0.0F, config.inl_lsb * double(peak));
}

void AdcBank::close_read() {
    if (read_open_ && range_us_ > 0.0) {  // silence says nothing about the range
        --calibration_left_;
    }
    read_open_ = false;
}

std::uint32_t AdcBank::convert(DrawKey key, std::span<float> sums_us, std::uint32_t first_column,
                               std::uint32_t slice) {
    if (calibration_left_ > 0 && (key.event != open_event_ || key.step != open_step_)) {
        close_read();
    }
    if (calibration_left_ > 0) {
        read_open_ = true;
        open_event_ = key.event;
        open_step_ = key.step;
        for (const float sum : sums_us) {
            range_us_ = std::max(range_us_, std::abs(double(sum)));
        }
        return 0;
    }
    if (noise_lsb_ > 0.0F) {
        key.stream = Stream::adc_noise;
        const std::span noise(noise_.data(), sums_us.size());
        fill_normals(key, slice * columns_ + first_column, noise);
        for (float& n : noise) {
            n *= noise_lsb_;
        }
    }
    const std::size_t first = (std::size_t{slice} * tiles_ + key.block) * columns_ + first_column;
    const float* const gain = deviation_.gain.data() + first;
    const float* const offset = deviation_.offset.data() + first;
    const float* const bow = deviation_.bow.data() + first;
    const float* const s_shape = deviation_.s_shape.data() + first;
    const auto lsb = static_cast<float>(lsb_us());
    if (bits_ == 1) {
        HWY_DYNAMIC_DISPATCH(Compare)
        (gain, offset, bow, s_shape, noise_.data(), lsb, sums_us.size(), sums_us.data());
    } else {
        HWY_DYNAMIC_DISPATCH(Convert)
        (gain, offset, bow, s_shape, noise_.data(), static_cast<float>(codes_ / 2), lsb, sums_us.size(),
         sums_us.data());
    }
    return static_cast<std::uint32_t>(sums_us.size());
}

void AdcBank::serialize(StateArchive& archive) {
    if (!ideal()) {
        archive("adc_range_us", range_us_);
        archive("adc_calibration_left", calibration_left_);
        if (calibration_left_ == 0 && !(range_us_ > 0.0)) {
            throw InputError("adc_range_us", range_us_, "must be positive once it is found");
        }
    }
}

}  // namespace memprop::crossbar
#endif  // HWY_ONCE
