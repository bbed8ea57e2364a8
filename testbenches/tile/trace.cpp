#include "testbenches/tile/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace memprop::tb {

using namespace hw::tile;

TileTrace::TileTrace(const sc_core::sc_module_name& name, SynapseTile& tile,
                     const std::filesystem::path& file)
    : sc_module(name), tile_(tile), file_(file) {
    for (std::size_t i = 0; i < activity_.size(); ++i) {
        file_.add(activity_[i], std::string("tile.").append(kTileActivityNames[i]));
    }
    file_.add(row_events_, "tile.row_events");
    for (std::uint32_t c = 0; c < std::min(kColumns, tile.memory().columns()); ++c) {
        file_.add(sums_[c], fmt::format("tile.sum_column_{}", c));
    }
    SC_METHOD(sample);
}

void TileTrace::sample() {
    if (sc_core::sc_time_stamp() == sc_core::SC_ZERO_TIME) {
        next_trigger(tile_.clock_period() / 4);
        return;
    }
    activity_.fill(false);
    activity_[static_cast<std::size_t>(tile_.activity())] = true;
    row_events_ = static_cast<std::uint32_t>(tile_.active_rows().size());
    const auto sums = tile_.port->sums();
    std::copy_n(sums.begin(), std::min<std::size_t>(kColumns, sums.size()), sums_.begin());
    next_trigger(tile_.clock_period());
}

}  // namespace memprop::tb
