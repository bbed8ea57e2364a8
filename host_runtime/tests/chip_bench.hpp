// What the tests of chips share: a chip that learns, with what a trainer would own around it, driven without
// the SystemC kernel; and its bus, word by word.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crossbar/base/random.hpp"
#include "host_runtime/chip/chip_hardware.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "hw_models/chip/core_image.hpp"
#include "hw_models/chip/step_log.hpp"
#include "learning/classic.hpp"
#include "learning/eprop/make_plan.hpp"

namespace memprop::test {

inline std::uint32_t bits(float value) {
    return std::bit_cast<std::uint32_t>(value);
}

inline std::uint32_t word_of(hw::chip::CoreRegister which) {
    return static_cast<std::uint32_t>(which);
}

/// Six inputs, eight neurons, two readouts.
inline std::vector<std::string> small_network(std::vector<std::string> more = {}) {
    const std::array<std::string, 3> sizes{"network.inputs=6", "network.recurrent=8", "network.outputs=2"};
    more.insert(more.begin(), sizes.begin(), sizes.end());
    return more;
}

/// Writes and reads of single words, with the chip's answer.
class WordBus {
public:
    explicit WordBus(hw::chip::Chip& chip)
        : master(chip, {.cycles_per_word = static_cast<std::uint32_t>(chip.config().bus_cycles_per_word)}) {}

    hw::bus::BusMaster master;

    hw::bus::BusStatus write(std::uint32_t address, std::uint32_t word) {
        return master.try_write(address, {&word, 1});
    }
    hw::bus::BusStatus read(std::uint32_t address, std::uint32_t& word) {
        return master.try_read(address, {&word, 1});
    }
    std::uint32_t word_at(std::uint32_t address) { return master.read(address); }
    /// The address where word `word` of a core can be seen, after turning to its page.
    std::uint32_t core_address(std::uint32_t core, std::uint32_t word) {
        using namespace hw::chip;
        namespace reg = host_register;
        const std::uint32_t window = reg::windows + core * reg::window_stride;
        if (word < kPageWords) {
            return window + 4 * word;
        }
        master.write(reg::pages + 4 * core, word / kPageWords);
        return window + reg::page_offset + 4 * (word % kPageWords);
    }
    std::uint32_t core_address(std::uint32_t core, hw::chip::CoreRegister which) {
        return core_address(core, static_cast<std::uint32_t>(which));
    }
    std::uint32_t core_word(std::uint32_t core, std::uint32_t word) {
        return word_at(core_address(core, word));
    }
    /// Writes go on their way and are done later: waits for that.
    hw::bus::BusStatus write_core(std::uint32_t core, std::uint32_t word, std::uint32_t value) {
        const hw::bus::BusStatus status = write(core_address(core, word), value);
        master.wait_for_posted_writes();
        return status;
    }
    /// Until the command has been carried out; not if it is refused.
    hw::bus::BusStatus command(hw::chip::Command command) {
        const hw::bus::BusStatus status =
            write(hw::chip::host_register::command, static_cast<std::uint32_t>(command));
        if (status == hw::bus::BusStatus::ok) {
            master.wait_for_interrupt();
        }
        return status;
    }
    hw::bus::BusStatus tick(std::uint32_t step, hw::chip::Command which = hw::chip::Command::tick) {
        master.write(hw::chip::host_register::step, step);
        return command(which);
    }
};

/// The network of the short form on a chip that learns it.
class ChipBench {
public:
    host::Experiment experiment;
    learning::ResolvedNetwork resolved;
    struct Sizes {
        std::uint32_t inputs, recurrent, outputs;
    } sizes;
    std::array<std::unique_ptr<learning::WeightStore>, 3> stores;
    learning::EpropPlan<float> plan;
    learning::FeedbackWeights<float> feedback_sets;
    learning::Tape<float> tape;
    host::ChipHardware hardware;
    hw::chip::StepLog log;
    WordBus bus;

    explicit ChipBench(const std::vector<std::string>& settings)
        : experiment(with_costs(host::parse_experiment("", "test", settings))),
          resolved(learning::resolve(experiment)),
          sizes{resolved.network.at(learning::classic::inputs).size,
                resolved.network.at(learning::classic::neurons).size,
                resolved.network.at(learning::classic::readouts).size},
          stores(learning::make_classic_stores(experiment)),
          plan(learning::make_eprop_plan<float>(resolved, "eprop")),
          feedback_sets{{std::vector<float>(std::size_t{sizes.outputs} * sizes.recurrent)}},
          hardware(experiment, request()),
          log(chip()),
          bus(chip()) {
        chip().observe(log);
    }
    ChipBench(const ChipBench&) = delete;
    ChipBench& operator=(const ChipBench&) = delete;

