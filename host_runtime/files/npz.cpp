// NumPy's .npz: a ZIP archive of .npy members (numpy.lib.format 1 to 3).
#include <fmt/format.h>
#include <zip.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <memory>
#include <string_view>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/stored_arrays.hpp"

namespace memprop::host {
namespace {

constexpr std::size_t kMaxDimensions = 32;
constexpr std::size_t kMaxHeaderBytes = 1U << 16;
constexpr std::uint64_t kMaxTextBytes = 1U << 24;

struct Header {
    bool little_endian = true, fortran_order = false;
    char kind = 'f';          ///< numpy's letter: b, i, u, f, U (UTF-32), S (bytes)
    std::uint64_t bytes = 8;  ///< of an element
    h5::Shape shape;
    std::uint64_t count = 1;
};

/// Reads the dictionary of a header; whatever is not as numpy writes it is refused.
class HeaderReader {
public:
    HeaderReader(std::string_view text, const std::string& where) : text_(text), where_(where) {}

    Header read() {
        Header header;
        const std::string_view type = quoted(after("'descr':"));
        if (type.size() < 3 || std::string_view("<>|=").find(type[0]) == std::string_view::npos ||
            std::string_view("biufUS").find(type[1]) == std::string_view::npos) {
            fail(fmt::format("has elements of type '{}'; numbers, booleans and text are allowed", type));
        }
        header.little_endian = type[0] != '>';
        header.kind = type[1];
        header.bytes = std::min(number(type.substr(2)), kMaxTextBytes) * (header.kind == 'U' ? 4 : 1);
        const std::string_view order = after("'fortran_order':");
        header.fortran_order = order.starts_with("True");
        if (!header.fortran_order && !order.starts_with("False")) {
            fail("has a header without a valid fortran_order");
        }
        read_shape(after("'shape':"), header);
        check_type(header);
        return header;
    }

    [[noreturn]] void fail(std::string_view what) const {
        throw InputError(fmt::format("{}: {}", where_, what));
    }

private:
    std::string_view after(std::string_view key) const {
        const std::size_t at = text_.find(key);
        if (at == std::string_view::npos) {
            fail(fmt::format("has a header without {}", key));
        }
        std::string_view rest = text_.substr(at + key.size());
        rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
        return rest;
    }
    std::string_view quoted(std::string_view rest) const {
        const std::size_t end = rest.starts_with('\'') ? rest.find('\'', 1) : std::string_view::npos;
        if (end == std::string_view::npos) {
            fail("has elements of a compound type; numbers, booleans and text are allowed");
        }
        return rest.substr(1, end - 1);
    }
    std::uint64_t number(std::string_view digits) const {
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (error != std::errc{} || end != digits.data() + digits.size()) {
            fail(fmt::format("has a header with '{}' where a number belongs", digits));
        }
        return value;
    }
    void read_shape(std::string_view rest, Header& header) const {
        const std::size_t end = rest.starts_with('(') ? rest.find(')') : std::string_view::npos;
        if (end == std::string_view::npos) {
            fail("has a header without a valid shape");
        }
        rest = rest.substr(1, end - 1);
        while (!rest.empty()) {
            const std::string_view extent = rest.substr(0, rest.find(','));
            rest.remove_prefix(std::min(extent.size() + 1, rest.size()));
            rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
            header.shape.push_back(number(extent));
            if (header.shape.size() > kMaxDimensions) {
                fail(fmt::format("has more than {} dimensions", kMaxDimensions));
            }
        }
        header.count = h5::element_count(header.shape);
        if (header.count > kMaxStoredElements) {
            fail(fmt::format("has more than {} elements", kMaxStoredElements));
        }
    }
    void check_type(const Header& header) const {
        const std::uint64_t n = header.bytes;
        const bool power = n == 1 || n == 2 || n == 4 || n == 8;
        const bool text = header.kind == 'U' || header.kind == 'S';
        if ((header.kind == 'b' && n != 1) || (header.kind == 'f' && (!power || n == 1)) ||
            (!text && !power) || (text && (n > kMaxTextBytes || n * header.count > kMaxTextBytes))) {
            fail(
                fmt::format("has elements of type {} with {} bytes, which is not supported", header.kind, n));
        }
    }

