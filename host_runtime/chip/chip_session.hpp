// A chip with its host: loads an image through the bus, gives commands, shows a step its events and takes
// what came out. What runs networks (chip_executor.hpp) and what trains them (chip_hardware.hpp) work with
// it; nothing here reaches past the bus but for attaching arrays. A process may have any number of them, and
// a session may load one image after another.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "host_runtime/chip/compile.hpp"
#include "hw_models/bus/bus_master.hpp"
#include "hw_models/chip/chip.hpp"
#include "learning/network/signal.hpp"

namespace memprop::host {

class ChipSession {
public:
    /// Throws InputError for settings that contradict each other and costs that are not known.
    ChipSession(const hw::chip::ChipConfig& config, const crossbar::CrossbarConfig& crossbar,
                double step_budget_seconds);

    /// Loads tables and images, and forgets what was loaded before. Weights of arrays follow by
    /// load_weights(). Throws InputError naming the resource of the chip that does not suffice.
    void load(CompiledNetwork compiled, std::span<const hw::chip::Chip::Attached> attached);
    /// [row][column] of the array of a projection, to be programmed with the others by program().
    void load_weights(std::uint32_t projection, std::span<const float> weights);
    void program();

    void write(std::uint32_t address, std::uint32_t word) { master_.write(address, word); }
    void write(std::uint32_t address, std::span<const std::uint32_t> words) { master_.write(address, words); }
    void read(std::uint32_t address, std::span<std::uint32_t> words) { master_.read(address, words); }
    /// Words of a core from `word` on, through its window.
    void write_core(std::uint32_t core, std::uint32_t word, std::span<const std::uint32_t> words);
    void write_core(std::uint32_t core, hw::chip::CoreRegister which, std::uint32_t value);
    std::uint32_t read_core(std::uint32_t core, hw::chip::CoreRegister which);
    void read_core(std::uint32_t core, std::uint32_t word, std::span<std::uint32_t> words);
    /// To all cores of the image.
    void write_cores(hw::chip::CoreRegister which, std::uint32_t value);
    /// Until all that was written has arrived.
    void settle_writes() { master_.wait_for_posted_writes(); }
    /// Throws InputError naming tree, router and port if the trees that are loaded are not sound, RunError
    /// if the chip refuses the command or stops within it, with who waits for whom.
    void command(hw::chip::Command command);

    /// Events of a source in the next step.
    void give(std::uint32_t population, const network::Signal<float>& events);
    /// What shown populations put out in the step that has ended, [population], neurons ascending.
    void take(std::span<network::Signal<float>> outputs);
    /// Forgets what came out.
    void drop_events();

    const hw::chip::Chip& chip() const { return chip_; }
    hw::chip::Chip& chip() { return chip_; }
    const CompiledNetwork& compiled() const { return compiled_; }
    const hw::chip::ChipImage& image() const { return compiled_.image; }
    /// Number of the core of cores()[c] of the image.
    std::uint32_t core_number(std::size_t c) const;
    /// Cycles until the chip was loaded.
    std::uint64_t load_cycles() const { return load_cycles_; }
    void note_loaded();

private:
    void load_tables();
    void load_cores();
    std::vector<std::uint32_t> owner_words() const;

    hw::chip::Chip chip_;
    hw::bus::BusMaster master_;
    CompiledNetwork compiled_;
    std::vector<std::uint32_t> populations_by_address_;  // of computed, shown populations, ascending address
    std::vector<std::uint32_t> words_;
    std::vector<std::pair<std::uint32_t, float>> taken_;
    std::uint64_t load_cycles_ = 0;
    std::uint32_t loaded_trees_ = 0;
};

}  // namespace memprop::host
