// What is inside a tile, in plain C++: synapses that can be read and written, and how many cycles that
// takes. SynapseTile (synapse_tile.hpp) adds ports, protocol and time and knows no more than this.
//
// Numbers are in the unit of the memory: uS times the read voltage (crossbar) or weight steps (SRAM).
// A write, refresh or measurement is begun, which latches its data and tells its cycles, and finished that
// many cycles later. No answer (null, false) means that it has to wait for other tiles of the same array.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crossbar/array/synapse_array.hpp"
#include "hw_models/counter.hpp"
#include "hw_models/tile/tile_timing.hpp"
#include "hw_models/word_record.hpp"

namespace memprop::hw::tile {

/// Changes of the synapses of a tile in steps: SET pulses (> 0 on G+, < 0 on G-) or weight steps; or, for
/// memories of floating-point weights, what is added to them. The other fields are those of
/// crossbar::SynapseArray::program and key its noise.
struct WriteBurst {
    SynapseView<std::int16_t> steps{};
    std::uint32_t event = 0;
    std::int32_t tick = 0;
    crossbar::SynapseArray::Phase phase = crossbar::SynapseArray::Phase::update;
    SynapseView<float> changes{};
    /// Checked writes take place at the request of the first tile, which has the pulses of the whole array.
    crossbar::VerifiedWrites verified{};
    std::span<const std::int16_t> steps_of_array{};

    bool has_shape(std::uint32_t rows, std::uint32_t columns) const {
        return (steps.rows == rows && steps.columns == columns) ||
               (changes.rows == rows && changes.columns == columns);
    }
};

struct RefreshRequest {
    crossbar::RefreshLimits limits;
    std::uint32_t event = 0;
    std::int32_t tick = 0;
};

class TileMemory {
public:
    virtual ~TileMemory() = default;

    virtual std::uint32_t rows() const = 0;
    virtual std::uint32_t columns() const = 0;
    virtual ReadTiming read_timing() const = 0;

    /// Device time `tick` holds for the reads up to end_sample(). False: busy.
    virtual bool begin_sample(std::uint32_t sample, std::int32_t tick) = 0;
    virtual void end_sample() = 0;

    /// The sums over `active` rows (of the tile, ascending, at least one) in time step `step`.
    virtual void read(std::span<const std::uint32_t> active, std::uint32_t step, ReadMode mode,
                      std::span<float> sums) = 0;

    /// The shape of `burst` is that of the tile.
    virtual std::optional<std::uint64_t> begin_write(const WriteBurst& burst) = 0;
    virtual void finish_write() = 0;

    virtual std::optional<std::uint64_t> begin_refresh(const RefreshRequest& request) = 0;
    virtual void finish_refresh() = 0;

    /// finish_measure() gives the value of every synapse, [row * columns() + column], as one read of it.
    virtual std::optional<std::uint64_t> begin_measure(std::uint32_t event, std::int32_t tick) = 0;
    virtual void finish_measure(std::span<float> values) = 0;

    /// Energy of what is counted here. Devices of a crossbar are not: their array counts them.
    virtual double energy_j() const = 0;
    virtual void report(const std::string& prefix, std::vector<Counter>& out) const = 0;
    /// Its counters.
    virtual void record(WordRecord& record) = 0;
};

}  // namespace memprop::hw::tile
