// The trainable weights of one projection, whatever holds them: numbers or devices. Layout [pre][post].
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "crossbar/array/synapse_array.hpp"
#include "crossbar/base/state_archive.hpp"
#include "learning/config/config.hpp"
#include "learning/network/projection.hpp"

namespace memprop::learning {

/// The three projections of the network; the value keys their draws.
enum class ProjectionId : std::uint8_t { w_in = 0, w_rec = 1, w_out = 2 };
inline constexpr std::array<std::string_view, 3> kProjectionNames{"w_in", "w_rec", "w_out"};

struct WeightStoreShape {
    ProjectionId id{};
    std::uint32_t pre = 0, post = 0;
    bool no_diagonal = false;
    /// [pre][post]: 0 where there is no synapse; null: all that the diagonal leaves. The caller asks for no
    /// change of weights that do not exist.
    std::shared_ptr<const std::vector<std::uint8_t>> connected{};
};

/// Real: float for weights on devices, float or double for weights that are numbers.
template <class Real>
class BasicWeightStore : public Projection<Real> {
public:
    /// Sets the initial weights, [pre][post], once: numbers are taken as they are, devices (RESET at time 0)
    /// are programmed.
    virtual void load(std::span<const Real> initial) = 0;

    /// Reads that follow belong to sample `sample` at device time `tick`.
    virtual void begin_sample(std::uint32_t sample, std::int32_t tick) = 0;
    virtual void end_sample() = 0;

    /// Changes the weights by `delta` as well as the store can.
    virtual void update(std::span<const Real> delta, std::uint32_t event, std::int32_t tick) = 0;

    /// The weights as feedback sees them: exact numbers, or one noisy, counted read of the devices.
    virtual void measure(std::uint32_t sample, std::int32_t tick, std::span<Real> weights) = 0;

    /// Noise-free weights at device time `tick`, for export and plots.
    virtual void snapshot(std::int32_t tick, std::span<Real> weights) = 0;

    /// All state; and of the state of another run, `donor`, only what holds the weights. `tick`: device time
    /// of the reads that would have followed there, in its update intervals.
    virtual void serialize(StateArchive& archive) = 0;
    virtual void load_weights(StateArchive& archive, const ExperimentConfig& donor, std::int32_t tick) = 0;

    virtual const WeightStoreShape& shape() const = 0;
    /// The devices behind the weights; null if they are numbers.
    virtual const crossbar::SynapseArray* array() const { return nullptr; }
    /// Devices of the update scheme's own; null if it has none.
    virtual const crossbar::SynapseArray* scheme_array() const { return nullptr; }
    /// Pairs refreshed so far and the sum of the errors this left, in uS.
    virtual crossbar::RefreshReport refreshed() const { return {}; }
    /// How the initial weights were written.
    virtual crossbar::ProgrammingReport programmed() const { return {}; }
};
using WeightStore = BasicWeightStore<float>;

/// Weights on a crossbar, open to hardware that reads and writes the devices itself.
class DeviceWeights : public WeightStore {
public:
    virtual crossbar::SynapseArray& devices() = 0;
    /// uS (times the read voltage) to weights.
    virtual void scale(std::span<float> values) const = 0;
};

/// Makes the store that `config` asks for: numbers for `vanilla`, devices for the other schemes.
/// Throws InputError for an unknown scheme or device and for settings that contradict each other.
/// In double precision there are only numbers.
template <class Real>
std::unique_ptr<BasicWeightStore<Real>> make_weight_store(const ExperimentConfig& config,
                                                          const WeightStoreShape& shape);
extern template std::unique_ptr<BasicWeightStore<float>> make_weight_store(const ExperimentConfig&,
                                                                           const WeightStoreShape&);
extern template std::unique_ptr<BasicWeightStore<double>> make_weight_store(const ExperimentConfig&,
                                                                            const WeightStoreShape&);

}  // namespace memprop::learning
