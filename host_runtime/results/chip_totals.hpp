// What a training run has spent on cycle-level chips. A run that is resumed goes on in another process on
// another chip, which takes over the counters of the one before, so that its result is that of the whole run.
#pragma once

#include <cstdint>
#include <vector>

#include "crossbar/base/state_archive.hpp"
#include "host_runtime/chip/chip_hardware.hpp"

namespace memprop::host {

struct ChipTotals {
    std::uint64_t cycles = 0, deadline_misses = 0;
    hw::chip::ChipEnergy energy{};
};

/// Of a chip since it was built, loading included, or since the run came to its first chip.
ChipTotals chip_totals(const ChipSession& session);

/// Carries what a chip has counted from one process of a run to the next.
class ChipLedger {
public:
    /// The chip of this process, null if there is none; before restore(). It must live as long.
    void follow(ChipHardware* hardware) { hardware_ = hardware; }

    void save(StateArchive& archive) const;
    /// Loading the chip is counted once, when the run comes to its first. Throws InputError for the record of
    /// another chip.
    void restore(StateArchive& archive);

    ChipTotals total() const;

private:
    ChipHardware* hardware_ = nullptr;
    std::uint64_t earlier_cycles_ = 0, not_counted_cycles_ = 0;  // the latter to load this chip
    std::vector<std::uint32_t> record_;                          // while the run is on no chip
};

}  // namespace memprop::host
