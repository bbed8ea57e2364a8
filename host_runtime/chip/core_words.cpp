#include "host_runtime/chip/core_words.hpp"

#include <bit>

#include "hw_models/chip/memory_map.hpp"
#include "hw_models/chip/neuron_registers.hpp"

namespace memprop::host {

using namespace hw::chip;

std::vector<CoreWords> core_words(const ChipPlan& plan, std::size_t c,
                                  const learning::NetworkParameters<float>& parameters) {
    const CorePlan& core = plan.cores[c];
    std::vector<CoreWords> out;
    const auto set = [&](CoreRegister which, std::size_t value) {
        out.push_back({static_cast<std::uint32_t>(which), {static_cast<std::uint32_t>(value)}});
    };
    set(CoreRegister::spike_tree, static_cast<std::size_t>(core.spike_tree));
    set(CoreRegister::cores_to_await, plan.cores_with_neurons());
    CoreWords axons{kAxonWords, {}};
    for (const AxonRange& range : core.axons) {
        axons.words.insert(axons.words.end(), {range.first_address, range.count, range.tile, range.first_row,
                                               range.delay, 0, 0, 0});
    }
    out.push_back(std::move(axons));
    set(CoreRegister::axon_ranges, core.axons.size());
    CoreWords owners{kOwnerWords, {}};
    for (const CorePlan& other : plan.cores) {
        if (other.neurons.count > 0) {
            owners.words.insert(owners.words.end(), {other.neurons.first, other.neurons.count,
                                                     static_cast<std::uint32_t>(other.node), 0});
        }
    }
    const std::size_t owner_rows = owners.words.size() / 4;
    out.push_back(std::move(owners));
    set(CoreRegister::neuron_owners, owner_rows);
    out.push_back({kNeuronParameterWords, neuron_parameter_words(parameters)});
    const auto memory = [&](NeuronMemory which, const std::vector<float>& values) {
        if (!values.empty() && core.neurons.count > 0) {
            CoreWords block{kNeuronMemoryWords + static_cast<std::uint32_t>(which) * kNeuronMemoryStride, {}};
            for (std::uint32_t j = 0; j < core.neurons.count; ++j) {
                block.words.push_back(std::bit_cast<std::uint32_t>(values[core.neurons.first + j]));
            }
            out.push_back(std::move(block));
        }
    };
    memory(NeuronMemory::beta, parameters.beta);
    memory(NeuronMemory::alpha, parameters.alpha_of);
    memory(NeuronMemory::gain, parameters.gain_of);
    return out;
}

}  // namespace memprop::host
