#include "host_runtime/results/checkpoint_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/hdf5_archive.hpp"

namespace memprop::host {
namespace {

void check_length(std::string_view name, const std::vector<double>& history, std::uint64_t wanted) {
    if (history.size() != wanted) {
        throw InputError(
            fmt::format("/state/{}: has {} values, {} are needed", name, history.size(), wanted));
    }
}

void check_at_most(const h5::File& checkpoint, std::string_view name, std::uint64_t most) {
    Hdf5Reader reader(checkpoint, "/state");
    std::uint64_t value = 0;
    reader(name, value);
    if (value > most) {
        throw InputError(fmt::format("/state/{}: has the value {}, at most {} can be", name, value, most));
    }
}

}  // namespace

std::int64_t latest_tick(const h5::File& checkpoint) {
    Hdf5Reader reader(checkpoint, "/state");
    std::uint64_t start = 0, samples = 0;
    reader("start_tick", start);
    reader("samples_done", samples);
    constexpr std::uint64_t kMost = std::numeric_limits<std::int32_t>::max() - 1;
    if (start + samples + 1 > kMost) {
        throw InputError(fmt::format("{}: /state/start_tick: {} and {} samples are together more than 2^31",
                                     checkpoint.name(), start, samples));
    }
    return static_cast<std::int64_t>(start + samples + 1);
}

void check_restored(const h5::File& checkpoint, const learning::TrainerBase& trainer,
                    const learning::ExperimentConfig& config) {
    const std::uint64_t epochs = trainer.epochs_done();
    if (epochs > static_cast<std::uint64_t>(config.run.epochs)) {
        throw InputError(fmt::format("/state/samples_done: {} epochs are done, more than run.epochs = {}",
                                     epochs, config.run.epochs));
    }
    const learning::EpochHistory& history = trainer.history();
    check_length("loss_history", history.loss, epochs);
    check_length("accuracy_history", history.accuracy, history.accuracy.empty() ? 0 : epochs);
    check_length("set_pulse_history", history.set_pulses, epochs);
    check_length("reset_pulse_history", history.reset_pulses, epochs);
    check_length("spike_history", history.spikes, epochs);
    const std::vector<double>& validated = history.validation_epoch;
    check_length("validation_loss_history", history.validation_loss, validated.size());
    check_length("validation_accuracy_history", history.validation_accuracy, validated.size());
    if (!std::is_sorted(validated.begin(), validated.end()) ||
        (!validated.empty() && validated.back() > static_cast<double>(epochs))) {
        throw InputError(fmt::format("/state/validation_epochs: must ascend and be at most {}", epochs));
    }
    const crossbar::ArrayCounters counters = trainer.counters();
    check_at_most(checkpoint, "epoch_set_pulses", counters.set_pulses);
    check_at_most(checkpoint, "epoch_reset_pulses", counters.reset_pulses);
    check_at_most(checkpoint, "epoch_spikes", trainer.spikes_done());
}

}  // namespace memprop::host
