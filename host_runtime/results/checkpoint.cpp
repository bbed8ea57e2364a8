#include "host_runtime/results/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crossbar/base/error.hpp"
#include "host_runtime/config/config_entries.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/files/hdf5_archive.hpp"
#include "host_runtime/files/sealed_file.hpp"
#include "host_runtime/results/checkpoint_check.hpp"
#include "learning/resolve.hpp"

namespace memprop::host {
namespace {

using learning::ProjectionId;

const std::string kFormat = "memprop checkpoint 2";

/// The keys of the devices behind a projection, with their values.
std::vector<ConfigEntry> device_keys(const learning::ProjectionPlan& plan) {
    learning::NetworkTables tables;
    tables.devices.push_back({.name = "", .crossbar = plan.crossbar});
    return list_entries(std::move(tables));
}

/// Whether the devices of all projections agree in the keys that `counts` picks ("pulsed.step_us"), and in
/// being there at all.
template <class Counts>
bool same_devices(const learning::ResolvedNetwork& one, const learning::ResolvedNetwork& other,
                  const Counts& counts) {
    const auto alike = [&](const learning::ProjectionPlan& a, const learning::ProjectionPlan& b) {
        if (a.on_devices != b.on_devices) {
            return false;
        }
        const std::vector<ConfigEntry> x = device_keys(a), y = device_keys(b);
        return !a.on_devices || std::equal(x.begin(), x.end(), y.begin(), y.end(),
                                           [&](const ConfigEntry& e, const ConfigEntry& f) {
                                               return !counts(std::string_view(e.table), e.key) ||
                                                      e.value == f.value;
                                           });
    };
    return std::equal(one.projections.begin(), one.projections.end(), other.projections.begin(),
                      other.projections.end(), alike);
}

bool same_faults(const learning::ResolvedNetwork& one, const learning::ResolvedNetwork& other) {
    return same_devices(one, other,
                        [](std::string_view table, std::string_view) { return table.ends_with(".faults"); });
}

bool same_kind_and_number(const learning::ResolvedNetwork& one, const learning::ResolvedNetwork& other) {
    const bool same_kind = same_devices(one, other, [](std::string_view table, std::string_view key) {
        return table.ends_with(".pulsed") || key == "device" || key == "table_file" || key == "subtraction" ||
               key == "slice_base";
    });
    return same_kind && std::equal(one.projections.begin(), one.projections.end(), other.projections.begin(),
                                   [](const auto& a, const auto& b) {
                                       return !a.on_devices ||
                                              a.update.devices_per_polarity == b.update.devices_per_polarity;
                                   });
}

/// What `donor` is to the projections of `wanted`, which are found by name.
std::vector<ProjectionId> projections_of(const learning::ResolvedNetwork& donor,
                                         const learning::ResolvedNetwork& wanted,
                                         const std::filesystem::path& file) {
    std::vector<ProjectionId> ids;
    for (const network::Projection& p : wanted.network.projections) {
        const auto id = donor.network.find_projection(p.name);
        if (!id) {
            throw InputError(fmt::format("{}: has no weights of projection {}", file.string(), p.name));
        }
        ids.push_back(*id);
    }
    return ids;
}

/// The plans of `donor` in the order of the projections that take its weights.
learning::ResolvedNetwork in_order(const learning::ResolvedNetwork& donor,
                                   std::span<const ProjectionId> ids) {
    learning::ResolvedNetwork sorted;
    for (const ProjectionId id : ids) {
        sorted.projections.push_back(donor.projections[network::index_of(id)]);
    }
    return sorted;
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
    std::int64_t devices = 1;  // per polarity
    for (const learning::ProjectionPlan& plan : learning::resolve(config).projections) {
        devices = std::max<std::int64_t>(devices, plan.on_devices ? plan.update.devices_per_polarity : 1);
    }
    ranges.set("next_device", {0.0, static_cast<double>(devices - 1)});
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
    const learning::ResolvedNetwork wanted = learning::resolve(config), stored = learning::resolve(donor);
    const std::vector<ProjectionId> ids = projections_of(stored, wanted, file);
    if (same_kind_and_number(wanted, in_order(stored, ids))) {
        return {};
    }
    const auto trainer = learning::make_trainer(donor, make_task(donor));
    Hdf5Reader archive(in, "/state", ranges_of(in, donor));
    naming(file, [&] { trainer->load_weights(archive, donor); });
    learning::NetworkWeights weights;
    for (const ProjectionId id : ids) {
        weights.push_back(trainer->snapshot(id));
    }
    return weights;
}

void read_checkpoint_weights(const std::filesystem::path& file, const Experiment& config,
                             learning::TrainerBase& trainer) {
    const h5::File in = open_checkpoint(file);
    const Experiment donor = read_config(in);
    const learning::ResolvedNetwork stored = learning::resolve(donor), wanted = learning::resolve(config);
    const bool with_faults = same_faults(wanted, in_order(stored, projections_of(stored, wanted, file)));
    DevicesReader archive(in, ranges_of(in, donor), with_faults);
    naming(file, [&] { trainer.load_weights(archive, donor); });
}

}  // namespace memprop::host
