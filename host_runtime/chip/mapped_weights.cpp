#include "host_runtime/chip/mapped_weights.hpp"

#include <stdexcept>

namespace memprop::host {

MappedWeights::MappedWeights(CrossbarMapping& mapping, const nir::FlatNode& node, network::ProjectionId id,
                             const std::string& place)
    : mapping_(mapping),
      layer_(mapping.prepare(node, place, matrix_)),
      shape_{.id = id, .name = node.name, .pre = devices().rows(), .post = devices().columns()} {}

void MappedWeights::load(std::span<const float> initial) {
    mapping_.program(*layer_, mapped(), initial);
}

void MappedWeights::begin_sample(std::uint32_t sample, std::int32_t tick) {
    sample_ = sample;
    devices().renew(tick);
}

void MappedWeights::sum_inputs(std::span<const std::uint32_t> active, std::uint32_t step,
                               std::span<float> out) {
    devices().read(active, sample_, step, out);
    scale(out);
}

void MappedWeights::sum_graded(std::span<const std::uint32_t>, std::span<const float>, std::uint32_t,
                               std::span<float>) {
    throw std::logic_error("the chip drives word lines with spikes");
}

void MappedWeights::update(std::span<const float>, std::uint32_t, std::int32_t) {
    throw std::logic_error("the weights of a network that is run do not change");
}

void MappedWeights::measure(std::uint32_t sample, std::int32_t tick, std::span<float> weights) {
    devices().measure(sample, tick, weights);
    scale(weights);
}

void MappedWeights::snapshot(std::int32_t tick, std::span<float> weights) {
    devices().state(tick, weights);
    scale(weights);
}

void MappedWeights::scale(std::span<float> values) const {
    const MappedArray& mapped = *layer_->arrays.front();
    const float scale = mapped.weight_per_us * mapped.compensation;
    for (float& value : values) {
        value *= scale;
    }
}

}  // namespace memprop::host
