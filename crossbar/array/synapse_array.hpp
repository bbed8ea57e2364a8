// An array of synapses on devices: `rows` word lines (presynaptic) by `columns` bit-line pairs
// (postsynaptic). A synapse is a differential pair with N devices per polarity; its value in uS is
//     D = (sum of its N G+ - sum of its N G-) / N.
//
// Modelled: the device model's pulses, drift and read noise, tiles of `tile_rows` word lines whose
// results are summed digitally in ascending order, drivers and a converter per column and tile
// (periphery/adc.hpp; verifying reads have their own, ideal one), wire resistance (array_wires.hpp),
// nonlinear currents, 1/f and telegraph noise (device/low_frequency_noise.hpp), wear, energy of devices.
//
// Devices without a gradual RESET (PCM) are written on both sides: SET pulses on G+ raise D, on G- they
// lower it, and saturated pairs are refreshed. Bidirectional devices take signed pulses on G+; their G- is
// a reference that is placed once and never written, so half the range of a device is on either side of
// D = 0, no refresh is needed, and one noisy, decaying or drifting reference is subtracted per device.
//
// With crossbar.subtraction = "offset_column" there is one reference per word line instead, in an offset
// column at the mean of the states of rest: device (row, 0) of each G- plane; the others of these planes do
// not exist.
//
// Several devices per polarity are alike and share pulses in counter order, or (crossbar.slice_base b > 1)
// slices of the weight: D = sum_k s_k (G+_k - G-_k), s_k = b^(N-1-k) (b - 1) / (b^N - 1), whose sum is 1.
// Pulses are counted in steps of the finest slice and written as digits in base b, the coarsest slice first.
// A refresh renews slices of one-sided devices that are full; bidirectional ones keep what their bounds
// allow. Converters that round (crossbar.adc_bits) see one slice each, sum_rows(G+_k - G-_k); what they give
// is shifted and added digitally, times s_k in the order of k. Alike devices share one converter.
//
// Devices lie in planes [polarity][replica][row][column]; the index in that order keys their noise.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "crossbar/array/array_wires.hpp"
#include "crossbar/array/counters.hpp"
#include "crossbar/array/faults.hpp"
#include "crossbar/array/write_kernels.hpp"
#include "crossbar/base/aligned.hpp"
#include "crossbar/base/state_archive.hpp"
#include "crossbar/config.hpp"
#include "crossbar/device/device_model.hpp"
#include "crossbar/device/low_frequency_noise.hpp"
#include "crossbar/periphery/adc.hpp"

namespace memprop::crossbar {

struct SynapseArrayShape {
    std::uint32_t rows = 0;
    std::uint32_t columns = 0;
    std::uint32_t devices_per_polarity = 1;
    bool no_diagonal = false;  ///< synapse (i, i) does not exist: no noise, no pulses
    DeviceCounter counter = DeviceCounter::per_synapse;
    /// [row * columns + column]: 0 where there is no synapse; null: all that the diagonal leaves.
    std::shared_ptr<const std::vector<std::uint8_t>> connected{};
};

/// When saturated pairs are renewed, uS per device; the defaults suit g_max = 12 uS.
struct RefreshLimits {
    float high_us = 9.0F;     ///< the larger side is above this
    float low_us = 4.5F;      ///< and the smaller side above this
    float epsilon_us = 1.0F;  ///< pulses stop within half of it
    std::uint32_t max_pulses = 20;
};

/// What refreshes did and what they cost.
struct RefreshReport {
    std::uint64_t pairs = 0;
    std::uint64_t set_pulses = 0, reset_pulses = 0, verify_reads = 0;
    /// Sum over the pairs of |difference after - difference before|, noise-free.
    double absolute_error_us = 0.0;