    std::string_view text_;
    const std::string& where_;
};

std::uint64_t unsigned_at(const char* bytes, std::uint64_t count, bool little_endian) {
    std::uint64_t value = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        value = value << 8U | static_cast<unsigned char>(bytes[little_endian ? count - 1 - i : i]);
    }
    return value;
}

double half(std::uint64_t bits) {
    const auto exponent = static_cast<int>(bits >> 10U & 31U);
    const double mantissa = double(bits & 1023U), sign = (bits >> 15U) != 0 ? -1.0 : 1.0;
    if (exponent == 31) {
        return mantissa == 0 ? sign * std::numeric_limits<double>::infinity()
                             : std::numeric_limits<double>::quiet_NaN();
    }
    return sign * (exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(mantissa + 1024.0, exponent - 25));
}

double number_of(const Header& header, const char* bytes) {
    const std::uint64_t bits = unsigned_at(bytes, header.bytes, header.little_endian);
    switch (header.kind) {
        case 'f':
            return header.bytes == 8   ? std::bit_cast<double>(bits)
                   : header.bytes == 4 ? double(std::bit_cast<float>(static_cast<std::uint32_t>(bits)))
                                       : half(bits);
        case 'i': {
            const auto shift = static_cast<unsigned>(64 - 8 * header.bytes);
            return double(static_cast<std::int64_t>(bits << shift) >> shift);
        }
        case 'b':
            return bits != 0 ? 1.0 : 0.0;
        default:
            return double(bits);
    }
}

/// Code points as UTF-8, or bytes as they are; both padded with zeros.
std::string text_of(const Header& header, const char* bytes) {
    std::string text;
    for (std::uint64_t at = 0; at < header.bytes; at += header.kind == 'U' ? 4 : 1) {
        const auto code =
            static_cast<std::uint32_t>(header.kind == 'U' ? unsigned_at(bytes + at, 4, header.little_endian)
                                                          : static_cast<unsigned char>(bytes[at]));
        if (header.kind == 'S' || code < 0x80) {
            text += static_cast<char>(code);
        } else if (code < 0x800) {
            text += {static_cast<char>(0xC0U | code >> 6U), static_cast<char>(0x80U | (code & 63U))};
        } else if (code < 0x10000) {
            text += {static_cast<char>(0xE0U | code >> 12U), static_cast<char>(0x80U | (code >> 6U & 63U)),
                     static_cast<char>(0x80U | (code & 63U))};
        } else {
            text += {static_cast<char>(0xF0U | (code >> 18U & 7U)),
                     static_cast<char>(0x80U | (code >> 12U & 63U)),
                     static_cast<char>(0x80U | (code >> 6U & 63U)), static_cast<char>(0x80U | (code & 63U))};
        }
    }
    text.erase(text.find_last_not_of('\0') + 1);
    return text;
}

/// Where element `index` (row-major) stands in a file in Fortran order.
std::uint64_t fortran_place(const h5::Shape& shape, std::uint64_t index) {
    std::uint64_t stride = h5::element_count(shape), place = 0;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
        stride /= shape[axis];
        place += index % shape[axis] * stride;
        index /= shape[axis];
    }
    return place;
}

struct Close {
    void operator()(zip_t* archive) const { zip_discard(archive); }
    void operator()(zip_file_t* member) const { zip_fclose(member); }
};

/// A member's bytes, with what is wrong as InputError.
class Member {
public:
    Member(zip_t* archive, std::uint64_t index, std::string where)
        : where_(std::move(where)), file_(zip_fopen_index(archive, index, 0)) {
        if (!file_) {
            fail(zip_strerror(archive));
        }
    }

