// A user's own device: mean and standard deviation of the step of a pulse as measured, interpolated over
// the conductance. The table is a CSV file with the header
//     conductance_us,pulse,mean_step_us,std_step_us
// and one row per state and polarity; `pulse` is up or down, mean_step_us is the size of the step in that
// direction (negative if the state moves the other way). scripts/fit_device.py makes it from raw traces.
// At least two states per polarity that occurs; without rows for down pulses the device is one-sided.
//
// The range of the device is that of the table. Between measured states mean and standard deviation are
// interpolated linearly, beyond them the outermost values hold; steps are Gaussian and clipped to the range.
// A two-sided device rests where up and down steps are equally large, a one-sided one at the bottom.
#pragma once

#include <string_view>
#include <vector>

#include "crossbar/device/device_model.hpp"
#include "crossbar/device/pulsed_kernels.hpp"

namespace memprop::crossbar {

/// Steps of one polarity at ascending conductances; all in uS.
struct StepTable {
    std::vector<double> conductance, mean, sigma;
};

struct DeviceTable {
    StepTable up, down;  ///< down is empty for a one-sided device
};

/// Throws InputError naming `source` and the line.
DeviceTable parse_device_table(std::string_view text, std::string_view source);

class TableDevice final : public DeviceModel {
public:
    /// Reads crossbar.table_file.
    explicit TableDevice(const CrossbarConfig& config);
    TableDevice(const CrossbarConfig& config, const DeviceTable& table);

    DeviceTraits traits() const override;
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
    void advance_to(std::int32_t) override {}
    void observe(const DeviceState& state, std::uint32_t first, std::int32_t tick, std::span<float> mean_us,
                 std::span<float> sigma_us) const override;
    Step expected_step(float conductance_us, float pulse_memory) const override;
    double drift_factor(std::int32_t) const override { return 1.0; }
    float g_min_us() const override { return g_min_us_; }
    float g_max_us() const override { return g_max_us_; }
    double constant_step_us() const override { return nominal_step_us_; }

    float rest_us() const { return rest_us_; }

private:
    bool bidirectional_, write_noise_ = false;
    float g_min_us_, g_max_us_, rest_us_ = 0.0F;
    double nominal_step_us_ = 0.0;
    std::vector<float> up_, up_sigma_, down_, down_sigma_;  // at equal distances over the range
    std::vector<float> low_, high_;                         // per device, as the kernels want them
};

}  // namespace memprop::crossbar
