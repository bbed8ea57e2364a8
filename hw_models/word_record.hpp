// Whole numbers in a row: one description of what a model has counted and been told serves taking them down
// and giving them back to a model that is built alike, in another process.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "crossbar/base/error.hpp"

namespace memprop::hw {

class WordRecord {
public:
    /// Takes down.
    WordRecord() = default;
    /// Gives back.
    explicit WordRecord(std::vector<std::uint64_t> words) : words_(std::move(words)), gives_(true) {}

    bool gives() const { return gives_; }
    const std::vector<std::uint64_t>& words() const { return words_; }

    /// Throws InputError if there is no word left for `value`, or none that is at most `most`.
    template <std::unsigned_integral T>
    void operator()(T& value, std::uint64_t most = std::numeric_limits<T>::max()) {
        if (!gives_) {
            words_.push_back(value);
            return;
        }
        if (next_ == words_.size() || words_[next_] > most) {
            throw InputError("the record of a chip is not of this chip");
        }
        value = static_cast<T>(words_[next_++]);
    }
    template <std::unsigned_integral T, std::size_t N>
    void operator()(std::span<T, N> values, std::uint64_t most = std::numeric_limits<T>::max()) {
        for (T& value : values) {
            (*this)(value, most);
        }
    }

    /// To be called when all has been given back. Throws InputError if words are left.
    void finish() const {
        if (next_ != words_.size()) {
            throw InputError("the record of a chip is not of this chip");
        }
    }

private:
    std::vector<std::uint64_t> words_;
    std::size_t next_ = 0;
    bool gives_ = false;
};

}  // namespace memprop::hw
