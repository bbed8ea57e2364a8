// AEDAT 4 (iniVation): a line "#!AER-DAT4.0\r\n", a size-prefixed FlatBuffer header, then packets of
// int32 stream, int32 size and so many bytes, which (after LZ4 frame decompression, if the header says so)
// are a size-prefixed FlatBuffer. Event packets carry the identifier "EVTS" and hold 16-byte events: int64
// time in us, int16 x, int16 y, bool polarity. Packets of other kinds are passed over; of several event
// streams the first is read. The table at the end of a complete file is not needed: packets are walked.
#include <flatbuffers/flatbuffers.h>
#include <lz4frame.h>

#include <limits>

#include "host_runtime/events/byte_source.hpp"

namespace memprop::host::events {
namespace {

constexpr std::string_view kMagic = "#!AER-DAT4.0\r\n";
constexpr std::size_t kMaxPacketBytes = 64 << 20;
constexpr std::size_t kEventBytes = 16;

class Lz4Frame {
public:
    Lz4Frame() {
        if (LZ4F_isError(LZ4F_createDecompressionContext(&context_, LZ4F_VERSION)) != 0) {
            throw RunError("LZ4: out of memory");
        }
    }
    Lz4Frame(const Lz4Frame&) = delete;
    Lz4Frame& operator=(const Lz4Frame&) = delete;
    ~Lz4Frame() { LZ4F_freeDecompressionContext(context_); }

    /// Empty string on success, else what is wrong.
    std::string decompress(std::span<const std::uint8_t> in, std::vector<std::uint8_t>& out) {
        LZ4F_resetDecompressionContext(context_);
        out.clear();
        std::size_t filled = 0;
        for (;;) {
            constexpr std::size_t kStep = 1 << 16;
            if (out.size() - filled < kStep) {
                if (out.size() >= kMaxPacketBytes) {
                    return "a packet is larger than 64 MiB after decompression";
                }
                out.resize(std::max<std::size_t>(2 * out.size(), 4 * kStep));
            }
            std::size_t room = out.size() - filled, used = in.size();
            const std::size_t hint =
                LZ4F_decompress(context_, out.data() + filled, &room, in.data(), &used, nullptr);
            if (LZ4F_isError(hint) != 0) {
                return fmt::format("LZ4: {}", LZ4F_getErrorName(hint));
            }
            filled += room;
            in = in.subspan(used);
            if (hint == 0) {
                out.resize(filled);
                return {};
            }
            if (used == 0 && room == 0) {
                return "LZ4: the packet ends early";
            }
        }
    }

private:
    LZ4F_dctx* context_ = nullptr;
};

/// The root table of a size-prefixed FlatBuffer with this identifier, its vtable checked; else null.
const flatbuffers::Table* root_table(std::span<const std::uint8_t> bytes, const char* identifier,
                                     flatbuffers::Verifier& verifier) {
    constexpr std::size_t kSmallest = 12;  // size, root offset, identifier
    if (bytes.size() < kSmallest || std::memcmp(bytes.data() + 8, identifier, 4) != 0) {
        return nullptr;
    }
    const auto root = flatbuffers::ReadScalar<flatbuffers::uoffset_t>(bytes.data() + 4);
    // Offsets count from their own place, after the size.
    if (root > bytes.size() - 8 || !verifier.Verify<flatbuffers::soffset_t>(4 + root)) {
        return nullptr;
    }
    const auto* table = reinterpret_cast<const flatbuffers::Table*>(bytes.data() + 4 + root);
    return table->VerifyTableStart(verifier) ? table : nullptr;
}

class Aedat4Reader final : public CameraReader {
public:
    Aedat4Reader(ByteSource source, const SensorMap& map) : CameraReader(std::move(source), map) {
        const auto magic = source_.peek(kMagic.size());
        if (std::string_view(reinterpret_cast<const char*>(magic.data()), magic.size()) != kMagic) {
            source_.fail(0, "is not AEDAT 4 (the first line must be #!AER-DAT4.0)");
        }
        source_.skip(kMagic.size());
        read_header();
    }

    std::size_t read(std::span<TimedEvent> out) override {
        std::size_t count = 0;
        while (count == 0) {
            while (count < out.size() && next_event_ < event_count_) {
                const std::uint8_t* bytes = events_ + kEventBytes * next_event_++;
                std::int64_t time = 0;
                std::int16_t x = 0, y = 0;
                std::memcpy(&time, bytes, 8);
                std::memcpy(&x, bytes + 8, 2);
                std::memcpy(&y, bytes + 10, 2);
                if (time < 0 || time > std::numeric_limits<std::int64_t>::max() / 4) {
                    source_.fail(packet_at_, fmt::format("an event of this packet has time {} us", time));
                }
                out[count++] = event(time, static_cast<std::uint16_t>(x), static_cast<std::uint16_t>(y),
                                     bytes[12] != 0, packet_at_);
            }
            if (count == 0 && !next_packet()) {
                break;
            }
        }
        return count;
    }

private:
    enum Compression : std::int32_t { kNone = 0, kLz4 = 1, kLz4High = 2 };

