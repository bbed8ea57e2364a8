#include "host_runtime/results/identity.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>

#include "crossbar/base/error.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/files/digest.hpp"

namespace memprop::host {
namespace {

constexpr std::array<std::string_view, 4> kMayChange{"run.epochs", "run.engine", "run.threads",
                                                     "run.checkpoint_every"};

}  // namespace

bool may_change_at_resume(std::string_view key) {
    return std::find(kMayChange.begin(), kMayChange.end(), key) != kMayChange.end();
}

FileDigests digest_named_files(const Experiment& config) {
    FileDigests digests;
    for (const auto& [key, file] : named_files(config)) {
        std::error_code error;
        if (std::filesystem::is_regular_file(file, error)) {
            digests.emplace_back(key, sha256_of_file(file));
        }
    }
    return digests;
}

std::string print(const FileDigests& digests) {
    std::string text;
    for (const auto& [key, digest] : digests) {
        text += fmt::format("{} {}\n", key, digest);
    }
    return text;
}

FileDigests parse_file_digests(std::string_view text) {
    FileDigests digests;
    std::istringstream lines{std::string(text)};
    std::string key, digest;
    while (lines >> key) {
        if (!(lines >> digest) || digest.size() != kDigestCharacters) {
            throw InputError("the digests of its files cannot be read");
        }
        digests.emplace_back(key, digest);
    }
    return digests;
}

void check_same_run(const Experiment& stored, const FileDigests& stored_files, const Experiment& wanted,
                    const FileDigests& wanted_files, std::string_view place) {
    const auto before = flatten_experiment(stored), now = flatten_experiment(wanted);
    for (const auto& [key, value] : now) {
        const std::string* const was = find_value(before, key);
        if (was == nullptr) {
            throw InputError(fmt::format("{}: belongs to a run without {}", place, key));
        }
        if (!may_change_at_resume(key) && value != *was) {
            throw InputError(
                fmt::format("{}: belongs to a run with {} = {}, not {}; at a resume only {} may change",
                            place, key, *was, value, fmt::join(kMayChange, ", ")));
        }
    }
    for (const auto& [key, value] : before) {
        if (find_value(now, key) == nullptr) {
            throw InputError(
                fmt::format("{}: belongs to a run with {} = {}, which there is not now", place, key, value));
        }
    }
    for (const auto& [key, digest] : wanted_files) {
        const auto found = std::find_if(stored_files.begin(), stored_files.end(),
                                        [&name = key](const auto& entry) { return entry.first == name; });
        if (found != stored_files.end() && found->second != digest) {
            throw InputError(
                fmt::format("{}: belongs to a run whose file {} had another content", place, key));
        }
    }
}

std::string describe_devices(const learning::ExperimentConfig& config) {
    Experiment experiment;
    static_cast<learning::ExperimentConfig&>(experiment) = config;
    std::string text;
    for (const auto& [key, value] : flatten_experiment(experiment)) {
        const bool of_devices = key.starts_with("crossbar.") && !key.starts_with("crossbar.energy.") &&
                                !key.starts_with("crossbar.programming.");
        if (of_devices || key == "run.seed" || key == "update.devices_per_polarity" ||
            key == "update.device_counter" || key == "task.update_interval_seconds") {
            text += fmt::format("{} = {}\n", key, value);
        }
    }
    for (const auto& [key, digest] : digest_named_files(experiment)) {
        if (key.starts_with("crossbar.")) {
            text += fmt::format("{} has the content {}\n", key, digest);
        }
    }
    return text;
}

}  // namespace memprop::host
