// CSV with a header line: `step,index` or `time_s,index`.
#include <charconv>

#include "host_runtime/events/byte_source.hpp"

namespace memprop::host::events {
namespace {

class CsvReader final : public EventReader {
public:
    CsvReader(Stream in, const std::string& name, const ReaderOptions& options)
        : source_(std::move(in), name), dt_seconds_(options.dt_seconds), input_size_(options.input_size) {
        std::string_view header;
        if (!next_line(header)) {
            fail("is empty; the first line must be 'step,index' or 'time_s,index'");
        }
        constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
        if (header.starts_with(kByteOrderMark)) {
            header.remove_prefix(kByteOrderMark.size());
        }
        if (header == "time_s,index") {
            has_times_ = true;
        } else if (header != "step,index") {
            fail(fmt::format("the header is '{}', it must be 'step,index' or 'time_s,index'",
                             header.substr(0, 80)));
        }
    }

    TimeUnit unit() const override { return TimeUnit::steps; }
    bool has_times() const override { return has_times_; }

    std::size_t read(std::span<TimedEvent> out) override {
        std::size_t count = 0;
        std::string_view line;
        while (count < out.size() && next_line(line)) {
            if (!line.empty()) {
                out[count++] = parse(line);
            }
        }
        return count;
    }

private:
    [[noreturn]] void fail(std::string_view reason) const {
        throw InputError(fmt::format("{}: line {}: {}", source_.name(), line_number_, reason));
    }

    bool next_line(std::string_view& line) {
        if (!source_.read_line(line)) {
            return false;
        }
        ++line_number_;
        return true;
    }

    template <class T>
    T field(std::string_view text, std::string_view name, std::string_view rule) const {
        T value{};
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
            fail(fmt::format("{} = '{}': {}", name, text.substr(0, 40), rule));
        }
        return value;
    }

    static std::string_view trimmed(std::string_view text) {
        const auto first = text.find_first_not_of(" \t");
        return first == std::string_view::npos ? std::string_view()
                                               : text.substr(first, text.find_last_not_of(" \t") - first + 1);
    }

    TimedEvent parse(std::string_view line) const {
        const std::size_t comma = line.find(',');
        if (comma == std::string_view::npos || line.find(',', comma + 1) != std::string_view::npos) {
            fail(fmt::format("'{}': two fields separated by a comma are needed", line.substr(0, 80)));
        }
        const std::string_view when = trimmed(line.substr(0, comma));
        TimedEvent event;
        if (has_times_) {
            const auto seconds = field<double>(when, "time_s", "must be a number >= 0");
            if (!(seconds >= 0.0 && seconds <= 1e12)) {
                fail(fmt::format("time_s = {}: must be in [0, 1e12] s", seconds));
            }
            event.time = step_of(seconds, dt_seconds_);
        } else {
            event.time = field<std::int64_t>(when, "step", "must be a whole number >= 0");
            if (event.time < 0) {
                fail(fmt::format("step = {}: must be >= 0", event.time));
            }
        }
        const auto index =
            field<std::uint64_t>(trimmed(line.substr(comma + 1)), "index", "must be a whole number >= 0");
        if (index >= input_size_) {
            fail(fmt::format("index = {}: the network's input has {} elements", index, input_size_));
        }
        event.index = static_cast<std::uint32_t>(index);
        return event;
    }

    ByteSource source_;
    double dt_seconds_;
    std::uint64_t input_size_, line_number_ = 0;
    bool has_times_ = false;
};

}  // namespace

std::unique_ptr<EventReader> open_csv(Stream in, const std::string& name, const ReaderOptions& options) {
    return std::make_unique<CsvReader>(std::move(in), name, options);
}

}  // namespace memprop::host::events
