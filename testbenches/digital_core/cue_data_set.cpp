#include <algorithm>

#include "crossbar/base/random.hpp"
#include "testbenches/digital_core/cue_accumulation.hpp"
#include "testbenches/digital_core/text_lines.hpp"

namespace memprop::tb {
namespace {

// Lines `address, tick`; -2, label opens the supervision window; -1, ticks ends a sample.
std::vector<CueSample> read_samples(const std::filesystem::path& file) {
    const std::vector<std::string> lines = read_lines(file);
    if (lines.empty()) {
        throw InputError(fmt::format("{}:1: is empty; the number of samples is expected", file.string()));
    }
    const std::int64_t count = parse_number({file.string(), 1}, lines[0], 1, 1'000'000);
    std::vector<CueSample> samples;
    CueSample sample;
    bool labelled = false, open = false;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        const TextPlace place{file.string(), i + 1};
        const std::vector<std::string> words = split(lines[i], " \t,");
        if (words.empty()) {
            continue;
        }
        if (words.size() != 2) {
            place.fail("must have the form 'address, tick'");
        }
        open = true;
        const std::int64_t address = parse_number(place, words[0], -2, CueDataSet::kInputs - 1);
        if (address == -2) {
            if (labelled) {
                place.fail("the sample has a label already");
            }
            sample.label =
                static_cast<std::uint8_t>(parse_number(place, words[1], 0, CueDataSet::kOutputs - 1));
            labelled = true;
        } else if (address == -1) {
            parse_number(place, words[1], CueDataSet::kTicks, CueDataSet::kTicks);
            if (!labelled) {
                place.fail("the sample has no label (line '-2, label')");
            }
            samples.push_back(std::move(sample));
            sample = {};
            labelled = open = false;
        } else {
            const std::int64_t earliest = sample.events.empty() ? 0 : sample.events.back().tick;
            sample.events.push_back({static_cast<std::uint8_t>(address),
                                     static_cast<std::uint16_t>(
                                         parse_number(place, words[1], earliest, CueDataSet::kTicks - 1))});
        }
    }
    if (open) {
        TextPlace{file.string(), lines.size()}.fail("the last sample is not ended by '-1, 2250'");
    }
    if (static_cast<std::int64_t>(samples.size()) != count) {
        TextPlace{file.string(), 1}.fail(
            fmt::format("announces {} samples, the file has {}", count, samples.size()));
    }
    return samples;
}

std::vector<std::int8_t> read_weights(const std::filesystem::path& file, std::size_t count) {
    const std::vector<std::string> lines = read_lines(file);
    std::vector<std::int8_t> weights;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const TextPlace place{file.string(), i + 1};
        for (const std::string& word : split(lines[i])) {
            weights.push_back(static_cast<std::int8_t>(parse_number(place, word, -128, 127)));
        }
    }
    if (weights.size() != count) {
        TextPlace{file.string(), lines.size()}.fail(
            fmt::format("has {} weights, must have {}", weights.size(), count));
    }
    return weights;
}

constexpr std::uint32_t kCues = 7, kCueTicks = 100, kCuePeriod = 150, kGroup = 10;
constexpr float kCueRate = 0.04F, kBackgroundRate = 0.01F;  // spikes per tick and channel: 40 Hz, 10 Hz
constexpr float kSideBias = 0.7F;                           // share of cues on the favoured side

CueSample generate_sample(std::uint64_t seed, std::uint8_t set, std::uint32_t index) {
    const auto draw = [&](Stream stream, std::uint32_t step, std::uint32_t lane) {
        return random_uniform({.seed = seed, .stream = stream, .array = set, .event = index, .step = step},
                              lane);
    };
    const bool favours_right = draw(Stream::task_target, 0, kCues) < 0.5F;
    std::array<bool, kCues> right;
    for (std::uint32_t cue = 0; cue < kCues; ++cue) {
        right[cue] = (draw(Stream::task_target, 0, cue) < kSideBias) == favours_right;
    }
    CueSample sample;
    sample.label = std::count(right.begin(), right.end(), true) > kCues / 2 ? 1 : 0;
    for (std::uint32_t tick = 1; tick < CueDataSet::kTicks; ++tick) {
        const std::uint32_t cue = tick / kCuePeriod;
        const bool in_cue = cue < kCues && tick % kCuePeriod < kCueTicks;
        for (std::uint32_t address = 0; address < CueDataSet::kInputs; ++address) {
            const std::uint32_t group = address / kGroup;
            const bool driven = (group < 2 && in_cue && right[cue] == (group == 1)) ||
                                (group == 2 && tick >= CueDataSet::kRecallTick);
            const float rate = group == 3 ? kBackgroundRate : driven ? kCueRate : 0.0F;
            if (rate > 0.0F && draw(Stream::task_input, tick, address) < rate) {
                sample.events.push_back(
                    {static_cast<std::uint8_t>(address), static_cast<std::uint16_t>(tick)});
            }
        }
    }
    return sample;
}

std::vector<std::int8_t> generate_weights(std::uint64_t seed, std::uint8_t layer, std::size_t count,
                                          float deviation) {
    std::vector<float> normal(count);
    fill_normals({.seed = seed, .stream = Stream::initial_weight, .array = layer}, 0, normal);
    std::vector<std::int8_t> weights(count);
    std::transform(normal.begin(), normal.end(), weights.begin(), [&](float n) {
        return static_cast<std::int8_t>(std::clamp(n * deviation, -127.0F, 127.0F));
    });
    return weights;
}

}  // namespace

CueDataSet read_cue_data_set(const std::filesystem::path& directory) {
    CueDataSet data;
    data.train = read_samples(directory / "dataset_cueAcc_train.dat");
    data.test = read_samples(directory / "dataset_cueAcc_test.dat");
    data.w_in = read_weights(directory / "init_rand_weights_inp_cueAcc.dat",
                             std::size_t{CueDataSet::kInputs} * CueDataSet::kNeurons);
    data.w_rec = read_weights(directory / "init_rand_weights_rec_cueAcc.dat",
                              std::size_t{CueDataSet::kNeurons} * CueDataSet::kNeurons);
    data.w_out = read_weights(directory / "init_rand_weights_out_cueAcc.dat",
                              std::size_t{CueDataSet::kNeurons} * CueDataSet::kOutputs);
    return data;
}

CueDataSet generate_cue_data_set(std::uint64_t seed) {
    constexpr std::uint32_t kSamples = 50;
    CueDataSet data;
    for (std::uint32_t i = 0; i < kSamples; ++i) {
        data.train.push_back(generate_sample(seed, 0, i));
        data.test.push_back(generate_sample(seed, 1, i));
    }
    // Standard deviations of about 90/sqrt(40), 18/sqrt(100) and 94/sqrt(100) LSB.
    data.w_in = generate_weights(seed, 0, std::size_t{CueDataSet::kInputs} * CueDataSet::kNeurons, 14.2F);
    data.w_rec = generate_weights(seed, 1, std::size_t{CueDataSet::kNeurons} * CueDataSet::kNeurons, 1.8F);
    data.w_out = generate_weights(seed, 2, std::size_t{CueDataSet::kNeurons} * CueDataSet::kOutputs, 9.4F);
    for (std::uint32_t j = 0; j < CueDataSet::kNeurons; ++j) {
        data.w_rec[std::size_t{j} * CueDataSet::kNeurons + j] = 0;  // no self-connections
    }
    return data;
}

}  // namespace memprop::tb
