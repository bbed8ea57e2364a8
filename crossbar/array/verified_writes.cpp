// Writes of an update that are checked, and RESETs of single synapses.
#include <algorithm>
#include <cmath>
#include <utility>

#include "crossbar/array/slice_planner.hpp"

namespace memprop::crossbar {
namespace {

constexpr std::uint32_t kFirstStep = 0x40000000;  // of the draws of verifying reads
constexpr std::int32_t kMostCorrection = 1000;    // pulses

}  // namespace

void SynapseArray::write_verified(std::span<const std::int16_t> pulses, const VerifiedWrites& how,
                                  std::uint32_t event, std::int32_t tick,
                                  std::vector<VerifiedSynapse>* done) {
    struct Open {
        std::uint32_t synapse;
        float target_us;
        std::size_t number;  // of the synapse among those that get pulses
    };
    advance_to(tick);
    if (sliced_) {
        std::vector<VerifiedSynapse> found;
        write_verified_slices(pulses, how, event, tick, done != nullptr ? *done : found);
        return;
    }
    std::vector<Open> open;
    for (std::uint32_t i = 0; i < synapses(); ++i) {
        if (pulses[i] != 0) {
            open.push_back(
                {i, read_synapse(i, kFirstStep, event, tick) + how.step_us * static_cast<float>(pulses[i]),
                 open.size()});
        }
    }
    std::vector<VerifiedSynapse> found(open.size());
    for (const Open& o : open) {
        found[o.number] = {.synapse = o.synapse,
                           .pulses = static_cast<std::uint32_t>(std::abs(pulses[o.synapse])),
                           .reads = 1};
    }
    program(pulses, Phase::update, event, tick);
    std::vector<std::int16_t> corrections(synapses());
    for (std::uint32_t round = 0; round < how.rounds && !open.empty(); ++round) {
        std::fill(corrections.begin(), corrections.end(), std::int16_t{0});
        std::size_t left = 0;
        for (const Open o : open) {
            ++found[o.number].reads;
            const float error = o.target_us - read_synapse(o.synapse, kFirstStep + 1 + round, event, tick);
            if (std::abs(error) <= how.tolerance_us) {
                continue;
            }
            const float wanted = std::clamp(0.5F * std::abs(error) / how.step_us, 1.0F, 1000.0F);
            corrections[o.synapse] = static_cast<std::int16_t>(error > 0.0F ? wanted : -wanted);
            ++found[o.number].corrections;
            found[o.number].correction_pulses += given_for(static_cast<std::uint32_t>(wanted));
            open[left++] = o;
        }
        open.resize(left);
        const auto phase = static_cast<Phase>(static_cast<std::uint32_t>(Phase::verified) + round);
        program(corrections, phase, event, tick);
    }
    if (done != nullptr) {
        *done = std::move(found);
    }
}

void SynapseArray::write_verified_slices(std::span<const std::int16_t> pulses, const VerifiedWrites& how,
                                         std::uint32_t event, std::int32_t tick,
                                         std::vector<VerifiedSynapse>& found) {
    struct Open {
        float target_us;
        std::size_t number;  // in `found`
    };
    const SlicePlanner planner(*this, how.step_us * pulses_per_device_step(), how.tolerance_us);
    std::vector<float> seen(planes());
    std::vector<std::int32_t> counts(shape_.devices_per_polarity);
    std::vector<Open> open;
    found.clear();
    begin_slices();
    for (std::uint32_t i = 0; i < synapses(); ++i) {
        if (pulses[i] == 0) {
            continue;
        }
        const float before_us = read_synapse(i, kFirstStep, event, tick, seen);
        open.push_back({before_us + how.step_us * static_cast<float>(pulses[i]), found.size()});
        planner.split(pulses[i], {seen.data(), 1}, counts);
        found.push_back({.synapse = i, .reads = 1});
        for (std::uint32_t k = 0; k < counts.size(); ++k) {
            if (counts[k] != 0) {
                add_to_slice(i, k, counts[k]);
                found.back().pulses += static_cast<std::uint32_t>(std::abs(counts[k]));
            }
        }
    }
    give_slices(Phase::update, event, tick);
    for (std::uint32_t round = 0; round < how.rounds && !open.empty(); ++round) {
        begin_slices();
        std::size_t left = 0;
        for (const Open o : open) {
            VerifiedSynapse& of = found[o.number];
            ++of.reads;
            const float error =
                o.target_us - read_synapse(of.synapse, kFirstStep + 1 + round, event, tick, seen);
            if (std::abs(error) <= how.tolerance_us) {
                continue;
            }
            const SlicePlanner::Pulses next = planner.next(error, {seen.data(), 1}, 0, kMostCorrection);
            if (next.count == 0) {
                continue;
            }
            add_to_slice(of.synapse, next.slice, next.count);
            ++of.corrections;
            of.correction_pulses += static_cast<std::uint32_t>(std::abs(next.count));
            open[left++] = o;
        }
        open.resize(left);
        give_slices(static_cast<Phase>(static_cast<std::uint32_t>(Phase::verified) + round), event, tick);
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
