// The synapses of a projection onto the neurons of a unit, and what holds them: tiles of an array that learns
// or is made of devices (ArrayBlock), memories of numbers (NumberBlock), or devices in a form that no tile
// has, as shared kernels (ConnectionBlock). A block is opened for a time step, takes events, is ended, and
// delivers sums.
//
// Numbers are those of network::Connection for the neurons of the unit: the functions of the functional
// engine.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "hw_models/chip/chip_image.hpp"
#include "hw_models/chip/weight_array.hpp"
#include "hw_models/clock.hpp"
#include "hw_models/counter.hpp"
#include "hw_models/tile/sram_memory.hpp"
#include "hw_models/tile/tile.hpp"
#include "learning/network/connection.hpp"

namespace memprop::hw::chip {

class SynapseBlock {
public:
    virtual ~SynapseBlock() = default;

    virtual void begin_sample(std::uint32_t /*sample*/, std::int32_t /*tick*/) {}
    virtual void end_sample() {}
    virtual void open(std::uint32_t step) = 0;
    /// An event of presynaptic neuron `row`, of the cycle in which it arrived. False: there is no such row,
    /// or it cannot be driven with that value or once more in this step.
    virtual bool event(std::uint32_t row, float value, std::uint64_t arrival) = 0;
    /// No event of the step is to come; `key` is the step that the noise of devices belongs to. Returns the
    /// cycle in which the sums are there.
    virtual std::uint64_t end(std::uint32_t key) = 0;
    /// The sums, in that cycle or later. False: nothing arrived, `out` was left alone.
    virtual bool take(std::span<float> out) = 0;

    /// Events of the step under way, or of the last one.
    virtual std::uint64_t events() const = 0;
    /// Presynaptic neurons whose events were taken last, ascending, a bias aside; of arrays alone.
    virtual std::span<const std::uint32_t> rows_taken() { return {}; }
    /// Sums that are added digitally for one neuron: tiles on top of each other.
    virtual std::uint64_t sums_per_neuron() const { return 1; }
    virtual std::uint64_t tiles() const { return 1; }
    /// Events so far, times the synapses of their rows.
    virtual std::uint64_t synaptic_operations() const = 0;
    virtual double energy_j() const = 0;
    virtual void report(const std::string& prefix, std::vector<Counter>& out) const = 0;
    virtual void record(WordRecord& record) = 0;
};

/// On tiles of an array.
class ArrayBlock final : public SynapseBlock {
public:
    /// `tiles`: of the array, row blocks ascending, together the columns of the unit from `first_column` on.
    ArrayBlock(WeightArray& array, std::span<const std::uint32_t> tiles, std::uint32_t first_column,
               const ChipConfig& config, std::int64_t columns_per_converter, const Clock& clock,
               const std::string& name);

    void begin_sample(std::uint32_t sample, std::int32_t tick) override;
    void end_sample() override;
    void open(std::uint32_t step) override;
    bool event(std::uint32_t row, float value, std::uint64_t arrival) override;
    std::uint64_t end(std::uint32_t key) override;
    bool take(std::span<float> out) override;
    std::uint64_t events() const override { return events_; }
    std::span<const std::uint32_t> rows_taken() override;
    std::uint64_t sums_per_neuron() const override { return row_blocks_; }
    std::uint64_t tiles() const override { return tiles_.size(); }
    std::uint64_t synaptic_operations() const override;
    double energy_j() const override;
    void report(const std::string& prefix, std::vector<Counter>& out) const override;
    void record(WordRecord& record) override;

    struct PlacedTile {
        std::uint32_t number;  ///< of the array
        tile::TileRegion region;
        std::unique_ptr<tile::Tile> tile;
        std::unique_ptr<tile::FastTile> fast;  ///< null: the update scheme has no array of its own
    };
    WeightArray& array() { return array_; }
    std::span<PlacedTile> placed() { return tiles_; }
    std::span<const PlacedTile> placed() const { return tiles_; }

private:
    WeightArray& array_;
    std::uint32_t first_column_;
    std::vector<PlacedTile> tiles_;
    std::uint64_t row_blocks_ = 0, events_ = 0;
    std::vector<std::uint32_t> rows_taken_;
};

/// Numbers, or devices behind a connection of somebody else's.
class ConnectionBlock : public SynapseBlock {
public:
    void open(std::uint32_t step) override;
    bool event(std::uint32_t row, float value, std::uint64_t arrival) override;
    std::uint64_t events() const override { return events_; }

protected:
    ConnectionBlock(std::uint32_t rows, tile::ReadMode mode, const Clock& clock)
        : rows_(rows), mode_(mode), clock_(clock) {}
    /// Cycles in which an event of a row drives or reads.
    virtual std::uint64_t row_cycles(std::uint32_t row) const = 0;
    /// What has arrived, by ascending row unless `as_listed`.
    const network::Signal<float>& arrived(bool as_listed);
    std::uint64_t drivers_free_cycle() const { return drivers_free_cycle_; }
    const Clock& clock() const { return clock_; }
    tile::ReadMode mode() const { return mode_; }
    std::span<const std::uint32_t> rows_of_events() const { return signal_.index; }

private:
    std::uint32_t rows_;
    tile::ReadMode mode_;
    const Clock& clock_;
    network::Signal<float> signal_;
    bool sorted_ = true, all_ones_ = true;
    std::uint64_t events_ = 0, drivers_free_cycle_ = 0;
    std::vector<std::pair<std::uint32_t, float>> order_;
};

/// What an event of a row costs: words read, numbers added.
struct RowWork {
    std::uint32_t words = 0, adds = 0;
};

/// Numbers in an SRAM beside the unit: dense or masked matrices, lists of synapses, kernels of convolutions
/// that are read once per output position, pools and one-to-one lines without memory.
class NumberBlock final : public ConnectionBlock {
public:
    /// `work`: per row, or one for all rows. `bias_work`: of every step.
    NumberBlock(std::unique_ptr<network::Connection<float>> connection, std::uint32_t rows, bool as_listed,
                std::vector<RowWork> work, RowWork bias_work, const ChipConfig& config, const Clock& clock);

