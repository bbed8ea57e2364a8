// run.h5: what the last epoch looked like and where the weights ended.
//   /trials/K/{input, spikes}   int32 [n, 2]: (step, neuron)
//   /trials/K/{output, target}  float32 [steps, readouts]
//   /answers/SPLIT/{trial, label, answer, ...}  [trial]: of tasks with labels: results/answers.hpp
//   /golden/...   only of the task golden: results/golden_recording.hpp
//   /weights/{w_in, w_rec, w_out}        float32 [post, pre], noise-free at the end
//   /devices/W/{conductance_us, set_pulses, reset_pulses}  [polarity * N, pre, post]; conductance_us is as
//                programmed, of a faulty device what it is stuck at
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "host_runtime/results/answers.hpp"
#include "host_runtime/results/golden_recording.hpp"
#include "learning/trainer.hpp"

namespace memprop::host {

class Recording {
public:
    /// `golden`: keep every forward pass of the run, as the task golden wants it.
    explicit Recording(bool golden) {
        if (golden) {
            golden_.emplace();
        }
    }

    /// To be called after every training sample.
    void follow(const learning::TrainerBase& trainer);

    /// Keeps the forward pass that `trainer` has just made, as trial `index`.
    void keep(const learning::TrainerBase& trainer, std::uint32_t index);

    void clear() { trials_.clear(); }

    /// With the `answers` to trials of other splits.
    void write(const std::filesystem::path& file, learning::TrainerBase& trainer,
               const std::vector<SplitAnswers>& answers) const;

    /// So that a run stopped within its last epoch loses none of it.
    void serialize(StateArchive& archive);

private:
    SplitAnswers training_answers(const learning::TrainerBase& trainer) const;

    struct TrialRecord {
        std::uint32_t index = 0;
        std::uint64_t steps = 0;
        std::vector<std::int32_t> input, spikes;
        std::vector<float> output, target;
        std::vector<std::int32_t> answer;  // label and chosen class, or empty
    };
    std::vector<TrialRecord> trials_;
    std::optional<GoldenRecording> golden_;
};

}  // namespace memprop::host
