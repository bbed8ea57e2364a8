// Weights of Linear, Affine, Conv1d and Conv2d nodes on crossbars: programmed once by write-verify, then
// read with the device's noise and drift. Biases stay digital. Every matrix of a Linear node and every group
// of a convolution has an array of its own; a convolution reads its array once per output position whose
// window is not silent.
//
// Scale: a network trained by memprop keeps the weight per uS it was trained with (metadata weight_unit);
// else the largest |weight| of a node takes kUsedRange of the range of a differential pair. Spikes drive a
// word line with the read voltage; other values are divided by the largest of the read and driven in parts
// of it (crossbar.dac_bits levels).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "crossbar/array/synapse_array.hpp"
#include "host_runtime/nir/flat_graph.hpp"
#include "learning/config/config.hpp"
#include "learning/network/connection.hpp"

namespace memprop::host {

inline constexpr double kUsedRange = 0.75;  ///< pulses lose their effect towards g_max

/// An array with its scale.
struct MappedArray {
    crossbar::SynapseArray array;
    float weight_per_us;
    float compensation = 1.0F;  ///< of drift, crossbar.drift_compensation
};

/// What mapping one node took and reached.
struct MappedLayer {
    std::string node;
    std::vector<std::unique_ptr<MappedArray>> arrays;
    crossbar::ProgrammingReport programming;
    crossbar::ArrayCounters spent;  ///< on programming
    double largest_weight = 0.0, weight_per_us = 0.0;
    std::uint64_t tiles = 0;
    std::int32_t ticks = 0;  ///< device time of reads
};

class CrossbarMapping {
public:
    /// Uses [crossbar], run.seed, update.devices_per_polarity, update.device_counter, update.epsilon_us and
    /// task.update_interval_seconds (the unit of device lifetimes). Programming is by write-verify whatever
    /// crossbar.programming.method says. Reads are those of devices `device_time_seconds` after programming.
    /// Throws InputError.
    CrossbarMapping(const learning::ExperimentConfig& config, double device_time_seconds);

    /// The projection of a Linear, Affine, Conv1d or Conv2d node, programmed; null for other nodes. Throws
    /// InputError, starting with `place`, for what it cannot do.
    template <class Real>
    std::unique_ptr<network::Connection<Real>> connect(const nir::FlatNode& node, const std::string& place);
    /// After the last node. Throws InputError for what was asked of nodes that there are none of.
    void finish() const;

    /// The array of a Linear or Affine node with one matrix, for hardware that programs and reads it itself;
    /// `weights` gets the matrix, [row][column]. Arrays have the numbers that connect() gives them if it is
    /// called for the same nodes in the same order.
    std::shared_ptr<MappedLayer> prepare(const nir::FlatNode& node, const std::string& place,
                                         std::vector<float>& weights);
    /// Programs an array of a layer by write-verify.
    void program(MappedLayer& layer, MappedArray& mapped, std::span<const float> weights) const;

    const std::vector<std::shared_ptr<MappedLayer>>& layers() const { return layers_; }
    double device_time_seconds() const { return device_time_seconds_; }
    /// Device time of reads, and devices per polarity of a synapse.
    std::int32_t ticks() const { return ticks_; }
    std::int64_t devices_per_polarity() const { return config_.update.devices_per_polarity; }
    /// What devices and reads depend on, "key = value" a line.
    std::string description() const;
    const crossbar::EnergyConfig& energy_cost() const { return config_.crossbar.energy; }
    const crossbar::CrossbarConfig& crossbar() const { return config_.crossbar; }
    /// For hardware that knows more about its devices; before anything is mapped.
    void use_costs(const crossbar::EnergyConfig& costs) { config_.crossbar.energy = costs; }

    /// Of all arrays: programming and reads so far.
    crossbar::ArrayCounters counters() const;

private:
    MappedArray& add_array(std::uint32_t rows, std::uint32_t columns, MappedLayer& layer,
                           const std::string& place);
    /// The layer of a node with `matrices` matrices, stored [matrix][column][row].
    std::shared_ptr<MappedLayer> map(const nir::FlatNode& node, std::uint64_t matrices, std::uint64_t rows,
                                     std::uint64_t columns, const std::string& place);
    std::shared_ptr<MappedLayer> begin_layer(const nir::FlatNode& node, const nir::Dataset& weight);

    learning::ExperimentConfig config_;
    double device_time_seconds_, tick_seconds_;
    std::int32_t ticks_;
    double range_us_ = 0.0;  // of a pair
    bool compensates_ = false;
    std::vector<std::shared_ptr<MappedLayer>> layers_;
    std::uint32_t arrays_ = 0;
};

}  // namespace memprop::host
