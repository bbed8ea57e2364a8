// What a user sets about the task.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace memprop::learning {

struct TaskConfig {
    std::string name = "pattern_generation";
    std::int64_t samples = 3;
    std::int64_t steps = 1000;
    double input_rate_hz = 50.0;
    double update_interval_seconds = 38.6;
    std::int64_t validation_samples = 0;
    std::int64_t test_samples = 0;
    bool fresh_trials = false;
    std::int64_t cues = 7;
    double cue_seconds = 0.1;
    double gap_seconds = 0.05;
    double delay_seconds = 1.05;
    double response_seconds = 0.15;
    double cue_rate_hz = 40.0;
    double noise_rate_hz = 10.0;
    double side_probability = 0.3;
    double interval_min_seconds = 0.1;
    double interval_max_seconds = 0.4;
    double interval_ratio = 1.5;
    std::string file;
    std::string test_file;
    bool readout_delay_from_data = false;

    template <class Field>
    void describe(Field&& field) {
        field.text("name", name, "task; `memprop train --list` names them");
        field("samples", samples, {1, 1000000}, "different trials, shown in order in every epoch");
        field("steps", steps, {1, 10000000}, "time steps of a trial");
        field("input_rate_hz", input_rate_hz, {0.0, 1e6}, "rate of the Poisson input of each line, Hz");
        field("update_interval_seconds", update_interval_seconds, {0.0, 1e12},
              "device time that passes from one training sample to the next, s");
        field("validation_samples", validation_samples, {0, 1000000},
              "memory tasks: trials of the validation split");
        field("test_samples", test_samples, {0, 1000000}, "memory tasks: trials of the test split");
        field("fresh_trials", fresh_trials, "memory tasks: every epoch trains on new trials");
        field("cues", cues, {1, 10000}, "cue_accumulation, store_recall: cues of a trial");
        field("cue_seconds", cue_seconds, {0.0, 1e6}, "memory tasks: length of a cue, s");
        field("gap_seconds", gap_seconds, {0.0, 1e6}, "memory tasks: silence before a cue, s");
        field("delay_seconds", delay_seconds, {0.0, 1e6}, "memory tasks: time to remember, s");
        field("response_seconds", response_seconds, {0.0, 1e6},
              "memory tasks: length of the response, the learning window, s");
        field("cue_rate_hz", cue_rate_hz, {0.0, 1e6}, "memory tasks: rate of a cue's inputs, Hz");
        field("noise_rate_hz", noise_rate_hz, {0.0, 1e6}, "memory tasks: rate of the noise inputs, Hz");
        field("side_probability", side_probability, {0.0, 0.5},
              "cue_accumulation: probability of a cue on the rarer side");
        field("interval_min_seconds", interval_min_seconds, {0.0, 1e6},
              "interval_discrimination: shortest second interval, s");
        field("interval_max_seconds", interval_max_seconds, {0.0, 1e6},
              "interval_discrimination: longest second interval, s");
        field("interval_ratio", interval_ratio, {1.0, 100.0},
              "interval_discrimination: longer interval over shorter; above 1");
        field.file("test_file", test_file, "shd: file of the test split; empty = none");
        field("readout_delay_from_data", readout_delay_from_data,
              "golden: sets network.readout_delay_steps to 1 if the first step of the data has input "
              "spikes, else to 0");
        field.file("file", file, "data of tasks that read a file; relative to the working directory");
    }
};

}  // namespace memprop::learning
