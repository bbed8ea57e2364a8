// Tasks whose trials come from files of the user; learning/ itself opens no files.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "learning/config/config.hpp"
#include "learning/task/task.hpp"

namespace memprop::host {

struct FileTaskKind {
    std::string_view name;
    std::string_view description;
    /// Reads `config.task.file` and sets what the file prescribes: sizes of the network, steps, batch.
    std::unique_ptr<learning::Task> (*make)(learning::ExperimentConfig&);
    /// The keys of `task` that this task reads or sets.
    std::span<const std::string_view> keys;
};

std::span<const FileTaskKind> file_task_kinds();

/// Makes the task of `config.task.name`, from here or from learning/. Throws InputError naming what is
/// wrong with the file, or the tasks there are.
std::unique_ptr<learning::Task> make_any_task(learning::ExperimentConfig& config);

}  // namespace memprop::host
