// N-MNIST .bin (Orchard et al., Frontiers in Neuroscience 9, 437, 2015): five bytes per event, x, y, then 1
// bit polarity (1 = ON) and 23 bits time in us, big-endian. y = 240 marks an overflow: 2^13 us are added to
// all later times.
#include "host_runtime/events/byte_source.hpp"

namespace memprop::host::events {
namespace {

class NMnistReader final : public CameraReader {
public:
    using CameraReader::CameraReader;

    std::size_t read(std::span<TimedEvent> out) override {
        std::size_t count = 0;
        while (count < out.size()) {
            const std::uint64_t at = source_.offset();
            const auto bytes = source_.peek(5);
            if (bytes.empty()) {
                break;
            }
            if (bytes.size() < 5) {
                source_.fail(at, "the recording ends in the middle of an event");
            }
            const std::uint8_t x = bytes[0], y = bytes[1];
            const bool on = (bytes[2] & 0x80) != 0;
            const std::int64_t time = (bytes[2] & 0x7F) << 16 | bytes[3] << 8 | bytes[4];
            source_.skip(5);
            if (y == 240) {
                overflow_ += 1 << 13;
                continue;
            }
            out[count++] = event(overflow_ + time, x, y, on, at);
        }
        return count;
    }

private:
    std::int64_t overflow_ = 0;
};

}  // namespace

std::unique_ptr<EventReader> open_n_mnist(Stream in, const std::string& name, const SensorMap& map) {
    return std::make_unique<NMnistReader>(ByteSource(std::move(in), name), map);
}

}  // namespace memprop::host::events
