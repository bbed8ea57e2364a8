#include "crossbar/array/faults.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <set>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "crossbar/base/text_file.hpp"

namespace memprop::crossbar {
namespace {

constexpr float kWorks = -1.0F;                                       // no conductance is negative
constexpr auto kFromNow = std::numeric_limits<std::uint64_t>::max();  // retention fails from the next tick on

/// What a draw decides; its step.
enum class Draw : std::uint32_t { kind = 0, value, row, column, endurance, retention };

/// Pulses that a device has had.
double wear(const DeviceState& state, std::size_t device) {
    return double(state.set_pulses[device]) + double(state.reset_pulses[device]);
}

}  // namespace

std::vector<MappedFault> parse_fault_map(std::string_view text, std::string_view source, float g_min_us,
                                         float g_max_us) {
    constexpr std::string_view kHeader = "array,row,column,device,fault";
    std::vector<MappedFault> faults;
    std::set<std::array<std::uint32_t, 4>> named;
    if (text.empty()) {
        throw InputError(fmt::format("{}: is empty: the header must be '{}'", source, kHeader));
    }
    for (std::uint32_t line_number = 1; !text.empty(); ++line_number) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        const auto refuse = [&](std::string_view rule) {
            throw InputError(fmt::format("{}:{}: '{}': {}", source, line_number, line, rule));
        };
        if (line_number == 1) {
            if (line != kHeader) {
                refuse(fmt::format("the header must be '{}'", kHeader));
            }
            continue;
        }
        if (line.empty()) {
            continue;
        }
        std::array<std::uint32_t, 4> index{};
        std::string_view rest = line;
        for (std::uint32_t& i : index) {
            const std::size_t comma = rest.find(',');
            const std::string_view word = rest.substr(0, comma);
            const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), i);
            if (comma == std::string_view::npos || error != std::errc() ||
                stop != word.data() + word.size()) {
                refuse("array, row, column and device must be whole numbers from 0 on, then a fault");
            }
            rest.remove_prefix(comma + 1);
        }
        float value = rest == "max" ? g_max_us : g_min_us;
        if (rest != "min" && rest != "max") {
            const auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
            if (error != std::errc() || stop != rest.data() + rest.size() ||
                !(value >= 0.0F && value <= 1e6F)) {
                refuse("the fault must be min, max or a conductance in [0, 1e6] uS");
            }
        }
        if (!named.insert(index).second) {
            refuse("the device has a fault in a line before");
        }
        faults.push_back({index[0], index[1], index[2], index[3], value, line_number});
    }
    return faults;
}

void check_mapped_arrays(const FaultConfig& config, std::span<const std::uint32_t> arrays) {
    if (config.map_file.empty()) {
        return;
    }
    const std::string text = read_text_file("crossbar.faults.map_file", config.map_file);
    for (const MappedFault& fault : parse_fault_map(text, config.map_file, 0.0F, 0.0F)) {
        if (std::find(arrays.begin(), arrays.end(), fault.array) == arrays.end()) {
            throw InputError(fmt::format("{}:{}: array = {}: must be one of {}", config.map_file, fault.line,
                                         fault.array, fmt::join(arrays, ", ")));
        }
    }
}

Faults::Faults(const CrossbarConfig& config, const Shape& shape, const DeviceModel& model, std::uint64_t seed,
               std::uint8_t array)
    : config_(config.faults), seed_(seed), array_(array) {
    const FaultConfig& f = config_;
    if (f.stuck_min + f.stuck_max + f.stuck_any > 1.0) {
        throw InputError("crossbar.faults.stuck_any", f.stuck_any,
                         "stuck_min + stuck_max + stuck_any must be at most 1");
    }
    const bool any = f.stuck_min + f.stuck_max + f.stuck_any + f.dead_rows + f.dead_columns +
                             f.endurance_pulses + f.retention_failure >
                         0.0 ||
                     !f.map_file.empty();
    if (!any) {
        return;
    }
    draw_devices(shape, model, seed, array);
    if (f.endurance_pulses > 0.0) {
        endurance_.resize(stuck_us_.size());
        fill_normals({.seed = seed,
                      .stream = Stream::fault,
                      .array = array,
                      .step = static_cast<std::uint32_t>(Draw::endurance)},
                     0, endurance_);
        for (float& pulses : endurance_) {
            pulses = static_cast<float>(f.endurance_pulses * math::exp(f.endurance_spread * double(pulses)));
        }
    }
}