    std::uint64_t end(std::uint32_t key) override;
    bool take(std::span<float> out) override;
    std::uint64_t synaptic_operations() const override { return stats_.additions; }
    double energy_j() const override;
    void report(const std::string& prefix, std::vector<Counter>& out) const override;
    void record(WordRecord& record) override { stats_.record(record); }

private:
    const RowWork& work(std::uint32_t row) const { return work_.size() == 1 ? work_[0] : work_[row]; }
    std::uint64_t row_cycles(std::uint32_t row) const override { return std::max(1U, work(row).words); }

    std::unique_ptr<network::Connection<float>> connection_;
    bool as_listed_;
    std::vector<RowWork> work_;
    RowWork bias_work_;
    tile::SramCost cost_;
    tile::SramStats stats_;
    std::uint32_t key_ = 0;
};

/// A connection over whole populations whose devices cannot be cut by units: shared kernels, several matrices
/// in one node, values that are driven in parts of the largest of them. Its sums of a step are made when the
/// first unit asks, and again only if another one has had other events.
class SharedConnection {
public:
    /// `rows`, `columns`: of the pre- and the postsynaptic population.
    SharedConnection(network::Connection<float>& connection, std::uint32_t rows, std::uint32_t columns)
        : connection_(connection), rows_(rows), sums_(columns) {}

    std::uint32_t rows() const { return rows_; }
    std::uint32_t columns() const { return static_cast<std::uint32_t>(sums_.size()); }

    /// Empty: nothing arrived.
    std::span<const float> sums(const network::Signal<float>& arriving, std::uint32_t key);
    void begin_sample() { computed_ = false; }

private:
    network::Connection<float>& connection_;
    std::uint32_t rows_;
    std::vector<float> sums_;
    network::Signal<float> arrived_;
    std::uint32_t key_ = 0;
    bool computed_ = false, is_nothing_ = false;
};

/// The part of a shared connection that a unit sees, on memristive tiles of its own core.
class DeviceBlock final : public ConnectionBlock {
public:
    /// `columns`: those of the unit. `drives`: per row, or one for all: how often an event of it drives a
    /// word line, once per output position of a kernel; each read converts `converted` columns.
    DeviceBlock(SharedConnection& connection, std::uint32_t rows, Slice columns,
                std::vector<std::uint32_t> drives, std::uint32_t converted,
                const tile::CrossbarTileParams& params, const Clock& clock);

    void begin_sample(std::uint32_t, std::int32_t) override { connection_.begin_sample(); }
    std::uint64_t end(std::uint32_t key) override;
    bool take(std::span<float> out) override;
    std::uint64_t synaptic_operations() const override { return stats_.word_line_drives * converted_; }
    double energy_j() const override { return tile::crossbar_energy_j(params_.cost, stats_); }
    void report(const std::string& prefix, std::vector<Counter>& out) const override {
        tile::report_crossbar(prefix, params_.cost, stats_, out);
    }
    void record(WordRecord& record) override { stats_.record(record); }

private:
    std::uint32_t drives(std::uint32_t row) const { return drives_.size() == 1 ? drives_[0] : drives_[row]; }
    std::uint64_t row_cycles(std::uint32_t row) const override {
        return std::uint64_t{drives(row)} * params_.timing.drive_cycles;
    }

    SharedConnection& connection_;
    Slice columns_;
    std::vector<std::uint32_t> drives_;
    std::uint32_t converted_;
    tile::CrossbarTileParams params_;
    tile::CrossbarStats stats_;
    std::uint32_t key_ = 0;
};

}  // namespace memprop::hw::chip
