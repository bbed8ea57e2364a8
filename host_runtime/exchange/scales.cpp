#include "host_runtime/exchange/scales.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "crossbar/device/device_model.hpp"

namespace memprop::host {
namespace {

constexpr std::size_t kDevices = 1000;  // over which the state of rest is averaged
constexpr int kMostPulses = 100000;

double largest_magnitude(const std::vector<double>& weights) {
    double largest = 0.0;
    for (const double w : weights) {
        largest = std::max(largest, std::abs(w));
    }
    return largest;
}

/// A population after RESET.
struct Population {
    std::unique_ptr<crossbar::DeviceModel> model;
    crossbar::DeviceState state;

    Population(const Experiment& config, std::size_t devices)
        : model(crossbar::find_device_kind(config.crossbar.device)
                    .make(config.crossbar, config.task.update_interval_seconds)) {
        const auto seed = static_cast<std::uint64_t>(config.run.seed);
        state.resize(devices, model->has_auxiliary());
        model->draw_spread(devices, seed, 0);
        model->advance_to(0);
        for (std::uint32_t device = 0; device < devices; ++device) {
            model->reset(state, device, {.seed = seed, .stream = Stream::reset_noise}, 0);
        }
    }
    double mean_us() const {
        double sum = 0.0;
        for (const float g : state.conductance_us) {
            sum += double(g);
        }
        return sum / double(state.size());
    }
};

/// SET pulses that raise the mean of a population by `rise_us`, and what one of them raises it by.
void find_epsilon(Population population, double rise_us, Scales& scales) {
    const std::vector<std::uint16_t> one(population.state.size(), 1);
    const double rest_us = population.mean_us();
    double risen_us = 0.0;
    DrawKey key{.stream = Stream::set_noise};
    while (risen_us < rise_us && scales.pulses < kMostPulses) {
        key.event = static_cast<std::uint32_t>(scales.pulses++);
        population.model->set(population.state, 0, one, key, 0);
        risen_us = population.mean_us() - rest_us;
    }
    scales.epsilon_us = std::max(risen_us, 0.0) / double(scales.pulses);
}

}  // namespace

Scales find_scales(const Experiment& config, const learning::NetworkWeights& weights) {
    Population population(config, kDevices);
    const crossbar::DeviceModel& model = *population.model;
    Scales scales{};
    scales.rest_us = population.mean_us();
    scales.g_min_us = double(model.g_min_us());
    scales.g_max_us = double(model.g_max_us());
    const double above_us = scales.g_max_us - scales.rest_us, below_us = scales.rest_us - scales.g_min_us;
    scales.room_us = model.bidirectional() ? std::min(above_us, below_us) : above_us;
    scales.largest = std::max(largest_magnitude(weights[0]), largest_magnitude(weights[1]));
    scales.largest_out = largest_magnitude(weights[2]);
    const double used_us = kPartOfRoom * scales.room_us;
    scales.weight_scale_per_us = scales.largest / used_us;
    scales.weight_scale_out_per_us = scales.largest_out / used_us;
    scales.nominal_step_us = model.constant_step_us();
    if (model.takes_pulses()) {
        find_epsilon(std::move(population), used_us, scales);
    }
    return scales;
}

std::string print_scales(const Experiment& config, const Scales& scales) {
    const auto scale = [](std::string_view key, double value, double largest, std::string_view of) {
        return largest > 0.0
                   ? fmt::format("{} = {:.4g}  # largest |weight| of {}: {:.4g}\n", key, value, of, largest)
                   : fmt::format("# {}: all weights of {} are 0\n", key, of);
    };
    std::string text = fmt::format(
        "# {}: {:.4g} to {:.4g} uS, at rest {:.4g} uS; a pair holds up to {:.4g} uS, the largest weights get "
        "{:.0f} "
        "% of it\n[crossbar]\n",
        config.crossbar.device, scales.g_min_us, scales.g_max_us, scales.rest_us, scales.room_us,
        100.0 * kPartOfRoom);
    text += scale("weight_scale_per_us", scales.weight_scale_per_us, scales.largest, "W_in and W_rec");
    text += scale("weight_scale_out_per_us", scales.weight_scale_out_per_us, scales.largest_out, "W_out");
    if (scales.nominal_step_us > 0.0) {
        text += fmt::format("# update.epsilon_us has no effect: the step of this device is {:.4g} uS\n",
                            scales.nominal_step_us);
    } else if (scales.epsilon_us > 0.0) {
        text +=
            fmt::format("[update]\nepsilon_us = {:.4g}  # mean of the {} pulses that take a device there\n",
                        scales.epsilon_us, scales.pulses);
    }
    return text;
}

}  // namespace memprop::host
