// Progress of a long command on stderr: a bar that redraws itself on a terminal, a plain line every ten
// seconds elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace memprop::host::cli {

class Progress {
public:
    /// `unit` names what is counted ("epoch"); `done` of `total` are behind us already.
    Progress(std::string_view unit, std::uint64_t total, std::uint64_t done);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Shows the state if it is time to, with the loss if there is one yet. Cheap otherwise.
    void update(std::uint64_t done, std::optional<double> loss);

private:
    using Clock = std::chrono::steady_clock;
    void draw(std::uint64_t done, std::optional<double> loss, Clock::time_point now);

    std::string_view unit_;
    std::uint64_t total_, first_;
    bool terminal_;
    bool drawn_ = false;
    Clock::time_point start_, last_;
};

}  // namespace memprop::host::cli
