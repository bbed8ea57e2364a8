// The weights of one projection, whatever holds them: numbers or devices. Layout [pre][post]; the bias of a
// projection is its last row.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "crossbar/array/synapse_array.hpp"
#include "crossbar/base/state_archive.hpp"
#include "learning/config/config.hpp"
#include "learning/network/connection.hpp"
#include "learning/resolve.hpp"

namespace memprop::learning {

struct WeightStoreShape {
    ProjectionId id{};
    std::string name;
    std::uint32_t pre = 0, post = 0;
    bool no_diagonal = false;
    /// [pre][post]: 0 where there is no synapse; null: all that the diagonal leaves. The caller asks for no
    /// change of weights that do not exist.
    std::shared_ptr<const std::vector<std::uint8_t>> connected{};
    /// Lists of the synapses: weights are then [synapse], not [pre][post]. Outlive the store; null: a matrix.
    const network::Connect* sparse = nullptr;

    std::size_t weights() const {
        return sparse != nullptr ? sparse->column.size() : std::size_t{pre} * post;
    }
};

/// Devices of another run whose weights are taken over.
struct DonorDevices {
    crossbar::CrossbarConfig crossbar;
    double tick_seconds = 0.0;
    std::uint64_t seed = 0;
};

/// Real: float for weights on devices, float or double for weights that are numbers.
template <class Real>
class BasicWeightStore : public network::Connection<Real> {
public:
    /// out[post] = sum over the active presynaptic neurons (ascending) of their weights to `post`.
    virtual void sum_inputs(std::span<const std::uint32_t> active, std::uint32_t step,
                            std::span<Real> out) = 0;
    /// The same with a value per presynaptic neuron.
    virtual void sum_graded(std::span<const std::uint32_t> active, std::span<const Real> values,
                            std::uint32_t step, std::span<Real> out) = 0;
    bool sum(const network::Signal<Real>& arriving, std::uint32_t step, std::span<Real> out) final {
        using Form = typename network::Signal<Real>::Form;
        if (arriving.form == Form::zero || arriving.form == Form::spikes) {
            sum_inputs(arriving.spikes(), step, out);
            return true;
        }
        static thread_local std::vector<std::uint32_t> rows;
        static thread_local std::vector<Real> values;
        rows.clear();
        values.clear();
        for_each_nonzero(arriving, [&](std::uint32_t i, Real value) {
            rows.push_back(i);
            values.push_back(value);
        });
        sum_graded(rows, values, step, out);
        return true;
    }

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
    void serialize(StateArchive& archive) override = 0;
    virtual void load_weights(StateArchive& archive, const DonorDevices& donor, std::int32_t tick) = 0;

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

/// What a store is made from.
struct StoreContext {
    const ProjectionPlan& plan;
    std::uint64_t seed = 0;     ///< of this projection (seed_of)
    std::uint8_t array = 0;     ///< keys of draws (array_number)
    double tick_seconds = 0.0;  ///< device time from one training sample to the next
};

/// Makes the store that the plan asks for: devices, or numbers. Throws InputError for an unknown scheme or
/// device and for settings that contradict each other. In double precision there are only numbers.
template <class Real>
std::unique_ptr<BasicWeightStore<Real>> make_weight_store(const StoreContext& context,
                                                          const WeightStoreShape& shape);
extern template std::unique_ptr<BasicWeightStore<float>> make_weight_store(const StoreContext&,
                                                                           const WeightStoreShape&);
extern template std::unique_ptr<BasicWeightStore<double>> make_weight_store(const StoreContext&,
                                                                            const WeightStoreShape&);

}  // namespace memprop::learning
