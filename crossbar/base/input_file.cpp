#include "crossbar/base/input_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <streambuf>
#include <utility>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"

namespace memprop {
namespace {

std::string_view kind_of(mode_t mode) {
    if (S_ISREG(mode)) {
        return "a regular file";
    }
    if (S_ISDIR(mode)) {
        return "a directory";
    }
    if (S_ISFIFO(mode)) {
        return "a pipe";
    }
    return S_ISSOCK(mode) ? "a socket" : "a device";
}

[[noreturn]] void refuse(const std::string& name, std::string_view reason) {
    throw InputError(fmt::format("{}: {}", name, reason));
}

class DescriptorBuffer final : public std::streambuf {
public:
    DescriptorBuffer(int descriptor, bool owned, std::string name, InputOptions options)
        : descriptor_(descriptor), owned_(owned), name_(std::move(name)), options_(std::move(options)) {
        struct stat status {};
        if (::fstat(descriptor, &status) != 0) {
            fail("cannot be read", errno);
        }
        if (S_ISDIR(status.st_mode)) {
            const std::string named = name_;
            close();
            refuse(named, "is a directory, not a file");
        }
        waits_ = !S_ISREG(status.st_mode);
        kind_ = ::isatty(descriptor) != 0 ? "a terminal (Ctrl-D ends)" : kind_of(status.st_mode);
    }
    DescriptorBuffer(const DescriptorBuffer&) = delete;
    DescriptorBuffer& operator=(const DescriptorBuffer&) = delete;
    ~DescriptorBuffer() override { close(); }

protected:
    int_type underflow() override {
        while (ready()) {
            const ssize_t count = ::read(descriptor_, bytes_.data(), bytes_.size());
            if (count > 0) {
                read_bytes_ += static_cast<std::uint64_t>(count);
                if (options_.most_bytes > 0 && read_bytes_ > options_.most_bytes) {
                    refuse(name_, fmt::format("holds more than {} MB; that much is not read",
                                              options_.most_bytes >> 20U));
                }
                setg(bytes_.data(), bytes_.data(), bytes_.data() + count);
                return traits_type::to_int_type(bytes_.front());
            }
            if (count == 0) {
                break;
            }
            if (errno != EINTR && errno != EAGAIN) {
                fail("cannot be read", errno);
            }
        }
        return traits_type::eof();
    }

private:
    [[noreturn]] void fail(std::string_view what, int reason) const {
        refuse(name_, fmt::format("{}: {}", what, std::strerror(reason)));
    }
    void close() {
        if (owned_) {
            ::close(std::exchange(descriptor_, -1));
            owned_ = false;
        }
    }

    /// Waits for what may be read; false if it is not wanted any more.
    bool ready() {
        constexpr int kPatienceMs = 100, kSilentWaits = 5;
        pollfd entry{descriptor_, POLLIN, 0};
        for (int waits = 0; waits_; ++waits) {
            if (options_.stopped && options_.stopped()) {
                return false;
            }
            const int found = ::poll(&entry, 1, kPatienceMs);
            if (found > 0 || (found < 0 && errno != EINTR)) {
                break;  // data, the end, or an error that read() names
            }
            if (waits == kSilentWaits && !said_) {
                said_ = true;
                say_in_passing("{}: waiting for {}, which is {}\n", program_name(), name_, kind_);
            }
        }
        return true;
    }

    int descriptor_;
    bool owned_;
    bool waits_ = false, said_ = false;
    std::string_view kind_;
    std::string name_;
    InputOptions options_;
    std::uint64_t read_bytes_ = 0;
    std::array<char, 1 << 16> bytes_{};
};

class DescriptorStream final : public std::istream {
public:
    DescriptorStream(int descriptor, bool owned, std::string name, InputOptions options)
        : std::istream(nullptr), buffer_(descriptor, owned, std::move(name), std::move(options)) {
        rdbuf(&buffer_);
        exceptions(std::ios::badbit);  // passes on what the buffer throws
    }

private:
    DescriptorBuffer buffer_;
};

}  // namespace

std::unique_ptr<std::istream> open_input(const std::filesystem::path& file, InputOptions options) {
    // Without waiting: the opening of a pipe that nobody writes to would not return.
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        refuse(file.string(), fmt::format("cannot be read: {}", std::strerror(errno)));
    }
    return std::make_unique<DescriptorStream>(descriptor, true, file.string(), std::move(options));
}

std::unique_ptr<std::istream> open_standard_input(InputOptions options) {
    return std::make_unique<DescriptorStream>(STDIN_FILENO, false, "standard input", std::move(options));
}

std::string read_input(const std::filesystem::path& file, std::uint64_t most_bytes) {
    const auto in = open_input(file, {.most_bytes = most_bytes, .stopped = {}});
    std::string text;
    std::array<char, 1 << 16> block;
    while (in->read(block.data(), block.size()), in->gcount() > 0) {
        text.append(block.data(), static_cast<std::size_t>(in->gcount()));
    }
    return text;
}

void require_regular_file(const std::filesystem::path& file, std::string_view wanted) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) {
        refuse(file.string(),
               errno == ENOENT ? "no such file" : fmt::format("cannot be read: {}", std::strerror(errno)));
    }
    if (!S_ISREG(status.st_mode)) {
        refuse(file.string(), fmt::format("is {}, not {}", kind_of(status.st_mode), wanted));
    }
}

}  // namespace memprop
