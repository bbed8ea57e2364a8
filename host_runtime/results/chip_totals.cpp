#include "host_runtime/results/chip_totals.hpp"

#include <utility>

#include "hw_models/chip/host_stats.hpp"

namespace memprop::host {
namespace {

std::vector<std::uint32_t> halves(const std::vector<std::uint64_t>& words) {
    std::vector<std::uint32_t> out;
    out.reserve(2 * words.size());
    for (const std::uint64_t word : words) {
        out.push_back(static_cast<std::uint32_t>(word));
        out.push_back(static_cast<std::uint32_t>(word >> 32U));
    }
    return out;
}

std::vector<std::uint64_t> words(const std::vector<std::uint32_t>& halves) {
    std::vector<std::uint64_t> out;
    for (std::size_t i = 0; i + 1 < halves.size(); i += 2) {
        out.push_back(halves[i] | std::uint64_t{halves[i + 1]} << 32U);
    }
    return out;
}

}  // namespace

ChipTotals chip_totals(const ChipSession& session) {
    const hw::chip::Chip& chip = session.chip();
    return {.cycles = chip.cycle(),
            .deadline_misses = chip.host().stats()[hw::chip::HostCounter::deadline_misses],
            .energy = chip.energy()};
}

void ChipLedger::save(StateArchive& archive) const {
    std::uint64_t cycles = earlier_cycles_;
    std::vector<std::uint32_t> record = record_;
    if (hardware_ != nullptr) {
        hw::WordRecord taken;
        hardware_->record(taken);
        record = halves(taken.words());
        cycles = total().cycles;
    }
    archive.enter("chip");
    archive("cycles", cycles);
    archive("record", record);
    archive.leave();
}

void ChipLedger::restore(StateArchive& archive) {
    archive.enter("chip");
    archive("cycles", earlier_cycles_);
    archive("record", record_);
    archive.leave();
    if (hardware_ != nullptr && !record_.empty()) {
        not_counted_cycles_ = hardware_->session().chip().cycle();
        hw::WordRecord given(words(record_));
        hardware_->record(given);
        given.finish();
    }
}

ChipTotals ChipLedger::total() const {
    if (hardware_ == nullptr) {
        return {.cycles = earlier_cycles_};
    }
    ChipTotals totals = chip_totals(hardware_->session());
    totals.cycles += earlier_cycles_ - not_counted_cycles_;
    return totals;
}

}  // namespace memprop::host
