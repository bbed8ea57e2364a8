#include "host_runtime/digital_core/core_samples.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <string>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/atomic_file.hpp"

namespace memprop::host {
namespace {

constexpr std::int64_t kMostSteps = 1 << 24;

class LineReader {
public:
    explicit LineReader(const std::filesystem::path& file) : name_(file.string()), in_(read_text(file)) {}

    /// False at the end; empty lines are skipped.
    bool next(std::string& line) {
        while (std::getline(in_, line)) {
            ++number_;
            if (!line.empty() && line.back() == '\r') {
                line.pop_back();
            }
            if (!line.empty()) {
                return true;
            }
        }
        return false;
    }

    [[noreturn]] void fail(std::string_view reason) const {
        throw InputError(fmt::format("{}: line {}: {}", name_, number_, reason));
    }

    std::int64_t number(std::string_view text) const {
        while (!text.empty() && text.front() == ' ') {
            text.remove_prefix(1);
        }
        while (!text.empty() && text.back() == ' ') {
            text.remove_suffix(1);
        }
        std::int64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
            fail(fmt::format("'{}' is no whole number", text.substr(0, 40)));
        }
        return value;
    }

    std::pair<std::int64_t, std::int64_t> pair(const std::string& line) const {
        const std::size_t comma = line.find(',');
        if (comma == std::string::npos) {
            fail(fmt::format("'{}': two numbers separated by a comma are needed", line.substr(0, 40)));
        }
        return {number(std::string_view(line).substr(0, comma)),
                number(std::string_view(line).substr(comma + 1))};
    }

    std::int64_t in_range(std::string_view what, std::int64_t value, std::int64_t least,
                          std::int64_t most) const {
        if (value < least || value > most) {
            fail(fmt::format("{} = {}: must be in [{}, {}]", what, value, least, most));
        }
        return value;
    }

private:
    std::string name_;
    std::istringstream in_;
    std::uint64_t number_ = 0;
};

void sort_events(CoreSample& sample) {
    std::stable_sort(sample.events.begin(), sample.events.end(),
                     [](const auto& a, const auto& b) { return a.step < b.step; });
}

std::vector<CoreSample> read_csv(LineReader& in, std::uint32_t inputs) {
    std::string line;
    if (!in.next(line) || line != "step,index") {
        in.fail("the first line must be 'step,index'");
    }
    CoreSample sample;
    while (in.next(line)) {
        const auto [step, index] = in.pair(line);
        sample.events.push_back({static_cast<std::uint32_t>(in.in_range("step", step, 0, kMostSteps)),
                                 static_cast<std::uint8_t>(in.in_range("index", index, 0, inputs - 1))});
    }
    sort_events(sample);
    sample.ticks = sample.events.empty() ? 2 : sample.events.back().step + 2;
    return {sample};
}

std::vector<CoreSample> read_dat(LineReader& in, std::uint32_t inputs, std::uint32_t outputs) {
    std::string line;
    if (!in.next(line)) {
        in.fail("is empty; the first line must be the number of samples");
    }
    const std::int64_t count = in.in_range("number of samples", in.number(line), 0, 1 << 20);
    std::vector<CoreSample> samples;
    CoreSample sample;
    bool supervision_begins = false;
    while (in.next(line)) {
        const auto [index, value] = in.pair(line);
        if (index == -1) {
            sample.ticks = static_cast<std::uint32_t>(in.in_range("ticks", value, 2, kMostSteps));
            sort_events(sample);
            if (!sample.events.empty() && sample.events.back().step >= sample.ticks) {
                in.fail(fmt::format("the sample ends with tick {}, before its event of step {}", sample.ticks,
                                    sample.events.back().step));
            }
            if (supervision_begins) {
                sample.supervised_from = sample.ticks - 1;
            }
            samples.push_back(std::move(sample));
            sample = {};
            supervision_begins = false;
        } else if (index == -2) {
            sample.label = static_cast<std::uint8_t>(in.in_range("label", value, 0, outputs - 1));
            supervision_begins = true;
        } else {
            const auto step = static_cast<std::uint32_t>(in.in_range("step", value, 0, kMostSteps));
            sample.events.push_back(
                {step, static_cast<std::uint8_t>(in.in_range("index", index, 0, inputs - 1))});
            if (supervision_begins) {
                sample.supervised_from = step;
                supervision_begins = false;
            }
        }
    }
    if (!sample.events.empty() || sample.label) {
        in.fail("the last sample has no end ('-1, ticks')");
    }
    if (static_cast<std::int64_t>(samples.size()) != count) {
        in.fail(fmt::format("{} samples were announced, there are {}", count, samples.size()));
    }
    return samples;
}

}  // namespace

std::vector<CoreSample> read_core_samples(const std::filesystem::path& file, std::uint32_t inputs,
                                          std::uint32_t outputs) {
    LineReader in(file);
    if (file.extension() == ".csv") {
        return read_csv(in, inputs);
    }
    if (file.extension() == ".dat") {
        return read_dat(in, inputs, outputs);
    }
    throw InputError("events", file.string(), "the name must end in .dat or .csv");
}

}  // namespace memprop::host
