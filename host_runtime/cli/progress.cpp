#include "host_runtime/cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <string>

#include "crossbar/base/terminal.hpp"

namespace memprop::host::cli {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string clock_time(double s) {
    const auto whole = static_cast<long>(s + 0.5);
    return whole >= 3600 ? fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
                         : fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

Progress::Progress(std::string_view unit, std::uint64_t total, std::uint64_t done)
    : unit_(unit),
      total_(total),
      first_(done),
      terminal_(::isatty(STDERR_FILENO) != 0),
      start_(Clock::now()),
      last_(start_) {}

Progress::~Progress() {
    if (drawn_ && terminal_) {
        say_text_in_passing("\n");
    }
}

void Progress::update(std::uint64_t done, std::optional<double> loss) {
    const auto now = Clock::now();
    const auto pause = terminal_ ? Clock::duration(milliseconds(100)) : Clock::duration(seconds(10));
    if (now - last_ >= pause || (terminal_ && done == total_)) {
        draw(done, loss, now);
        last_ = now;
    }
}

void Progress::draw(std::uint64_t done, std::optional<double> loss, Clock::time_point now) {
    const double elapsed = duration<double>(now - start_).count();
    const double left = done > first_ ? elapsed * double(total_ - done) / double(done - first_) : 0.0;
    const std::string text =
        fmt::format("{} {}/{}{}  {} elapsed, {} left", unit_, done, total_,
                    loss ? fmt::format("  loss {:.5g}", *loss) : "", clock_time(elapsed), clock_time(left));
    if (terminal_) {
        constexpr std::size_t kWidth = 24;
        const std::size_t filled = total_ == 0 ? kWidth : kWidth * done / total_;
        say_in_passing("\r[{:#<{}}{:.<{}}] {}\033[K", "", filled, "", kWidth - filled, text);
    } else {
        say_in_passing("{}\n", text);
    }
    drawn_ = true;
}

}  // namespace memprop::host::cli
