#include "host_runtime/results/checkpoint.hpp"

#include <fmt/format.h>

#include "crossbar/base/error.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "host_runtime/files/hdf5_archive.hpp"

namespace memprop::host {
namespace {

const std::string kFormat = "memprop checkpoint 1";

h5::File open(const std::filesystem::path& file) {
    h5::File in = h5::File::open(file);
    if (!in.is_dataset("/format") || in.read_scalar<std::string>("/format") != kFormat) {
        throw InputError(fmt::format("{}: is not a checkpoint of this version (/format must be '{}')",
                                     file.string(), kFormat));
    }
    return in;
}

}  // namespace

void write_checkpoint(const std::filesystem::path& file, const learning::ExperimentConfig& config,
                      learning::TrainerBase& trainer, Recording& recording) {
    write_atomically(file, [&](const std::filesystem::path& temporary) {
        h5::File out = h5::File::create(temporary);
        out.write_scalar("/format", kFormat);
        out.write_scalar("/config", print_experiment(config));
        Hdf5Writer archive(out, "/state");
        trainer.serialize(archive);
        recording.serialize(archive);
        out.close();
    });
}

learning::ExperimentConfig read_checkpoint_config(const std::filesystem::path& file) {
    return parse_experiment(open(file).read_scalar<std::string>("/config"), file.string() + ":/config", {});
}

void read_checkpoint(const std::filesystem::path& file, learning::TrainerBase& trainer,
                     Recording& recording) {
    const h5::File in = open(file);
    Hdf5Reader archive(in, "/state");
    trainer.serialize(archive);
    recording.serialize(archive);
}

void read_checkpoint_weights(const std::filesystem::path& file, learning::TrainerBase& trainer) {
    const h5::File in = open(file);
    Hdf5Reader archive(in, "/state");
    trainer.load_weights(archive);
}

}  // namespace memprop::host
