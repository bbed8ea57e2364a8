// Bytes of small recordings in every format, made by the tests.
#pragma once

#include <flatbuffers/flatbuffers.h>
#include <lz4frame.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace memprop::host::recordings {

template <class T>
void put(std::string& bytes, T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

inline std::string n_mnist_event(unsigned x, unsigned y, bool on, unsigned time_us) {
    return {static_cast<char>(x), static_cast<char>(y), static_cast<char>((on ? 0x80U : 0U) | time_us >> 16),
            static_cast<char>(time_us >> 8), static_cast<char>(time_us)};
}

struct Pixel {
    std::int64_t time;
    std::int16_t x, y;
    bool on;
};

inline void put_prefixed(std::string& out, flatbuffers::FlatBufferBuilder& builder) {
    out.append(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
}

/// An AEDAT 4 file with one packet per vector; stream 1 carries the events, a packet of another kind lies
/// between.
inline std::string aedat4(const std::vector<std::vector<Pixel>>& packets, int compression) {
    std::string bytes = "#!AER-DAT4.0\r\n";
    flatbuffers::FlatBufferBuilder header;
    const auto info = header.CreateString("<dv version=\"2.0\"></dv>");
    const auto start = header.StartTable();
    header.AddElement<std::int32_t>(4, compression, 0);
    header.AddElement<std::int64_t>(6, -1, 0);
    header.AddOffset(8, info);
    header.FinishSizePrefixed(flatbuffers::Offset<void>(header.EndTable(start)), "IOHE");
    put_prefixed(bytes, header);
    const auto add_packet = [&](std::int32_t stream, std::string payload) {
        if (compression == 1 || compression == 2) {
            std::string packed(LZ4F_compressFrameBound(payload.size(), nullptr), '\0');
            packed.resize(
                LZ4F_compressFrame(packed.data(), packed.size(), payload.data(), payload.size(), nullptr));
            payload = packed;
        }
        put(bytes, stream);
        put(bytes, static_cast<std::int32_t>(payload.size()));
        bytes += payload;
    };
    for (const auto& pixels : packets) {
        flatbuffers::FlatBufferBuilder builder;
        builder.StartVector(pixels.size() * 16, 1);  // 16-byte structs: the count is set below
        std::string raw;
        for (const Pixel& pixel : pixels) {
            put(raw, pixel.time);
            put(raw, pixel.x);
            put(raw, pixel.y);
            put(raw, static_cast<std::int32_t>(pixel.on));
        }
        builder.PushBytes(reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size());
        const flatbuffers::Offset<void> elements(builder.EndVector(pixels.size()));
        const auto table = builder.StartTable();
        builder.AddOffset(4, elements);
        builder.FinishSizePrefixed(flatbuffers::Offset<void>(builder.EndTable(table)), "EVTS");
        std::string payload;
        put_prefixed(payload, builder);
        add_packet(1, payload);
        flatbuffers::FlatBufferBuilder other;
        const auto empty = other.StartTable();
        other.FinishSizePrefixed(flatbuffers::Offset<void>(other.EndTable(empty)), "IMUS");
        payload.clear();
        put_prefixed(payload, other);
        add_packet(2, payload);
    }
    return bytes;
}

inline std::string evt2(const std::vector<std::uint32_t>& words) {
    std::string bytes = "% date 2024-01-01 00:00:00\n% evt 2.0\n% format EVT2;height=4;width=6\n% end\n";
    for (const std::uint32_t word : words) {
        put(bytes, word);
    }
    return bytes;
}

inline std::string evt3(const std::vector<std::uint16_t>& words) {
    std::string bytes = "% evt 3.0\n% end\n";
    for (const std::uint16_t word : words) {
        put(bytes, word);
    }
    return bytes;
}

inline std::string dat(const std::vector<std::pair<std::uint32_t, std::uint32_t>>& events) {
    std::string bytes = "% Data file containing CD events.\n% Version 2\n";
    bytes += std::string("\x0C\x08", 2);
    for (const auto& [time, address] : events) {
        put(bytes, time);
        put(bytes, address);
    }
    return bytes;
}

inline std::uint32_t dat_address(std::uint32_t x, std::uint32_t y, bool on) {
    return x | y << 14 | (on ? 1U << 28 : 0U);
}

}  // namespace memprop::host::recordings
