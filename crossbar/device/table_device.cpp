#include "crossbar/device/table_device.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "crossbar/base/error.hpp"
#include "crossbar/base/text_file.hpp"

namespace memprop::crossbar {
namespace {

constexpr std::string_view kHeader = "conductance_us,pulse,mean_step_us,std_step_us";
constexpr std::size_t kNodes = 1025;  // of the interpolation at equal distances

[[noreturn]] void refuse(std::string_view source, std::size_t line, std::string_view field,
                         std::string_view value, std::string_view rule) {
    throw InputError(fmt::format("{}:{}: {} = '{}': {}", source, line, field, value, rule));
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) {
        text.remove_suffix(1);
    }
    while (!text.empty() && text.front() == ' ') {
        text.remove_prefix(1);
    }
    return text;
}

double parse_number(std::string_view field, std::string_view text, double low, std::string_view source,
                    std::size_t line) {
    double value = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !(value >= low && value <= 1e6)) {
        refuse(source, line, field, text, fmt::format("must be a number in [{}, 1e6]", low));
    }
    return value;
}

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

void check_side(const StepTable& table, std::string_view name, std::string_view source) {
    if (table.conductance.size() < 2) {
        throw InputError(fmt::format("{}: {} row(s) for {} pulses: must be at least 2", source,
                                     table.conductance.size(), name));
    }
}

std::string read_file(const std::string& file) {
    if (file.empty()) {
        throw InputError("crossbar.table_file", "\"\"",
                         "must name the CSV file of the device \"table\" (see scripts/fit_device.py)");
    }
    return read_text_file("crossbar.table_file", file);
}

std::vector<float> resample(const StepTable& table, const std::vector<double>& values, double low,
                            double high) {
    std::vector<float> nodes(kNodes + 1);
    for (std::size_t i = 0; i < kNodes; ++i) {
        nodes[i] = static_cast<float>(
            interpolate(table, values, low + (high - low) * double(i) / double(kNodes - 1)));
    }
    nodes[kNodes] = nodes[kNodes - 1];
    return nodes;
}

}  // namespace

DeviceTable parse_device_table(std::string_view text, std::string_view source) {
    DeviceTable table;
    std::size_t line_number = 0;
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // spreadsheets write it
    if (text.starts_with(kByteOrderMark)) {
        text.remove_prefix(kByteOrderMark.size());
    }
    while (!text.empty()) {
        ++line_number;
        const std::size_t end = text.find('\n');
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line_number == 1) {
            if (line != kHeader) {
                refuse(source, 1, "header", line, fmt::format("must be '{}'", kHeader));
            }
            continue;
        }
        if (line.empty()) {
            continue;
        }
        std::array<std::string_view, 4> fields;
        std::string_view rest = line;
        std::size_t count = 1;
        for (; count <= fields.size(); ++count) {
            const std::size_t comma = rest.find(',');
            fields[count - 1] = trimmed(rest.substr(0, comma));
            if (comma == std::string_view::npos) {
                break;
            }
            rest.remove_prefix(comma + 1);
        }
        if (count != fields.size()) {
            refuse(source, line_number, "row", line, "must have 4 fields");
        }
        if (fields[1] != "up" && fields[1] != "down") {
            refuse(source, line_number, "pulse", fields[1], "must be up or down");
        }
        StepTable& side = fields[1] == "up" ? table.up : table.down;
        const double g = parse_number("conductance_us", fields[0], 0.0, source, line_number);
        if (!side.conductance.empty() && !(g > side.conductance.back())) {
            refuse(source, line_number, "conductance_us", fields[0],
                   "must be larger than in the row before of the same polarity");
        }
        side.conductance.push_back(g);
        side.mean.push_back(parse_number("mean_step_us", fields[2], -1e6, source, line_number));
        side.sigma.push_back(parse_number("std_step_us", fields[3], 0.0, source, line_number));
    }
    check_side(table.up, "up", source);
    if (!table.down.conductance.empty()) {
        check_side(table.down, "down", source);
    }
    return table;
}

TableDevice::TableDevice(const CrossbarConfig& config)
    : TableDevice(config, parse_device_table(read_file(config.table_file), config.table_file)) {}

