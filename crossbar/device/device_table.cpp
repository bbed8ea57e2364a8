#include "crossbar/device/device_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "crossbar/base/error.hpp"
#include "crossbar/base/text_file.hpp"

namespace memprop::crossbar {
namespace {

constexpr std::string_view kHeader = "conductance_us,pulse,mean_step_us,std_step_us";
constexpr std::string_view kPopulationHeader = "device,conductance_us,pulse,mean_step_us,std_step_us";
constexpr std::size_t kMostDevices = 4096;

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) {
        text.remove_suffix(1);
    }
    while (!text.empty() && text.front() == ' ') {
        text.remove_prefix(1);
    }
    return text;
}

/// Fields of a line, as many as there are.
std::vector<std::string_view> split(std::string_view line) {
    std::vector<std::string_view> fields;
    for (;;) {
        const std::size_t comma = line.find(',');
        fields.push_back(trimmed(line.substr(0, comma)));
        if (comma == std::string_view::npos) {
            return fields;
        }
        line.remove_prefix(comma + 1);
    }
}

bool is_key(std::string_view text) {
    return !text.empty() &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

class TableParser {
public:
    explicit TableParser(std::string_view source) : source_(source) {}

    DeviceTable parse(std::string_view text) {
        constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // spreadsheets write it
        if (text.starts_with(kByteOrderMark)) {
            text.remove_prefix(kByteOrderMark.size());
        }
        while (!text.empty()) {
            ++line_;
            const std::size_t end = text.find('\n');
            const std::string_view line = trimmed(text.substr(0, end));
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
            if (has_header_) {
                if (!line.empty()) {
                    add_row(line);
                }
            } else if (line.starts_with('#')) {
                add_comment(trimmed(line.substr(1)));
            } else {
                begin_rows(line);
            }
        }
        finish();
        return table_;
    }

private:
    [[noreturn]] void refuse(std::string_view field, std::string_view value, std::string_view rule) const {
        throw InputError(fmt::format("{}:{}: {} = '{}': {}", source_, line_, field, value, rule));
    }

    double number(std::string_view field, std::string_view text, double low, double high = 1e6) const {
        double value = 0.0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc() || end != text.data() + text.size() || !(value >= low && value <= high)) {
            refuse(field, text, fmt::format("must be a number in [{}, {:g}]", low, high));
        }
        return value;
    }

    void add_comment(std::string_view comment) {
        const std::size_t equals = comment.find('=');
        if (equals == std::string_view::npos || !is_key(trimmed(comment.substr(0, equals)))) {
            return;
        }
        const std::string_view key = trimmed(comment.substr(0, equals)),
                               value = trimmed(comment.substr(equals + 1));
        EnergyConfig& energy = table_.energy;
        if (std::find(keys_.begin(), keys_.end(), key) != keys_.end()) {
            refuse(key, value, "stands there twice");
        }
        keys_.emplace_back(key);
        if (key == "source") {
            energy.source = value;
        } else if (key == "read_noise_us") {
            table_.read_noise_us = number(key, value, 0.0);
        } else if (key == "drift_exponent") {
            table_.drift_exponent = number(key, value, -10.0, 10.0);
        } else if (key == "drift_t0_s") {
            table_.drift_t0_seconds = number(key, value, 1e-12, 1e15);
        } else if (key == "drift_spread") {
            table_.drift_spread = number(key, value, 0.0, 10.0);
        } else {
            take_figure(key, value);
        }
    }

    /// Those of EnergyConfig, with its ranges.
    void take_figure(std::string_view key, std::string_view value) {
        const std::array<std::tuple<std::string_view, std::optional<double>*, double>, 6> figures{
            {{"set_pulse_pj", &table_.energy.set_pulse_pj, 1e6},
             {"reset_pulse_pj", &table_.energy.reset_pulse_pj, 1e6},
             {"set_pulse_ns", &table_.energy.set_pulse_ns, 1e9},
             {"reset_pulse_ns", &table_.energy.reset_pulse_ns, 1e9},
             {"read_voltage_v", &table_.energy.read_voltage_v, 10.0},
             {"read_pulse_ns", &table_.energy.read_pulse_ns, 1e9}}};
        for (const auto& [name, figure, high] : figures) {
            if (key == name) {
                *figure = number(key, value, 0.0, high);
                return;
            }
        }
        refuse(key, value,
               "is no key of a table of steps; there are read_noise_us, drift_exponent, drift_t0_s, "
               "drift_spread, set_pulse_pj, reset_pulse_pj, set_pulse_ns, reset_pulse_ns, read_voltage_v, "
               "read_pulse_ns and source");
    }

    void begin_rows(std::string_view line) {
        if (line != kHeader && line != kPopulationHeader) {
            refuse("header", line, fmt::format("must be '{}' or '{}'", kHeader, kPopulationHeader));
        }
        named_ = line == kPopulationHeader;
        has_header_ = true;
        if (table_.drift_exponent != 0.0 && table_.drift_t0_seconds == 0.0) {
            throw InputError(fmt::format("{}: drift_exponent needs drift_t0_s", source_));
        }
    }

    void add_row(std::string_view line) {
        std::vector<std::string_view> fields = split(line);
        const std::size_t columns = named_ ? 5 : 4;
        if (fields.size() != columns) {
            refuse("row", line, fmt::format("must have {} fields", columns));
        }
        std::string_view name;
        if (named_) {
            name = fields.front();
            fields.erase(fields.begin());
        }
        if (fields[1] != "up" && fields[1] != "down") {
            refuse("pulse", fields[1], "must be up or down");
        }
        MeasuredSteps& device = device_of(name);
        StepTable& side = fields[1] == "up" ? device.up : device.down;
        const double g = number("conductance_us", fields[0], 0.0);
        if (!side.conductance.empty() && !(g > side.conductance.back())) {
            refuse("conductance_us", fields[0],
                   named_ ? "must be larger than in the row before of the same device and polarity"
                          : "must be larger than in the row before of the same polarity");
        }
        side.conductance.push_back(g);
        side.mean.push_back(number("mean_step_us", fields[2], -1e6));
        side.sigma.push_back(number("std_step_us", fields[3], 0.0));
    }

    /// Rows of a device follow each other, or all files would be searched for every row.
    MeasuredSteps& device_of(std::string_view name) {
        std::vector<MeasuredSteps>& devices = table_.devices;
        if (devices.empty() || devices.back().name != name) {
            if (std::any_of(devices.begin(), devices.end(),
                            [&](const MeasuredSteps& d) { return d.name == name; })) {
                refuse("device", name, "the rows of a device must follow each other");
            }
            if (devices.size() == kMostDevices) {
                refuse("device", name, fmt::format("there are more than {} devices", kMostDevices));
            }
            devices.push_back({.name = std::string(name)});
        }
        return devices.back();
    }

    void finish() const {
        if (!has_header_) {
            throw InputError(fmt::format("{}: has no header '{}'", source_, kHeader));
        }
        const bool down = std::any_of(table_.devices.begin(), table_.devices.end(),
                                      [](const MeasuredSteps& d) { return !d.down.conductance.empty(); });
        if (table_.devices.empty()) {
            check_side({}, "up", "");
        }
        for (const MeasuredSteps& device : table_.devices) {
            check_side(device.up, "up", device.name);
            if (down) {
                check_side(device.down, "down", device.name);
            }
        }
    }

    void check_side(const StepTable& side, std::string_view pulse, std::string_view name) const {
        if (side.conductance.size() < 2) {
            throw InputError(fmt::format("{}: {} row(s) for {} pulses{}: must be at least 2", source_,
                                         side.conductance.size(), pulse,
                                         named_ ? fmt::format(" of device '{}'", name) : ""));
        }
    }

    std::string_view source_;
    std::size_t line_ = 0;
    bool has_header_ = false, named_ = false;
    std::vector<std::string> keys_;
    DeviceTable table_;
};

}  // namespace

DeviceTable parse_device_table(std::string_view text, std::string_view source) {
    return TableParser(source).parse(text);
}

DeviceTable read_device_table(const std::string& file) {
    if (file.empty()) {
        throw InputError("crossbar.table_file", "\"\"",
                         "must name the CSV file of the device \"table\" (see scripts/fit_device.py)");
    }
    return parse_device_table(read_text_file("crossbar.table_file", file), file);
}

}  // namespace memprop::crossbar
