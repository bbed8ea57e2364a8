// What a training run has spent on cycle-level chips. A run that is resumed goes on in another process on
// another chip, and its result is that of the whole run, as for its devices.
#pragma once

#include <cstdint>

#include "crossbar/base/state_archive.hpp"
#include "host_runtime/chip/chip_hardware.hpp"

namespace memprop::host {

struct ChipTotals {
    std::uint64_t cycles = 0, deadline_misses = 0;
    hw::chip::ChipEnergy energy{};

    ChipTotals& operator+=(const ChipTotals& other);
    ChipTotals& operator-=(const ChipTotals& other);

    /// An archive without them leaves what there is.
    void serialize(StateArchive& archive);
};

/// Of a chip since it was built, loading included.
ChipTotals chip_totals(const ChipHardware& hardware);

/// Adds up the chips of a run.
class ChipLedger {
public:
    /// The chip of this process, null if there is none; before restore(). It must live as long.
    void follow(const ChipHardware* hardware) { hardware_ = hardware; }

    void save(StateArchive& archive) const { total().serialize(archive); }
    /// What earlier processes have spent. Loading the chip is counted once, when the run comes to its first.
    void restore(StateArchive& archive);

    ChipTotals total() const;

private:
    const ChipHardware* hardware_ = nullptr;
    ChipTotals earlier_;
    ChipTotals not_counted_;  // of this chip: it was loaded to continue
};

}  // namespace memprop::host
