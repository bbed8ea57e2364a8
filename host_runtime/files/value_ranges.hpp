// What the numbers of a stored state can be, by the name they are stored under: a name means the same
// wherever it stands. A number without a range of its own is finite, and a count at most 2^53.
#pragma once

#include <limits>
#include <map>
#include <string>
#include <string_view>

namespace memprop::host {

struct ValueRange {
    double least = std::numeric_limits<double>::lowest();
    double most = std::numeric_limits<double>::max();
    bool holds(double value) const { return value >= least && value <= most; }  // false for NaN
};

class ValueRanges {
public:
    ValueRanges();

    /// What is known of this run or network: replaces the range of a name.
    void set(std::string_view name, ValueRange range) { ranges_.insert_or_assign(std::string(name), range); }
    ValueRange of(std::string_view name, ValueRange otherwise) const {
        const auto found = ranges_.find(name);
        return found == ranges_.end() ? otherwise : found->second;
    }

private:
    std::map<std::string, ValueRange, std::less<>> ranges_;
};

}  // namespace memprop::host
