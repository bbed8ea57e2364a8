// The two kinds of failure a user can meet. Programs map InputError to exit code 2, RunError to 1.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace memprop {

/// What the user gave is wrong: an option, a file, a value. The message names the place, the field,
/// the value and what is allowed.
class InputError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;

    /// "crossbar.g_max_us = -1: must be in (0, 1000] uS"
    template <class Value>
    InputError(std::string_view field, const Value& value, std::string_view rule)
        : std::runtime_error(fmt::format("{} = {}: {}", field, value, rule)) {}
};

/// The input was fine and the run failed all the same: a full disk, a lost file.
class RunError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace memprop
