// A kind of device: what a pulse does, how a state drifts, how a read scatters. Works on ranges of
// devices, so that the choice of the model is made outside the loops. To add one: derive from it in
// an own file and add a line to the table in device_model.cpp.
//
// Device time advances in ticks of a constant length, so that the age of a state is an integer and
// the drift law is evaluated once per age, not once per device.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "crossbar/base/random.hpp"
#include "crossbar/config.hpp"
#include "crossbar/device/device_state.hpp"

namespace memprop::crossbar {

/// What a model has, as it is configured, at a scale of 1. A key of CrossbarConfig that acts on what a device
/// lacks changes nothing on it.
struct DeviceTraits {
    bool g_max = false;         ///< g_max_us limits its conductance
    bool bits = false;          ///< a SET pulse is the range over 2^bits
    bool table = false;         ///< its steps come from table_file
    bool write_noise = false;   ///< write_noise_scale
    bool read_noise = false;    ///< read_noise_scale
    bool drift = false;         ///< drift_scale
    bool drift_spread = false;  ///< drift_spread: exponents that differ from device to device
    bool nonlinearity = false;  ///< nonlinearity_scale
};

class DeviceModel {
public:
    virtual ~DeviceModel() = default;

    virtual DeviceTraits traits() const = 0;

    /// Why `name`, a key of PulsedConfig, changes nothing on this device, as what is said of the device;
    /// empty if it does change something.
    virtual std::string_view unused_pulsed_key(std::string_view /*name*/) const {
        return "is not one of the pulsed devices";
    }

    /// Called once, before anything else: draws what differs from device to device.
    virtual void draw_spread(std::size_t devices, std::uint64_t seed, std::uint8_t array) = 0;

    /// pulses[i] SET pulses on device first + i. The noise of pulse k on device d is draw d of
    /// `key` with step k.
    virtual void set(DeviceState& state, std::uint32_t first, std::span<const std::uint16_t> pulses,
                     DrawKey key, std::int32_t tick) const = 0;

    /// Whether the device is written by pulses; if not, it is programmed to targets.
    virtual bool takes_pulses() const { return true; }

    /// Devices without pulses: programs device first + i to targets_us[i]. The noise of device d is draw d
    /// of `key` with the steps from 0 on.
    virtual void program_targets(DeviceState& state, std::uint32_t first, std::span<const float> targets_us,
                                 DrawKey key, std::int32_t tick) const;

    /// Whether the device has a gradual step in both directions. Depression then needs no RESET: a pair is
    /// one device that takes signed pulses and a reference that takes none, and is never refreshed.
    virtual bool bidirectional() const { return false; }

    /// Bidirectional devices: |pulses[i]| pulses on device first + i, up if positive, down if negative.
    /// Noise as for `set`.
    virtual void pulse(DeviceState& state, std::uint32_t first, std::span<const std::int16_t> pulses,
                       DrawKey key, std::int32_t tick) const;

    /// Bidirectional devices: makes `device` the reference of `partner`. Noise as for `reset`.
    virtual void place_reference(DeviceState& state, std::uint32_t device, std::uint32_t partner,
                                 const DrawKey& key, std::int32_t tick) const;

    /// Whether the state holds an auxiliary number per device.
    virtual bool has_auxiliary() const { return false; }

    /// Whether states change by themselves in a way that must be simulated interval by interval.
    virtual bool relaxes() const { return false; }

    /// Whether states lose conductance with their age, as `observe` and `drift_factor` say.
    virtual bool drifts() const { return false; }

    /// Lets the states decay and diffuse from state.relaxed_tick to `tick`. Precedes pulses and reads.
    virtual void relax(DeviceState&, std::int32_t) const {}

    /// One RESET pulse on one device; its noise is draw `device` of `key`. A bidirectional device is put to
    /// its state of rest instead, which counts as no pulse.
    virtual void reset(DeviceState& state, std::uint32_t device, const DrawKey& key,
                       std::int32_t tick) const = 0;

    /// Lets `observe` be called for device times up to `tick`.
    virtual void advance_to(std::int32_t tick) = 0;

    /// Mean and standard deviation (uS) of a read of the devices first .. first + mean_us.size() - 1.
    virtual void observe(const DeviceState& state, std::uint32_t first, std::int32_t tick,
                         std::span<float> mean_us, std::span<float> sigma_us) const = 0;

    /// The change a SET pulse makes before clipping: mean and standard deviation, uS.
    struct Step {
        double mean_us, sigma_us;
    };
    virtual Step expected_step(float conductance_us, float pulse_memory) const = 0;

    /// What drift leaves of a typical device after `age` ticks; `advance_to(age)` must have been called.
    virtual double drift_factor(std::int32_t age) const = 0;

    /// Range to which a clamped read is limited, uS.
    virtual float g_min_us() const = 0;
    virtual float g_max_us() const = 0;

    /// The nominal step of one SET pulse in uS, if the device has one; else 0, and update schemes assume
    /// `update.epsilon_us`.
    virtual double constant_step_us() const = 0;
};

struct DeviceKind {
    std::string_view name;
    std::string_view description;
    std::function<std::unique_ptr<DeviceModel>(const CrossbarConfig&, double tick_seconds)> make;
    /// Writes the device's published values into a configuration, before the user's own are applied; null:
    /// the defaults of CrossbarConfig are its values.
    void (*preset)(CrossbarConfig&) = nullptr;
    /// Fills in what a file of the device says and the user has not set, after the user's own values; null:
    /// there is no such file.
    void (*complete)(CrossbarConfig&) = nullptr;
};

/// All device models, by name.
std::span<const DeviceKind> device_kinds();

/// Why `key` of CrossbarConfig ("bits", "pulsed.dw_min") changes nothing on this device, as what is said of
/// the device ("has no read noise"); empty if it changes something, or if what it changes is no matter of
/// devices.
std::string_view unused_device_key(const DeviceModel& model, std::string_view key);

/// Throws InputError naming the known models.
const DeviceKind& find_device_kind(std::string_view name);

}  // namespace memprop::crossbar
