// A host of the digital core: registers, memories, samples, and what can be read back. The plain core
// without a kernel; the same results and cycles as at transaction level.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "host_runtime/digital_core/core_samples.hpp"
#include "host_runtime/digital_core/quantise.hpp"
#include "hw_models/digital_core/core.hpp"

namespace memprop::host {

/// Register number and value.
using RegisterList = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

/// "NAME=VALUE" or "NUMBER=VALUE"; values may be negative or hexadecimal (0x...). Throws InputError naming
/// the registers there are, or the bits of the one there is.
std::pair<std::uint32_t, std::uint32_t> parse_register(const std::string& text);

/// A CSV of `register,value` lines with that header. Throws InputError with file and line.
RegisterList read_registers(const std::filesystem::path& file);

struct CoreSpike {
    std::uint32_t sample, step, neuron;
};

struct CoreSampleResult {
    std::uint8_t answer = 0;   ///< of classification: the output that won most supervised steps
    std::uint64_t cycles = 0;  ///< of computation
    std::uint64_t spikes = 0;
    std::uint64_t synaptic_operations = 0;
    std::uint64_t weight_updates = 0;
};

class CoreHost {
public:
    /// Resets the core, writes sizes, leaks and shifts of the network and then `registers` (which win), its
    /// neuron words and weights. Learning is off unless a register says otherwise. Throws InputError for
    /// registers that contradict the network's sizes.
    CoreHost(const QuantisedNetwork& network, const RegisterList& registers);

    /// One sample. With `train` the label is a target from supervised_from on, and DO_EPROP decides what
    /// learns; else the core only answers. `on_spike` gets every spike of a real neuron.
    CoreSampleResult run(const CoreSample& sample, std::uint32_t number, bool train,
                         const std::function<void(const CoreSpike&)>& on_spike);

    const hw::Core& core() const { return core_; }
    /// [pre][post] of a weight memory, as wide as the network.
    std::vector<std::int8_t> weights(hw::MemoryCode code) const;
    const QuantisedNetwork& network() const { return network_; }

private:
    class SpikeObserver;
    void write(hw::Reg reg, std::uint32_t value) { write(static_cast<std::uint32_t>(reg), value); }
    void write(std::uint32_t number, std::uint32_t value);
    void write_rows(hw::MemoryCode code, const std::vector<std::int8_t>& weights, std::uint32_t columns,
                    unsigned row_shift);
    void run_until_waiting();
    void tick();
    void target(std::uint8_t data);
    std::uint8_t take_output();

    QuantisedNetwork network_;
    hw::Core core_;
    std::uint32_t do_eprop_ = 0;
};

}  // namespace memprop::host
