// Writes of an update that are checked, and RESETs of single synapses.
#include <algorithm>
#include <cmath>

#include "crossbar/array/synapse_array.hpp"

namespace memprop::crossbar {
namespace {

constexpr std::uint32_t kFirstStep = 0x40000000;  // of the draws of verifying reads

}  // namespace

void SynapseArray::write_verified(std::span<const std::int16_t> pulses, const VerifiedWrites& how,
                                  std::uint32_t event, std::int32_t tick) {
    advance_to(tick);
    std::vector<std::uint32_t> open;
    std::vector<float> target_us;
    for (std::uint32_t i = 0; i < synapses(); ++i) {
        if (pulses[i] != 0) {
            open.push_back(i);
            target_us.push_back(read_synapse(i, kFirstStep, event, tick) +
                                how.step_us * static_cast<float>(pulses[i]));
        }
    }
    program(pulses, Phase::update, event, tick);
    std::vector<std::int16_t> corrections(synapses());
    for (std::uint32_t round = 0; round < how.rounds && !open.empty(); ++round) {
        std::fill(corrections.begin(), corrections.end(), std::int16_t{0});
        std::size_t left = 0;
        for (std::size_t k = 0; k < open.size(); ++k) {
            const float error = target_us[k] - read_synapse(open[k], kFirstStep + 1 + round, event, tick);
            if (std::abs(error) <= how.tolerance_us) {
                continue;
            }
            const float wanted = std::clamp(0.5F * std::abs(error) / how.step_us, 1.0F, 1000.0F);
            corrections[open[k]] = static_cast<std::int16_t>(error > 0.0F ? wanted : -wanted);
            open[left] = open[k];
            target_us[left] = target_us[k];
            ++left;
        }
        open.resize(left);
        target_us.resize(left);
        const auto phase = static_cast<Phase>(static_cast<std::uint32_t>(Phase::verified) + round);
        program(corrections, phase, event, tick);
    }
}

void SynapseArray::reset_synapses(std::span<const std::uint8_t> marked, std::uint32_t event,
                                  std::int32_t tick) {
    advance_to(tick);
    reset_marked(marked, key(Stream::reset_noise, static_cast<std::uint16_t>(Phase::update), event, 0), tick);
}

void SynapseArray::reset_marked(std::span<const std::uint8_t> marked, const DrawKey& reset_key,
                                std::int32_t tick) {
    for (std::uint32_t plane = 0; plane < planes(); ++plane) {
        for (std::uint32_t i = 0; i < synapses(); ++i) {
            if (marked[i] != 0 && exists(i)) {
                model_->reset(state_, plane * synapses() + i, reset_key, tick);
                ++counters_.reset_pulses;
            }
        }
    }
    faults_.wear_out(state_, *model_, tick);
}

}  // namespace memprop::crossbar
