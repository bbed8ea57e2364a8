// The process of tb_core: it sends a core what a host and other cores would send, at the router of the host.
#pragma once

#include <ostream>
#include <span>
#include <systemc>
#include <vector>

#include "hw_models/chip/core.hpp"
#include "learning/classic.hpp"
#include "testbenches/support/stimulus.hpp"

namespace memprop::tb {

class CoreDriver : public sc_core::sc_module {
public:
    sc_core::sc_port<hw::noc::FlitQueueIf> port{"port"};

    struct Plan {
        const hw::chip::ChipPlan* chip = nullptr;
        std::size_t core = 0;
        std::uint32_t samples = 1, steps = 1;
        bool learn = false;
        std::uint64_t seed = 0;
    };

    SC_HAS_PROCESS(CoreDriver);
    /// Writes a line per step to `csv` unless it is null.
    CoreDriver(const sc_core::sc_module_name& name, const Plan& plan, hw::chip::ChipMemory& memory,
               const learning::NetworkParameters<float>& parameters, Stimulus& stimulus, std::ostream* csv,
               const sc_core::sc_time& period);

    bool finished() const { return finished_; }
    std::uint64_t load_cycles() const { return load_cycles_; }
    std::uint64_t step_cycles() const { return step_cycles_; }
    std::uint64_t longest_step_cycles() const { return longest_step_cycles_; }

private:
    void end_of_elaboration() override;
    void run();
    void load();
    void begin_sample(std::uint32_t sample);
    void run_step(std::uint32_t step);
    void send_other_cores(std::span<const std::uint32_t> neurons, std::uint32_t step);
    void send_errors();
    void send(hw::noc::FlitKind kind, std::uint32_t address, std::uint32_t value);
    void set_register(hw::chip::CoreRegister which, std::uint32_t value);
    /// Takes flits until the core reports that it has done, or answers a read.
    void await_done();
    void await_answer();
    void receive(const hw::noc::Flit& flit);
    std::uint64_t cycle() const { return sc_core::sc_time_stamp().value() / period_.value(); }

    const Plan plan_;
    const hw::chip::CorePlan& core_plan_;
    hw::chip::ChipMemory& memory_;
    const learning::NetworkParameters<float>& parameters_;
    Stimulus& stimulus_;
    std::ostream* const csv_;
    const sc_core::sc_time period_;

    std::vector<std::vector<std::uint32_t>> rows_;  ///< stimulus, [step]
    std::uint32_t sample_ = 0;
    // Of the step under way.
    std::vector<float> readouts_;  ///< of the core
    std::uint32_t readouts_known_ = 0, spikes_ = 0, others_ = 0;
    std::uint64_t neurons_done_cycle_ = 0, readouts_cycle_ = 0;
    bool core_done_ = false, answered_ = false;
    std::uint64_t load_cycles_ = 0, step_cycles_ = 0, longest_step_cycles_ = 0;
    bool finished_ = false;
};

}  // namespace memprop::tb
