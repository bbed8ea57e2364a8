// What the tests of chips share: a chip with what a trainer would own around it.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "crossbar/base/random.hpp"
#include "host_runtime/chip/chip_hardware.hpp"
#include "host_runtime/chip/mapping.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "hw_models/chip/step_log.hpp"

namespace memprop::test {

class ChipBench {
public:
    host::Experiment experiment;
    learning::NetworkParameters<float> parameters;
    std::array<std::unique_ptr<learning::WeightStore>, 3> stores;
    learning::NetworkState<float> state;
    std::vector<float> feedback;
    learning::Tape<float> tape;
    host::ChipHardware hardware;
    hw::chip::StepLog log;

    explicit ChipBench(const std::vector<std::string>& settings)
        : experiment(with_costs(host::parse_experiment("", "test", settings))),
          parameters(experiment.network, experiment.learning),
          stores(learning::make_classic_stores(experiment)),
          state(parameters),
          feedback(std::size_t{parameters.outputs} * parameters.recurrent),
          hardware(experiment.chip, host::map_network(experiment), parts()),
          log(sc_core::sc_gen_unique_name("step_log"), hardware.chip()) {}

    /// Devices without figures of their own cost something on a chip all the same.
    static host::Experiment with_costs(host::Experiment experiment) {
        crossbar::EnergyConfig& costs = experiment.crossbar.energy;
        if (!costs.missing().empty()) {
            costs = crossbar::EnergyConfig{};
            costs.source = "made up for tests";
        }
        return experiment;
    }

    hw::chip::Chip& chip() { return hardware.chip(); }
    host::HostProcessor& processor() { return hardware.processor(); }
    const hw::chip::HostStats& counters() { return chip().host().stats(); }
    std::uint64_t counter(hw::chip::HostCounter which) { return counters()[which]; }

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
        std::vector<float> drawn(feedback.size());
        fill_uniforms({.seed = 6}, 0, drawn);
        hardware.load_feedback(drawn);
    }
    /// Each input spikes in each step with probability `rate`; targets 0.
    learning::Trial random_trial(std::uint32_t steps, float rate, std::uint32_t salt = 0) const {
        learning::Trial trial;
        std::vector<float> drawn(parameters.inputs);
        for (std::uint32_t t = 0; t < steps; ++t) {
            fill_uniforms({.seed = 7 + salt, .event = t}, 0, drawn);
            for (std::uint32_t i = 0; i < parameters.inputs; ++i) {
                if (drawn[i] < rate) {
                    trial.input.add(i);
                }
            }
            trial.input.end_step();
        }
        trial.target.assign(std::size_t{steps} * parameters.outputs, 0.0);
        return trial;
    }
    void run(const learning::Trial& trial, bool learns = false, std::uint32_t sample = 0) {
        hardware.run(trial, sample, 1, learns, tape);
    }

    /// Learning may follow the next `steps` steps, that no trial drives.
    void watch(std::uint32_t steps) {
        psi_.resize(std::size_t{steps} * parameters.recurrent);
        error_.resize(std::size_t{steps} * parameters.outputs);
        spike_count_.resize(parameters.recurrent);
        watched_ = {.pseudo_derivative = psi_, .error = error_, .spike_count = spike_count_};
        chip().memory().tape = &watched_;
    }

    void update(const std::array<std::span<const float>, 3>& changes, std::uint32_t event,
                std::int32_t tick) {
        hardware.update(changes, event, tick);
    }

    // One word over the bus, and the chip's answer.
    tlm::tlm_response_status write(std::uint64_t address, std::uint32_t word) {
        tlm::tlm_response_status answer{};
        processor().run([&] { answer = processor().transfer(tlm::TLM_WRITE_COMMAND, address, {&word, 1}); });
        return answer;
    }
    tlm::tlm_response_status read(std::uint64_t address, std::uint32_t& word) {
        tlm::tlm_response_status answer{};
        processor().run([&] { answer = processor().transfer(tlm::TLM_READ_COMMAND, address, {&word, 1}); });
        return answer;
    }
    std::uint32_t word_at(std::uint64_t address) {
        std::uint32_t word = 0;
        processor().run([&] { word = processor().read(address); });
        return word;
    }
    /// Lets the chip run.
    void wait_cycles(std::uint64_t cycles) {
        processor().run(
            [&] { sc_core::wait(sc_core::sc_time::from_value(cycles * chip().period().value())); });
    }

private:
    std::vector<float> psi_, error_;
    std::vector<std::uint32_t> spike_count_;
    hw::chip::ChipTape watched_;
    hw::chip::ChipParts parts() {
        return {.config = experiment,
                .parameters = parameters,
                .weights = {stores[0].get(), stores[1].get(), stores[2].get()},
                .state = state,
                .feedback = feedback};
    }
};

}  // namespace memprop::test
