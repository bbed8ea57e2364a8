#include "crossbar/characterize/characterize.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <span>

#include "crossbar/base/error.hpp"
#include "crossbar/device/device_model.hpp"
#include "crossbar/device/low_frequency_noise.hpp"
#include "crossbar/device/pcm_inference.hpp"

namespace memprop::crossbar {
namespace {

constexpr double kT0Seconds = 38.6;
constexpr std::uint32_t kDriftPulses = 10;

struct Moments {
    double mean = 0, std = 0, at_min = 0, at_max = 0;
};

/// A population of devices of one kind, and a clock.
class Bench {
public:
    Bench(const CharacterizeOptions& options, double tick_seconds)
        : options_(options),
          model_(find_device_kind(options.config.device).make(options.config, tick_seconds)),
          one_pulse_(options.devices, 1),
          mean_(options.devices),
          sigma_(options.devices),
          noise_(options.devices) {
        state_.resize(options.devices, model_->has_auxiliary());
        model_->draw_spread(options.devices, options.seed, 0);
        model_->advance_to(0);
        reset();
    }

    DeviceModel& model() { return *model_; }

    void advance(std::int32_t ticks) {
        tick_ += ticks;
        model_->advance_to(tick_);
        model_->relax(state_, tick_);
    }
    void down() {
        const std::vector<std::int16_t> pulses(options_.devices, -1);
        model_->pulse(state_, 0, pulses, key(Stream::set_noise), tick_);
    }
    void set() { model_->set(state_, 0, one_pulse_, key(Stream::set_noise), tick_); }
    void reset() {
        const DrawKey reset_key = key(Stream::reset_noise);
        for (std::uint32_t device = 0; device < options_.devices; ++device) {
            model_->reset(state_, device, reset_key, tick_);
        }
    }
    /// Every device at conductance g with the pulse memory of a fresh RESET.
    void place(double g_us) {
        std::fill(state_.conductance_us.begin(), state_.conductance_us.end(), static_cast<float>(g_us));
        if (model_->takes_pulses()) {
            std::fill(state_.auxiliary.begin(), state_.auxiliary.end(), static_cast<float>(g_us));
        }
        std::fill(state_.pulse_memory.begin(), state_.pulse_memory.end(), 1.0F);
        std::fill(state_.programmed_tick.begin(), state_.programmed_tick.end(), tick_);
    }
    Moments read() {
        model_->observe(state_, 0, tick_, mean_, sigma_);
        fill_normals(key(Stream::read_noise_device), 0, noise_);
        for (std::size_t i = 0; i < noise_.size(); ++i) {
            noise_[i] = mean_[i] + sigma_[i] * noise_[i];
            if (options_.config.clamp_reads) {
                noise_[i] = std::clamp(noise_[i], model_->g_min_us(), model_->g_max_us());
            }
        }
        return moments(noise_, 0.0);
    }
    /// The same without the noise of the read.
    Moments observe() {
        model_->observe(state_, 0, tick_, mean_, sigma_);
        ++event_;  // a read, too, so that pulses have the noise they have when reads have some
        return moments(mean_, 0.0);
    }
    /// Of the states that pulses move: those behind write noise, if there is any.
    Moments states_minus(double offset_us) const {
        const bool hidden = model_->takes_pulses() && model_->has_auxiliary();
        return moments(hidden ? state_.auxiliary : state_.conductance_us, offset_us);
    }
    double pulse_memory() const { return double(state_.pulse_memory[0]); }
    /// Mean and standard deviation of a read of a device at g_us, by the model.
    std::pair<double, double> read_model(double g_us) {
        place(g_us);
        float mean = 0.0F, sigma = 0.0F;
        model_->observe(state_, 0, tick_, {&mean, 1}, {&sigma, 1});
        return {double(mean), double(sigma)};
    }

private:
    DrawKey key(Stream stream) { return {.seed = options_.seed, .stream = stream, .event = event_++}; }

    Moments moments(std::span<const float> values, double offset) const {
        Moments m;
        const double n = double(values.size());
        for (const float v : values) {
            m.mean += double(v);
            m.at_min += v <= model_->g_min_us() ? 1.0 : 0.0;
            m.at_max += v >= model_->g_max_us() ? 1.0 : 0.0;
        }
        m.mean /= n;
        m.at_min /= n;
        m.at_max /= n;
        for (const float v : values) {
            m.std += (double(v) - m.mean) * (double(v) - m.mean);
        }
        m.std = std::sqrt(m.std / n);
        m.mean -= offset;
        return m;
    }

