#include "crossbar/periphery/adc.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "crossbar/periphery/adc.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace memprop::crossbar::HWY_NAMESPACE {

void Convert(const float* HWY_RESTRICT gain, const float* HWY_RESTRICT offset, const float* HWY_RESTRICT bow,
             const float* HWY_RESTRICT s_shape, const float* HWY_RESTRICT noise, float half_codes, float lsb,
             std::size_t count, float* HWY_RESTRICT sums) {
    const float lowest = -half_codes, highest = half_codes - 1.0F;
    for (std::size_t i = 0; i < count; ++i) {
        const float v = sums[i] * gain[i] / lsb + offset[i] + noise[i];
        const float u = v / half_codes;
        const float inside = u < -1.0F ? -1.0F : (u > 1.0F ? 1.0F : u);
        const float arc = 1.0F - inside * inside;
        const float bent = v + (bow[i] * arc + s_shape[i] * (inside * arc));
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

AdcBank::AdcBank(const CrossbarConfig& config, std::uint32_t tiles, std::uint32_t columns, std::uint64_t seed,
                 std::uint8_t array)
    : bits_(static_cast<int>(config.adc_bits)),
      codes_(std::ldexp(1.0, bits_)),
      columns_(columns),
      columns_per_converter_(static_cast<std::uint32_t>(config.adc.columns_per_converter)),
      noise_lsb_(static_cast<float>(config.adc.noise_lsb)),
      range_us_(config.adc.range == AdcRange::fixed ? config.adc.range_us : 0.0),
      calibration_left_(config.adc.range == AdcRange::fixed
                            ? 0
                            : static_cast<std::uint64_t>(config.adc.calibration_reads)) {
    if (!ideal()) {
        noise_.assign(columns, 0.0F);
        draw_deviations(config.adc, tiles, seed, array);
    }
}

void AdcBank::draw_deviations(const AdcConfig& config, std::uint32_t tiles, std::uint64_t seed,
                              std::uint8_t array) {
    const std::uint32_t converters = (columns_ + columns_per_converter_ - 1) / columns_per_converter_;
    const float peak = 1.5F * std::sqrt(3.0F);
    std::uint32_t what = 0;
    const auto draw = [&](std::vector<float>& out, float mean, double spread) {
        const DrawKey key{.seed = seed, .stream = Stream::adc_spread, .array = array, .step = what++};
        out.resize(std::size_t{tiles} * columns_);
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

std::uint32_t AdcBank::convert(DrawKey key, std::span<float> sums_us, std::uint32_t first_column) {
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
        fill_normals(key, first_column, noise);
        for (float& n : noise) {
            n *= noise_lsb_;
        }
    }
    const std::size_t first = std::size_t{key.block} * columns_ + first_column;
    HWY_DYNAMIC_DISPATCH(Convert)
    (deviation_.gain.data() + first, deviation_.offset.data() + first, deviation_.bow.data() + first,
     deviation_.s_shape.data() + first, noise_.data(), static_cast<float>(codes_ / 2),
     static_cast<float>(lsb_us()), sums_us.size(), sums_us.data());
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
