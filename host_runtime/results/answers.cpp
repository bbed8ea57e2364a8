#include "host_runtime/results/answers.hpp"

#include <string>

namespace memprop::host {

void write_answers(h5::File& out, const learning::Task& task, const SplitAnswers& answers) {
    if (answers.trial.empty()) {
        return;
    }
    const std::string group =
        "/answers/" + std::string(learning::kSplitNames[static_cast<std::size_t>(answers.split)]) + "/";
    out.write(group + "trial", answers.trial);
    out.write(group + "label", answers.label);
    out.write(group + "answer", answers.answer);
    const auto names = task.condition_names();
    std::vector<std::vector<double>> conditions(names.size());
    for (const std::uint64_t trial : answers.trial) {
        const std::vector<double> of_trial = task.conditions(answers.split, trial);
        for (std::size_t c = 0; c < names.size(); ++c) {
            conditions[c].push_back(of_trial[c]);
        }
    }
    for (std::size_t c = 0; c < names.size(); ++c) {
        out.write(group + std::string(names[c]), conditions[c]);
    }
}

}  // namespace memprop::host
