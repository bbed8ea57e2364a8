#include "hw_models/tile/synapse_tile.hpp"

#include <utility>

#include "crossbar/base/error.hpp"

namespace memprop::hw::tile {

SynapseTile::SynapseTile(const sc_core::sc_module_name& name, std::unique_ptr<TileMemory> memory,
                         ReadMode mode, const sc_core::sc_time& clock_period)
    : sc_module(name), period_(clock_period), tile_(std::move(memory), mode, clock_) {
    if (period_ == sc_core::SC_ZERO_TIME) {
        throw InputError(std::string(this->name()) + ".clock_period", 0, "must be at least 1 time unit");
    }
    port.bind(*this);
    SC_HAS_PROCESS(SynapseTile);
    SC_METHOD(run);
    sensitive << due_;
    dont_initialize();
}

TileResponse SynapseTile::end_step() {
    const TileResponse response = now().end_step();
    if (response == TileResponse::accepted) {
        reading_ = tile_.busy();
        if (reading_) {
            finish_at(tile_.sums_cycle());
        } else {
            sums_ready_.notify(sc_core::SC_ZERO_TIME);
        }
    }
    return response;
}

TileResponse SynapseTile::started(TileResponse response) {
    if (response == TileResponse::accepted) {
        if (tile_.busy()) {
            finish_at(tile_.busy_until());
        } else {
            done_.notify(sc_core::SC_ZERO_TIME);
        }
    }
    return response;
}

void SynapseTile::finish_at(std::uint64_t cycle) {
    const sc_core::sc_time due = sc_core::sc_time::from_value(cycle * period_.value());
    // A call late in its cycle may be due at once (an SRAM that has finished its reads by then).
    due_.notify(due > sc_core::sc_time_stamp() ? due - sc_core::sc_time_stamp() : sc_core::SC_ZERO_TIME);
}

void SynapseTile::run() {
    ++activations_;
    if (std::exchange(reading_, false)) {
        now().take_sums();
        sums_ready_.notify(sc_core::SC_ZERO_TIME);
    } else {
        now().finish();
        done_.notify(sc_core::SC_ZERO_TIME);
    }
}

}  // namespace memprop::hw::tile
