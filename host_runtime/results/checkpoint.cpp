#include "host_runtime/results/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crossbar/base/error.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/files/hdf5_archive.hpp"
#include "host_runtime/files/sealed_file.hpp"
#include "host_runtime/results/checkpoint_check.hpp"
#include "learning/update/scheme.hpp"

namespace memprop::host {
namespace {

const std::string kFormat = "memprop checkpoint 2";

bool same_faults(const Experiment& one, const Experiment& other) {
    const auto a = flatten_experiment(one), b = flatten_experiment(other);
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
        return !x.first.starts_with("crossbar.faults.") || x == y;
    });
}

/// A checkpoint of which the faults of devices are taken or not.
class DevicesReader final : public Hdf5Reader {
public:
    DevicesReader(const h5::File& file, const ValueRanges& ranges, bool with_faults)
        : Hdf5Reader(file, "/state", ranges), with_faults_(with_faults) {}
    bool holds(std::string_view name) const override {
        return (with_faults_ || name != "stuck_us") && Hdf5Reader::holds(name);
    }

private:
    bool with_faults_;
};

}  // namespace

learning::NetworkWeights snapshot_of(learning::TrainerBase& trainer) {
    learning::NetworkWeights weights;
    for (std::size_t p = 0; p < trainer.network().projections.size(); ++p) {
        weights.push_back(trainer.snapshot(static_cast<learning::ProjectionId>(p)));
    }
    return weights;
}

void write_checkpoint(const std::filesystem::path& file, const CheckpointOwner& owner,
                      learning::TrainerBase& trainer, Recording& recording, const ChipLedger& chips) {
    write_sealed(file, [&](h5::File& out) {
        out.write_scalar("/format", kFormat);
        out.write_scalar("/config", print_experiment(owner.config));
        out.write_scalar("/files", print(owner.files));
        Hdf5Writer archive(out, "/state");
        trainer.serialize(archive);
        recording.serialize(archive);
        Hdf5Writer beside(out, "");
        chips.save(beside);
    });
}

h5::File open_checkpoint(const std::filesystem::path& file) {
    return open_sealed(file, "checkpoint", kFormat);
}

Experiment read_config(const h5::File& checkpoint) {
    return parse_experiment(checkpoint.read_scalar<std::string>("/config"), checkpoint.name() + ":/config",
                            {});
}

ValueRanges ranges_of(const h5::File& checkpoint, const Experiment& config) {
    ValueRanges ranges;
    const auto tick = static_cast<double>(latest_tick(checkpoint));
    for (const char* name : {"programmed_tick", "relaxed_tick"}) {
        ranges.set(name, {0.0, tick});
    }
    ranges.set("next_device", {0.0, static_cast<double>(config.update.devices_per_polarity - 1)});
    return ranges;
}

void read_checkpoint(const std::filesystem::path& file, const CheckpointOwner& wanted,
                     learning::TrainerBase& trainer, Recording& recording, ChipLedger& chips) {
    const h5::File in = open_checkpoint(file);
    naming(file, [&] {
        check_same_run(read_config(in), parse_file_digests(in.read_scalar<std::string>("/files")),
                       wanted.config, wanted.files, file.string());
        ValueRanges ranges = ranges_of(in, wanted.config);
        ranges.set("recorded_trials", {0.0, static_cast<double>(trainer.samples_per_epoch())});
        Hdf5Reader archive(in, "/state", ranges);
        trainer.serialize(archive);
        check_restored(in, trainer, wanted.config);
        recording.serialize(archive);
        recording.check(trainer);
        Hdf5Reader beside(in, "");
        chips.restore(beside);
    });
}

std::optional<learning::NetworkWeights> read_weights_to_program(
    const std::filesystem::path& file, const Experiment& config,
    const std::function<std::unique_ptr<learning::Task>(learning::ExperimentConfig&)>& make_task) {
    const h5::File in = open_checkpoint(file);
    Experiment donor = read_config(in);
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
    Hdf5Reader archive(in, "/state", ranges_of(in, donor));
    naming(file, [&] { trainer->load_weights(archive, donor); });
    return snapshot_of(*trainer);
}

void read_checkpoint_weights(const std::filesystem::path& file, const Experiment& config,
                             learning::TrainerBase& trainer) {
    const h5::File in = open_checkpoint(file);
    const Experiment donor = read_config(in);
    DevicesReader archive(in, ranges_of(in, donor), same_faults(config, donor));
    naming(file, [&] { trainer.load_weights(archive, donor); });
}

}  // namespace memprop::host
