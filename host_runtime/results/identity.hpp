// What a run is: every key of its experiment that its numbers depend on, and the content of the files that
// these keys name. A checkpoint or a state is only continued by what it belongs to.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host_runtime/config/experiment.hpp"
#include "learning/config/config.hpp"

namespace memprop::host {

/// Keys that may change when a run is resumed: run.epochs (which may only grow), run.engine, run.threads and
/// run.checkpoint_every.
bool may_change_at_resume(std::string_view key);

/// Keys whose values are names of files and, of those that exist, the SHA-256 of their content.
using FileDigests = std::vector<std::pair<std::string, std::string>>;
FileDigests digest_named_files(const Experiment& config);

/// "key SHA-256" a line, and back; throws InputError for other text.
std::string print(const FileDigests& digests);
FileDigests parse_file_digests(std::string_view text);

/// Throws InputError, which begins with `place`, naming the first key that may not differ and does, or whose
/// file has another content. Digests of files that are known on one side only are not compared.
void check_same_run(const Experiment& stored, const FileDigests& stored_files, const Experiment& wanted,
                    const FileDigests& wanted_files, std::string_view place);

/// The lines "key = value" that say how devices behave which hold the weights of a network.
std::string describe_devices(const learning::ExperimentConfig& config);

}  // namespace memprop::host
