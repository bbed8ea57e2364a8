// One logical array of synapses on one or several tiles. The numbers of an array do not depend on how it is
// cut: row blocks of crossbar.tile_rows have their own partial sums and noise draws in any case, and column
// ranges only share the work. What concerns the array as a whole is done here once, whichever tile asks:
// - renew: at the first begin_sample() after a change of device time or of a device, and at once if a device
//   changes within a sample;
// - write: an update is programmed when every tile has finished its burst (which may be empty) of it;
//   until then a burst of another update, or a second one of the same tile, has to wait;
// - checked write, refresh and measurement: at the request of the first tile; the other tiles take their part
// of it. The array must be written, refreshed and measured through its tiles alone while they exist.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "crossbar/array/synapse_array.hpp"
#include "crossbar/array/synapse_pulses.hpp"
#include "hw_models/counter.hpp"
#include "hw_models/tile/tile_memory.hpp"

namespace memprop::hw::tile {

struct TileRegion {
    std::uint32_t first_row = 0, rows = 0;
    std::uint32_t first_column = 0, columns = 0;
};

/// What a refresh of an array of `columns` columns did in a region, from the pulses that each synapse got:
/// every device of a refreshed pair was RESET once, and there is a verifying read before each SET pulse and,
/// unless the `most_pulses` ran out, one after.
RefreshWork refresh_work(const TileRegion& region, std::uint32_t columns,
                         const crossbar::SynapsePulses& pulses, std::uint32_t most_pulses);

/// Energy and wear of the devices of an array.
void report_devices(const std::string& prefix, const crossbar::ArrayCounters& counters,
                    const crossbar::EnergyConfig& cost, std::vector<Counter>& out);

class TiledArray {
public:
    /// Cuts `array` into row blocks of its tile_rows() and column ranges of at most `tile_columns`; tiles
    /// are numbered row block by row block. Throws InputError if `tile_columns` is 0.
    TiledArray(crossbar::SynapseArray& array, std::uint32_t tile_columns);

    std::span<const TileRegion> tiles() const { return regions_; }
    crossbar::SynapseArray& array() { return array_; }

    // A false or null answer: another operation of the array is not finished, the caller has to wait.
    bool begin_sample(std::int32_t tick);
    void end_sample();

    bool begin_write(std::size_t tile, const WriteBurst& burst);
    /// The same with burst.verified.
    const VerifyWork* begin_verified_write(std::size_t tile, const WriteBurst& burst);
    /// Pulses on the devices of each synapse of a region in the last such write, without the corrections.
    SynapseView<std::int16_t> verified_pulses(const TileRegion& region) const;
    void finish_write();

    /// What the last refresh of the array did.
    const crossbar::RefreshReport& last_refresh() const { return last_refresh_; }
    /// The devices were changed in another way than by these calls: a checkpoint was read.
    void devices_changed() { stale_ = true; }

    const RefreshWork* begin_refresh(std::size_t tile, const RefreshRequest& request);
    void finish_refresh() { leave(); }

    bool begin_measure(std::size_t tile, std::uint32_t event, std::int32_t tick);
    /// Writes the values of the tile's region, [row * columns + column].
    void finish_measure(std::size_t tile, std::span<float> values);
    /// Of the last measurement, the whole array.
    std::span<const float> measured() const { return measured_; }

    /// Energy and wear of the devices of the whole array.
    void report(const std::string& prefix, const crossbar::EnergyConfig& cost,
                std::vector<Counter>& out) const {
        report_devices(prefix, array_.counters(), cost, out);
    }

private:
    enum class Operation : std::uint8_t { none, write, verified_write, refresh, measure };
    using Phase = crossbar::SynapseArray::Phase;
    // The operation under way, in which every tile takes part once.
    struct Current {
        Operation operation = Operation::none;
        std::uint32_t event = 0;
        std::int32_t tick = 0;
        Phase phase{};
        bool operator==(const Current&) const = default;
    };

    /// Whether `tile` may take part now; if it is the first one, `current_` changes from none.
    bool join(std::size_t tile, const Current& operation);
    /// True for the last tile.
    bool leave();
    void renew(std::int32_t tick);
    void changed(std::int32_t tick);
    void refresh(const RefreshRequest& request);
    void write_verified(const WriteBurst& burst);
    std::size_t tile_of(std::uint32_t synapse) const;

    crossbar::SynapseArray& array_;
    std::vector<TileRegion> regions_;
    bool stale_ = true, in_sample_ = false;
    std::int32_t renewed_tick_ = 0;
    Current current_;
    std::vector<bool> begun_;
    std::size_t begun_count_ = 0, finished_count_ = 0;
    std::vector<std::int16_t> pulses_, verified_pulses_;
    std::vector<crossbar::VerifiedSynapse> verified_;
    std::vector<VerifyWork> verify_work_;
    std::vector<RefreshWork> refresh_work_;
    crossbar::SynapsePulses pulses_before_, refresh_pulses_;
    crossbar::RefreshReport last_refresh_;
    std::vector<float> measured_;
};

}  // namespace memprop::hw::tile
