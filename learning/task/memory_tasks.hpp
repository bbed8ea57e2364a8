// Classification tasks that need memory. A trial is a sequence of bursts: each group of inputs (as equal
// as the number of inputs allows) is silent or fires Poisson spikes at task.cue_rate_hz; the last group
// fires noise at task.noise_rate_hz throughout. The answer counts in the response at the end.
//   cue_accumulation  groups left, right, recall, noise. `cues` cues of left or right, the more frequent
//                     side with probability 1 - task.side_probability; which side was it? (Bellec et al.,
//                     Nat. Commun. 11, 3625, 2020)
//   delayed_match     groups A, B, recall, noise. Cue, delay, cue: were they the same?
//   store_recall      groups value 0, value 1, store, recall, noise. `cues` values, one with a store
//                     command; which one was it, after the delay? (Bellec et al., NeurIPS 2018)
//   interval_discrimination  groups first, second, recall, noise. Two intervals of different length, one
//                     task.interval_ratio times the other; was the second longer? The second is drawn
//                     log-uniformly between task.interval_min_seconds and interval_max_seconds and does not
//                     depend on the label, so that an answer by the second alone is at chance; the first is
//                     that much shorter or longer. Reports what interval_bias.hpp says about the memory of
//                     the first, and what answers without memory would give.
#pragma once

#include "learning/task/task.hpp"

namespace memprop::learning {

std::unique_ptr<Task> make_cue_accumulation(const ExperimentConfig& config);
std::unique_ptr<Task> make_delayed_match(const ExperimentConfig& config);
std::unique_ptr<Task> make_store_recall(const ExperimentConfig& config);
std::unique_ptr<Task> make_interval_discrimination(const ExperimentConfig& config);

}  // namespace memprop::learning
