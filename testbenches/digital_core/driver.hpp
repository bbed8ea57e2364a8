// What a testbench does to a digital core, at either level. All calls block and belong into an SC_THREAD.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <systemc>
#include <vector>

#include "hw_models/digital_core/core.hpp"

namespace memprop::tb {

class CoreDriver {
public:
    virtual ~CoreDriver() = default;

    virtual void reset() = 0;
    virtual void write_register(std::uint32_t number, std::uint32_t value) = 0;
    virtual void write_words(hw::MemoryCode code, std::uint32_t address,
                             std::span<const std::uint32_t> words) = 0;
    virtual std::vector<std::uint32_t> read_words(hw::MemoryCode code, std::uint32_t address,
                                                  std::uint32_t count) = 0;

    struct Levels {
        bool sample = false, target_valid = false, infer_acc = false;
        bool operator==(const Levels&) const = default;
    };
    virtual void set_levels(const Levels& levels) = 0;
    virtual void input_event(std::uint8_t address) = 0;
    /// Label or one byte of a regression target.
    virtual void target(std::uint8_t data) = 0;
    /// One time step; returns when the core waits for the outside: the next tick, a target, an acknowledge.
    virtual void tick() = 0;
    virtual std::uint8_t take_output() = 0;

    virtual hw::Core& core() = 0;
    virtual void trace(sc_core::sc_trace_file* file) = 0;
};

std::unique_ptr<CoreDriver> make_transaction_driver(const hw::CoreShape& shape);
std::unique_ptr<CoreDriver> make_pin_driver(const hw::CoreShape& shape);

}  // namespace memprop::tb
