#include "crossbar/base/terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include "crossbar/base/error.hpp"

namespace memprop {
namespace {

std::string_view running_program = "memprop";

bool wait_until_writable(int descriptor, int milliseconds) noexcept {
    pollfd entry{descriptor, POLLOUT, 0};
    int ready = 0;
    do {
        ready = ::poll(&entry, 1, milliseconds);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/// Gives closed standard streams a descriptor that fails as a closed one does; standard error swallows.
void replace_closed_streams() noexcept {
    constexpr int kModes[] = {O_WRONLY, O_RDONLY, O_WRONLY};  // of standard input, output, error
    for (int descriptor = 0; descriptor < 3; ++descriptor) {
        if (::fcntl(descriptor, F_GETFD) < 0 && errno == EBADF) {
            ::open("/dev/null", kModes[descriptor]);  // takes the lowest free number, which is this one
        }
    }
}

int report(std::string_view message, int status) noexcept {
    for (const std::string_view part :
         {running_program, std::string_view(": "), message, std::string_view("\n")}) {
        say_text(part);
    }
    return status;
}

/// Also what others have left in the buffer of the C library.
int finish_standard_output(int status) noexcept {
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
        return report("standard output cannot be written", status == 0 ? 1 : status);
    }
    return status;
}

}  // namespace

int write_all(int descriptor, std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t count = ::write(descriptor, text.data(), text.size());
        if (count >= 0) {
            text.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            wait_until_writable(descriptor, -1);  // the stream does not wait by itself
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

void say_text(std::string_view text) noexcept {
    write_all(STDERR_FILENO, text);
}

void say_text_in_passing(std::string_view text) noexcept {
    if (wait_until_writable(STDERR_FILENO, 0)) {
        write_all(STDERR_FILENO, text);
    }
}

void put_text(std::string_view text) {
    std::fflush(stdout);
    if (const int reason = write_all(STDOUT_FILENO, text); reason != 0) {
        throw RunError(fmt::format("standard output cannot be written: {}", std::strerror(reason)));
    }
}

std::string_view program_name() {
    return running_program;
}

int run_program(std::string_view name, const std::function<int()>& body) noexcept {
    running_program = name;
    replace_closed_streams();
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return finish_standard_output(body());
    } catch (const InputError& error) {
        return report(error.what(), 2);
    } catch (const std::exception& error) {
        return report(error.what(), 1);
    } catch (...) {
        return report("ended by an error of unknown type", 1);
    }
}

}  // namespace memprop