    /// Takes `count` bytes into `to`.
    void take(std::vector<std::uint8_t>& to, std::size_t count, std::uint64_t at) {
        to.clear();
        while (to.size() < count) {
            const auto bytes = source_.peek(std::min(count - to.size(), ByteSource::kBufferBytes));
            if (bytes.empty()) {
                source_.fail(at,
                             fmt::format("{} bytes are announced, the file ends after {}", count, to.size()));
            }
            to.insert(to.end(), bytes.begin(), bytes.end());
            source_.skip(bytes.size());
        }
    }

    void read_header() {
        const std::uint64_t at = source_.offset();
        const auto prefix = source_.peek(4);
        std::uint32_t size = 0;
        if (prefix.size() == 4) {
            std::memcpy(&size, prefix.data(), 4);
        }
        if (size < 8 || size > (1U << 20)) {
            source_.fail(at, fmt::format("the header claims {} bytes", size));
        }
        std::vector<std::uint8_t> bytes;
        take(bytes, size + 4, at);
        flatbuffers::Verifier verifier(bytes.data(), bytes.size());
        const auto* header = root_table(bytes, "IOHE", verifier);
        constexpr flatbuffers::voffset_t kCompression = 4, kTablePosition = 6;
        if (header == nullptr || !header->VerifyField<std::int32_t>(verifier, kCompression, 4) ||
            !header->VerifyField<std::int64_t>(verifier, kTablePosition, 8)) {
            source_.fail(at, "the header is damaged");
        }
        const auto compression = header->GetField<std::int32_t>(kCompression, kNone);
        if (compression < kNone || compression > kLz4High) {
            source_.fail(at, compression <= 4 && compression > 0
                                 ? "is compressed with ZSTD; none and LZ4 are read"
                                 : fmt::format("unknown compression {}", compression));
        }
        compressed_ = compression != kNone;
        table_position_ = header->GetField<std::int64_t>(kTablePosition, -1);
    }

    /// Loads the next packet of the event stream; false at the end.
    bool next_packet() {
        next_event_ = event_count_ = 0;
        while (event_count_ == 0) {
            packet_at_ = source_.offset();
            if (table_position_ >= 0 && packet_at_ >= static_cast<std::uint64_t>(table_position_)) {
                return false;  // the table of packets, not a packet
            }
            std::uint64_t head = 0;
            if (!source_.read(head)) {
                return false;
            }
            const auto stream = static_cast<std::int32_t>(head & 0xFFFFFFFF);
            const auto size = static_cast<std::int32_t>(head >> 32);
            if (size < 0 || static_cast<std::size_t>(size) > kMaxPacketBytes) {
                source_.fail(packet_at_,
                             fmt::format("a packet of {} bytes; at most 64 MiB are allowed", size));
            }
            take(raw_, static_cast<std::size_t>(size), packet_at_);
            if (event_stream_known_ && stream != event_stream_) {
                continue;
            }
            if (compressed_) {
                const std::string error = lz4_.decompress(raw_, packet_);
                if (!error.empty()) {
                    source_.fail(packet_at_, error);
                }
            } else {
                std::swap(raw_, packet_);
            }
            open_packet(stream);
        }
        return true;
    }

    void open_packet(std::int32_t stream) {
        if (packet_.size() < 12 || std::memcmp(packet_.data() + 8, "EVTS", 4) != 0) {
            if (event_stream_known_) {
                source_.fail(packet_at_, "a packet of the event stream is not one of events");
            }
            return;
        }
        event_stream_known_ = true;
        event_stream_ = stream;
        flatbuffers::Verifier verifier(packet_.data(), packet_.size());
        const auto* table = root_table(packet_, "EVTS", verifier);
        constexpr flatbuffers::voffset_t kElements = 4;
        if (table == nullptr || !table->VerifyOffset(verifier, kElements)) {
            source_.fail(packet_at_, "an event packet is damaged");
        }
        const auto* elements = table->GetPointer<const flatbuffers::Vector<std::uint8_t>*>(kElements);
        if (elements == nullptr) {
            return;
        }
        if (!verifier.VerifyVectorOrString(reinterpret_cast<const std::uint8_t*>(elements), kEventBytes)) {
            source_.fail(packet_at_, "an event packet is damaged");
        }
        event_count_ = elements->size();
        events_ = elements->Data();
    }

    bool compressed_ = false, event_stream_known_ = false;
    std::int32_t event_stream_ = 0;
    std::int64_t table_position_ = -1;
    std::uint64_t packet_at_ = 0;
    std::vector<std::uint8_t> raw_, packet_;
    const std::uint8_t* events_ = nullptr;
    std::size_t next_event_ = 0, event_count_ = 0;
    Lz4Frame lz4_;
};

}  // namespace

std::unique_ptr<EventReader> open_aedat4(Stream in, const std::string& name, const SensorMap& map) {
    return std::make_unique<Aedat4Reader>(ByteSource(std::move(in), name), map);
}

}  // namespace memprop::host::events
