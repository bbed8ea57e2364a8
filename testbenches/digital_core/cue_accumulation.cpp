#include "testbenches/digital_core/cue_accumulation.hpp"

#include <fmt/format.h>

#include "crossbar/base/error.hpp"

namespace memprop::tb {
namespace {

struct RegisterValue {
    std::uint32_t number, value;
};

constexpr RegisterValue kReferenceRegisters[] = {
    {2, 0},           {3, 0},       {8, 0},           {10, 0},          {11, 1},          {12, 3},
    {13, 3},          {14, 3},      {15, 3},          {16, 4},          {17, 6},          {18, 5},
    {19, 2},          {20, 3},      {21, 1},          {22, 0},          {23, 0},          {25, 0},
    {26, 1},          {27, 0},      {30, 0},          {31, 1},          {32, 0},          {33, 0},
    {64, 0},          {65, 0},      {66, 0},          {67, 0},          {68, 0},          {69, 0x79},
    {70, 205},        {71, 205},    {72, 205},        {73, 205},        {74, 0},          {75, 0},
    {76, 0},          {77, 0},      {78, 1},          {79, 0},          {80, 8},          {81, 0},
    {82, 8},          {83, 0},      {84, 14},         {85, 0xF0F0},     {86, 0xF1F1},     {87, 0xF2F2},
    {88, 0x3F3FF3F3}, {89, 0xF4F4}, {90, 0x3F5FF5F5}, {91, 0x3F6FF6F6}, {92, 0x3F7FF7F7}, {93, 0x0FF0},
    {94, 39},         {95, 99},     {96, 1},          {98, 160},        {99, 0},          {100, 10},
    {101, 0},         {102, 10},    {103, 0},         {104, 0},
};
constexpr std::uint32_t kAlphaLsbs = 0xFEF, kThreshold = 614;

void write_rows(CoreDriver& driver, hw::MemoryCode code, const std::vector<std::int8_t>& weights,
                std::uint32_t columns, unsigned row_shift) {
    for (std::uint32_t row = 0; row < weights.size() / columns; ++row) {
        std::vector<std::uint32_t> words((columns + 3) / 4);
        for (std::uint32_t j = 0; j < columns; ++j) {
            const auto byte = static_cast<std::uint8_t>(weights[std::size_t{row} * columns + j]);
            words[j / 4] |= std::uint32_t{byte} << (8 * (j % 4));
        }
        driver.write_words(code, row << row_shift, words);
    }
}

void set_configuring(CoreDriver& driver, bool enable) {
    driver.write_register(static_cast<std::uint32_t>(hw::Reg::EN_CONF), enable ? 1 : 0);
}

}  // namespace

void configure_cue_network(CoreDriver& driver, const CueDataSet& data) {
    driver.reset();
    set_configuring(driver, true);
    for (const auto& [number, value] : kReferenceRegisters) {
        driver.write_register(number, value);
    }
    std::vector<std::uint32_t> neurons;
    for (std::uint32_t word = 0; word < CueDataSet::kNeurons / 2; ++word) {
        neurons.insert(neurons.end(), {0, 0, 0, kAlphaLsbs << 20 | kThreshold << 4});
    }
    driver.write_words(hw::MemoryCode::neuron, 0, neurons);
    write_rows(driver, hw::MemoryCode::w_in, data.w_in, CueDataSet::kNeurons, 6);
    write_rows(driver, hw::MemoryCode::w_rec, data.w_rec, CueDataSet::kNeurons, 6);
    write_rows(driver, hw::MemoryCode::w_out, data.w_out, CueDataSet::kOutputs, 2);
    set_configuring(driver, false);
}

void select_cue_phase(CoreDriver& driver, bool training) {
    driver.write_register(static_cast<std::uint32_t>(hw::Reg::DO_EPROP), training ? 7 : 0);
}

std::uint8_t run_cue_sample(CoreDriver& driver, const CueSample& sample, bool training) {
    CoreDriver::Levels levels{.sample = true};
    driver.set_levels(levels);
    auto event = sample.events.begin();
    for (std::uint32_t tick = 0; tick < CueDataSet::kTicks; ++tick) {
        for (; event != sample.events.end() && event->tick == tick; ++event) {
            driver.input_event(event->address);
        }
        if (tick == CueDataSet::kRecallTick) {
            levels.infer_acc = true;
            levels.target_valid = training;
            driver.set_levels(levels);
            if (training) {
                driver.target(sample.label);
            }
        }
        if (tick + 1 == CueDataSet::kTicks) {
            levels.sample = false;
            driver.set_levels(levels);
        }
        driver.tick();
    }
    if (driver.core().state() != hw::GlobalState::SEND) {
        throw RunError(fmt::format("the core is in state {} at the end of a sample",
                                   static_cast<int>(driver.core().state())));
    }
    const std::uint8_t answer = driver.take_output();
    driver.set_levels({});
    return answer;
}

}  // namespace memprop::tb
