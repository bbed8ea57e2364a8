// A chip in a SystemC platform: the model (chip.hpp) behind a TLM-2.0 socket with an interrupt line. Time,
// byte order and answers of the bus: hw_models/bus/tlm_target.hpp; what lies where: memory_map.hpp. An
// initiator needs nothing else: images, events, commands and results all pass the socket.
//
//   hw::chip::ChipModule chip("chip", config);
//   cpu.socket.bind(chip.bus);
//   chip.interrupt.bind(interrupt_signal);     // or leave it unbound and
//   wait(chip.target().interrupt_event())
#pragma once

#include <systemc>

#include "hw_models/bus/tlm_target.hpp"
#include "hw_models/chip/chip.hpp"

namespace memprop::hw::chip {

class ChipModule : public sc_core::sc_module {
public:
    /// Throws InputError as Chip does. `step_budget_seconds`: a time step that takes longer is a deadline
    /// miss.
    explicit ChipModule(const sc_core::sc_module_name& name, const ChipConfig& config,
                        const crossbar::CrossbarConfig& crossbar = {}, double step_budget_seconds = 1e-3)
        : sc_module(name),
          chip_(config, crossbar, step_budget_seconds),
          target_("target", chip_,
                  {.cycles_per_word = static_cast<std::uint32_t>(config.bus_cycles_per_word)},
                  sc_core::sc_time(config.clock_period_ns, sc_core::SC_NS)) {}

    /// The model: for arrays of devices (Chip::attach), observers and reports.
    Chip& chip() { return chip_; }
    const Chip& chip() const { return chip_; }
    bus::TlmTarget& target() { return target_; }

private:
    Chip chip_;
    bus::TlmTarget target_;

public:
    tlm_utils::simple_target_socket<bus::TlmTarget, 32>& bus = target_.bus;
    sc_core::sc_port<sc_core::sc_signal_inout_if<bool>, 0, sc_core::SC_ZERO_OR_MORE_BOUND>& interrupt =
        target_.interrupt;
};

}  // namespace memprop::hw::chip
