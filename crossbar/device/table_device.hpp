// A user's own device: mean and standard deviation of the step of a pulse as measured (device_table.hpp),
// interpolated over the conductance.
//
// The range is that of the table; a device of a population keeps within its own rows, spread by nothing else.
// Between measured states mean and standard deviation are interpolated linearly, beyond them the outermost
// values hold; steps are Gaussian and clipped to the range. A two-sided device rests where the mean up and
// down steps of all devices are equally large, or as near to it as its own range allows, a one-sided one at
// the bottom of its own range.
//
// Reads have a Gaussian noise of constant size; states drift as G (t / t0)^-nu, if the table says so. Scales
// of crossbar apply: write_noise_scale, read_noise_scale, drift_scale, and drift_spread on top of the
// table's.
#pragma once

#include <cstdint>
#include <vector>

#include "crossbar/device/device_model.hpp"
#include "crossbar/device/device_table.hpp"
#include "crossbar/device/pulsed_kernels.hpp"

namespace memprop::crossbar {

class TableDevice final : public DeviceModel {
public:
    /// Reads crossbar.table_file.
    TableDevice(const CrossbarConfig& config, double tick_seconds);
    TableDevice(const CrossbarConfig& config, double tick_seconds, const DeviceTable& table);

    /// No device has figures but those that its file or the user gives.
    static void preset(CrossbarConfig& config);
    /// Figures of the file for those that the user has not given. A file that cannot be read leaves all as it
    /// is: whoever builds the device will say so.
    static void complete(CrossbarConfig& config);

    DeviceTraits traits() const override;
    bool drifts() const override { return drift_exponent_ != 0.0; }
    void draw_spread(std::size_t devices, std::uint64_t seed, std::uint8_t array) override;
    void set(DeviceState& state, std::uint32_t first, std::span<const std::uint16_t> pulses, DrawKey key,
             std::int32_t tick) const override;
    bool bidirectional() const override { return bidirectional_; }
    void pulse(DeviceState& state, std::uint32_t first, std::span<const std::int16_t> pulses, DrawKey key,
               std::int32_t tick) const override;
    void reset(DeviceState& state, std::uint32_t device, const DrawKey& key,
               std::int32_t tick) const override;
    void place_reference(DeviceState& state, std::uint32_t device, std::uint32_t partner, const DrawKey& key,
                         std::int32_t tick) const override;
    void advance_to(std::int32_t tick) override;
    void observe(const DeviceState& state, std::uint32_t first, std::int32_t tick, std::span<float> mean_us,
                 std::span<float> sigma_us) const override;
    /// Mean over the devices of the table.
    Step expected_step(float conductance_us, float pulse_memory) const override;
    double drift_factor(std::int32_t age) const override;
    float g_min_us() const override { return g_min_us_; }
    float g_max_us() const override { return g_max_us_; }
    double constant_step_us() const override { return nominal_step_us_; }

    float rest_us() const { return rest_us_; }
    /// Which device of the table each simulated one is.
    const std::vector<std::uint32_t>& drawn() const { return drawn_; }

private:
    struct Bounds {
        float low, high;
    };
    /// Mean over the devices of values at the nodes.
    std::vector<float> mean_over_devices(const std::vector<float>& values) const;
    void find_rest();
    void rest(DeviceState& state, std::uint32_t device, std::uint32_t bounds_of, std::int32_t tick) const;

    bool bidirectional_, write_noise_ = false;
    bool has_read_noise_, drifts_;  // in the table, whatever the scales make of it
    float g_min_us_, g_max_us_, rest_us_ = 0.0F;
    double nominal_step_us_ = 0.0;
    std::size_t nodes_;  // of a device, at equal distances over the range
    // nodes_ + 1 values of the first device of the table, then of the next; the last node stands there twice.
    std::vector<float> up_, up_sigma_, down_, down_sigma_;
    std::vector<float> mean_up_, mean_up_sigma_, mean_down_;
    std::vector<Bounds> bounds_;  // of the devices of the table
    float read_sigma_us_;
    double tick_seconds_, drift_exponent_, drift_t0_seconds_, drift_spread_;
    std::vector<float> factor_of_age_;      // drift factor after that many ticks
    std::vector<double> log_ratio_of_age_;  // ln(max(t, t0) / t0)
    // Per simulated device.
    std::vector<std::uint32_t> drawn_;
    std::vector<std::int32_t> first_node_;
    std::vector<float> low_, high_;
    std::vector<double> exponent_of_device_;  // empty without spread
};

}  // namespace memprop::crossbar
