// Devices that do not obey: stuck from the start, dead with their line, worn out, or forgetful.
//
// A stuck device reads as one constant conductance without noise, whatever is written to it: g_min, g_max,
// any value between (uniform), or 0 on a dead word or bit line. Pulses on it are issued, counted and wear.
// Rates are probabilities per device or line, drawn once per array; a map file names single devices. A
// device wears out with its N-th pulse, N log-normal around `endurance_pulses`, and then keeps the
// conductance it has. A retention failure is no permanent fault: the state falls to g_min.
//
// Spare columns are drawn like the others (a map file counts them on from the last column) and take the place
// of the columns with the most faulty devices, while that lowers their number. Devices are numbered as in
// SynapseArray: [plane][row][column].
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "crossbar/base/state_archive.hpp"
#include "crossbar/config.hpp"
#include "crossbar/device/device_model.hpp"

namespace memprop::crossbar {

/// One line of a map file: array,row,column,device,fault. `device` counts G+ devices, then G-; `fault` is
/// min, max or a conductance in uS; array 0 is W_in, 1 W_rec, 2 W_out, and 16 more is the fast array of an
/// update scheme that has one. `memprop run` numbers arrays as it meets the nodes.
struct MappedFault {
    std::uint32_t array, row, column, plane;
    float conductance_us;
    std::uint32_t line;
};

/// Throws InputError naming `source` and the line, also for a device that is named twice.
std::vector<MappedFault> parse_fault_map(std::string_view text, std::string_view source, float g_min_us,
                                         float g_max_us);

/// Throws InputError if the map file names an array that is none of `arrays`.
void check_mapped_arrays(const FaultConfig& config, std::span<const std::uint32_t> arrays);

class Faults {
public:
    struct Shape {
        std::uint32_t planes, rows, columns;
        bool one_reference = false;  ///< the second half of the planes has devices in column 0 only
    };

    /// Throws InputError for a map file that cannot be used.
    Faults(const CrossbarConfig& config, const Shape& shape, const DeviceModel& model, std::uint64_t seed,
           std::uint8_t array);

    /// Whether every device works and always will.
    bool none() const { return stuck_us_.empty(); }

    /// Overrides what the model says of devices first .. first + mean.size() - 1.
    void apply(std::uint32_t first, std::span<float> mean_us, std::span<float> sigma_us) const;

    /// Before bursts on the devices 0, 1, ...: pulses beyond a device's last one are taken away and counted
    /// as wear in `state`, as they have no effect.
    void end_bursts(DeviceState& state, std::span<std::uint16_t> pulses) const;
    void end_bursts(DeviceState& state, std::span<std::int16_t> pulses) const;

    /// After a write at `tick`: devices that have had their last pulse keep what they hold.
    void wear_out(const DeviceState& state, const DeviceModel& model, std::int32_t tick);
    /// The same for one device.
    void wear_out(const DeviceState& state, const DeviceModel& model, std::int32_t tick,
                  std::uint32_t device);
    /// Whether wear_out() and end_bursts() have something to do.
    bool limits_endurance() const { return !endurance_.empty(); }

    /// Lets states fail to be retained, once per interval up to `tick`.
    void forget(DeviceState& state, const DeviceModel& model, std::int32_t tick);

    bool is_faulty(std::uint32_t device) const;
    std::uint32_t columns_replaced() const { return columns_replaced_; }

    void serialize(StateArchive& archive);

private:
    float draw_stuck(const DrawKey& key, std::uint32_t device, const DeviceModel& model) const;
    template <class Count>
    void end_all_bursts(DeviceState& state, std::span<Count> pulses) const;
    void read_map(const Shape& shape, const DeviceModel& model, std::uint32_t physical_columns,
                  std::vector<float>& stuck, std::vector<std::uint32_t>& faulty) const;
    void draw_devices(const Shape& shape, const DeviceModel& model, std::uint64_t seed, std::uint8_t array);

    FaultConfig config_;
    std::uint64_t seed_;
    std::uint8_t array_;
    std::vector<float> stuck_us_;   // per device; kWorks if it works; empty without any fault
    std::vector<float> endurance_;  // pulses; empty without wear-out
    std::uint32_t columns_replaced_ = 0;
    std::uint64_t forgotten_tick_ = 0;
};

}  // namespace memprop::crossbar
