#include "host_runtime/graph/crossbar_mapping.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "crossbar/base/error.hpp"
#include "host_runtime/graph/crossbar_connections.hpp"
#include "host_runtime/nir/node_values.hpp"
#include "host_runtime/nir/window.hpp"
#include "host_runtime/results/identity.hpp"

namespace memprop::host {
namespace {

constexpr std::uint32_t kMostArrays = 256;  // keys of draws have eight bits for the array
constexpr double kMostTicks = 1e6;          // of devices that relax tick by tick
constexpr double kLeastMagnitudeUs = 1e-4;  // of drift compensation
constexpr double kLeastWeight = 1e-30, kLargestWeight = 1e30;
constexpr std::uint64_t kMostRows = 1ULL << 24;  // of one array

double largest_magnitude(const nir::Dataset& weight) {
    double largest = 0.0;
    const std::uint64_t count = h5::element_count(weight.shape);
    for (std::uint64_t i = 0; i < count; ++i) {
        largest = std::max(largest, std::abs(nir::number_at(weight, i)));
    }
    return largest;
}

/// Matrix m of [matrix][column][row] as [row][column].
void copy_matrix(const nir::Dataset& weight, std::uint64_t m, std::uint64_t rows, std::uint64_t columns,
                 std::vector<float>& matrix) {
    matrix.resize(rows * columns);
    for (std::uint64_t c = 0; c < columns; ++c) {
        for (std::uint64_t r = 0; r < rows; ++r) {
            matrix[r * columns + c] =
                static_cast<float>(nir::number_at(weight, (m * columns + c) * rows + r));
        }
    }
}

}  // namespace

CrossbarMapping::CrossbarMapping(const learning::ExperimentConfig& config, double device_time_seconds)
    : config_(config),
      device_time_seconds_(device_time_seconds),
      tick_seconds_(device_time_seconds),
      ticks_(device_time_seconds > 0.0 ? 1 : 0) {
    if (!(device_time_seconds >= 0.0 && device_time_seconds <= 1e12)) {
        throw InputError("device-time", device_time_seconds, "must be in [0, 1e12] s");
    }
    config_.crossbar.programming.method = crossbar::ProgrammingMethod::write_verify;
    const double interval = config.task.update_interval_seconds;
    const auto model = crossbar::find_device_kind(config.crossbar.device).make(config.crossbar, interval);
    if (model->relaxes() || config.crossbar.faults.retention_failure > 0.0) {
        // What happens per interval is simulated interval by interval.
        const double ticks = interval > 0.0 ? device_time_seconds / interval : 0.0;
        if (ticks > kMostTicks) {
            throw InputError("device-time", device_time_seconds,
                             fmt::format("these devices decay interval by interval (task.update_interval_"
                                         "seconds = {}); at most {} intervals are simulated",
                                         interval, kMostTicks));
        }
        tick_seconds_ = interval;
        ticks_ = static_cast<std::int32_t>(std::lround(ticks));
    } else if (ticks_ == 0) {
        tick_seconds_ = interval;
    }
    compensates_ = config.crossbar.drift_compensation && ticks_ > 0 &&
                   (model->drifts() || model->relaxes() || config.crossbar.faults.retention_failure > 0.0);
    const double range = double(model->g_max_us()) - double(model->g_min_us());
    range_us_ = model->bidirectional() ? 0.5 * range : range;
}

std::shared_ptr<MappedLayer> CrossbarMapping::begin_layer(const nir::FlatNode& node,
                                                          const nir::Dataset& weight) {
    auto layer = std::make_shared<MappedLayer>();
    layer->node = node.name;
    layer->ticks = ticks_;
    layer->largest_weight = largest_magnitude(weight);
    if (layer->largest_weight > 0.0 &&
        !(layer->largest_weight >= kLeastWeight && layer->largest_weight <= kLargestWeight)) {
        throw InputError(fmt::format("node {}: largest weight", node.name), layer->largest_weight,
                         fmt::format("must be in [{:g}, {:g}] on crossbars, whose numbers have single "
                                     "precision, or 0",
                                     kLeastWeight, kLargestWeight));
    }
    const double trained = node_metadata(*node.node, "weight_unit").value_or(0.0);
    constexpr double kBeyondRange = 1.02;  // RESET states scatter around g_min
    if (trained > 0.0 && layer->largest_weight <= kBeyondRange * trained * range_us_) {
        layer->weight_per_us = trained;
    } else {
        layer->weight_per_us =
            layer->largest_weight > 0.0 ? layer->largest_weight / (kUsedRange * range_us_) : 1.0;
    }
    layers_.push_back(layer);
    return layer;
}

MappedArray& CrossbarMapping::add_array(std::uint32_t rows, std::uint32_t columns, MappedLayer& layer,
                                        const std::string& place) {
    if (arrays_ == kMostArrays) {
        throw InputError(
            fmt::format("{}: the network needs more than {} crossbar arrays (one per matrix and "
                        "per group of a convolution)",
                        place, kMostArrays));
    }
    const crossbar::SynapseArrayShape shape{
        .rows = rows,
        .columns = columns,
        .devices_per_polarity = static_cast<std::uint32_t>(config_.update.devices_per_polarity),
        .no_diagonal = false,
        .counter = config_.update.device_counter};
    const auto parts = [](std::uint32_t whole, std::int64_t part) {
        return (whole + static_cast<std::uint64_t>(part) - 1) / static_cast<std::uint64_t>(part);
    };
    layer.tiles += parts(rows, config_.crossbar.tile_rows) * parts(columns, config_.crossbar.tile_columns);
    layer.arrays.push_back(std::make_unique<MappedArray>(
        MappedArray{crossbar::SynapseArray(config_.crossbar, shape, tick_seconds_,
                                           static_cast<std::uint64_t>(config_.run.seed),
                                           static_cast<std::uint8_t>(arrays_++)),
                    static_cast<float>(layer.weight_per_us)}));
    return *layer.arrays.back();
}

void CrossbarMapping::program(MappedLayer& layer, MappedArray& mapped, std::span<const float> weights) const {
    crossbar::SynapseArray& array = mapped.array;
    const float unit = mapped.weight_per_us;
    const double step = array.model().constant_step_us();
    const auto epsilon_us = static_cast<float>(step > 0.0 ? step : config_.update.epsilon_us);
    layer.programming +=
        array.program_weights(weights, unit, unit * epsilon_us / array.pulses_per_device_step(), 0);
    double before_us = 0.0;
    if (compensates_) {
        before_us = std::max(kLeastMagnitudeUs, array.mean_magnitude(0, 0));
    }
    layer.spent += array.counters();
    if (compensates_) {
        const double now_us = std::max(kLeastMagnitudeUs, array.mean_magnitude(1, ticks_));
        mapped.compensation = static_cast<float>(before_us / now_us);
    }
    array.renew(ticks_);
}

std::shared_ptr<MappedLayer> CrossbarMapping::prepare(const nir::FlatNode& node, const std::string& place,
                                                      std::vector<float>& weights) {
    const nir::Dataset& weight = *node.node->find("weight");
    const auto layer = begin_layer(node, weight);
    const auto columns = static_cast<std::uint32_t>(node.output_size()),
               rows = static_cast<std::uint32_t>(node.input_size());
    add_array(rows, columns, *layer, place);
    copy_matrix(weight, 0, rows, columns, weights);
    return layer;
}

std::shared_ptr<MappedLayer> CrossbarMapping::map(const nir::FlatNode& node, std::uint64_t matrices,
                                                  std::uint64_t rows, std::uint64_t columns,
                                                  const std::string& place) {
    const nir::Dataset& weight = *node.node->find("weight");
    auto layer = begin_layer(node, weight);
    if (rows > kMostRows || columns > kMostRows) {
        throw InputError(fmt::format("{}: {} x {} weights: an array has at most {} rows and columns", place,
                                     rows, columns, kMostRows));
    }
    std::vector<float> matrix;
    for (std::uint64_t m = 0; m < matrices; ++m) {
        copy_matrix(weight, m, rows, columns, matrix);
        MappedArray& mapped =
            add_array(static_cast<std::uint32_t>(rows), static_cast<std::uint32_t>(columns), *layer, place);
        program(*layer, mapped, matrix);
    }
    return layer;
}

template <class Real>
std::unique_ptr<network::Connection<Real>> CrossbarMapping::connect(const nir::FlatNode& node,
                                                                    const std::string& place) {
    using nir::NodeType;
    switch (node.node->type) {
        case NodeType::linear:
        case NodeType::affine: {
            const nir::Shape& shape = node.node->find("weight")->shape;
            const std::uint64_t rows = shape.back(), columns = shape[shape.size() - 2];
            return make_crossbar_linear<Real>(
                map(node, h5::element_count(shape) / (rows * columns), rows, columns, place),
                linear_bias(node));
        }
        case NodeType::conv1d:
        case NodeType::conv2d: {
            const network::Window window = nir::window_of(*node.node, node.input_shape, place);
            const std::uint64_t rows =
                window.channels_in / window.groups * window.kernel_height * window.kernel_width;
            return make_crossbar_convolution<Real>(
                map(node, window.groups, rows, window.channels_out / window.groups, place), window,
                channel_bias(node, window.channels_out));
        }
        default:
            return nullptr;
    }
}
template std::unique_ptr<network::Connection<float>> CrossbarMapping::connect(const nir::FlatNode&,
                                                                              const std::string&);
template std::unique_ptr<network::Connection<double>> CrossbarMapping::connect(const nir::FlatNode&,
                                                                               const std::string&);

void CrossbarMapping::finish() const {
    std::vector<std::uint32_t> arrays(arrays_);
    std::iota(arrays.begin(), arrays.end(), 0U);
    crossbar::check_mapped_arrays(config_.crossbar.faults, arrays);
}

crossbar::ArrayCounters CrossbarMapping::counters() const {
    crossbar::ArrayCounters sum;
    for (const auto& layer : layers_) {
        for (const auto& mapped : layer->arrays) {
            mapped->array.account_reads();
            sum += mapped->array.counters();
        }
    }
    return sum;
}

std::string CrossbarMapping::description() const {
    return fmt::format("device time = {}\n{}", device_time_seconds_, describe_devices(config_));
}

}  // namespace memprop::host
