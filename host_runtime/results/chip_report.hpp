// What a run on the cycle-level chip adds to the results.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "host_runtime/chip/chip_session.hpp"
#include "host_runtime/results/chip_totals.hpp"

namespace memprop::host {

/// Sets engine, cycles, deadline_misses, the chip's part of energy_j, and `chip`: cycles by phase, network,
/// utilisation of each core's units, and where the energy figures come from. `spent`: of the whole run, and
/// so is `chip`, but for the latencies of flits and process_activations, which are of this process.
void add_chip(const ChipSession& session, const ChipTotals& spent, nlohmann::ordered_json& result);

/// The chip's part of the energy, joule, beside that of devices (null: there are none).
void add_chip_energy(const hw::chip::ChipEnergy& energy, nlohmann::ordered_json& energy_j);

/// The part of it that is not energy: cycles, deadline_misses, `chip`. `cycles`: those that the counters are
/// of.
void add_chip_counters(const ChipSession& session, std::uint64_t cycles, nlohmann::ordered_json& result);

/// Every counter of the chip, `counter,value,unit,description`.
std::string chip_csv(const ChipSession& session);

}  // namespace memprop::host
