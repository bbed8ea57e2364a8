// Events for testbenches of tiles, cores and chips: rows (word lines, inputs) per time step, generated or
// from a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

namespace memprop::tb {

class Stimulus {
public:
    virtual ~Stimulus() = default;
    /// Steps with events lie before this one.
    virtual std::uint64_t steps() const = 0;
    /// Ascending. Steps are asked for in ascending order.
    virtual const std::vector<std::uint32_t>& rows(std::uint64_t step) = 0;
};

/// Every row has an event in every step with probability `activity`, keyed by (seed, step, row).
std::unique_ptr<Stimulus> make_random_stimulus(std::uint32_t rows, std::uint64_t steps, double activity,
                                               std::uint64_t seed);

/// A CSV file with the header `step,<row_name>`, in any order. Throws InputError with file and line.
std::unique_ptr<Stimulus> read_stimulus(const std::filesystem::path& file, std::uint32_t rows,
                                        std::string_view row_name = "row");

inline constexpr std::uint64_t kMostSteps = 1'000'000'000;

}  // namespace memprop::tb
