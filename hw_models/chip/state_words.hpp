// Archives of 32-bit words, for states that travel over the bus. A list is its length and its values; numbers
// of 64 bits take two words, the low one first.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/state_archive.hpp"

namespace memprop::hw::chip {

class StateWordWriter final : public StateArchive {
public:
    std::vector<std::uint32_t> words;

    void operator()(std::string_view, std::vector<float>& values) override { list(values); }
    void operator()(std::string_view, std::vector<double>& values) override { list(values); }
    void operator()(std::string_view, std::vector<std::int32_t>& values) override { list(values); }
    void operator()(std::string_view, std::vector<std::uint32_t>& values) override { list(values); }
    void operator()(std::string_view, std::uint64_t& value) override { put(value); }
    void operator()(std::string_view, double& value) override { put(value); }
    void enter(std::string_view) override {}
    void leave() override {}

private:
    template <class T>
    void put(T value) {
        if constexpr (sizeof(T) == 8) {
            const auto bits = std::bit_cast<std::uint64_t>(value);
            words.push_back(static_cast<std::uint32_t>(bits));
            words.push_back(static_cast<std::uint32_t>(bits >> 32));
        } else {
            words.push_back(std::bit_cast<std::uint32_t>(value));
        }
    }
    template <class T>
    void list(const std::vector<T>& values) {
        words.push_back(static_cast<std::uint32_t>(values.size()));
        for (const T value : values) {
            put(value);
        }
    }
};

/// Throws InputError for words that are not those of the values asked for and, if `finite`, for numbers that
/// are not finite.
class StateWordReader final : public StateArchive {
public:
    explicit StateWordReader(std::span<const std::uint32_t> words, bool finite = false)
        : words_(words), finite_(finite) {}

    void operator()(std::string_view, std::vector<float>& values) override { list(values); }
    void operator()(std::string_view, std::vector<double>& values) override { list(values); }
    void operator()(std::string_view, std::vector<std::int32_t>& values) override { list(values); }
    void operator()(std::string_view, std::vector<std::uint32_t>& values) override { list(values); }
    void operator()(std::string_view, std::uint64_t& value) override { get(value); }
    void operator()(std::string_view, double& value) override { get(value); }
    void enter(std::string_view) override {}
    void leave() override {}
    bool at_end() const { return at_ == words_.size(); }

private:
    std::uint32_t next() {
        if (at_ == words_.size()) {
            throw InputError("the words of a unit's state end too early");
        }
        return words_[at_++];
    }
    template <class T>
    void get(T& value) {
        if constexpr (sizeof(T) == 8) {
            const std::uint64_t low = next();
            value = std::bit_cast<T>(low | std::uint64_t{next()} << 32);
        } else {
            value = std::bit_cast<T>(next());
        }
        if constexpr (std::is_floating_point_v<T>) {
            if (finite_ && !std::isfinite(value)) {
                throw InputError("words of a unit's state", value, "is not finite");
            }
        }
    }
    template <class T>
    void list(std::vector<T>& values) {
        const std::uint32_t count = next();
        if (count > words_.size() - at_ || (!values.empty() && count != values.size())) {
            throw InputError("words of a unit's state", count, "is another number of values");
        }
        values.resize(count);
        for (T& value : values) {
            get(value);
        }
    }

    std::span<const std::uint32_t> words_;
    bool finite_;
    std::size_t at_ = 0;
};

}  // namespace memprop::hw::chip
