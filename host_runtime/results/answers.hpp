// Answers and conditions of single trials, in run.h5: for every split with labels
//   /answers/SPLIT/trial            uint64 [trial]: its number, counted through the run for the training
//   split /answers/SPLIT/{label, answer}  int32 [trial]: the right class and the chosen one
//   /answers/SPLIT/NAME             float64 [trial]: a condition of the trial, if the task has some
// in the order in which the trials were shown: training in the last epoch, validation and test after the run.
// Of interval_discrimination the conditions are first_seconds and second_seconds, as shown.
#pragma once

#include <cstdint>
#include <vector>

#include "host_runtime/hdf5/h5.hpp"
#include "learning/task/task.hpp"

namespace memprop::host {

struct SplitAnswers {
    learning::Split split = learning::Split::training;
    std::vector<std::uint64_t> trial;
    std::vector<std::int32_t> label, answer;
};

/// Nothing for a split without trials.
void write_answers(h5::File& out, const learning::Task& task, const SplitAnswers& answers);

}  // namespace memprop::host
