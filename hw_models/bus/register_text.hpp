// The register map as text: for people and for firmware in C.
#pragma once

#include <string>
#include <string_view>

#include "hw_models/bus/register_table.hpp"

namespace memprop::hw::bus {

/// Markdown: a section for each table, the map's own first, with its rows, fields and named values.
std::string markdown(const RegisterTable& map);

/// A header for C99. Addresses are absolute; those in arrays are macros of their indices:
///   #define MEMPROP_HOST_COMMAND 0x008u
///   #define MEMPROP_HOST_COMMAND_TICK 2u                    a named value
///   #define MEMPROP_HOST_STATUS_BUSY_MASK 0x1u              a field; _SHIFT: its lowest bit
///   #define MEMPROP_CORE_COUNT 64u                          elements of an array
///   #define MEMPROP_CORE_SPIKE_TREE(core) (0x100014u + 0x100000u * (uint32_t)(core))
/// Throws InputError if two names would be the same.
std::string c_header(const RegisterTable& map, std::string_view prefix = "MEMPROP");

}  // namespace memprop::hw::bus
