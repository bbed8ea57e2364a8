#include "host_runtime/events/event_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "crossbar/base/error.hpp"
#include "crossbar/base/input_file.hpp"

namespace memprop::host::events {
std::int64_t step_of(double seconds, double dt_seconds) {
    const double step = std::floor(seconds / dt_seconds + 1e-6);
    return step < 9e18 ? static_cast<std::int64_t>(step) : std::int64_t{9'000'000'000'000'000'000};
}

SensorMap sensor_map(const ReaderOptions& options) {
    SensorMap map;
    h5::Shape shape = options.input_shape.value_or(h5::Shape{});
    while (shape.size() > 2 && shape.front() == 1) {
        shape.erase(shape.begin());
    }
    const bool pixels = shape.size() == 2 || (shape.size() == 3 && shape[0] == 2);
    if (pixels) {
        map.width = static_cast<std::uint32_t>(shape.back());
        map.height = static_cast<std::uint32_t>(shape[shape.size() - 2]);
        map.polarities = shape.size() == 3 ? 2 : 1;
        if ((options.width != 0 && options.width != map.width) ||
            (options.height != 0 && options.height != map.height)) {
            throw InputError(fmt::format("--width {} --height {}: the network's Input has {} x {} pixels",
                                         options.width, options.height, map.width, map.height));
        }
        return map;
    }
    if (options.width == 0 || options.height == 0) {
        throw InputError(
            "the network's Input has neither shape [2, H, W] nor [H, W]: a camera recording needs --width "
            "and --height");
    }
    const std::uint64_t plane = std::uint64_t{options.width} * options.height;
    if (options.input_size != plane && options.input_size != 2 * plane) {
        throw InputError(
            fmt::format("--width {} --height {}: the network's input has {} elements, {} or {} are needed",
                        options.width, options.height, options.input_size, plane, 2 * plane));
    }
    return {options.width, options.height, options.input_size == plane ? 1U : 2U};
}

namespace {

/// A recording that is stopped while it is waited for ends there; what it may have torn apart does not count.
class StoppableReader final : public EventReader {
public:
    StoppableReader(std::unique_ptr<EventReader> reader, std::function<bool()> stopped)
        : reader_(std::move(reader)), stopped_(std::move(stopped)) {}

    TimeUnit unit() const override { return reader_->unit(); }
    bool has_times() const override { return reader_->has_times(); }
    std::uint64_t skipped() const override { return reader_->skipped(); }
    std::size_t read(std::span<TimedEvent> out) override {
        try {
            const std::size_t count = reader_->read(out);
            return stopped_() ? 0 : count;
        } catch (const InputError&) {
            if (stopped_()) {
                return 0;
            }
            throw;
        }
    }

private:
    std::unique_ptr<EventReader> reader_;
    std::function<bool()> stopped_;
};

std::unique_ptr<EventReader> open_by_name(const std::string& source, const ReaderOptions& options) {
    const InputOptions waiting{.most_bytes = 0, .stopped = options.stopped};
    if (source == "-") {
        return open_csv(open_standard_input(waiting), "standard input", options);
    }
    std::string extension = std::filesystem::path(source).extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) {
        return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    });
    if (extension == ".csv") {
        return open_csv(open_input(source, waiting), source, options);
    }
    if (extension == ".h5" || extension == ".hdf5") {
        return open_shd(source, options);
    }
    using Open = std::unique_ptr<EventReader> (*)(Stream, const std::string&, const SensorMap&);
    const Open open = extension == ".bin"      ? open_n_mnist
                      : extension == ".raw"    ? open_prophesee_raw
                      : extension == ".dat"    ? open_prophesee_dat
                      : extension == ".aedat4" ? open_aedat4
                                               : nullptr;
    if (open == nullptr) {
        throw InputError(
            "events", source,
            "the name must end in .csv, .h5, .hdf5, .bin, .aedat4, .raw or .dat, or be - for CSV on "
            "standard input");
    }
    Stream in = open_input(source, waiting);
    return open(std::move(in), source, sensor_map(options));
}

}  // namespace

std::unique_ptr<EventReader> open_events(const std::string& source, const ReaderOptions& options) {
    std::unique_ptr<EventReader> reader = open_by_name(source, options);
    if (options.stopped) {
        reader = std::make_unique<StoppableReader>(std::move(reader), options.stopped);
    }
    return reader;
}

}  // namespace memprop::host::events
