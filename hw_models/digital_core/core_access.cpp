// What the host reads and writes of the core: registers, memories, the level of its target pin.
#include "hw_models/digital_core/core.hpp"

namespace memprop::hw {

void Core::set_target_valid(bool level) {
    target_valid_pin_ = level;
    if (registers_.do_eprop() != 0) {
        targets_.valid = level;
    }
}

bool Core::timing_error_ready() const {
    if (registers_.flag(Reg::TIMING_MODE)) {
        return timing_error_;
    }
    return state_ == GlobalState::IDLE || (state_ == GlobalState::PROP && event_state_ == EventState::WAIT);
}

void Core::write_register(std::uint32_t number, std::uint32_t value) {
    registers_.write(number, value);
    if (number >= static_cast<std::uint32_t>(Reg::ALPHA_CONF_0) &&
        number <= static_cast<std::uint32_t>(Reg::ALPHA_CONF_3)) {
        state_memory_.refresh_alpha(registers_);
    }
    if (number == static_cast<std::uint32_t>(Reg::DO_EPROP)) {
        set_target_valid(target_valid_pin_);
    }
}

void Core::write_memory(MemoryCode code, std::uint32_t address, std::uint32_t data) {
    const auto store_bytes = [&](std::int8_t* memory) {
        for (unsigned byte = 0; byte < 4; ++byte) {
            memory[byte] = static_cast<std::int8_t>(
                wrap_signed(static_cast<std::int32_t>(data >> (8 * byte)), shape_.weight_bits));
        }
    };
    switch (code) {
        case MemoryCode::neuron: {
            const std::uint32_t word = address >> 2 & 127;
            eprop_.latch(state_memory_.raw_pair(word));
            state_memory_.write_neuron_chunk(word, address & 3, data, registers_);
            if ((address >> 9 & 1) !=
                0) {  // debug: flags of one neuron; the memory above is written all the same
                state_memory_.z.assign(address & 255, (data & 1) != 0);
                state_memory_.dirty.assign(address & 255, (data & 2) != 0);
            }
            return;
        }
        case MemoryCode::output:
            state_memory_.y[address & 15] =
                static_cast<std::int16_t>(wrap_signed(static_cast<std::int32_t>(data), shape_.membrane_bits));
            return;
        case MemoryCode::w_in:
            return store_bytes(&state_memory_.w_in[(address & 0x3FFF) * 4UL]);
        case MemoryCode::w_rec:
            return store_bytes(&state_memory_.w_rec[(address & 0x3FFF) * 4UL]);
        case MemoryCode::w_out:
            return store_bytes(&state_memory_.w_out[(address & 0x7FF) * 4UL]);
        case MemoryCode::configuration:
            return write_register(address, data);
    }
}

std::uint32_t Core::read_memory(MemoryCode code, std::uint32_t address) {
    const auto load_bytes = [](const std::int8_t* memory) {
        std::uint32_t data = 0;
        for (unsigned byte = 0; byte < 4; ++byte) {
            data |= std::uint32_t{static_cast<std::uint8_t>(memory[byte])} << (8 * byte);
        }
        return data;
    };
    switch (code) {
        case MemoryCode::neuron:
            eprop_.latch(state_memory_.raw_pair(address >> 2 & 127));
            return state_memory_.neuron_chunk(address >> 2 & 127, address & 3);
        case MemoryCode::output:
            return static_cast<std::uint16_t>(state_memory_.y[address & 15]);
        case MemoryCode::w_in:
            return load_bytes(&state_memory_.w_in[(address & 0x3FFF) * 4UL]);
        case MemoryCode::w_rec:
            return load_bytes(&state_memory_.w_rec[(address & 0x3FFF) * 4UL]);
        case MemoryCode::w_out:
            return load_bytes(&state_memory_.w_out[(address & 0x7FF) * 4UL]);
        case MemoryCode::configuration:
            break;
    }
    return find_register(address) != nullptr ? registers_.at(address) : 0;
}

}  // namespace memprop::hw