    RefreshReport& operator+=(const RefreshReport& other) {
        pairs += other.pairs;
        set_pulses += other.set_pulses;
        reset_pulses += other.reset_pulses;
        verify_reads += other.verify_reads;
        absolute_error_us += other.absolute_error_us;
        return *this;
    }
    void serialize(StateArchive& archive) {
        archive("refreshed_pairs", pairs);
        archive("refresh_set_pulses", set_pulses);
        archive("refresh_reset_pulses", reset_pulses);
        archive("refresh_verify_reads", verify_reads);
        archive("refresh_error_us", absolute_error_us);
    }
};

/// How pulses of an update are checked; 0 rounds correct nothing.
struct VerifiedWrites {
    bool on = false;
    float step_us = 1.0F;       ///< change of D that one pulse is meant to make
    float tolerance_us = 0.5F;  ///< a synapse is done when its read is that close to its target
    std::uint32_t rounds = 5;
};

/// What a checked write did to a synapse besides its pulses.
struct VerifiedSynapse {
    std::uint32_t synapse = 0;
    std::uint32_t pulses = 0;       ///< on its devices, without the corrections
    std::uint32_t reads = 0;        ///< of all its devices, before and after its pulses
    std::uint32_t corrections = 0;  ///< further writes
    std::uint32_t correction_pulses = 0;
};

/// What programming an array to given weights took and reached. Errors are noise-free, |D - target|.
struct ProgrammingReport {
    std::uint64_t synapses = 0;
    std::uint64_t converged = 0;     ///< write_verify: within the tolerance at the last read
    std::uint64_t clipped = 0;       ///< targets that a pair cannot hold, by more than RESET states scatter
    std::uint64_t pulses = 0;        ///< on devices, RESETs included
    std::uint64_t verify_reads = 0;  ///< of single devices
    double absolute_error_us = 0.0;  ///< summed over the synapses
    double largest_error_us = 0.0;
    double known_seconds =
        0.0;  ///< pulses and reads that follow each other, those of unknown length left out

    ProgrammingReport& operator+=(const ProgrammingReport& other);
    void serialize(StateArchive& archive);
    /// How long it took; nothing if the lengths of the device's pulses and reads are not known.
    std::optional<double> seconds(const CrossbarConfig& config) const;
};

class SynapseArray {
public:
    /// Phases of an update: they key the noise of pulses, so no two share a draw.
    enum class Phase : std::uint16_t {
        initial = 0,
        update = 1,
        refresh = 2,
        verified = 0x4000,
        programming = 0x8000
    };

    /// `tick_seconds` is the length of a tick of device time. All devices are RESET at tick 0.
    SynapseArray(const CrossbarConfig& config, const SynapseArrayShape& shape, double tick_seconds,
                 std::uint64_t seed, std::uint8_t array);

    std::uint32_t rows() const { return shape_.rows; }
    std::uint32_t columns() const { return shape_.columns; }
    std::uint32_t synapses() const { return shape_.rows * shape_.columns; }
    const SynapseArrayShape& shape() const { return shape_; }
    /// How many pulses the devices of a synapse get for so many of the smallest effect: with slices, fewer.
    std::uint32_t given_for(std::uint32_t pulses) const;
    std::uint32_t tile_rows() const { return static_cast<std::uint32_t>(config_.tile_rows); }
    const DeviceModel& model() const { return *model_; }
    /// Largest |D| that a pair of devices is made for, uS.
    double range_us() const {
        const double range = double(model_->g_max_us()) - double(model_->g_min_us());
        return model_->bidirectional() ? 0.5 * range : range;
    }
    /// How many pulses of the smallest effect on D make up one pulse on a single device: N, if devices are
    /// alike.
    float pulses_per_device_step() const {
        return sliced_ ? 1.0F / share_of_plane_[shape_.devices_per_polarity - 1]
                       : static_cast<float>(shape_.devices_per_polarity);
    }
    const DeviceState& devices() const { return state_; }
    const ArrayCounters& counters() const { return counters_; }

    /// Sets device time for reads. Must follow every change of states or time and precede the reads.
    void renew(std::int32_t tick);

    /// Currents of one time step: out[c] (uS times the read voltage) = sum of D over the active rows,
    /// plus noise. Rows ascending. The draws belong to (array, row block, column, sample, step).
    void read(std::span<const std::uint32_t> active_rows, std::uint32_t sample, std::uint32_t step,
              std::span<float> out_us);

