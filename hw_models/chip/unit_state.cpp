#include "hw_models/chip/unit_state.hpp"

#include "crossbar/base/error.hpp"
#include "hw_models/chip/state_words.hpp"

namespace memprop::hw::chip {
std::vector<std::uint32_t> unit_state(Unit& unit) {
    StateWordWriter writer;
    unit.serialize(writer);
    return std::move(writer.words);
}

bool set_unit_state(Unit& unit, std::span<const std::uint32_t> words) {
    const std::vector<std::uint32_t> before = unit_state(unit);
    try {
        StateWordReader reader(words, true);
        unit.neurons().clear();  // some have lists of what is under way
        unit.serialize(reader);
        if (reader.at_end()) {
            return true;
        }
    } catch (const InputError&) {
        // answered below
    }
    StateWordReader back(before);
    unit.neurons().clear();
    unit.serialize(back);
    return false;
}

}  // namespace memprop::hw::chip
