// Parsed command-line options, checked as they are read. All throw InputError naming the option, its value
// and what is allowed.
#pragma once

#include <boost/program_options.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "testbenches/support/option_values.hpp"

namespace memprop::tb {

class OptionReader {
public:
    explicit OptionReader(const boost::program_options::variables_map& given) : given_(given) {}

    std::string text(const char* name) const { return given_[name].as<std::string>(); }
    std::vector<std::string> texts(const char* name) const {
        return has(name) ? given_[name].as<std::vector<std::string>>() : std::vector<std::string>{};
    }
    bool is_set(const char* name) const { return given_.count(name) != 0 && !given_[name].defaulted(); }
    bool has(const char* name) const { return given_.count(name) != 0; }
    std::uint64_t integer(const char* name, std::uint64_t low, std::uint64_t high) const {
        return parse_integer(option(name), text(name), low, high);
    }
    std::uint32_t small(const char* name, std::uint32_t low, std::uint32_t high) const {
        return static_cast<std::uint32_t>(integer(name, low, high));
    }
    double number(const char* name, double low, double high) const {
        const std::string word = text(name);
        double value = 0.0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
        if (error != std::errc() || end != word.data() + word.size() || !(value >= low && value <= high)) {
            throw InputError(option(name), word, fmt::format("must be a number from {} to {}", low, high));
        }
        return value;
    }
    /// Whether the second of two words was given.
    bool second_of(const char* name, std::string_view first, std::string_view second) const {
        const std::string word = text(name);
        if (word != first && word != second) {
            throw InputError(option(name), word, fmt::format("must be {} or {}", first, second));
        }
        return word == second;
    }
    void refuse_together(const char* one, const char* other) const {
        if (is_set(one) && is_set(other)) {
            throw InputError(fmt::format("--{} and --{} exclude each other", one, other));
        }
    }

private:
    static std::string option(const char* name) { return std::string("--") + name; }

    const boost::program_options::variables_map& given_;
};

}  // namespace memprop::tb
