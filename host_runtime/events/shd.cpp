// The HDF5 layout of the Heidelberg digits and speech commands (SHD, SSC; Cramer et al., IEEE TNNLS 33, 2744,
// 2022): spikes/times and spikes/units, one variable-length row per sample; times in seconds, units from 0.
#include <algorithm>
#include <cmath>

#include "crossbar/base/error.hpp"
#include "host_runtime/events/event_reader.hpp"
#include "host_runtime/hdf5/decode.hpp"

namespace memprop::host::events {
namespace {

constexpr std::uint64_t kMaxEvents = 1U << 22;  // of one sample

class StoredEvents final : public EventReader {
public:
    explicit StoredEvents(std::vector<TimedEvent> events) : events_(std::move(events)) {}
    TimeUnit unit() const override { return TimeUnit::steps; }
    std::size_t read(std::span<TimedEvent> out) override {
        const std::size_t count = std::min(out.size(), events_.size() - next_);
        std::copy_n(events_.begin() + static_cast<std::ptrdiff_t>(next_), count, out.begin());
        next_ += count;
        return count;
    }

private:
    std::vector<TimedEvent> events_;
    std::size_t next_ = 0;
};

template <class T>
std::string_view as_bytes(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace

std::unique_ptr<EventReader> open_shd(const std::filesystem::path& path, const ReaderOptions& options) {
    std::vector<double> times;
    std::vector<std::int64_t> units;
    const auto fail = [&](const std::string& reason) {
        throw InputError(fmt::format("{}: sample {}: {}", path.string(), options.sample, reason));
    };
    h5::decode_in_child(
        path, {},
        [&](const h5::Sink& sink) {
            const h5::File file = h5::File::open(path);
            for (const char* name : {"spikes/times", "spikes/units"}) {
                if (!file.is_dataset(name)) {
                    throw InputError(
                        fmt::format("{}: dataset {} is missing; events in HDF5 need the SHD layout",
                                    path.string(), name));
                }
            }
            const auto t = file.read_sequence<double>("spikes/times", options.sample, kMaxEvents);
            const auto u = file.read_sequence<std::int64_t>("spikes/units", options.sample, kMaxEvents);
            if (t.size() != u.size()) {
                fail(fmt::format("{} times and {} units", t.size(), u.size()));
            }
            sink(as_bytes(t));
            sink(as_bytes(u));
        },
        [&](std::span<const char> bytes) {
            const std::size_t count = bytes.size() / (sizeof(double) + sizeof(std::int64_t));
            times.resize(count);
            units.resize(count);
            std::copy_n(bytes.data(), count * sizeof(double), reinterpret_cast<char*>(times.data()));
            std::copy_n(bytes.data() + count * sizeof(double), count * sizeof(std::int64_t),
                        reinterpret_cast<char*>(units.data()));
        });
    std::vector<TimedEvent> events(times.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
        if (!(times[i] >= 0.0 && times[i] <= 1e12)) {
            fail(fmt::format("spikes/times entry {} is {}, must be in [0, 1e12] s", i, times[i]));
        }
        if (units[i] < 0 || static_cast<std::uint64_t>(units[i]) >= options.input_size) {
            fail(fmt::format("spikes/units entry {} is {}, the network's input has {} elements", i, units[i],
                             options.input_size));
        }
        events[i] = {step_of(times[i], options.dt_seconds), static_cast<std::uint32_t>(units[i])};
    }
    return std::make_unique<StoredEvents>(std::move(events));
}

}  // namespace memprop::host::events