    /// What one tile adds to a read: the sums of the columns first_column .. first_column + out_us.size() - 1
    /// over active rows of one row block (row / tile_rows), at least one, ascending. read() adds these up in
    /// ascending order of block over the blocks with active rows, bit for bit. A word-line event is counted
    /// once, with the part that begins at column 0.
    void read_part(std::span<const std::uint32_t> rows, std::uint32_t sample, std::uint32_t step,
                   std::uint32_t first_column, std::span<float> out_us);

    /// The same for graded inputs, one drive per row in parts of the read voltage, |drive| <= 1, after
    /// rounding to crossbar.dac_bits.
    void read_graded(std::span<const float> drive, std::uint32_t sample, std::uint32_t step,
                     std::span<float> out_us);

    const AdcBank& converters() const { return adc_; }
    /// Conversions of a column in a read: slices are converted one by one, alike devices together.
    std::uint32_t conversions_per_column() const { return sliced_ ? shape_.devices_per_polarity : 1; }
    const Faults& faults() const { return faults_; }
    /// Devices that do not work, of those that exist.
    std::uint64_t faulty_devices() const;
    const ArrayWires& wires() const { return wires_; }

    /// Closes a sample's books: turns counted word-line events into device reads and read energy.
    void account_reads();

    /// pulses[row * columns + column]: that many SET pulses on G+ (positive) or G- (negative), spread over
    /// the devices of that side in counter order. Bidirectional devices take them as signed pulses on G+;
    /// down pulses count as RESET pulses.
    void program(std::span<const std::int16_t> pulses, Phase phase, std::uint32_t event, std::int32_t tick);

    /// The same as an update, but the synapses that get pulses are read before and after, one by one and
    /// counted: until a read is within the tolerance of what the first read and the pulses ask for, half of
    /// the error is corrected, one pulse at least, so many rounds at most. No slice that reads full gets
    /// pulses: coarser ones take them over (slice_planner.hpp).
    /// `done`, if given, tells what was done to each of them, ascending.
    void write_verified(std::span<const std::int16_t> pulses, const VerifiedWrites& how, std::uint32_t event,
                        std::int32_t tick, std::vector<VerifiedSynapse>* done = nullptr);

    /// RESETs all devices of the synapses that are marked: [row * columns + column]. For devices that are
    /// not bidirectional.
    void reset_synapses(std::span<const std::uint8_t> marked, std::uint32_t event, std::int32_t tick);

    /// Programs every synapse to weight[row * columns + column] = weight_per_us D, from the RESET state, as
    /// crossbar.programming says. `weight_step` is the assumed effect of one pulse. Write-verify
    /// (verified_programming.cpp) gives each synapse half of the pulses that its error asks for, one at
    /// least, until a read is within the tolerance, RESETs pairs of one-sided devices that have no room
    /// left, and gives up what pulses bring no nearer. Devices that take no pulses are programmed to their
    /// targets: G+ or G- to |D|, the other to 0.
    /// Once per array. Throws InputError if a weight needs more than 10000 pulses.
    ProgrammingReport program_weights(std::span<const float> weights, float weight_per_us, float weight_step,
                                      std::int32_t tick);

    /// Mean of |D + noise| over all synapses, read one by one and counted.
    double mean_magnitude(std::uint32_t event, std::int32_t tick);

    /// Sum of the conductances of all devices, uS: as they were written, noise-free; ...
    double written_conductance_us() const;
    /// ... as a model sees them at device time `tick`, to which it has been advanced, noise-free; ...
    double conductance_us(const DeviceModel& model, std::int32_t tick) const;
    /// ... and of one noisy, counted read of each.
    double read_conductance_us(std::uint32_t event, std::int32_t tick);
    /// Counts a read of every device of the synapses that have pulses; none given: of all synapses. What
    /// they read is known as written, but for noise that averages out over an array.
    void count_reads(std::span<const std::int16_t> pulses, std::int32_t tick);

    /// Reads all pairs (noise, counted), RESETs those that are saturated, and SETs one side, a verifying
    /// read after each pulse, until the difference is restored. Ascending synapse index. Nothing is done
    /// to bidirectional devices.
    RefreshReport refresh(const RefreshLimits& limits, std::uint32_t event, std::int32_t tick);

