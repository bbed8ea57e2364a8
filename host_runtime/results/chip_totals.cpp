#include "host_runtime/results/chip_totals.hpp"

#include "hw_models/chip/host_stats.hpp"

namespace memprop::host {

ChipTotals& ChipTotals::operator+=(const ChipTotals& other) {
    cycles += other.cycles;
    deadline_misses += other.deadline_misses;
    energy.routing_j += other.energy.routing_j;
    energy.tile_periphery_j += other.energy.tile_periphery_j;
    energy.digital_j += other.energy.digital_j;
    return *this;
}

ChipTotals& ChipTotals::operator-=(const ChipTotals& other) {
    cycles -= other.cycles;
    deadline_misses -= other.deadline_misses;
    energy.routing_j -= other.energy.routing_j;
    energy.tile_periphery_j -= other.energy.tile_periphery_j;
    energy.digital_j -= other.energy.digital_j;
    return *this;
}

void ChipTotals::serialize(StateArchive& archive) {
    archive.enter("chip");
    if (archive.holds("cycles")) {
        archive("cycles", cycles);
        archive("deadline_misses", deadline_misses);
        archive("routing_j", energy.routing_j);
        archive("tile_periphery_j", energy.tile_periphery_j);
        archive("digital_j", energy.digital_j);
    }
    archive.leave();
}

ChipTotals chip_totals(const ChipHardware& hardware) {
    const hw::chip::Chip& chip = hardware.chip();
    return {.cycles = chip.cycle(),
            .deadline_misses = chip.host().stats()[hw::chip::HostCounter::deadline_misses],
            .energy = chip.energy()};
}

void ChipLedger::restore(StateArchive& archive) {
    earlier_.serialize(archive);
    if (hardware_ != nullptr && earlier_.cycles > 0) {
        not_counted_ = chip_totals(*hardware_);
    }
}

ChipTotals ChipLedger::total() const {
    ChipTotals sum = earlier_;
    if (hardware_ != nullptr) {
        sum += chip_totals(*hardware_);
        sum -= not_counted_;
    }
    return sum;
}

}  // namespace memprop::host
