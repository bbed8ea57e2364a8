// What is read back from the core, and can be loaded again:
//   weights/{w_in, w_rec, w_out}.csv   integers, one row per presynaptic index
//   neurons.csv     neuron,u,threshold,alpha,trace_in,trace_rec,trace_out
//   registers.csv   register,value: all configuration registers
#pragma once

#include <filesystem>

#include "host_runtime/digital_core/core_host.hpp"

namespace memprop::host {

/// Throws RunError.
void create_core_directory(const std::filesystem::path& directory);

/// Creates the directory if there is none. Throws RunError.
void write_core_directory(const CoreHost& host, const std::filesystem::path& directory);

/// Weights, thresholds and leaks as they are, and the registers. The state of neurons and of random
/// generators starts afresh. Throws InputError with file and line.
QuantisedNetwork read_core_directory(const std::filesystem::path& directory, RegisterList& registers);

}  // namespace memprop::host
