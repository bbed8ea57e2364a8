#include "host_runtime/results/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crossbar/base/error.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "host_runtime/files/hdf5_archive.hpp"
#include "learning/update/scheme.hpp"

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

bool same_faults(const Experiment& one, const Experiment& other) {
    const auto a = flatten_experiment(one), b = flatten_experiment(other);
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
        return !x.first.starts_with("crossbar.faults.") || x == y;
    });
}

/// A checkpoint of which the faults of devices are taken or not.
class DevicesReader final : public Hdf5Reader {
public:
    DevicesReader(const h5::File& file, bool with_faults)
        : Hdf5Reader(file, "/state"), with_faults_(with_faults) {}
    bool holds(std::string_view name) const override {
        return (with_faults_ || name != "stuck_us") && Hdf5Reader::holds(name);
    }

private:
    bool with_faults_;
};

}  // namespace

void write_checkpoint(const std::filesystem::path& file, const Experiment& config,
                      learning::TrainerBase& trainer, Recording& recording, const ChipLedger& chips) {
    write_atomically(file, [&](const std::filesystem::path& temporary) {
        h5::File out = h5::File::create(temporary);
        out.write_scalar("/format", kFormat);
        out.write_scalar("/config", print_experiment(config));
        Hdf5Writer archive(out, "/state");
        trainer.serialize(archive);
        recording.serialize(archive);
        Hdf5Writer beside(out, "");
        chips.save(beside);
        out.close();
    });
}

Experiment read_checkpoint_config(const std::filesystem::path& file) {
    return parse_experiment(open(file).read_scalar<std::string>("/config"), file.string() + ":/config", {});
}

void read_checkpoint(const std::filesystem::path& file, learning::TrainerBase& trainer, Recording& recording,
                     ChipLedger& chips) {
    const h5::File in = open(file);
    Hdf5Reader archive(in, "/state");
    trainer.serialize(archive);
    recording.serialize(archive);
    Hdf5Reader beside(in, "");
    chips.restore(beside);
}

std::optional<learning::NetworkWeights> read_weights_to_program(
    const std::filesystem::path& file, const Experiment& config,
    const std::function<std::unique_ptr<learning::Task>(learning::ExperimentConfig&)>& make_task) {
    Experiment donor = read_checkpoint_config(file);
    const auto wanted = flatten_experiment(config), stored = flatten_experiment(donor);
    const auto on_devices = [](const Experiment& c) {
        return learning::find_scheme_kind("update.scheme", c.update.scheme).make != nullptr;
    };
    bool same = on_devices(config) == on_devices(donor);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const auto& [key, value] = wanted[i];
        const bool of_devices = key == "crossbar.device" || key == "crossbar.table_file" ||
                                key == "crossbar.subtraction" || key == "crossbar.slice_base" ||
                                key == "update.devices_per_polarity" || key.starts_with("crossbar.pulsed.");
        same = same && (!of_devices || value == stored[i].second);
    }
    if (same) {
        return {};
    }
    const auto trainer = learning::make_trainer(donor, make_task(donor));
    const h5::File in = open(file);
    Hdf5Reader archive(in, "/state");
    trainer->load_weights(archive, donor);
    return learning::NetworkWeights{trainer->snapshot(learning::ProjectionId::w_in),
                                    trainer->snapshot(learning::ProjectionId::w_rec),
                                    trainer->snapshot(learning::ProjectionId::w_out)};
}

void read_checkpoint_weights(const std::filesystem::path& file, const Experiment& config,
                             learning::TrainerBase& trainer) {
    const h5::File in = open(file);
    const Experiment donor = read_checkpoint_config(file);
    DevicesReader archive(in, same_faults(config, donor));
    trainer.load_weights(archive, donor);
}

}  // namespace memprop::host