float Faults::draw_stuck(const DrawKey& key, std::uint32_t device, const DeviceModel& model) const {
    DrawKey kind_key = key;
    kind_key.step = static_cast<std::uint32_t>(Draw::kind);
    const double kind = double(random_uniform(kind_key, device));
    if (kind < config_.stuck_min) {
        return model.g_min_us();
    }
    if (kind < config_.stuck_min + config_.stuck_max) {
        return model.g_max_us();
    }
    if (kind < config_.stuck_min + config_.stuck_max + config_.stuck_any) {
        DrawKey value_key = key;
        value_key.step = static_cast<std::uint32_t>(Draw::value);
        return model.g_min_us() + (model.g_max_us() - model.g_min_us()) * random_uniform(value_key, device);
    }
    return kWorks;
}

void Faults::draw_devices(const Shape& shape, const DeviceModel& model, std::uint64_t seed,
                          std::uint8_t array) {
    const DrawKey key{.seed = seed, .stream = Stream::fault, .array = array};
    const auto spares = static_cast<std::uint32_t>(config_.spare_columns);
    const std::uint32_t physical = shape.columns + spares;
    DrawKey row_key = key, column_key = key;
    row_key.step = static_cast<std::uint32_t>(Draw::row);
    column_key.step = static_cast<std::uint32_t>(Draw::column);
    std::vector<float> stuck(std::size_t{shape.planes} * shape.rows * physical);
    std::vector<std::uint32_t> faulty(physical, 0);
    for (std::uint32_t plane = 0; plane < shape.planes; ++plane) {
        for (std::uint32_t row = 0; row < shape.rows; ++row) {
            const bool dead_row = double(random_uniform(row_key, row)) < config_.dead_rows;
            for (std::uint32_t c = 0; c < physical; ++c) {
                const std::uint32_t device = (plane * shape.rows + row) * physical + c;
                const bool dead = dead_row || double(random_uniform(column_key, c)) < config_.dead_columns;
                stuck[device] = dead ? 0.0F : draw_stuck(key, device, model);
                const bool exists = !shape.one_reference || plane < shape.planes / 2 || c == 0;
                faulty[c] += exists && stuck[device] != kWorks ? 1 : 0;
            }
        }
    }
    read_map(shape, model, physical, stuck, faulty);
    std::vector<std::uint32_t> source(shape.columns), worst(shape.columns), best(spares);
    std::iota(source.begin(), source.end(), 0U);
    std::iota(worst.begin(), worst.end(), 0U);
    std::iota(best.begin(), best.end(), shape.columns);
    std::stable_sort(worst.begin(), worst.end(), [&](auto a, auto b) { return faulty[a] > faulty[b]; });
    std::stable_sort(best.begin(), best.end(), [&](auto a, auto b) { return faulty[a] < faulty[b]; });
    for (std::size_t i = 0; i < std::min(worst.size(), best.size()); ++i) {
        if (faulty[best[i]] < faulty[worst[i]]) {
            source[worst[i]] = best[i];
            ++columns_replaced_;
        }
    }
    stuck_us_.resize(std::size_t{shape.planes} * shape.rows * shape.columns);
    for (std::uint32_t line = 0; line < shape.planes * shape.rows; ++line) {
        for (std::uint32_t c = 0; c < shape.columns; ++c) {
            stuck_us_[std::size_t{line} * shape.columns + c] =
                stuck[std::size_t{line} * physical + source[c]];
        }
    }
}

void Faults::read_map(const Shape& shape, const DeviceModel& model, std::uint32_t physical_columns,
                      std::vector<float>& stuck, std::vector<std::uint32_t>& faulty) const {
    const std::string& file = config_.map_file;
    if (file.empty()) {
        return;
    }
    const std::string text = read_text_file("crossbar.faults.map_file", file);
    for (const MappedFault& fault : parse_fault_map(text, file, model.g_min_us(), model.g_max_us())) {
        if (fault.array != array_) {
            continue;
        }
        if (fault.plane >= shape.planes || fault.row >= shape.rows || fault.column >= physical_columns) {
            throw InputError(
                fmt::format("{}:{}: array {}, row {}, column {}, device {}: the array has {} rows, {} "
                            "columns (spare ones included) and {} devices per synapse",
                            file, fault.line, fault.array, fault.row, fault.column, fault.plane, shape.rows,
                            physical_columns, shape.planes));
        }
        if (shape.one_reference && fault.plane >= shape.planes / 2 && fault.column > 0 &&
            fault.column < shape.columns) {
            throw InputError(fmt::format(
                "{}:{}: array {}, row {}, column {}, device {}: with crossbar.subtraction = "
                "\"offset_column\" there is no such device: devices from {} on are in column 0 only",
                file, fault.line, fault.array, fault.row, fault.column, fault.plane, shape.planes / 2));
        }
        float& device = stuck[(fault.plane * shape.rows + fault.row) * physical_columns + fault.column];
        faulty[fault.column] += device == kWorks ? 1 : 0;
        device = fault.conductance_us;
    }
}