    /// Devices without figures of their own cost something on a chip all the same.
    static host::Experiment with_costs(host::Experiment experiment) {
        crossbar::EnergyConfig& costs = experiment.crossbar.energy;
        if (!costs.missing().empty()) {
            costs = crossbar::EnergyConfig{};
            costs.source = "made up for tests";
        }
        return experiment;
    }

    hw::chip::Chip& chip() { return hardware.session().chip(); }
    const hw::chip::Chip& chip() const { return hardware.session().chip(); }
    const hw::chip::ChipImage& image() const { return hardware.session().image(); }
    const hw::chip::HostStats& counters() const { return chip().host().stats(); }
    std::uint64_t counter(hw::chip::HostCounter which) const { return counters()[which]; }
    /// Of the core that is number c of the image.
    const hw::chip::Core& core(std::size_t c = 0) const {
        return *chip().cores()[hardware.session().core_number(c)];
    }
    std::uint64_t core_counter(hw::chip::CoreCounter which) const { return core().stats()[which]; }
    /// Words of the image of core c of the chip's image.
    std::vector<std::uint32_t> image_words(std::size_t c = 0) const {
        return hw::chip::words_of(hw::chip::program_of(image(), c));
    }
    /// Feedback weights, [readout][neuron].
    std::vector<float>& feedback() { return feedback_sets[0][0]; }
    const std::vector<float>& feedback() const { return feedback_sets[0][0]; }
    const learning::PopulationTape<float>& neurons() const { return tape.populations[1]; }

    /// Weights between -scale and scale, [pre][post] of projection w.
    std::vector<float> drawn_weights(std::size_t w, float scale) const {
        std::vector<float> drawn(std::size_t{stores[w]->shape().pre} * stores[w]->shape().post);
        fill_uniforms({.seed = 5, .array = static_cast<std::uint8_t>(w)}, 0, drawn);
        for (float& weight : drawn) {
            weight = (2.0F * weight - 1.0F) * scale;
        }
        return drawn;
    }
    void load(float scale = 0.2F) {
        for (std::size_t w = 0; w < 3; ++w) {
            hardware.load(static_cast<learning::ProjectionId>(w), drawn_weights(w, scale));
        }
        std::vector<float> drawn(feedback().size());
        fill_uniforms({.seed = 6}, 0, drawn);
        hardware.load_feedback(0, {{drawn}});
    }
    /// Each input spikes in each step with probability `rate`; targets 0.
    learning::Trial random_trial(std::uint32_t steps, float rate, std::uint32_t salt = 0) const {
        learning::Trial trial;
        std::vector<float> drawn(sizes.inputs);
        for (std::uint32_t t = 0; t < steps; ++t) {
            fill_uniforms({.seed = 7 + salt, .event = t}, 0, drawn);
            for (std::uint32_t i = 0; i < sizes.inputs; ++i) {
                if (drawn[i] < rate) {
                    trial.input.add(i);
                }
            }
            trial.input.end_step();
        }
        trial.target.assign(std::size_t{steps} * sizes.outputs, 0.0);
        return trial;
    }
    void run(const learning::Trial& trial, bool learns = false, std::uint32_t sample = 0) {
        hardware.run(trial, sample, 1, learns, tape);
    }

    /// Learning may follow the next `steps` steps, that no trial drives.
    void watch(std::uint32_t steps) {
        psi_.resize(std::size_t{steps} * sizes.recurrent);
        error_.resize(std::size_t{steps} * sizes.outputs);
        watched_ = {.pseudo_derivative = {{}, {psi_, sizes.recurrent}, {}}, .error = error_};
        chip().memory().tape = &watched_;
    }
    /// A sample that is driven word by word.
    void begin_sample() {
        watch(100);
        bus.command(hw::chip::Command::begin_sample);
    }

    void update(const std::array<std::span<const float>, 3>& changes, std::uint32_t event,
                std::int32_t tick) {
        hardware.update(changes, event, tick);
    }

private:
    learning::HardwareRequest request() {
        return {.config = experiment,
                .resolved = resolved,
                .learned = {{.learning = &experiment.learning, .plan = &plan, .feedback = &feedback_sets}},
                .stores = {stores[0].get(), stores[1].get(), stores[2].get()},
                .connections = {stores[0].get(), stores[1].get(), stores[2].get()},
                .tape = {.events = {true, true, false},
                         .pseudo_derivative = {false, true, false},
                         .spike_count = {false, true, false}},
                .keeps_state = experiment.network.state_reset == learning::StateReset::never};
    }

    std::vector<float> psi_, error_;
    hw::chip::ChipTape watched_;
};

}  // namespace memprop::test