    /// Exactly `count` bytes; memory grows with what arrives, not with what is announced.
    std::string read(std::uint64_t count) {
        constexpr std::uint64_t kBlock = 1U << 20;
        std::string bytes;
        while (bytes.size() < count) {
            const std::size_t before = bytes.size();
            bytes.resize(before + std::min(kBlock, count - before));
            const zip_int64_t got = zip_fread(file_.get(), bytes.data() + before, bytes.size() - before);
            if (got < 0) {
                fail(zip_file_strerror(file_.get()));
            }
            if (got == 0) {
                fail(fmt::format("ends after {} of {} bytes", before, count));
            }
            bytes.resize(before + static_cast<std::size_t>(got));
        }
        return bytes;
    }
    /// The checksum is compared at the end of a member.
    void end() {
        char more = 0;
        const zip_int64_t got = zip_fread(file_.get(), &more, 1);
        if (got != 0) {
            fail(got < 0 ? zip_file_strerror(file_.get()) : "has more bytes than its shape needs");
        }
    }
    [[noreturn]] void fail(std::string_view what) const {
        throw InputError(fmt::format("{}: {}", where_, what));
    }
    const std::string& where() const { return where_; }

private:
    std::string where_;
    std::unique_ptr<zip_file_t, Close> file_;
};

StoredArray read_npy(Member& member, std::uint64_t& elements_left) {
    const std::string start = member.read(8);
    const int version = start[6];
    if (!start.starts_with("\x93NUMPY") || version < 1 || version > 3) {
        member.fail("is not an array in the .npy format 1 to 3");
    }
    const std::uint64_t length_bytes = version == 1 ? 2 : 4;
    const std::uint64_t length = unsigned_at(member.read(length_bytes).data(), length_bytes, true);
    if (length > kMaxHeaderBytes) {
        member.fail(fmt::format("has a header of {} bytes, at most {} are allowed", length, kMaxHeaderBytes));
    }
    const std::string text = member.read(length);
    const Header header = HeaderReader(text, member.where()).read();
    if (header.count > elements_left) {
        member.fail(fmt::format("the arrays have more than {} elements together", kMaxStoredElements));
    }
    elements_left -= header.count;
    const std::string bytes = member.read(header.count * header.bytes);
    member.end();
    StoredArray array{header.shape, {}, {}};
    const bool is_text = header.kind == 'U' || header.kind == 'S';
    for (std::uint64_t i = 0; i < header.count; ++i) {
        const std::uint64_t place = header.fortran_order ? fortran_place(header.shape, i) : i;
        const char* element = bytes.data() + place * header.bytes;
        if (is_text) {
            array.texts.push_back(text_of(header, element));
        } else {
            array.values.push_back(number_of(header, element));
        }
    }
    return array;
}

}  // namespace

StoredArrays read_npz(const std::filesystem::path& file) {
    int code = 0;
    const std::unique_ptr<zip_t, Close> archive(zip_open(file.c_str(), ZIP_RDONLY, &code));
    if (!archive) {
        zip_error_t described;
        zip_error_init_with_code(&described, code);
        const std::string reason = zip_error_strerror(&described);
        zip_error_fini(&described);
        throw InputError(fmt::format("{}: is no readable .npz file: {}", file.string(), reason));
    }
    StoredArrays arrays;
    std::uint64_t elements_left = kMaxStoredElements;
    const zip_int64_t members = zip_get_num_entries(archive.get(), 0);
    for (zip_int64_t i = 0; i < members; ++i) {
        const auto index = static_cast<std::uint64_t>(i);
        const char* stored_name = zip_get_name(archive.get(), index, 0);
        std::string name = stored_name == nullptr ? "" : stored_name;
        Member member(archive.get(), index, fmt::format("{}: {}", file.string(), name));
        if (!name.ends_with(".npy")) {
            member.fail("is no .npy member");
        }
        name.resize(name.size() - 4);
        if (!arrays.emplace(name, read_npy(member, elements_left)).second) {
            member.fail("is there twice");
        }
    }
    return arrays;
}

}  // namespace memprop::host
