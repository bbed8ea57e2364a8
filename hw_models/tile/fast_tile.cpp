#include "hw_models/tile/fast_tile.hpp"

namespace memprop::hw::tile {

FastTile::FastTile(const TileRegion& region, const CrossbarTileParams& params,
                   const crossbar::SynapseArray& array, const std::string& where)
    : region_(region), params_(params), array_(array) {
    params.validate(where);
}

std::uint64_t FastTile::take(const FastUpdate& update) {
    const CrossbarTiming& timing = params_.timing;
    const std::uint64_t sums = array_.conversions_per_column();
    ++stats_.updates;
    const WriteWork write =
        write_work(timing, update.pulses, [this](std::uint32_t steps) { return array_.given_for(steps); });
    periphery_.count(write);
    std::uint64_t cycles = write.cycles;
    if (update.refreshed) {
        ++stats_.refreshes;
        periphery_.count_measurement(region_.rows, region_.columns, sums);
        periphery_.count(update.refresh, sums);
        cycles += refresh_cycles(timing, region_.rows, region_.columns, update.refresh);
    }
    stats_.row_reads += update.rows_read;
    periphery_.word_line_drives += update.rows_read;
    periphery_.integrations += sums * update.rows_read * region_.columns;
    periphery_.conversions += sums * update.rows_read * region_.columns;
    cycles += update.rows_read * row_read_cycles(timing, region_.columns);
    const ResetWork reset = reset_work(timing, update.reset);
    stats_.resets += reset.synapses;
    periphery_.word_line_drives += reset.rows;
    periphery_.pulses += reset.synapses * 2 * array_.shape().devices_per_polarity;
    cycles += reset.cycles;
    stats_.cycles += cycles;
    return cycles;
}

void FastTile::record(WordRecord& record) {
    for (std::uint64_t* count :
         {&stats_.updates, &stats_.row_reads, &stats_.refreshes, &stats_.resets, &stats_.cycles}) {
        record(*count);
    }
    periphery_.record(record);
}

void FastTile::report(const std::string& prefix, std::vector<Counter>& out) const {
    const auto add = [&](const char* name, std::uint64_t value, const char* unit, const char* description) {
        out.push_back({prefix + name, static_cast<double>(value), unit, description});
    };
    add("updates", stats_.updates, "updates", "updates that changed the fast array");
    add("row_reads", stats_.row_reads, "reads", "rows read to be transferred");
    add("refreshes", stats_.refreshes, "refreshes", "refreshes of saturated pairs");
    add("resets", stats_.resets, "synapses", "pairs RESET after their transfer");
    add("cycles", stats_.cycles, "cycles", "writes, refreshes, row reads and RESETs");
    report_crossbar(prefix, params_.cost, periphery_, out);
}

}  // namespace memprop::hw::tile
