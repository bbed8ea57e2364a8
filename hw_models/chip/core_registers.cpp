// The window of a core in the memory map.
#include <algorithm>
#include <bit>
#include <cmath>

#include "hw_models/chip/core.hpp"
#include "hw_models/chip/neuron_registers.hpp"

namespace memprop::hw::chip {
namespace {

bool is_number(std::uint32_t word) {
    return std::isfinite(std::bit_cast<float>(word));
}

}  // namespace

void Core::receive_configuration(const noc::Flit& flit) {
    if ((flit.address & kReadRequest) == 0) {
        if (!write_word(flit.address, flit.value)) {
            stats_.add(CoreCounter::refused_flits);
        }
        return;
    }
    const std::uint32_t word = flit.address & ~kReadRequest;
    noc::Flit answer = noc::Flit::to(plan_.node, ChipPlan::kHostNode, noc::FlitKind::configuration);
    answer.address = word;
    answer.value = read_word(word).value_or(0);
    send(answer);
}

float* Core::neuron_memory(NeuronMemory memory, std::uint32_t neuron) {
    learning::NetworkState<float>& state = memory_.state;
    const std::size_t j = std::size_t{plan_.neurons.first} + neuron;
    const std::size_t k = std::size_t{plan_.readouts.first} + neuron;
    switch (memory) {
        case NeuronMemory::membrane:
            return neuron < shape_.neurons ? &state.membrane[j] : nullptr;
        case NeuronMemory::spike:
            return neuron < shape_.neurons ? &state.spike[j] : nullptr;
        case NeuronMemory::adaptation:
            return neuron < shape_.neurons ? &state.adaptation[j] : nullptr;
        case NeuronMemory::beta:
            return neuron < shape_.neurons ? &beta_[neuron] : nullptr;
        case NeuronMemory::alpha:
            return neuron < shape_.neurons ? &alpha_[neuron] : nullptr;
        case NeuronMemory::gain:
            return neuron < shape_.neurons ? &gain_[neuron] : nullptr;
        case NeuronMemory::readout:
            return neuron < shape_.readouts ? &state.readout[k] : nullptr;
        case NeuronMemory::readout_input:
            return neuron < shape_.readouts ? &state.readout_input[k] : nullptr;
        case NeuronMemory::silent:
        case NeuronMemory::count:
            break;
    }
    return nullptr;
}

std::uint32_t* Core::table_word(std::uint32_t word) {
    if (word >= kAxonWords && word - kAxonWords < axon_words_.size()) {
        return &axon_words_[word - kAxonWords];
    }
    if (word >= kOwnerWords && word - kOwnerWords < owner_words_.size()) {
        return &owner_words_[word - kOwnerWords];
    }
    return nullptr;
}

std::optional<std::uint32_t> Core::read_word(std::uint32_t word) {
    if (word < static_cast<std::uint32_t>(CoreRegister::count)) {
        switch (static_cast<CoreRegister>(word)) {
            case CoreRegister::first_neuron:
                return plan_.neurons.first;
            case CoreRegister::neurons:
                return plan_.neurons.count;
            case CoreRegister::first_readout:
                return plan_.readouts.first;
            case CoreRegister::readouts:
                return plan_.readouts.count;
            case CoreRegister::tiles:
                return static_cast<std::uint32_t>(tiles_.size());
            case CoreRegister::status:
                return step_running_ || engine_ != Engine::idle ? 1U : 0U;
            default:
                return registers_[word];
        }
    }
    if (word >= kNeuronParameterWords && word < kCoreCounterWords) {
        const auto words = neuron_parameter_words(parameters_);
        const std::uint32_t index = word - kNeuronParameterWords;
        return index < words.size() ? std::optional(words[index]) : std::nullopt;
    }
    if (word >= kCoreCounterWords && word < kCoreCounterWords + 2 * kCoreCounters) {
        const std::uint32_t index = word - kCoreCounterWords;
        return static_cast<std::uint32_t>(stats_.at(index / 2) >> (index % 2 * 32));
    }
    if (const std::uint32_t* table = table_word(word)) {
        return *table;
    }
    if (word >= kNeuronMemoryWords && word < kFeedbackWords) {
        const std::uint32_t memory = (word - kNeuronMemoryWords) / kNeuronMemoryStride;
        const std::uint32_t neuron = (word - kNeuronMemoryWords) % kNeuronMemoryStride;
        if (static_cast<NeuronMemory>(memory) == NeuronMemory::silent && neuron < shape_.neurons) {
            return static_cast<std::uint32_t>(memory_.state.silent[plan_.neurons.first + neuron]);
        }
        const float* const value = neuron_memory(static_cast<NeuronMemory>(memory), neuron);
        return value != nullptr ? std::optional(std::bit_cast<std::uint32_t>(*value)) : std::nullopt;
    }
    if (word >= kFeedbackWords && word - kFeedbackWords < shape_.neurons * outputs_) {
        const std::size_t k = (word - kFeedbackWords) / shape_.neurons,
                          j = (word - kFeedbackWords) % shape_.neurons;
        return std::bit_cast<std::uint32_t>(memory_.feedback[k * recurrent_ + plan_.neurons.first + j]);
    }
    if (word >= kTileWords) {
        const std::size_t t = (word - kTileWords) / kTileStride, i = (word - kTileWords) % kTileStride;
        if (t < tiles_.size() && i < tile_ports_[t]->measured().size()) {
            const std::array weight{tile_ports_[t]->measured()[i]};
            std::array scaled = weight;
            memory_.array(plan_.tiles[t].projection).scale(scaled);
            return std::bit_cast<std::uint32_t>(scaled[0]);
        }
    }
    return std::nullopt;
}

std::optional<std::uint32_t> Core::debug_read_word(std::uint32_t word) {
    if (word < kTileWords) {
        return read_word(word);
    }
    const std::size_t t = (word - kTileWords) / kTileStride, i = (word - kTileWords) % kTileStride;
    if (t >= tiles_.size() || i >= std::size_t{tile_ports_[t]->rows()} * tile_ports_[t]->columns()) {
        return std::nullopt;
    }
    WeightArray& array = memory_.array(plan_.tiles[t].projection);
    const tile::TileRegion& region = array.tiles()[plan_.tiles[t].tile];
    const auto row = region.first_row + static_cast<std::uint32_t>(i) / region.columns;
    const auto column = region.first_column + static_cast<std::uint32_t>(i) % region.columns;
    const auto tick =
        static_cast<std::int32_t>(registers_[static_cast<std::size_t>(CoreRegister::device_tick)]);
    return std::bit_cast<std::uint32_t>(array.weight(row, column, tick));
}

bool Core::write_word(std::uint32_t word, std::uint32_t value) {
    if (word < static_cast<std::uint32_t>(CoreRegister::count)) {
        const auto which = static_cast<CoreRegister>(word);
        const bool writable = which >= CoreRegister::spike_tree && which != CoreRegister::status;
        const std::size_t most = which == CoreRegister::axon_ranges     ? axon_words_.size() / kAxonRowWords
                                 : which == CoreRegister::neuron_owners ? owner_words_.size() / 4
                                                                        : ~std::size_t{0};
        if (!writable || value > most) {
            return false;
        }
        registers_[word] = value;
        return true;
    }
    if (word >= kNeuronParameterWords && word < kCoreCounterWords) {
        return set_neuron_parameter(parameters_, word - kNeuronParameterWords, value);
    }
    if (word >= kAxonWords && word - kAxonWords < axon_words_.size() &&
        (word - kAxonWords) % kAxonRowWords == 2 && value >= tiles_.size()) {
        return false;
    }
    if (std::uint32_t* table = table_word(word)) {
        *table = value;
        return true;
    }
    if (!is_number(value)) {
        return false;
    }
    if (word >= kNeuronMemoryWords && word < kFeedbackWords) {
        const std::uint32_t memory = (word - kNeuronMemoryWords) / kNeuronMemoryStride;
        const std::uint32_t neuron = (word - kNeuronMemoryWords) % kNeuronMemoryStride;
        if (static_cast<NeuronMemory>(memory) == NeuronMemory::silent && neuron < shape_.neurons) {
            memory_.state.silent[plan_.neurons.first + neuron] = static_cast<std::int32_t>(value);
            return true;
        }
        float* const at = neuron_memory(static_cast<NeuronMemory>(memory), neuron);
        if (at != nullptr) {
            *at = std::bit_cast<float>(value);
        }
        return at != nullptr;
    }
    if (word >= kFeedbackWords && word - kFeedbackWords < shape_.neurons * outputs_) {
        const std::size_t k = (word - kFeedbackWords) / shape_.neurons,
                          j = (word - kFeedbackWords) % shape_.neurons;
        memory_.feedback[k * recurrent_ + plan_.neurons.first + j] = std::bit_cast<float>(value);
        return true;
    }
    if (word >= kTileWords) {
        const std::size_t t = (word - kTileWords) / kTileStride, i = (word - kTileWords) % kTileStride;
        if (t < tiles_.size() && i < std::size_t{tile_ports_[t]->rows()} * tile_ports_[t]->columns()) {
            WeightArray& array = memory_.array(plan_.tiles[t].projection);
            const tile::TileRegion& region = array.tiles()[plan_.tiles[t].tile];
            array.stage(region.first_row + static_cast<std::uint32_t>(i) / region.columns,
                        region.first_column + static_cast<std::uint32_t>(i) % region.columns,
                        std::bit_cast<float>(value));
            return true;
        }
    }
    return false;
}

}  // namespace memprop::hw::chip
