#include "learning/weights/crossbar_weights.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "crossbar/base/error.hpp"
#include "learning/weights/digital_weights.hpp"
#include "learning/weights/sparse_weights.hpp"

namespace memprop::learning {
namespace {

constexpr double kLeastConductanceUs = 1e-4;  // of drift compensation

crossbar::SynapseArrayShape array_shape(const UpdateConfig& update, const WeightStoreShape& shape) {
    return {.rows = shape.pre,
            .columns = shape.post,
            .devices_per_polarity = static_cast<std::uint32_t>(update.devices_per_polarity),
            .no_diagonal = shape.no_diagonal,
            .counter = update.device_counter,
            .connected = shape.connected};
}

}  // namespace

CrossbarWeights::CrossbarWeights(const StoreContext& context, const WeightStoreShape& shape)
    : shape_(shape),
      weight_per_us_(static_cast<float>(context.plan.weight_scale_per_us)),
      refresh_period_(static_cast<std::uint64_t>(context.plan.update.refresh_period)),
      array_(context.plan.crossbar, array_shape(context.plan.update, shape), context.tick_seconds,
             context.seed, context.array),
      pulses_(std::size_t{shape.pre} * shape.post),
      compensates_drift_(context.plan.crossbar.drift_compensation && array_.model().drifts()) {
    const double step = array_.model().constant_step_us();
    const auto epsilon_us = static_cast<float>(step > 0.0 ? step : context.plan.update.epsilon_us);
    weight_step_ = weight_per_us_ * epsilon_us / array_.pulses_per_device_step();
    const float g_max = array_.model().g_max_us();
    refresh_limits_ = {.high_us = static_cast<float>(context.plan.update.refresh_high) * g_max,
                       .low_us = static_cast<float>(context.plan.update.refresh_low) * g_max,
                       .epsilon_us = epsilon_us,
                       .max_pulses = static_cast<std::uint32_t>(context.plan.update.refresh_max_pulses)};
    scheme_ = find_scheme_kind("update.scheme", context.plan.update.scheme)
                  .make(context.plan.update, {.synapses = pulses_.size(),
                                              .weight_step = weight_step_,
                                              .seed = context.seed,
                                              .array = context.array,
                                              .crossbar = context.plan.crossbar,
                                              .shape = array_shape(context.plan.update, shape),
                                              .refresh_limits = refresh_limits_,
                                              .weight_per_us = weight_per_us_,
                                              .tick_seconds = context.tick_seconds});
    verified_ = {.on = context.plan.update.write_verify,
                 .step_us = epsilon_us / array_.pulses_per_device_step(),
                 .tolerance_us = static_cast<float>(context.plan.update.verify_tolerance_us),
                 .rounds = static_cast<std::uint32_t>(context.plan.update.verify_rounds)};
}

void CrossbarWeights::load(std::span<const float> initial) {
    programming_ = array_.program_weights(initial, weight_per_us_, weight_step_, 0);
    if (compensates_drift_) {
        array_.count_reads({}, 0);
        reference_us_ = written_at_reference_us_ = array_.written_conductance_us();
    }
}

float CrossbarWeights::gain_at(double conductance_us) const {
    const double written =
        array_.written_conductance_us() / std::max(kLeastConductanceUs, written_at_reference_us_);
    return static_cast<float>(reference_us_ * written / std::max(kLeastConductanceUs, conductance_us));
}

void CrossbarWeights::scale(std::span<float> values) const {
    scale(values, static_cast<float>(gain_));
}

void CrossbarWeights::scale(std::span<float> values, float gain) const {
    const float weight_per_us = weight_per_us_ * gain;
    for (float& v : values) {
        v *= weight_per_us;
    }
}

void CrossbarWeights::sum_inputs(std::span<const std::uint32_t> active, std::uint32_t step,
                                 std::span<float> out) {
    array_.read(active, sample_, step, out);
    scale(out);
}

void CrossbarWeights::sum_graded(std::span<const std::uint32_t> active, std::span<const float> values,
                                 std::uint32_t step, std::span<float> out) {
    float largest = 0.0F;
    for (const float value : values) {
        largest = std::max(largest, std::abs(value));
    }
    if (largest == 0.0F) {
        std::fill(out.begin(), out.end(), 0.0F);
        return;
    }
    drive_.assign(shape_.pre, 0.0F);
    for (std::size_t k = 0; k < active.size(); ++k) {
        drive_[active[k]] += values[k] / largest;
    }
    array_.read_graded(drive_, sample_, step, out);
    for (float& value : out) {
        value *= largest;
    }
    scale(out);
}

void CrossbarWeights::begin_sample(std::uint32_t sample, std::int32_t tick) {
    sample_ = sample;
    if (compensates_drift_) {
        gain_ = static_cast<double>(gain_at(array_.read_conductance_us(sample, tick)));
    }
    array_.renew(tick);
    in_sample_ = true;
}

void CrossbarWeights::end_sample() {
    array_.account_reads();
    in_sample_ = false;
}

void CrossbarWeights::update(std::span<const float> delta, std::uint32_t event, std::int32_t tick) {
    bool changed = plan(delta, event, tick);
    if (changed) {
        if (verified_.on) {
            array_.write_verified(pulses_, verified_, event, tick);
        } else {
            array_.program(pulses_, crossbar::SynapseArray::Phase::update, event, tick);
            if (compensates_drift_) {
                array_.count_reads(pulses_, tick);
            }
        }
    }
    if (refresh_is_due()) {
        refreshed_ += array_.refresh(refresh_limits_, event, tick);
        changed = true;
    }
    if (changed && in_sample_) {
        array_.account_reads();  // at the conductances they saw
        array_.renew(tick);
    }
}

void CrossbarWeights::measure(std::uint32_t sample, std::int32_t tick, std::span<float> weights) {
    array_.measure(sample, tick, weights);
    scale(weights);
}

void CrossbarWeights::snapshot(std::int32_t tick, std::span<float> weights) {
    array_.state(tick, weights);
    scale(weights, compensates_drift_ ? gain_at(array_.conductance_us(array_.model(), tick)) : 1.0F);
}

void CrossbarWeights::serialize(StateArchive& archive) {
    archive.enter("devices");
    array_.serialize(archive);
    archive.leave();
    archive.enter("scheme");
    scheme_->serialize(archive);
    archive.leave();
    archive("updates", updates_);
    refreshed_.serialize(archive);
    programming_.serialize(archive);
    if (compensates_drift_) {
        archive("drift_reference_us", reference_us_);
        archive("drift_written_us", written_at_reference_us_);
        archive("drift_gain", gain_);
    }
}

void CrossbarWeights::load_weights(StateArchive& archive, const DonorDevices& donor, std::int32_t tick) {
    archive.enter("devices");
    array_.load_devices(archive);
    archive.leave();
    if (!compensates_drift_) {
        return;
    }
    if (archive.holds("drift_reference_us")) {
        archive("drift_reference_us", reference_us_);
        archive("drift_written_us", written_at_reference_us_);
        return;
    }
    // The devices as the other run left them: with its drift, in its update intervals.
    const auto model =
        crossbar::find_device_kind(donor.crossbar.device).make(donor.crossbar, donor.tick_seconds);
    model->draw_spread(array_.devices().size(), donor.seed, array_number(shape_.id));
    model->advance_to(tick);
    reference_us_ = array_.conductance_us(*model, tick);
    written_at_reference_us_ = array_.written_conductance_us();
    array_.count_reads({}, tick);
}

template <class Real>
std::unique_ptr<BasicWeightStore<Real>> make_weight_store(const StoreContext& context,
                                                          const WeightStoreShape& shape) {
    const ProjectionPlan& plan = context.plan;
    if (!plan.on_devices && shape.sparse != nullptr) {
        return std::make_unique<SparseWeights<Real>>(shape, static_cast<Real>(plan.update.weight_limit));
    }
    if (!plan.on_devices) {
        return std::make_unique<DigitalWeights<Real>>(shape, static_cast<Real>(plan.update.weight_limit));
    }
    if constexpr (std::is_same_v<Real, float>) {
        return std::make_unique<CrossbarWeights>(context, shape);
    } else {
        throw InputError("run.precision", "double",
                         "needs update.scheme = \"vanilla\": devices have single precision");
    }
}

template std::unique_ptr<BasicWeightStore<float>> make_weight_store(const StoreContext&,
                                                                    const WeightStoreShape&);
template std::unique_ptr<BasicWeightStore<double>> make_weight_store(const StoreContext&,
                                                                     const WeightStoreShape&);

}  // namespace memprop::learning