TableDevice::TableDevice(const CrossbarConfig& config, const DeviceTable& table)
    : bidirectional_(!table.down.conductance.empty()) {
    double low = table.up.conductance.front(), high = table.up.conductance.back();
    if (bidirectional_) {
        low = std::min(low, table.down.conductance.front());
        high = std::max(high, table.down.conductance.back());
    }
    g_min_us_ = static_cast<float>(low);
    g_max_us_ = static_cast<float>(high);
    if (!(g_min_us_ < g_max_us_)) {
        throw InputError(
            "crossbar.table_file", config.table_file,
            fmt::format("conductance_us from {} to {} is no range in single precision", low, high));
    }
    up_ = resample(table.up, table.up.mean, low, high);
    up_sigma_ = resample(table.up, table.up.sigma, low, high);
    const StepTable& down = bidirectional_ ? table.down : table.up;
    down_ = resample(down, down.mean, low, high);
    down_sigma_ = resample(down, down.sigma, low, high);
    for (auto* sigma : {&up_sigma_, &down_sigma_}) {
        for (float& s : *sigma) {
            write_noise_ = write_noise_ || s > 0.0F;
            s *= static_cast<float>(config.write_noise_scale);
        }
    }
    // Where the device rests: up and down steps are equal there; half way if they are equal nowhere.
    const float spacing = (g_max_us_ - g_min_us_) / static_cast<float>(kNodes - 1);
    std::size_t node = 0;
    if (bidirectional_) {
        node = kNodes / 2;
        for (std::size_t i = 0; i + 1 < kNodes; ++i) {
            if (up_[i] >= down_[i] && up_[i + 1] < down_[i + 1]) {
                node = i;
                break;
            }
        }
    }
    rest_us_ = g_min_us_ + spacing * static_cast<float>(node);
    nominal_step_us_ =
        expected_step(bidirectional_ ? rest_us_ : 0.5F * (g_min_us_ + g_max_us_), 0.0F).mean_us;
    if (!(nominal_step_us_ > 0.0)) {
        throw InputError("crossbar.table_file", config.table_file,
                         "the mean up step where the device rests must be above 0");
    }
}

DeviceTraits TableDevice::traits() const {
    return {.table = true, .write_noise = write_noise_};
}

void TableDevice::draw_spread(std::size_t devices, std::uint64_t, std::uint8_t) {
    low_.assign(devices, g_min_us_);
    high_.assign(devices, g_max_us_);
}

void TableDevice::pulse(DeviceState& state, std::uint32_t first, std::span<const std::int16_t> pulses,
                        DrawKey key, std::int32_t tick) const {
    StepParameters p;
    p.law = StepLaw::table;
    p.up.nodes = up_.data();
    p.up.sigma_nodes = up_sigma_.data();
    p.down.nodes = down_.data();
    p.down.sigma_nodes = down_sigma_.data();
    p.low = low_.data() + first;
    p.high = high_.data() + first;
    p.segments = static_cast<float>(kNodes - 1);
    p.table_low_us = g_min_us_;
    p.nodes_per_us = static_cast<float>(kNodes - 1) / (g_max_us_ - g_min_us_);
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

void TableDevice::reset(DeviceState& state, std::uint32_t device, const DrawKey&, std::int32_t tick) const {
    state.conductance_us[device] = rest_us_;
    state.programmed_tick[device] = tick;
    if (!bidirectional_) {
        ++state.reset_pulses[device];
    }
}

void TableDevice::place_reference(DeviceState& state, std::uint32_t device, std::uint32_t, const DrawKey&,
                                  std::int32_t tick) const {
    state.conductance_us[device] = rest_us_;
    state.programmed_tick[device] = tick;
}

void TableDevice::observe(const DeviceState& state, std::uint32_t first, std::int32_t,
                          std::span<float> mean_us, std::span<float> sigma_us) const {
    std::copy_n(state.conductance_us.begin() + first, mean_us.size(), mean_us.begin());
    std::fill(sigma_us.begin(), sigma_us.end(), 0.0F);
}

DeviceModel::Step TableDevice::expected_step(float conductance_us, float) const {
    const double at = std::clamp((double(conductance_us) - double(g_min_us_)) /
                                     (double(g_max_us_) - double(g_min_us_)) * double(kNodes - 1),
                                 0.0, double(kNodes - 1));
    const auto node = static_cast<std::size_t>(at);
    const double part = at - std::floor(at);
    const auto between = [&](const std::vector<float>& nodes) {
        return double(nodes[node]) + part * (double(nodes[node + 1]) - double(nodes[node]));
    };
    return {between(up_), between(up_sigma_)};
}

}  // namespace memprop::crossbar
