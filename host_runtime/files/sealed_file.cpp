#include "host_runtime/files/sealed_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "host_runtime/files/digest.hpp"

namespace memprop::host {
namespace {

constexpr std::string_view kSealBegin = "memprop seal 1 sha256 ";
constexpr std::size_t kSealBytes = kSealBegin.size() + kDigestCharacters + 1;

std::string seal_of(std::span<const char> bytes) {
    return fmt::format("{}{}\n", kSealBegin, sha256(bytes));
}

void write_bytes(const std::filesystem::path& file, std::span<const char> bytes, std::string_view seal) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.write(seal.data(), static_cast<std::streamsize>(seal.size()));
    out.close();
    if (!out) {
        throw RunError(std::strerror(errno));
    }
}

std::vector<char> read_bytes(const std::filesystem::path& file) {
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    if (!std::filesystem::exists(status)) {
        throw InputError(fmt::format("{}: no such file", file.string()));
    }
    if (!std::filesystem::is_regular_file(status)) {
        throw InputError(fmt::format("{}: is not a regular file", file.string()));
    }
    std::ifstream in(file, std::ios::binary | std::ios::ate);
    const std::streamoff size = in ? std::streamoff{in.tellg()} : -1;
    std::vector<char> bytes(size > 0 ? static_cast<std::size_t>(size) : 0);
    in.seekg(0);
    if (size < 0 || !in.read(bytes.data(), size)) {
        throw InputError(fmt::format("{}: cannot be read: {}", file.string(), std::strerror(errno)));
    }
    return bytes;
}

}  // namespace

void write_sealed(const std::filesystem::path& target, const std::function<void(h5::File&)>& fill) {
    write_atomically(target, [&](const std::filesystem::path& temporary) {
        h5::File out = h5::File::create(temporary);
        fill(out);
        const std::vector<char> image = out.take_image();
        write_bytes(temporary, image, seal_of(image));
    });
}

h5::File open_sealed(const std::filesystem::path& file, std::string_view kind, std::string_view format) {
    const std::vector<char> bytes = read_bytes(file);
    const std::size_t sealed_bytes = bytes.size() < kSealBytes ? 0 : bytes.size() - kSealBytes;
    const std::string_view seal(bytes.data() + sealed_bytes, bytes.size() - sealed_bytes);
    if (sealed_bytes == 0 || !seal.starts_with(kSealBegin)) {
        throw InputError(
            fmt::format("{}: is not a {} of this version, or another program has changed it: the seal at "
                        "its end is missing",
                        file.string(), kind));
    }
    const std::span image = std::span(bytes).first(sealed_bytes);
    if (seal != seal_of(image)) {
        throw InputError(fmt::format(
            "{}: is damaged: its content does not have the SHA-256 of the seal at its end", file.string()));
    }
    h5::File in = h5::File::open_image(file, image);
    if (!in.is_dataset("/format") || in.read_scalar<std::string>("/format") != format) {
        throw InputError(fmt::format("{}: is not a {} of this version (/format must be '{}')", file.string(),
                                     kind, format));
    }
    return in;
}

bool has_seal(const std::filesystem::path& file) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(file, error)) {
        return false;
    }
    std::ifstream in(file, std::ios::binary);
    std::string begin(kSealBegin.size(), '\0');
    in.seekg(-static_cast<std::streamoff>(kSealBytes), std::ios::end);
    in.read(begin.data(), static_cast<std::streamsize>(begin.size()));
    return in && begin == kSealBegin;
}

}  // namespace memprop::host