void Faults::apply(std::uint32_t first, std::span<float> mean_us, std::span<float> sigma_us) const {
    for (std::size_t i = 0; i < mean_us.size(); ++i) {
        const float stuck = stuck_us_[first + i];
        mean_us[i] = stuck == kWorks ? mean_us[i] : stuck;
        sigma_us[i] = stuck == kWorks ? sigma_us[i] : 0.0F;
    }
}

template <class Count>
void Faults::end_all_bursts(DeviceState& state, std::span<Count> pulses) const {
    for (std::size_t d = 0; d < pulses.size() && limits_endurance(); ++d) {
        if (pulses[d] == 0 || stuck_us_[d] != kWorks) {
            continue;
        }
        const int wanted = std::abs(int{pulses[d]});
        const double left = std::max(0.0, std::ceil(double(endurance_[d])) - wear(state, d));
        if (wanted > left) {
            const int effective = static_cast<int>(left);
            std::vector<std::uint32_t>& counter = pulses[d] > 0 ? state.set_pulses : state.reset_pulses;
            counter[d] += static_cast<std::uint32_t>(wanted - effective);
            pulses[d] = static_cast<Count>(pulses[d] > 0 ? effective : -effective);
        }
    }
}

void Faults::end_bursts(DeviceState& state, std::span<std::uint16_t> pulses) const {
    end_all_bursts(state, pulses);
}

void Faults::end_bursts(DeviceState& state, std::span<std::int16_t> pulses) const {
    end_all_bursts(state, pulses);
}

void Faults::wear_out(const DeviceState& state, const DeviceModel& model, std::int32_t tick) {
    for (std::uint32_t d = 0; d < endurance_.size(); ++d) {
        wear_out(state, model, tick, d);
    }
}

void Faults::wear_out(const DeviceState& state, const DeviceModel& model, std::int32_t tick,
                      std::uint32_t device) {
    if (limits_endurance() && stuck_us_[device] == kWorks &&
        wear(state, device) >= double(endurance_[device])) {
        float mean = 0.0F, sigma = 0.0F;
        model.observe(state, device, tick, {&mean, 1}, {&sigma, 1});
        stuck_us_[device] = std::max(0.0F, mean);
    }
}

void Faults::forget(DeviceState& state, const DeviceModel& model, std::int32_t tick) {
    if (config_.retention_failure == 0.0) {
        return;
    }
    if (forgotten_tick_ == kFromNow) {
        forgotten_tick_ = static_cast<std::uint64_t>(tick);
    }
    std::vector<float> uniform(state.size());
    for (; forgotten_tick_ < static_cast<std::uint64_t>(tick); ++forgotten_tick_) {
        fill_uniforms({.seed = seed_,
                       .stream = Stream::fault,
                       .array = array_,
                       .event = static_cast<std::uint32_t>(forgotten_tick_),
                       .step = static_cast<std::uint32_t>(Draw::retention)},
                      0, uniform);
        for (std::size_t d = 0; d < uniform.size(); ++d) {
            if (double(uniform[d]) < config_.retention_failure) {
                state.conductance_us[d] = model.g_min_us();
                state.programmed_tick[d] = static_cast<std::int32_t>(forgotten_tick_);
                if (model.has_auxiliary() && model.takes_pulses()) {
                    state.auxiliary[d] = model.g_min_us();
                }
            }
        }
    }
}

bool Faults::is_faulty(std::uint32_t device) const {
    return !none() && stuck_us_[device] != kWorks;
}

void Faults::serialize(StateArchive& archive) {
    if (none()) {
        return;
    }
    if (archive.holds("stuck_us")) {
        archive("stuck_us", stuck_us_);
        archive("forgotten_tick", forgotten_tick_);
    } else {  // devices of a run without these faults
        forgotten_tick_ = kFromNow;
    }
}

}  // namespace memprop::crossbar