    /// Most SET pulses that a refresh gives one pair; a verifying read precedes each.
    std::uint32_t most_refresh_pulses(const RefreshLimits& limits) const {
        return sliced_ ? limits.max_pulses * shape_.devices_per_polarity : limits.max_pulses;
    }

    /// Device-by-device noisy read of every synapse, counted: out[row * columns + column] = D + noise.
    void measure(std::uint32_t event, std::int32_t tick, std::span<float> out_us);

    /// Noise-free D of every synapse at device time `tick`.
    void state(std::int32_t tick, std::span<float> out_us);

    /// Everything that a checkpoint has to hold, by name.
    void serialize(StateArchive& archive) {
        serialize_devices(archive);
        counters_.serialize(archive);
        adc_.serialize(archive);
        wires_.serialize(archive);
        low_frequency_.serialize(archive);
    }
    /// The devices of another run, with their wear; counting starts afresh.
    void load_devices(StateArchive& archive) {
        serialize_devices(archive);
        counters_ = {};
    }

private:
    static constexpr std::uint8_t kFullPlus = 1, kFullMinus = 2;

    std::uint32_t planes() const { return 2 * shape_.devices_per_polarity; }
    bool exists(std::uint32_t synapse) const {
        return (!shape_.no_diagonal || synapse / shape_.columns != synapse % shape_.columns) &&
               (shape_.connected == nullptr || (*shape_.connected)[synapse] != 0);
    }
    std::uint64_t devices_of_row(std::uint32_t row) const {
        const std::uint64_t of_plane = synapses_of_row_[row];
        const std::uint64_t n = shape_.devices_per_polarity;
        return config_.subtraction == Subtraction::offset_column ? n * (of_plane + 1) : 2 * n * of_plane;
    }
    bool one_reference_per_row(std::uint32_t plane) const {
        return config_.subtraction == Subtraction::offset_column && plane >= shape_.devices_per_polarity;
    }
    bool device_exists(std::uint32_t device) const {
        return one_reference_per_row(device / synapses()) ? device % shape_.columns == 0
                                                          : exists(device % synapses());
    }
    /// Index of the device of a synapse in a plane.
    std::uint32_t device_of(std::uint32_t plane, std::uint32_t synapse) const {
        return plane * synapses() +
               (one_reference_per_row(plane) ? synapse - synapse % shape_.columns : synapse);
    }
    float sign_of_plane(std::uint32_t plane) const {
        return plane < shape_.devices_per_polarity ? 1.0F : -1.0F;
    }
    DrawKey key(Stream stream, std::uint16_t block, std::uint32_t event, std::uint32_t step) const {
        return {
            .seed = seed_, .stream = stream, .array = array_, .block = block, .event = event, .step = step};
    }
    void serialize_devices(StateArchive& archive) {
        archive("conductance_us", state_.conductance_us);
        archive("pulse_memory", state_.pulse_memory);
        archive("programmed_tick", state_.programmed_tick);
        archive("set_pulses", state_.set_pulses);
        archive("reset_pulses", state_.reset_pulses);
        archive("next_device", next_device_);
        if (model_->has_auxiliary()) {
            archive("auxiliary", state_.auxiliary);
        }
        faults_.serialize(archive);
        if (model_->relaxes()) {
            auto tick = static_cast<std::uint64_t>(state_.relaxed_tick);
            archive("relaxed_tick", tick);
            state_.relaxed_tick = static_cast<std::int32_t>(tick);
        }
    }
    /// Of what observe(first device, mean, sigma) says about all devices that exist.
    template <class Observe>
    double sum_of_devices(const Observe& observe) const;
    void check_settings() const;
    void set_shares();
    void reset_all();
    void place_offset_column(const DrawKey& reset_key);
    /// The model's observation with the faults of the devices.
    void observe(std::uint32_t first, std::int32_t tick, std::span<float> mean_us,
                 std::span<float> sigma_us) const;
    /// The same as reads see it: with noise that is correlated in time.
    void see(std::uint32_t first, std::int32_t tick, std::span<float> mean_us,
             std::span<float> sigma_us) const;
    /// Devices of synapses that do not exist conduct nothing, stuck or not.
    void hide_missing(std::uint32_t first, std::span<float> mean_us, std::span<float> sigma_us) const;
    void renew_wires(std::int32_t tick);
    void account_wires();
    void program_targets(std::span<const float> target_us, std::int32_t tick);
    float slice_target(float part, std::uint32_t plane) const;
    void program_open_loop(std::span<const float> weights, float weight_step, std::int32_t tick,
                           ProgrammingReport& report);
    class VerifiedProgramming;
    class SlicePlanner;
    /// Time that writing `pulses` of all synapses takes: those of one synapse follow each other.
    /// `on_devices`: they are what devices get, not steps of the finest slice.
    double write_seconds(std::span<const std::int16_t> pulses, bool on_devices = false) const;
    void reset_marked(std::span<const std::uint8_t> marked, const DrawKey& reset_key, std::int32_t tick);
    void advance_to(std::int32_t tick);
    /// How many of `pulses` device k of a side gets: every n-th, starting at the counter.
    std::uint32_t share(std::uint32_t pulses, std::uint32_t k, std::uint32_t counter) const;
    /// How many of `pulses` device k of a side gets, slices or not.
    std::uint32_t pulses_of(std::uint32_t pulses, std::uint32_t k, std::uint32_t counter) const {
        return sliced_ ? digit(pulses, k) : share(pulses, k, counter);
    }
    std::uint32_t digit(std::uint32_t pulses, std::uint32_t k) const;
    PulseCount given_for(std::span<const std::int16_t> pulses) const;
    void program_bidirectional(std::span<const std::int16_t> pulses, const DrawKey& pulse_key,
                               std::int32_t tick);
    void spread_pulses(std::span<const std::int16_t> pulses);
    // Pulses on single slices: begin, add (count > 0 raises D), then give all of them.
    void begin_slices();
    void add_to_slice(std::uint32_t synapse, std::uint32_t slice, std::int32_t count);
    void give_slices(Phase phase, std::uint32_t event, std::int32_t tick);
    void give_planes(const DrawKey& pulse_key, std::int32_t tick);
    void write_verified_slices(std::span<const std::int16_t> pulses, const VerifiedWrites& how,
                               std::uint32_t event, std::int32_t tick, std::vector<VerifiedSynapse>& found);
    void set_device(std::uint32_t device, std::uint32_t pulse, std::uint32_t event, std::int32_t tick);
    /// `skipped` (empty: none): columns of which no device is read; their results mean nothing.
    void read_row(std::uint32_t row, const DrawKey& noise_key, std::int32_t tick, std::span<float> plus_us,
                  std::span<float> minus_us, std::span<const std::uint8_t> skipped = {});
    /// Part of D that the read value of a device of a plane contributes.
    float part_of_synapse(std::uint32_t plane, float g_us) const {
        return sliced_ ? g_us * share_of_plane_[plane]
                       : g_us / static_cast<float>(shape_.devices_per_polarity);
    }
    std::uint32_t next_slice(float missing_us, float epsilon_us) const;
    /// seen_us, if given: what the devices of each plane read.
    float read_synapse(std::uint32_t synapse, std::uint32_t step, std::uint32_t event, std::int32_t tick,
                       std::span<float> seen_us = {});
    void restore(std::uint32_t synapse, float difference_us, const RefreshLimits& limits, std::uint32_t event,
                 std::int32_t tick);
    /// `drive` of the rows; empty: all 1. out_us: columns from first_column on.
    void read_block(std::span<const std::uint32_t> rows, std::span<const float> drive, std::uint32_t sample,
                    std::uint32_t step, std::uint32_t first_column, std::span<float> out_us);
    /// Sum `sum` of those that are converted each by itself, not yet converted.
    void sum_block(std::uint32_t sum, std::span<const std::uint32_t> rows, std::span<const float> drive,
                   std::uint32_t sample, std::uint32_t step, std::uint32_t first_column,
                   std::span<float> out_us);
    /// Where its rows begin in difference_us_ and variance_.
    std::size_t first_of_sum(std::uint32_t sum) const { return std::size_t{sum} * shape_.rows * stride_; }
    /// Whether the devices of a plane are in it, and which part of what is converted each of them makes up.
    bool in_sum(std::uint32_t plane, std::uint32_t sum) const {
        return converted_sums_ == 1 || plane % converted_sums_ == sum;
    }
    float part_of_sum(std::uint32_t plane, float g_us) const {
        return converted_sums_ == 1 ? part_of_synapse(plane, g_us) : g_us;
    }
    void find_factors(float x, std::uint32_t first_device, std::span<float> factor) const;
    void sum_nonlinear(std::uint32_t sum, std::span<const std::uint32_t> rows, std::span<const float> drive,
                       std::uint32_t first_column, std::size_t columns);
    void read_per_device(std::uint32_t sum, std::span<const std::uint32_t> rows, std::span<const float> drive,
                         std::uint32_t sample, std::uint32_t step, std::uint32_t first_column,
                         std::span<float> out_us);
    void read_tiles(std::span<const std::uint32_t> rows, std::span<const float> drive, std::uint32_t sample,
                    std::uint32_t step, std::span<float> out_us);
    /// What the drivers of spiking rows give: 1 and their noise.
    std::span<const float> noisy_spikes(std::span<const std::uint32_t> rows, std::uint32_t sample,
                                        std::uint32_t step);
    void add_driver_noise(std::span<const std::uint32_t> rows, std::span<float> levels, std::uint32_t sample,
                          std::uint32_t step);
    double noise_free_difference(std::uint32_t synapse, std::int32_t tick) const;

