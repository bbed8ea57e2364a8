#include "testbenches/support/stimulus.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "testbenches/support/option_values.hpp"

namespace memprop::tb {
namespace {

class RandomStimulus final : public Stimulus {
public:
    RandomStimulus(std::uint32_t rows, std::uint64_t steps, double activity, std::uint64_t seed)
        : steps_(steps), activity_(static_cast<float>(activity)), seed_(seed), uniform_(rows) {}

    std::uint64_t steps() const override { return steps_; }
    const std::vector<std::uint32_t>& rows(std::uint64_t step) override {
        fill_uniforms({.seed = seed_, .stream = Stream::traffic, .event = static_cast<std::uint32_t>(step)},
                      0, uniform_);
        rows_.clear();
        for (std::uint32_t row = 0; row < uniform_.size(); ++row) {
            if (uniform_[row] < activity_) {
                rows_.push_back(row);
            }
        }
        return rows_;
    }

private:
    std::uint64_t steps_;
    float activity_;
    std::uint64_t seed_;
    std::vector<float> uniform_;
    std::vector<std::uint32_t> rows_;
};

struct Event {
    std::uint64_t step;
    std::uint32_t row;
    std::size_t line;
};

class ListStimulus final : public Stimulus {
public:
    explicit ListStimulus(std::vector<Event> events) : events_(std::move(events)) {}

    std::uint64_t steps() const override { return events_.empty() ? 0 : events_.back().step + 1; }
    const std::vector<std::uint32_t>& rows(std::uint64_t step) override {
        rows_.clear();
        for (; next_ < events_.size() && events_[next_].step == step; ++next_) {
            rows_.push_back(events_[next_].row);
        }
        return rows_;
    }

private:
    std::vector<Event> events_;
    std::size_t next_ = 0;
    std::vector<std::uint32_t> rows_;
};

std::uint64_t parse_field(std::string_view text, std::string_view name, std::uint64_t highest,
                          const std::string& where) {
    return parse_integer(fmt::format("{}: {}", where, name), text, 0, highest);
}

}  // namespace

std::unique_ptr<Stimulus> make_random_stimulus(std::uint32_t rows, std::uint64_t steps, double activity,
                                               std::uint64_t seed) {
    return std::make_unique<RandomStimulus>(rows, steps, activity, seed);
}

std::unique_ptr<Stimulus> read_stimulus(const std::filesystem::path& file, std::uint32_t rows,
                                        std::string_view row_name) {
    const std::string header = fmt::format("step,{}", row_name);
    const std::string text = host::read_text(file);
    const auto where = [&](std::size_t line) { return fmt::format("{}, line {}", file.string(), line); };
    std::vector<Event> events;
    std::size_t line_number = 0;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        std::string_view line(text.data() + begin, end - begin);
        begin = end + 1;
        ++line_number;
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        if (line_number == 1) {
            if (line != header) {
                throw InputError(where(1), line, fmt::format("the header must be {}", header));
            }
            continue;
        }
        if (line.empty()) {
            continue;
        }
        const std::size_t comma = line.find(',');
        if (comma == line.npos || line.find(',', comma + 1) != line.npos) {
            throw InputError(where(line_number), line, fmt::format("must have the two fields {}", header));
        }
        const std::string place = where(line_number);
        const auto step = parse_field(line.substr(0, comma), "step", kMostSteps - 1, place);
        const auto row = parse_field(line.substr(comma + 1), row_name, rows - 1, place);
        events.push_back({step, static_cast<std::uint32_t>(row), line_number});
    }
    if (line_number == 0) {
        throw InputError(fmt::format("{}: is empty, the header must be {}", file.string(), header));
    }
    std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
        return std::pair(a.step, a.row) < std::pair(b.step, b.row);
    });
    for (std::size_t i = 1; i < events.size(); ++i) {
        if (events[i].step == events[i - 1].step && events[i].row == events[i - 1].row) {
            throw InputError(fmt::format("{}: {}", where(events[i].line), row_name), events[i].row,
                             fmt::format("has its event of step {} already in line {}", events[i].step,
                                         events[i - 1].line));
        }
    }
    return std::make_unique<ListStimulus>(std::move(events));
}

}  // namespace memprop::tb
