// The reference task of the chip: cue accumulation (Bellec et al. 2020; navigation task of Morcos and Harvey
// 2016). Seven cues on the left or right, a delay, and a recall window at the end of 2250 ms in which the
// network says which side had more. 40 inputs (10 left, 10 right, 10 recall, 10 background), 100 recurrent
// neurons, 2 outputs.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "testbenches/digital_core/driver.hpp"

namespace memprop::tb {

struct CueSample {
    struct Event {
        std::uint8_t address = 0;
        std::uint16_t tick = 0;  ///< delivered before this tick
    };
    std::vector<Event> events;  // ascending tick
    std::uint8_t label = 0;
};

struct CueDataSet {
    static constexpr std::uint32_t kInputs = 40, kNeurons = 100, kOutputs = 2;
    static constexpr std::uint32_t kTicks = 2250, kRecallTick = 2100;

    std::vector<CueSample> train, test;
    std::vector<std::int8_t> w_in, w_rec, w_out;  // initial weights, pre-major
};

/// Reads the files dataset_cueAcc_{train,test}.dat and init_rand_weights_{inp,rec,out}_cueAcc.dat that come
/// with the RTL. Throws InputError with file and line.
CueDataSet read_cue_data_set(const std::filesystem::path& directory);

/// A data set of the same kind, 50 + 50 samples, drawn from the seed.
CueDataSet generate_cue_data_set(std::uint64_t seed);

/// Registers of the reference configuration, neuron words, initial weights.
void configure_cue_network(CoreDriver& driver, const CueDataSet& data);

/// One sample; returns the label the core sends.
std::uint8_t run_cue_sample(CoreDriver& driver, const CueSample& sample, bool training);

/// DO_EPROP for the samples that follow.
void select_cue_phase(CoreDriver& driver, bool training);

}  // namespace memprop::tb