    CrossbarConfig config_;
    SynapseArrayShape shape_;
    std::uint64_t seed_;
    std::uint8_t array_;
    bool sliced_, nonlinear_;
    std::vector<float> share_of_plane_;  // s_k; 1/N if devices are alike
    float full_slice_us_ = 0.0F;         // slices but the coarsest that read_row() finds above it are full
    std::vector<std::uint8_t> full_;     // per column: kFullPlus, kFullMinus
    std::vector<float> slices_seen_us_;  // [plane][column]: what read_row() read
    PulseCount on_slices_;               // what add_to_slice() has added up
    std::unique_ptr<DeviceModel> model_;
    DeviceState state_;
    std::vector<std::uint32_t> synapses_of_row_;
    std::vector<std::uint32_t> next_device_;  // counters: one (global) or one per synapse and polarity
    ArrayCounters counters_;
    AdcBank adc_;
    Faults faults_;
    ArrayWires wires_;
    LowFrequencyNoise low_frequency_;

    // As of the last renew(): rows of `stride_` floats, for each of the sums that are converted by
    // themselves.
    std::size_t stride_;
    std::uint32_t converted_sums_;
    AlignedVector<float> difference_us_;
    AlignedVector<float> variance_;
    std::vector<double> row_conductance_us_;               // summed over all devices of a word line
    std::vector<float> device_mean_us_, device_sigma_us_;  // of reads that are not sums of rows
    std::vector<float> curvature_, curvature_rise_;        // of currents against voltages, if not linear
    std::vector<std::uint32_t> row_graded_reads_;          // since account_reads()
    std::vector<double> row_drive_squared_;                // of these
    std::vector<std::uint32_t> driven_rows_;               // of one graded read
    std::vector<float> drive_, driver_noise_;              // what rows are driven with in one read
    AlignedVector<float> sum_, sum_variance_;              // of one read of a block of rows
    std::vector<std::uint32_t> row_events_;                // word-line events since account_reads()

    std::vector<std::uint16_t> device_pulses_;  // one-sided devices
    std::vector<std::int16_t> signed_pulses_;   // bidirectional devices, several per synapse
    std::vector<float> row_mean_, row_sigma_, block_sum_, slice_sum_;  // scratch
    std::vector<float> conductance_us_;  // with wires: of all devices, at the last renew()
};

}  // namespace memprop::crossbar
