#include "crossbar/device/table_device.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"

namespace memprop::crossbar {
namespace {

constexpr std::size_t kNodes = 1025;       // of the interpolation at equal distances
constexpr std::size_t kNodesOfMany = 257;  // of each device of a population of more than kFew
constexpr std::size_t kFew = 256;
constexpr std::uint32_t kExponentStep = 1;  // of the draw of a drift exponent; that of the device has 0

double interpolate(const StepTable& table, const std::vector<double>& values, double g) {
    const auto& x = table.conductance;
    const auto above = std::upper_bound(x.begin(), x.end(), g);
    if (above == x.begin()) {
        return values.front();
    }
    if (above == x.end()) {
        return values.back();
    }
    const auto i = static_cast<std::size_t>(above - x.begin());
    return values[i - 1] + (values[i] - values[i - 1]) * (g - x[i - 1]) / (x[i] - x[i - 1]);
}

void append_nodes(const StepTable& table, const std::vector<double>& values, double low, double high,
                  std::size_t count, std::vector<float>& nodes) {
    for (std::size_t i = 0; i < count; ++i) {
        nodes.push_back(static_cast<float>(
            interpolate(table, values, low + (high - low) * double(i) / double(count - 1))));
    }
    nodes.push_back(nodes.back());
}

/// Lowest and highest state of a device.
std::pair<double, double> range_of(const MeasuredSteps& device) {
    double low = device.up.conductance.front(), high = device.up.conductance.back();
    if (!device.down.conductance.empty()) {
        low = std::min(low, device.down.conductance.front());
        high = std::max(high, device.down.conductance.back());
    }
    return {low, high};
}

}  // namespace

void TableDevice::preset(CrossbarConfig& config) {
    config.energy = EnergyConfig::none();
}

void TableDevice::complete(CrossbarConfig& config) {
    EnergyConfig measured;
    try {
        measured = read_device_table(config.table_file).energy;
    } catch (const InputError&) {
        return;
    }
    EnergyConfig& own = config.energy;
    for (const auto figure :
         {&EnergyConfig::set_pulse_pj, &EnergyConfig::reset_pulse_pj, &EnergyConfig::set_pulse_ns,
          &EnergyConfig::reset_pulse_ns, &EnergyConfig::read_voltage_v, &EnergyConfig::read_pulse_ns}) {
        if (!(own.*figure)) {
            own.*figure = measured.*figure;
        }
    }
    if (own.source.empty()) {
        own.source = measured.source;
    }
}

TableDevice::TableDevice(const CrossbarConfig& config, double tick_seconds)
    : TableDevice(config, tick_seconds, read_device_table(config.table_file)) {}

TableDevice::TableDevice(const CrossbarConfig& config, double tick_seconds, const DeviceTable& table)
    : bidirectional_(!table.devices.front().down.conductance.empty()),
      has_read_noise_(table.read_noise_us > 0.0),
      drifts_(table.drift_exponent != 0.0),
      nodes_(table.devices.size() > kFew ? kNodesOfMany : kNodes),
      read_sigma_us_(static_cast<float>(table.read_noise_us * config.read_noise_scale)),
      tick_seconds_(tick_seconds),
      drift_exponent_(table.drift_exponent * config.drift_scale),
      drift_t0_seconds_(table.drift_t0_seconds),
      drift_spread_(std::hypot(table.drift_spread, config.drift_spread)) {
    double low = std::numeric_limits<double>::max(), high = 0.0;
    for (const MeasuredSteps& device : table.devices) {
        const auto [least, most] = range_of(device);
        bounds_.push_back({static_cast<float>(least), static_cast<float>(most)});
        low = std::min(low, least);
        high = std::max(high, most);
        if (!(bounds_.back().low < bounds_.back().high)) {
            throw InputError(
                "crossbar.table_file", config.table_file,
                fmt::format("conductance_us from {} to {} is no range in single precision", least, most));
        }
    }
    g_min_us_ = static_cast<float>(low);
    g_max_us_ = static_cast<float>(high);
    for (const MeasuredSteps& device : table.devices) {
        const StepTable& down = bidirectional_ ? device.down : device.up;
        append_nodes(device.up, device.up.mean, low, high, nodes_, up_);
        append_nodes(device.up, device.up.sigma, low, high, nodes_, up_sigma_);
        append_nodes(down, down.mean, low, high, nodes_, down_);
        append_nodes(down, down.sigma, low, high, nodes_, down_sigma_);
    }
    for (auto* sigma : {&up_sigma_, &down_sigma_}) {
        for (float& s : *sigma) {
            write_noise_ = write_noise_ || s > 0.0F;
            s *= static_cast<float>(config.write_noise_scale);
        }
    }
    mean_up_ = mean_over_devices(up_);
    mean_up_sigma_ = mean_over_devices(up_sigma_);
    mean_down_ = mean_over_devices(down_);
    find_rest();
    nominal_step_us_ =
        expected_step(bidirectional_ ? rest_us_ : 0.5F * (g_min_us_ + g_max_us_), 0.0F).mean_us;
    if (!(nominal_step_us_ > 0.0)) {
        throw InputError("crossbar.table_file", config.table_file,
                         "the mean up step where the device rests must be above 0");
    }
}

DeviceTraits TableDevice::traits() const {
    return {.table = true,
            .write_noise = write_noise_,
            .read_noise = has_read_noise_,
            .drift = drifts_,
            .drift_spread = drifts_};
}

std::vector<float> TableDevice::mean_over_devices(const std::vector<float>& values) const {
    const std::size_t stride = nodes_ + 1;
    std::vector<float> mean(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(stride));
    if (bounds_.size() > 1) {
        for (std::size_t node = 0; node < stride; ++node) {
            double sum = 0.0;
            for (std::size_t d = 0; d < bounds_.size(); ++d) {
                sum += double(values[d * stride + node]);
            }
            mean[node] = static_cast<float>(sum / double(bounds_.size()));
        }
    }
    return mean;
}

/// Where up and down steps are equal; half way if they are equal nowhere. One-sided: at the bottom.
void TableDevice::find_rest() {
    const float spacing = (g_max_us_ - g_min_us_) / static_cast<float>(nodes_ - 1);
    std::size_t node = 0;
    if (bidirectional_) {
        node = nodes_ / 2;
        for (std::size_t i = 0; i + 1 < nodes_; ++i) {
            if (mean_up_[i] >= mean_down_[i] && mean_up_[i + 1] < mean_down_[i + 1]) {
                node = i;
                break;
            }
        }
    }
    rest_us_ = g_min_us_ + spacing * static_cast<float>(node);
}

void TableDevice::draw_spread(std::size_t devices, std::uint64_t seed, std::uint8_t array) {
    DrawKey key{.seed = seed, .stream = Stream::device_spread, .array = array};
    const auto measured = static_cast<std::uint32_t>(bounds_.size());
    drawn_.assign(devices, 0);
    first_node_.assign(devices, 0);
    low_.resize(devices);
    high_.resize(devices);
    for (std::size_t i = 0; i < devices; ++i) {
        if (measured > 1) {
            const float part = random_uniform(key, static_cast<std::uint32_t>(i));
            drawn_[i] =
                std::min(static_cast<std::uint32_t>(part * static_cast<float>(measured)), measured - 1);
        }
        first_node_[i] = static_cast<std::int32_t>(drawn_[i] * (nodes_ + 1));
        low_[i] = bounds_[drawn_[i]].low;
        high_[i] = bounds_[drawn_[i]].high;
    }
    if (drift_exponent_ == 0.0 || drift_spread_ == 0.0) {
        return;
    }
    key.step = kExponentStep;
    exponent_of_device_.resize(devices);
    for (std::size_t i = 0; i < devices; ++i) {
        const double n = double(random_normal(key, static_cast<std::uint32_t>(i)));
        // The sign of the mean is kept: a device that decays does not grow by chance.
        exponent_of_device_[i] = drift_exponent_ * std::abs(1.0 + drift_spread_ * n);
    }
}

void TableDevice::pulse(DeviceState& state, std::uint32_t first, std::span<const std::int16_t> pulses,
                        DrawKey key, std::int32_t tick) const {
    StepParameters p;
    p.law = StepLaw::table;
    p.up.nodes = up_.data();
    p.up.sigma_nodes = up_sigma_.data();
    p.down.nodes = down_.data();
    p.down.sigma_nodes = down_sigma_.data();
    p.first_node = first_node_.data() + first;
    p.low = low_.data() + first;
    p.high = high_.data() + first;
    p.segments = static_cast<float>(nodes_ - 1);
    p.table_low_us = g_min_us_;
    p.nodes_per_us = static_cast<float>(nodes_ - 1) / (g_max_us_ - g_min_us_);
    pulse_devices(p, state.conductance_us.data() + first, pulses, first, key);
    count_pulses(pulses, tick, state.programmed_tick.data() + first, state.set_pulses.data() + first,
                 state.reset_pulses.data() + first);
}

void TableDevice::set(DeviceState& state, std::uint32_t first, std::span<const std::uint16_t> pulses,
                      DrawKey key, std::int32_t tick) const {
    for_signed_chunks(pulses, first, [&](std::uint32_t at, std::span<const std::int16_t> chunk) {
        pulse(state, at, chunk, key, tick);
    });
}

void TableDevice::rest(DeviceState& state, std::uint32_t device, std::uint32_t bounds_of,
                       std::int32_t tick) const {
    state.conductance_us[device] = std::clamp(rest_us_, low_[bounds_of], high_[bounds_of]);
    state.programmed_tick[device] = tick;
}

void TableDevice::reset(DeviceState& state, std::uint32_t device, const DrawKey&, std::int32_t tick) const {
    rest(state, device, device, tick);
    if (!bidirectional_) {
        ++state.reset_pulses[device];
    }
}

void TableDevice::place_reference(DeviceState& state, std::uint32_t device, std::uint32_t partner,
                                  const DrawKey&, std::int32_t tick) const {
    rest(state, device, partner, tick);
}

void TableDevice::advance_to(std::int32_t tick) {
    if (drift_exponent_ == 0.0) {
        return;
    }
    for (auto age = static_cast<std::int32_t>(factor_of_age_.size()); age <= tick; ++age) {
        const double elapsed = tick_seconds_ * age;
        const double log_ratio = elapsed > drift_t0_seconds_ ? math::log(elapsed / drift_t0_seconds_) : 0.0;
        log_ratio_of_age_.push_back(log_ratio);
        factor_of_age_.push_back(static_cast<float>(math::exp(-drift_exponent_ * log_ratio)));
    }
}

double TableDevice::drift_factor(std::int32_t age) const {
    return drift_exponent_ == 0.0 ? 1.0 : double(factor_of_age_[static_cast<std::size_t>(age)]);
}

void TableDevice::observe(const DeviceState& state, std::uint32_t first, std::int32_t tick,
                          std::span<float> mean_us, std::span<float> sigma_us) const {
    std::copy_n(state.conductance_us.begin() + first, mean_us.size(), mean_us.begin());
    std::fill(sigma_us.begin(), sigma_us.end(), read_sigma_us_);
    if (drift_exponent_ == 0.0) {
        return;
    }
    for (std::size_t i = 0; i < mean_us.size(); ++i) {
        const auto age = static_cast<std::size_t>(tick - state.programmed_tick[first + i]);
        mean_us[i] *=
            exponent_of_device_.empty()
                ? factor_of_age_[age]
                : static_cast<float>(math::exp(-exponent_of_device_[first + i] * log_ratio_of_age_[age]));
    }
}

DeviceModel::Step TableDevice::expected_step(float conductance_us, float) const {
    const auto last = double(nodes_ - 1);
    const double at = std::clamp(
        (double(conductance_us) - double(g_min_us_)) / (double(g_max_us_) - double(g_min_us_)) * last, 0.0,
        last);
    const auto node = static_cast<std::size_t>(at);
    const double part = at - std::floor(at);
    const auto between = [&](const std::vector<float>& nodes) {
        return double(nodes[node]) + part * (double(nodes[node + 1]) - double(nodes[node]));
    };
    return {between(mean_up_), between(mean_up_sigma_)};
}

}  // namespace memprop::crossbar
