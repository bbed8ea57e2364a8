// What a program tells. Words about the work go to standard error and never end it: a full disk, a closed
// terminal or a reader that has gone loses them, nothing else. Results go to standard output, and one that
// cannot be written is an error.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <string_view>
#include <utility>

namespace memprop {

/// Writes everything to a descriptor, however it takes it. Returns 0 or the errno of what failed.
int write_all(int descriptor, std::string_view text) noexcept;

/// Text on standard error; what cannot be written is lost.
void say_text(std::string_view text) noexcept;

/// The same, but text that would have to wait for its reader is lost too: for words while work goes on.
void say_text_in_passing(std::string_view text) noexcept;

/// Text on standard output. Throws RunError if it cannot be written.
void put_text(std::string_view text);

template <class... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
    say_text(fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void say_in_passing(fmt::format_string<Args...> format, Args&&... args) {
    say_text_in_passing(fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void put(fmt::format_string<Args...> format, Args&&... args) {
    put_text(fmt::format(format, std::forward<Args>(args)...));
}

/// Name of the program for messages; "memprop" outside run_program.
std::string_view program_name();

/// The main function of a program: runs `body` and returns its exit status, 2 after an InputError, 1 after
/// any other exception, with the message on standard error. Standard streams that are closed at the start are
/// replaced, lest a file that the program opens takes their number; peers and readers that go away
/// end writes to them with an error instead of ending the process (SIGPIPE).
int run_program(std::string_view name, const std::function<int()>& body) noexcept;

}  // namespace memprop
