// The weights of a Linear node on a crossbar of `--crossbar`, as a chip holds them: programmed once by
// write-verify when the chip is told to, then read at the device time of the mapping.
#pragma once

#include <memory>
#include <string>

#include "host_runtime/graph/crossbar_mapping.hpp"
#include "learning/weights/weight_store.hpp"

namespace memprop::host {

class MappedWeights final : public learning::DeviceWeights {
public:
    /// `mapping` outlives it. Throws InputError, starting with `place`, for a node that cannot be mapped.
    MappedWeights(CrossbarMapping& mapping, const nir::FlatNode& node, network::ProjectionId id,
                  const std::string& place);

    /// The matrix of the node, [row][column].
    std::span<const float> matrix() const { return matrix_; }
    /// Device time of reads.
    std::int32_t tick() const { return layer_->ticks; }
    MappedArray& mapped() { return *layer_->arrays.front(); }

    void load(std::span<const float> initial) override;
    void sum_inputs(std::span<const std::uint32_t> active, std::uint32_t step, std::span<float> out) override;
    void sum_graded(std::span<const std::uint32_t> active, std::span<const float> values, std::uint32_t step,
                    std::span<float> out) override;
    void begin_sample(std::uint32_t sample, std::int32_t tick) override;
    void end_sample() override { devices().account_reads(); }
    /// These weights do not learn: throws std::logic_error.
    void update(std::span<const float> delta, std::uint32_t event, std::int32_t tick) override;
    void measure(std::uint32_t sample, std::int32_t tick, std::span<float> weights) override;
    void snapshot(std::int32_t tick, std::span<float> weights) override;
    void serialize(StateArchive& archive) override { devices().serialize(archive); }
    void load_weights(StateArchive& archive, const learning::DonorDevices&, std::int32_t) override {
        devices().load_devices(archive);
    }
    const learning::WeightStoreShape& shape() const override { return shape_; }
    const crossbar::SynapseArray* array() const override { return &layer_->arrays.front()->array; }
    crossbar::ProgrammingReport programmed() const override { return layer_->programming; }

    crossbar::SynapseArray& devices() override { return layer_->arrays.front()->array; }
    void scale(std::span<float> values) const override;

private:
    CrossbarMapping& mapping_;
    std::vector<float> matrix_;
    std::shared_ptr<MappedLayer> layer_;
    learning::WeightStoreShape shape_;
    std::uint32_t sample_ = 0;
};

}  // namespace memprop::host