    CharacterizeOptions options_;
    std::unique_ptr<DeviceModel> model_;
    DeviceState state_;
    std::int32_t tick_ = 0;
    std::uint32_t event_ = 0;
    std::vector<std::uint16_t> one_pulse_;
    std::vector<float> mean_, sigma_, noise_;
};

/// Throws InputError unless the device is written by pulses.
void need_pulses(const CharacterizeOptions& options, const DeviceModel& model) {
    if (!model.takes_pulses()) {
        throw InputError("DEVICE", options.config.device, "takes no pulses; its curve is retention");
    }
}

/// As configured, or what a table of measured steps says.
double g_max_of(const CharacterizeOptions& options, const DeviceModel& model) {
    const double configured = options.config.g_max_us;
    return static_cast<float>(configured) == model.g_max_us() ? configured : double(model.g_max_us());
}

Curve staircase(const CharacterizeOptions& options) {
    Bench bench(options, options.interval_seconds);
    need_pulses(options, bench.model());
    Curve curve{{"pulse", "mean_us", "std_us"}, {}};
    for (std::uint32_t pulse = 0; pulse <= options.pulses; ++pulse) {
        if (pulse > 0) {
            bench.set();
        }
        bench.advance(1);
        const Moments m = bench.read();
        curve.rows.push_back({double(pulse), m.mean, m.std});
    }
    return curve;
}

Curve reset(const CharacterizeOptions& options) {
    Bench bench(options, options.interval_seconds);
    need_pulses(options, bench.model());
    for (std::uint32_t pulse = 0; pulse < kDriftPulses; ++pulse) {
        bench.set();
        bench.advance(1);
    }
    Curve curve{{"pulse", "mean_us", "std_us"}, {}};
    for (std::uint32_t pulse = 0; pulse <= options.pulses; ++pulse) {
        if (pulse > 0) {
            bench.reset();
            bench.advance(1);
        }
        const Moments m = bench.read();
        curve.rows.push_back({double(pulse), m.mean, m.std});
    }
    return curve;
}

Curve drift(const CharacterizeOptions& options) {
    Bench bench(options, kT0Seconds);
    need_pulses(options, bench.model());
    for (std::uint32_t pulse = 0; pulse < kDriftPulses; ++pulse) {
        bench.advance(1);
        bench.set();
    }
    Curve curve{{"gmax_uS", "time_after_last_pulse_s", "time_over_T0", "n_devices", "read_mean_uS",
                 "read_std_uS", "drift_factor_model"},
                {}};
    std::int32_t elapsed = 0;
    for (const std::int32_t target : {1, 10, 100, 1000}) {
        bench.advance(target - elapsed);
        elapsed = target;
        const Moments m = bench.read();
        curve.rows.push_back({g_max_of(options, bench.model()), kT0Seconds * target, double(target),
                              double(options.devices), m.mean, m.std, bench.model().drift_factor(target)});
    }
    return curve;
}

/// Start states of phase-change memory: 0.1, 0.5 (and 0.2 for reads), then whole uS up to g_max, coarser
/// from 12 and 100 uS on. Of other devices: 21 at equal distances over their range.
std::vector<double> grid(const CharacterizeOptions& options, const DeviceModel& model,
                         std::vector<double> states) {
    const double g_max_us = g_max_of(options, model);
    if (options.config.device != "pcm_nandakumar2018" && options.config.device != "ideal") {
        states.clear();
        const double g_min_us = double(model.g_min_us());
        for (int i = 0; i <= 20; ++i) {
            states.push_back(g_min_us + (g_max_us - g_min_us) * i / 20.0);
        }
        return states;
    }
    for (int g = 1; g <= g_max_us; g += g < 12 ? 1 : g < 100 ? 2 : g / 10) {
        states.push_back(g);
    }
    std::erase_if(states, [&](double g) { return g > g_max_us; });
    return states;
}

Curve single_pulse(const CharacterizeOptions& options) {
    Curve curve{
        {"gmax_uS", "g_start_uS", "n_devices", "dg_mean_uS", "dg_std_uS", "frac_at_gmin", "frac_at_gmax",
         "dg_mean_unclamped_model_uS", "dg_std_unclamped_model_uS", "pmem_before", "pmem_during_pulse"},
        {}};
    Bench bench(options, kT0Seconds);
    need_pulses(options, bench.model());
    for (const double g : grid(options, bench.model(), {0.1, 0.5})) {
        bench.place(g);
        const DeviceModel::Step step = bench.model().expected_step(static_cast<float>(g), 1.0F);
        bench.set();
        const Moments m = bench.states_minus(g);
        curve.rows.push_back({g_max_of(options, bench.model()), g, double(options.devices), m.mean, m.std,
                              m.at_min, m.at_max, step.mean_us, step.sigma_us, 1.0, bench.pulse_memory()});
    }
    return curve;
}

Curve read_noise(const CharacterizeOptions& options) {
    Curve curve{{"gmax_uS", "g_state_uS", "n_reads", "read_mean_uS", "read_std_uS",
                 "read_std_unclamped_model_uS", "frac_at_gmin", "frac_at_gmax"},
                {}};
    Bench bench(options, kT0Seconds);
    need_pulses(options, bench.model());
    for (const double g : grid(options, bench.model(), {0.1, 0.2, 0.5})) {
        const double sigma = bench.read_model(g).second;
        bench.place(g);
        bench.advance(1);
        const Moments m = bench.read();
        curve.rows.push_back({g_max_of(options, bench.model()), g, double(options.devices), m.mean, m.std,
                              sigma, m.at_min, m.at_max});
    }
    return curve;
}

Curve up_down(const CharacterizeOptions& options) {
    Bench bench(options, options.interval_seconds);
    if (!bench.model().bidirectional()) {
        throw InputError("DEVICE", options.config.device, "has no gradual RESET, so no curve up_down");
    }
    Curve curve{{"pulse", "mean_us", "std_us"}, {}};
    for (std::uint32_t pulse = 0; pulse <= 2 * options.pulses; ++pulse) {
        if (pulse > options.pulses) {
            bench.down();
        } else if (pulse > 0) {
            bench.set();
        }
        bench.advance(1);
        const Moments m = bench.observe();
        curve.rows.push_back({double(pulse), m.mean, m.std});
    }
    return curve;
}

Curve retention(const CharacterizeOptions& options) {
    if (options.config.device != "pcm_inference") {
        throw InputError("DEVICE", options.config.device, "only pcm_inference has the curve retention");
    }
    const PcmInference model(options.config, 1.0);
    Curve curve{{"g_rel", "t_total_s", "mean_g_us", "std_g_us"}, {}, {}, "convention", 1};
    DeviceState state;
    state.resize(options.devices, true);
    std::vector<float> mean(options.devices), sigma(options.devices), noise(options.devices);
    std::uint32_t event = 0;
    const auto measure = [&](const std::string& convention, double relative, double label) {
        const double t = label + (convention == "t_total" ? 0.0 : PcmInference::kT0Seconds);
        model.observe_at(state, t, mean, sigma);
        fill_normals({.seed = options.seed, .stream = Stream::read_noise_device, .event = event}, 0, noise);
        double sum = 0.0, squares = 0.0;
        for (std::size_t i = 0; i < noise.size(); ++i) {
            noise[i] = std::max(0.0F, mean[i] + sigma[i] * noise[i]);
            sum += double(noise[i]);
        }
        sum /= double(noise.size());
        for (const float g : noise) {
            squares += (double(g) - sum) * (double(g) - sum);
        }
        curve.rows.push_back({relative, t, sum, std::sqrt(squares / double(noise.size()))});
        curve.labels.push_back(convention);
    };
    for (const std::string convention : {"t_total", "t_inference"}) {
        for (const double relative : {0.0, 0.1, 0.25, 0.5, 0.75, 1.0}) {
            const std::vector<float> targets(options.devices,
                                             static_cast<float>(relative * options.config.g_max_us));
            model.program_targets(state, 0, targets,
                                  {.seed = options.seed, .stream = Stream::set_noise, .event = event}, 0);
            for (const double label : {20.0, 60.0, 3600.0, 86400.0, 365.0 * 86400.0}) {
                ++event;
                measure(convention, relative, label);
            }
        }
    }
    return curve;
}

Curve spectrum(const CharacterizeOptions& options) {
    constexpr std::size_t kIntervals = 4096;
    const double g_max_us = g_max_of(
        options, *find_device_kind(options.config.device).make(options.config, options.interval_seconds));
    LowFrequencyNoise noise(options.config.low_frequency, g_max_us, options.devices, options.interval_seconds,
                            options.seed, 0);
    if (noise.none() || !(options.interval_seconds > 0.0)) {
        throw InputError("--curve", "spectrum",
                         "needs crossbar.low_frequency.one_over_f or telegraph_fraction above 0, and an "
                         "interval above 0");
    }
    std::vector<std::size_t> cycles;
    for (std::size_t c = 2; c < kIntervals / 2; c = std::max(c + 1, c * 5 / 4)) {
        cycles.push_back(c);
    }
    std::vector<float> re(cycles.size() * options.devices), im(re.size()), g(options.devices);
    double window_power = 0.0;
    for (std::size_t t = 0; t < kIntervals; ++t) {
        noise.advance_to(static_cast<std::int32_t>(t));
        std::fill(g.begin(), g.end(), static_cast<float>(0.5 * g_max_us));
        noise.apply(0, g);
        const double turn = 2.0 * std::numbers::pi / double(kIntervals);
        const double window = 1.0 - std::cos(turn * double(t));  // Hann
        window_power += window * window;
        for (std::size_t f = 0; f < cycles.size(); ++f) {
            const double phase = turn * double(cycles[f] * t % kIntervals);
            const auto c = static_cast<float>(window * std::cos(phase));
            const auto s = static_cast<float>(window * std::sin(phase));
            for (std::size_t d = 0; d < g.size(); ++d) {
                re[f * g.size() + d] += c * g[d];
                im[f * g.size() + d] += s * g[d];
            }
        }
    }
    Curve curve{{"frequency_hz", "psd_us2_per_hz"}, {}};
    for (std::size_t f = 0; f < cycles.size(); ++f) {
        double power = 0.0;
        for (std::size_t d = f * g.size(); d < (f + 1) * g.size(); ++d) {
            power += double(re[d]) * double(re[d]) + double(im[d]) * double(im[d]);
        }
        curve.rows.push_back({double(cycles[f]) / (double(kIntervals) * options.interval_seconds),
                              2.0 * options.interval_seconds * power / (window_power * double(g.size()))});
    }
    return curve;
}

}  // namespace

std::string to_csv(const Curve& curve) {
    std::vector<std::string> cells = curve.columns;
    const auto position = static_cast<std::ptrdiff_t>(curve.label_position);
    if (!curve.labels.empty()) {
        cells.insert(cells.begin() + position, curve.label_column);
    }
    std::string csv = fmt::format("{}\n", fmt::join(cells, ","));
    for (std::size_t row = 0; row < curve.rows.size(); ++row) {
        cells.clear();
        for (const double value : curve.rows[row]) {
            cells.push_back(fmt::format("{}", value));
        }
        if (!curve.labels.empty()) {
            cells.insert(cells.begin() + position, curve.labels[row]);
        }
        csv += fmt::format("{}\n", fmt::join(cells, ","));
    }
    return csv;
}

const std::vector<CurveKind>& curve_kinds() {
    static const std::vector<CurveKind> kinds{
        {"staircase", "SET pulses from the RESET state, a read after each", staircase},
        {"drift", "ten SET pulses, then reads at 1, 10, 100, 1000 times 38.6 s", drift},
        {"single_pulse", "one SET pulse from a grid of states", single_pulse},
        {"read_noise", "reads of a grid of states", read_noise},
        {"up_down", "SET pulses, then as many down pulses, a read after each", up_down},
        {"retention", "programmed devices, read from 20 s to a year later (pcm_inference)", retention},
        {"reset", "ten SET pulses, then RESET pulses, a read after each", reset},
        {"spectrum", "power spectral density of 1/f and telegraph noise at half of g_max", spectrum},
    };
    return kinds;
}

}  // namespace memprop::crossbar
