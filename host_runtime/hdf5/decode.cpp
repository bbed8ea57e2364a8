#include "host_runtime/hdf5/decode.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <new>
#include <utility>

#include "crossbar/base/error.hpp"

namespace memprop::host::h5 {
namespace {

// First byte of the memory file.
constexpr char kData = 0, kInputError = 1;

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    operator int() const { return fd_; }  // NOLINT(google-explicit-constructor): passed to C calls

private:
    int fd_;
};

[[noreturn]] void system_error(const char* what) {
    throw RunError(fmt::format("{}: {}", what, std::strerror(errno)));
}

void write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(fd, bytes.data(), bytes.size());
        if (count < 0) {
            if (errno == EINTR) {
                continue;
            }
            system_error("memory file");
        }
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

[[maybe_unused]] std::uint64_t own_address_space_bytes() {
    unsigned long long pages = 0;
    if (std::FILE* statm = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(statm, "%llu", &pages) != 1) {
            pages = 0;
        }
        std::fclose(statm);
    }
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

using Counter = std::atomic<std::uint64_t>;
static_assert(Counter::is_always_lock_free);

// Of the decoding child; null in other processes.
Counter* progress = nullptr;
std::atomic<bool> hurried{true};
constexpr int kTicks = 4;  // in the CPU seconds that are allowed without progress
double tick_seconds = 0.0;
std::uint64_t seen_progress = 0;  // of the signal handler, as is the next
std::uint64_t idle_ticks = 0;
std::atomic<std::uint64_t> allowed_ticks{kTicks};

/// Dies of the signal if nothing has been done for too many ticks.
void on_profiling_timer(int signal) {
    const std::uint64_t now = progress->load();
    if (!hurried || now != seen_progress) {
        seen_progress = now;
        idle_ticks = 0;
    } else if (++idle_ticks >= allowed_ticks) {
        std::signal(signal, SIG_DFL);
        ::kill(::getpid(), signal);
    }
}

void watch_progress(double cpu_seconds) {
    std::signal(SIGPROF, on_profiling_timer);
    tick_seconds = cpu_seconds / kTicks;
    timeval period{};
    period.tv_sec = static_cast<time_t>(tick_seconds);
    period.tv_usec = static_cast<suseconds_t>((tick_seconds - static_cast<double>(period.tv_sec)) * 1e6);
    const itimerval limit{period, period};
    ::setitimer(ITIMER_PROF, &limit, nullptr);
}

void apply_limits(const DecodeLimits& limits, [[maybe_unused]] std::uint64_t file_bytes) {
    // No core dump for a refusal.
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
#if !defined(__SANITIZE_ADDRESS__)  // whose shadow memory needs the whole address space
    constexpr double kMostForStructure = 1 << 30;
    const auto structure = static_cast<std::uint64_t>(
        std::min(limits.memory_per_file_byte * static_cast<double>(file_bytes), kMostForStructure));
    const std::uint64_t bytes = own_address_space_bytes() + limits.memory_bytes + structure;
    const rlimit memory{bytes, RLIM_INFINITY};
    ::setrlimit(RLIMIT_AS, &memory);
#endif
    for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGINT, SIGTERM}) {
        std::signal(signal, SIG_DFL);
    }
    watch_progress(limits.cpu_seconds);
}

[[noreturn]] void run_child(int fd, const DecodeLimits& limits, std::uint64_t file_bytes, Counter& counter,
                            const std::function<void(const Sink&)>& decode) {
    int status = 1;
    progress = &counter;
    try {
        apply_limits(limits, file_bytes);
        write_all(fd, {&kData, 1});
        decode([fd](std::string_view bytes) { write_all(fd, bytes); });
        status = 0;
    } catch (const InputError& error) {
        if (::ftruncate(fd, 0) == 0 && ::lseek(fd, 0, SEEK_SET) == 0) {
            const std::string text = std::string(1, kInputError) + error.what();
            status = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1;
        }
    } catch (const std::bad_alloc&) {
        status = 2;
    } catch (...) {
        status = 1;
    }
    ::_exit(status);  // no destructors: they belong to the parent
}

