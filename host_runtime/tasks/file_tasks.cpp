#include "host_runtime/tasks/file_tasks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/tasks/dataset.hpp"
#include "host_runtime/tasks/golden.hpp"
#include "learning/resolve.hpp"

namespace memprop::host {
namespace {

using Key = std::string_view;
constexpr std::array kGoldenKeys{Key("file"), Key("samples"), Key("steps"), Key("readout_delay_from_data")};
constexpr std::array kDatasetKeys{Key("file"), Key("samples"), Key("validation_samples"), Key("test_samples"),
                                  Key("steps")};
constexpr std::array kShdKeys{Key("file"),         Key("test_file"),
                              Key("samples"),      Key("validation_samples"),
                              Key("test_samples"), Key("steps")};

constexpr std::array<FileTaskKind, 3> kFileTaskKinds{{
    {"golden", "repeat a recorded experiment: inputs, targets and initial weights from task.file",
     make_golden, kGoldenKeys},
    {"dataset", "labelled or targeted spike trains of your own from task.file", make_dataset, kDatasetKeys},
    {"shd", "Spiking Heidelberg Digits from task.file, tested on task.test_file", make_shd, kShdKeys},
}};

}  // namespace

std::span<const FileTaskKind> file_task_kinds() {
    return kFileTaskKinds;
}

std::unique_ptr<learning::Task> make_any_task(learning::ExperimentConfig& config) {
    std::vector<std::string_view> names;
    for (const FileTaskKind& kind : kFileTaskKinds) {
        if (kind.name == config.task.name) {
            if (config.task.file.empty()) {
                throw InputError("task.file", "\"\"",
                                 fmt::format("must name the data of task {}", kind.name));
            }
            auto task = kind.make(config);
            learning::check_sizes(config);
            return task;
        }
        names.push_back(kind.name);
    }
    for (const learning::TaskKind& kind : learning::task_kinds()) {
        if (kind.name == config.task.name) {
            return kind.make(config);
        }
        names.push_back(kind.name);
    }
    throw InputError("task.name", config.task.name, fmt::format("must be one of {}", fmt::join(names, ", ")));
}

}  // namespace memprop::host
