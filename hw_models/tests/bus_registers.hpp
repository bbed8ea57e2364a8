// The registers of a small device, for the tests of the bus.
#pragma once

#include "hw_models/bus/register_rules.hpp"
#include "hw_models/bus/register_table.hpp"

namespace memprop::hw::bus::test {

inline constexpr NamedValue kCommands[] = {
    {.name = "work", .value = 1, .text = "busy for `duration` cycles, then an interrupt"},
    {.name = "clear", .value = 2, .text = "forgets the FIFO"},
};
inline constexpr BitField kStatusFields[] = {
    {.name = "done", .low_bit = 0, .bits = 1, .text = "a command has finished"},
    {.name = "error", .low_bit = 1, .bits = 1, .text = "a transaction was answered with an error"},
};
inline constexpr BitField kModeFields[] = {
    {.name = "gain", .low_bit = 0, .bits = 3, .text = "2^gain"},
    {.name = "on", .low_bit = 3, .bits = 1, .text = "counts | does not"},
};
inline constexpr Register kCellRows[] = {
    {.name = "first", .offset = 0x0, .access = Access::read_write, .text = "fetched from afar"},
    {.name = "second",
     .offset = 0x4,
     .access = Access::read_write,
     .text = "fetched from afar, mV",
     .type = WordType::f32,
     .allowed = Range::between(-1.5, 1.5),
     .timing = Timing::in_time},
};
inline constexpr RegisterTable kCell{.name = "cell", .text = "two numbers of a cell", .rows = kCellRows};
inline constexpr Register kBankRows[] = {
    {.name = "refusals",
     .offset = 0x0,
     .access = Access::read,
     .text = "writes that were taken and not done",
     .timing = Timing::after_posted},
    {.name = "cell",
     .offset = 0x100,
     .text = "cells of the bank",
     .count = 8,
     .stride = 0x10,
     .per = "cell",
     .table = &kCell},
};
inline constexpr RegisterTable kBank{.name = "bank", .text = "a memory behind a network", .rows = kBankRows};
inline constexpr Register kHostRows[] = {
    {.name = "identity", .offset = 0x000, .access = Access::read, .text = "0x1234'5678"},
    {.name = "command",
     .offset = 0x004,
     .access = Access::write,
     .text = "refused while busy",
     .bits = 8,
     .timing = Timing::after_posted,
     .values = kCommands},
    {.name = "status",
     .offset = 0x008,
     .access = Access::write_one_to_clear,
     .text = "of the device",
     .bits = 2,
     .fields = kStatusFields},
    {.name = "duration",
     .offset = 0x00C,
     .access = Access::read_write,
     .text = "of the command work, cycles",
     .allowed = Range::between(1, 1000),
     .timing = Timing::ahead},
    {.name = "label",
     .offset = 0x010,
     .access = Access::write,
     .text = "class; -1: none",
     .type = WordType::i32,
     .allowed = Range::between(-1, 9),
     .timing = Timing::ahead},
    {.name = "mode",
     .offset = 0x014,
     .access = Access::read_write,
     .text = "how",
     .bits = 4,
     .fields = kModeFields},
    {.name = "factor",
     .offset = 0x018,
     .access = Access::read_write,
     .text = "of everything",
     .type = WordType::f32,
     .timing = Timing::ahead},
    {.name = "push", .offset = 0x020, .access = Access::write, .text = "into the FIFO", .fifo = true},
    {.name = "pop",
     .offset = 0x024,
     .access = Access::read,
     .text = "out of the FIFO; 0xFFFF'FFFF: empty",
     .fifo = true},
    {.name = "level", .offset = 0x028, .access = Access::read, .text = "of the FIFO, words"},
    {.name = "transfers",
     .offset = 0x030,
     .access = Access::read,
     .text = "words over the bus",
     .type = WordType::u64},
    {.name = "energy",
     .offset = 0x038,
     .access = Access::read_write,
     .text = "J",
     .type = WordType::f64,
     .timing = Timing::ahead},
    {.name = "target",
     .offset = 0x100,
     .access = Access::read_write,
     .text = "wanted values",
     .type = WordType::f32,
     .count = 4,
     .per = "output",
     .timing = Timing::ahead},
    {.name = "raw",
     .offset = 0x200,
     .access = Access::read_write,
     .text = "patterns of bits",
     .type = WordType::f32,
     .allowed = Range::any(),
     .count = 2,
     .stride = 0x20,
     .per = "lane"},
};
inline constexpr RegisterTable kHost{.name = "host", .text = "what the host sees first", .rows = kHostRows};
inline constexpr Register kMapRows[] = {
    {.name = "host", .offset = 0x000, .text = "registers", .stride = 0x1000, .table = &kHost},
    {.name = "bank",
     .offset = 0x1'0000,
     .text = "banks",
     .count = 3,
     .stride = 0x1000,
     .per = "bank",
     .table = &kBank},
};
inline constexpr RegisterTable kMap{.name = "device", .text = "a device for tests", .rows = kMapRows};
static_assert(is_sound(kMap));

}  // namespace memprop::hw::bus::test