/// Waits until the child ends or has made no progress for `seconds` (then kills it); its wait status.
int wait_for(pid_t child, int end_of_life, double seconds, const Counter& counter, bool& timed_out) {
    // The child holds the write end of this pipe: it reads as closed when the child is gone.
    timespec start{}, now{};
    ::clock_gettime(CLOCK_MONOTONIC, &start);
    std::uint64_t seen = 0;
    timed_out = false;
    for (;;) {
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        const double passed = static_cast<double>(now.tv_sec - start.tv_sec) +
                              1e-9 * static_cast<double>(now.tv_nsec - start.tv_nsec);
        if (passed >= seconds) {
            const std::uint64_t done = counter.load();
            if (done != seen) {
                seen = done;
                start = now;
                continue;
            }
            timed_out = true;
            ::kill(child, SIGKILL);
            break;
        }
        pollfd entry{end_of_life, POLLIN, 0};
        if (::poll(&entry, 1, static_cast<int>((seconds - passed) * 1000) + 1) > 0) {
            break;
        }
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

/// A page that the child shares, with its counter of progress.
class SharedCounter {
public:
    SharedCounter()
        : address_(
              ::mmap(nullptr, sizeof(Counter), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
        if (address_ == MAP_FAILED) {
            system_error("child process for decoding");
        }
        counter_ = new (address_) Counter(0);
    }
    SharedCounter(const SharedCounter&) = delete;
    SharedCounter& operator=(const SharedCounter&) = delete;
    ~SharedCounter() { ::munmap(address_, sizeof(Counter)); }
    Counter& get() { return *counter_; }

private:
    void* address_;
    Counter* counter_ = nullptr;
};

class Mapping {
public:
    Mapping(int fd, std::size_t bytes) : bytes_(bytes) {
        address_ = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
        if (address_ == MAP_FAILED) {
            system_error("decoded file");
        }
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() { ::munmap(address_, bytes_); }
    std::span<const char> bytes() const { return {static_cast<const char*>(address_), bytes_}; }

private:
    void* address_;
    std::size_t bytes_;
};

}  // namespace

void made_progress() {
    if (progress != nullptr) {
        progress->fetch_add(1, std::memory_order_relaxed);
    }
}

void expect_bytes(std::uint64_t bytes) {
    if (progress != nullptr) {
        constexpr double kSlowestBytesPerSecond = 5e6;
        allowed_ticks = kTicks + static_cast<std::uint64_t>(static_cast<double>(bytes) /
                                                            (kSlowestBytesPerSecond * tick_seconds));
    }
}

Unhurried::Unhurried() {
    hurried = false;
}

Unhurried::~Unhurried() {
    made_progress();
    hurried = true;
}

void allow_memory(std::uint64_t bytes) {
    rlimit memory{};
    if (::getrlimit(RLIMIT_AS, &memory) == 0 && memory.rlim_cur != RLIM_INFINITY) {
        memory.rlim_cur += bytes;
        ::setrlimit(RLIMIT_AS, &memory);
    }
}

void decode_in_child(const std::filesystem::path& file, const DecodeLimits& limits,
                     const std::function<void(const Sink&)>& decode,
                     const std::function<void(std::span<const char>)>& receive) {
    const auto refuse = [&](const std::string& reason) {
        throw InputError(fmt::format("{}: {}", file.string(), reason));
    };
    std::error_code error;
    if (!std::filesystem::exists(file, error)) {
        refuse("no such file");
    }
    if (!std::filesystem::is_regular_file(file, error)) {
        refuse("is not a regular file");
    }
    const std::uint64_t file_bytes = std::filesystem::file_size(file, error);
    if (error) {
        refuse(error.message());
    }
    const Descriptor memory(::memfd_create("memprop-decode", MFD_CLOEXEC));
    int ends[2];
    if (memory < 0 || ::pipe2(ends, O_CLOEXEC) != 0) {
        system_error("child process for decoding");
    }
    const Descriptor read_end(ends[0]);
    SharedCounter counter;
    pid_t child = -1;
    {
        const Descriptor write_end(ends[1]);
        std::fflush(nullptr);
        child = ::fork();
        if (child == 0) {
            run_child(memory, limits, file_bytes, counter.get(), decode);
        }
    }
    if (child < 0) {
        system_error("child process for decoding");
    }
    bool timed_out = false;
    const int status = wait_for(child, read_end, limits.wall_seconds, counter.get(), timed_out);
    if (timed_out || (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)) {
        refuse("decoding takes longer than any valid file needs (no progress); refused");
    }
    if (WIFSIGNALED(status)) {
        refuse(fmt::format("decoding crashed ({}); the file is damaged or hostile",
                           ::strsignal(WTERMSIG(status))));
    }
    if (WEXITSTATUS(status) == 2) {
        refuse(fmt::format("decoding needs more than {} MB of memory; refused", limits.memory_bytes >> 20));
    }
    struct stat info {};
    if (WEXITSTATUS(status) != 0 || ::fstat(memory, &info) != 0 || info.st_size < 1) {
        refuse("decoding failed");
    }
    const Mapping mapping(memory, static_cast<std::size_t>(info.st_size));
    const auto bytes = mapping.bytes();
    if (bytes[0] == kInputError) {
        throw InputError(std::string(bytes.begin() + 1, bytes.end()));
    }
    receive(bytes.subspan(1));
}

}  // namespace memprop::host::h5
