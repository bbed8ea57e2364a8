// Reads NumPy .npz files whose members are stored without compression, float64, C order: enough for
// reference data in tests. Format: numpy.lib.format (.npy 1.0) inside ZIP local file records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace memprop::tb {

struct NpyArray {
    std::vector<std::size_t> shape;
    std::vector<double> values;
};

namespace npz_detail {

inline std::uint32_t little_endian(const std::string& bytes, std::size_t at, std::size_t count) {
    std::uint32_t value = 0;
    for (std::size_t i = count; i-- > 0;) {
        value = value << 8 | static_cast<unsigned char>(bytes.at(at + i));
    }
    return value;
}

inline NpyArray parse_npy(const std::string& bytes, std::size_t begin, std::size_t size) {
    const std::size_t header_size = little_endian(bytes, begin + 8, 2);
    const std::string header = bytes.substr(begin + 10, header_size);
    if (bytes.compare(begin, 6, "\x93NUMPY") != 0 || header.find("'<f8'") == std::string::npos ||
        header.find("'fortran_order': False") == std::string::npos) {
        throw std::runtime_error("npz: a member is not a float64 array in C order");
    }
    NpyArray array;
    std::size_t count = 1;
    for (std::size_t at = header.find('(') + 1; header.at(at) != ')';) {
        if (header[at] >= '0' && header[at] <= '9') {
            std::size_t used = 0;
            array.shape.push_back(std::stoul(header.substr(at), &used));
            count *= array.shape.back();
            at += used;
        } else {
            ++at;
        }
    }
    if (10 + header_size + count * sizeof(double) != size) {
        throw std::runtime_error("npz: a member has not the size its shape says");
    }
    array.values.resize(count);
    std::memcpy(array.values.data(), bytes.data() + begin + 10 + header_size, count * sizeof(double));
    return array;
}

}  // namespace npz_detail

/// Member name (without ".npy") -> array. Throws std::runtime_error if the file is not as described.
inline std::map<std::string, NpyArray> read_npz(const std::string& path) {
    using npz_detail::little_endian;
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    constexpr std::uint32_t kDirectoryRecord = 0x02014b50;
    constexpr std::uint32_t kEndRecord = 0x06054b50;
    constexpr std::size_t kEndSize = 22;
    // The directory at the end knows the sizes; those in the local records may be left at all ones.
    if (bytes.size() < kEndSize || little_endian(bytes, bytes.size() - kEndSize, 4) != kEndRecord) {
        throw std::runtime_error("npz: no ZIP directory at the end of " + path);
    }
    std::map<std::string, NpyArray> arrays;
    std::size_t at = little_endian(bytes, bytes.size() - kEndSize + 16, 4);
    while (little_endian(bytes, at, 4) == kDirectoryRecord) {
        if (little_endian(bytes, at + 10, 2) != 0) {
            throw std::runtime_error("npz: a member of " + path + " is compressed");
        }
        const std::size_t size = little_endian(bytes, at + 24, 4);
        const std::size_t name_size = little_endian(bytes, at + 28, 2);
        const std::string name = bytes.substr(at + 46, name_size);
        const std::size_t local = little_endian(bytes, at + 42, 4);
        const std::size_t data =
            local + 30 + little_endian(bytes, local + 26, 2) + little_endian(bytes, local + 28, 2);
        arrays.emplace(name.substr(0, name.rfind(".npy")), npz_detail::parse_npy(bytes, data, size));
        at += 46 + name_size + little_endian(bytes, at + 30, 2) + little_endian(bytes, at + 32, 2);
    }
    return arrays;
}

}  // namespace memprop::tb
