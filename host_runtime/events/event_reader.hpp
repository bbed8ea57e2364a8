// Event recordings, read in blocks of bounded size whatever the length of the recording.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "host_runtime/hdf5/h5.hpp"

namespace memprop::host::events {

/// What TimedEvent::time counts.
enum class TimeUnit : std::uint8_t {
    steps,        ///< time steps from the start of the run
    microseconds  ///< of a clock whose zero means nothing: only differences count (cameras)
};

struct TimedEvent {
    std::int64_t time = 0;
    std::uint32_t index = 0;  ///< flat index into the network's input
};

class EventReader {
public:
    EventReader() = default;
    EventReader(const EventReader&) = delete;
    EventReader& operator=(const EventReader&) = delete;
    virtual ~EventReader() = default;

    virtual TimeUnit unit() const = 0;
    /// Whether the source gives times, not step numbers.
    virtual bool has_times() const { return true; }
    /// The next events, in the order of the recording; 0 at its end. Throws InputError naming the
    /// source and the line or byte offset.
    virtual std::size_t read(std::span<TimedEvent> out) = 0;
    /// Events that could not be used because the recording gives them no time.
    virtual std::uint64_t skipped() const { return 0; }
    /// Events that came when their step was over, and were given the newest one.
    virtual std::uint64_t late() const { return 0; }
};

/// From camera pixels to a flat index: p H W + y W + x, or y W + x without polarity.
struct SensorMap {
    std::uint32_t width = 0, height = 0, polarities = 1;

    std::uint64_t size() const { return std::uint64_t{width} * height * polarities; }
    /// Nothing if the pixel lies outside.
    std::optional<std::uint32_t> index(std::uint32_t x, std::uint32_t y, bool on) const {
        if (x >= width || y >= height) {
            return std::nullopt;
        }
        const std::uint32_t p = polarities == 2 && on ? 1 : 0;
        return (p * height + y) * width + x;
    }
};

struct ReaderOptions {
    double dt_seconds = 1e-3;
    std::uint64_t input_size = 0;          ///< elements of the network's input
    std::optional<h5::Shape> input_shape;  ///< if there is one Input
    std::uint32_t width = 0, height = 0;   ///< 0: from the shape
    std::uint64_t sample = 0;              ///< row of an SHD file
    std::function<bool()> stopped;         ///< asked while reading: true ends the recording
};

/// The pixel layout of the input. Throws InputError if neither shape nor options say.
SensorMap sensor_map(const ReaderOptions& options);

/// Opens a recording by its name: .csv, .h5/.hdf5 (SHD layout), .bin (N-MNIST), .aedat4, .raw (EVT2, EVT3),
/// .dat (Prophesee), or "-" for CSV on standard input. Throws InputError.
std::unique_ptr<EventReader> open_events(const std::string& source, const ReaderOptions& options);

// One format each; `name` is for messages.
using Stream = std::unique_ptr<std::istream>;
std::unique_ptr<EventReader> open_csv(Stream in, const std::string& name, const ReaderOptions& options);
std::unique_ptr<EventReader> open_n_mnist(Stream in, const std::string& name, const SensorMap& map);
std::unique_ptr<EventReader> open_prophesee_raw(Stream in, const std::string& name, const SensorMap& map);
std::unique_ptr<EventReader> open_prophesee_dat(Stream in, const std::string& name, const SensorMap& map);
std::unique_ptr<EventReader> open_aedat4(Stream in, const std::string& name, const SensorMap& map);
std::unique_ptr<EventReader> open_shd(const std::filesystem::path& file, const ReaderOptions& options);

/// floor(t/dt + 1e-6): the slack takes up the rounding of times written as decimal fractions.
std::int64_t step_of(double seconds, double dt_seconds);

inline constexpr std::int64_t kMaxSteps = std::int64_t{1} << 31;  ///< a later event is taken for damage

}  // namespace memprop::host::events
