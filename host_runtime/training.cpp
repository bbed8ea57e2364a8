#include "host_runtime/training.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "host_runtime/chip/chip_hardware.hpp"
#include "host_runtime/chip/chip_waveforms.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/config/keys_without_effect.hpp"
#include "host_runtime/exchange/drawing.hpp"
#include "host_runtime/exchange/initial_weights.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "host_runtime/files/directory_lock.hpp"
#include "host_runtime/nir/kind.hpp"
#include "host_runtime/nir/read.hpp"
#include "host_runtime/results/checkpoint.hpp"
#include "host_runtime/results/chip_passes.hpp"
#include "host_runtime/results/chip_report.hpp"
#include "host_runtime/results/chip_totals.hpp"
#include "host_runtime/results/programming_warnings.hpp"
#include "host_runtime/results/recording.hpp"
#include "host_runtime/results/summary.hpp"
#include "host_runtime/results/task_metrics.hpp"
#include "host_runtime/tasks/file_tasks.hpp"
#include "learning/trainer.hpp"

namespace memprop::host {
namespace {

using Clock = std::chrono::steady_clock;

struct Run : TrainRequest {
    std::vector<KeyWithoutEffect> keys_without_effect;
};

void create_result_directory(const std::filesystem::path& directory) {
    std::error_code error;
    if (!directory.parent_path().empty()) {
        std::filesystem::create_directories(directory.parent_path(), error);
    }
    if (error || !std::filesystem::create_directory(directory, error)) {
        throw InputError(
            fmt::format("--out {}: {}", directory.string(),
                        error ? error.message() : "exists already; results are never overwritten"));
    }
}

/// The chip a run is on, if it is on one.
struct OnChip {
    const ChipHardware& hardware;
    const ChipLedger& ledger;
    ChipPasses passes;
};

void close_pass(std::optional<OnChip>& chip, std::uint64_t epochs_done, std::string_view pass) {
    if (chip) {
        chip->passes.close(epochs_done, pass);
    }
}

/// The result but for the evaluation that follows: what it counts ends here, on the chip as in the devices.
nlohmann::ordered_json result_of(const Run& request, learning::TrainerBase& trainer,
                                 const std::optional<OnChip>& chip, const std::vector<double>& losses,
                                 double wall_s) {
    nlohmann::ordered_json result = summarize(request.config, trainer, losses, wall_s);
    result["keys_without_effect"] = without_effect_json(request.keys_without_effect);
    if (chip) {
        add_chip(chip->hardware.session(), chip->ledger.total(), result);
    }
    return result;
}

void write_results(const Run& request, learning::TrainerBase& trainer, const std::optional<OnChip>& chip,
                   const Recording& recording, const std::vector<SplitAnswers>& answers,
                   const nlohmann::ordered_json& result) {
    if (chip) {
        write_text_atomically(request.directory / "chip.csv", chip_csv(chip->hardware.session()));
        write_text_atomically(request.directory / "chip_passes.csv", chip->passes.csv());
    }
    recording.write(request.directory / "run.h5", trainer, answers);
    write_text_atomically(request.directory / "history.csv", history_csv(trainer.history()));
    const learning::ResolvedNetwork& resolved = trainer.resolved();
    write_text_atomically(request.directory / "network.json",
                          network_json(resolved.network, resolved.projections).dump(2) + "\n");
    write_text_atomically(request.directory / "result.json", result.dump(2) + "\n");
}

/// Means over trials shown one after the other.
class PassOverTraining {
public:
    void add(double loss, const learning::TrainerBase& trainer) {
        const std::int32_t label = trainer.last_trial().label;
        ++trials_;
        loss_ += loss;
        labelled_ += label >= 0 ? 1 : 0;
        right_ += label >= 0 && trainer.last_answer() == label ? 1 : 0;
    }
    double loss() const { return loss_ / trials_; }
    std::optional<double> accuracy() const {
        return labelled_ == 0 ? std::nullopt : std::optional(double(right_) / labelled_);
    }

private:
    std::uint32_t trials_ = 0, labelled_ = 0, right_ = 0;
    double loss_ = 0.0;
};

TrainOutcome evaluate(const Run& request, learning::TrainerBase& trainer, std::optional<OnChip>& chip) {
    const auto start = Clock::now();
    Recording recording(false);
    PassOverTraining pass;
    for (std::uint32_t i = 0; i < trainer.samples_per_epoch(); ++i) {
        pass.add(trainer.evaluate(learning::Split::training, i), trainer);
        recording.keep(trainer, i);
        if (request.interrupted && request.interrupted()) {
            return {.interrupted = true, .result = {}};
        }
    }
    close_pass(chip, 0, "evaluation");
    const double wall_s = std::chrono::duration<double>(Clock::now() - start).count();
    TrainOutcome outcome;
    outcome.result = result_of(request, trainer, chip, {pass.loss()}, wall_s);
    const std::vector<SplitAnswers> answers =
        add_task_metrics(trainer, pass.loss(), pass.accuracy(), outcome.result["metrics"]);
    close_pass(chip, 0, "final");
    write_results(request, trainer, chip, recording, answers, outcome.result);
    return outcome;
}

bool validates(const learning::RunConfig& run, const learning::TrainerBase& trainer) {
    return run.validate_every > 0 && trainer.task().trials(learning::Split::validation) > 0 &&
           trainer.epochs_done() % static_cast<std::uint64_t>(run.validate_every) == 0;
}

/// True once `patience` validations have followed the one with the lowest loss.
bool stops_early(const learning::RunConfig& run, const learning::EpochHistory& history) {
    const std::vector<double>& loss = history.validation_loss;
    const auto best = std::min_element(loss.begin(), loss.end());
    return run.patience > 0 && loss.end() - best > run.patience;
}

/// Trains to the last epoch or until `request` stops it, with checkpoints on the way. Returns whether it was
/// stopped.
bool train_epochs(const Run& request, const CheckpointOwner& owner, learning::TrainerBase& trainer,
                  std::optional<OnChip>& chip, const ChipLedger& ledger, Recording& recording) {
    const auto epochs = static_cast<std::uint64_t>(request.config.run.epochs);
    const auto every = static_cast<std::uint64_t>(request.config.run.checkpoint_every);
    const std::uint32_t per_epoch = trainer.samples_per_epoch();
    const std::filesystem::path checkpoint = request.directory / "checkpoint.h5";
    bool stopped = stops_early(request.config.run, trainer.history());
    while (trainer.epochs_done() < epochs && !stopped) {
        const auto index = static_cast<std::uint32_t>(trainer.samples_done() % per_epoch);
        const bool last_epoch = trainer.epochs_done() + 1 == epochs,
                   may_stop = request.config.run.patience > 0;
        if (index == 0) {
            recording.clear();
        }
        trainer.train_sample();
        recording.follow(trainer);
        if (last_epoch || may_stop) {
            recording.keep(trainer, index);
        }
        if (trainer.samples_done() % per_epoch == 0) {
            close_pass(chip, trainer.epochs_done(), "training");
            if (validates(request.config.run, trainer)) {
                trainer.validate();
                close_pass(chip, trainer.epochs_done(), "validation");
                stopped = stops_early(request.config.run, trainer.history());
            }
        }
        const std::uint64_t done = trainer.epochs_done();
        if (request.progress) {
            const std::vector<double>& losses = trainer.history().loss;
            request.progress(done, losses.empty() ? std::nullopt : std::optional(losses.back()));
        }
        if (request.interrupted && request.interrupted()) {
            write_checkpoint(checkpoint, owner, trainer, recording, ledger);
            return true;
        }
        if (trainer.samples_done() % per_epoch == 0 && every > 0 && done % every == 0 && done < epochs) {
            write_checkpoint(checkpoint, owner, trainer, recording, ledger);
        }
    }
    return false;
}

/// A run that fails, by learning that diverges above all, leaves the history of the epochs it has finished
/// beside its last checkpoint.
[[noreturn]] void keep_history(const std::filesystem::path& directory, const learning::TrainerBase& trainer,
                               const RunError& failure) {
    const std::filesystem::path file = directory / "history.csv";
    try {
        write_text_atomically(file, history_csv(trainer.history()));
    } catch (const RunError&) {
        throw failure;  // it says why
    }
    const std::filesystem::path checkpoint = directory / "checkpoint.h5";
    throw RunError(fmt::format(
        "{}\n{} has the {} epochs before; {}", failure.what(), file.string(), trainer.history().loss.size(),
        std::filesystem::exists(checkpoint) ? fmt::format("{} is the last checkpoint", checkpoint.string())
                                            : "there was no checkpoint yet"));
}

TrainOutcome learn(const Run& request, const CheckpointOwner& owner, learning::TrainerBase& trainer,
                   std::optional<OnChip>& chip, const ChipLedger& ledger, Recording& recording) {
    const auto start = Clock::now();
    double wall_s = 0.0;
    try {
        if (train_epochs(request, owner, trainer, chip, ledger, recording)) {
            return {.interrupted = true, .result = {}};
        }
        wall_s = std::chrono::duration<double>(Clock::now() - start).count();
        write_checkpoint(request.directory / "checkpoint.h5", owner, trainer, recording, ledger);
    } catch (const RunError& failure) {
        keep_history(request.directory, trainer, failure);
    }
    TrainOutcome outcome;
    const learning::EpochHistory& history = trainer.history();
    outcome.result = result_of(request, trainer, chip, history.loss, wall_s);
    const std::vector<SplitAnswers> answers =
        add_task_metrics(trainer, history.loss.back(),
                         history.accuracy.empty() ? std::nullopt : std::optional(history.accuracy.back()),
                         outcome.result["metrics"]);
    close_pass(chip, trainer.epochs_done(), "final");
    write_results(request, trainer, chip, recording, answers, outcome.result);
    return outcome;
}

/// On a chip pulses are as long as it makes them, unless the device says how long they are.
Experiment as_built(const Experiment& config) {
    Experiment built = config;
    if (config.run.engine == learning::EngineKind::cycle && config.crossbar.energy.missing().empty()) {
        built.crossbar.energy = config.chip.device_costs(config.crossbar.energy, config.crossbar.device);
    }
    return built;  // the chip refuses costs that are missing
}

void check_trainable(const Experiment& config, const learning::TrainerBase& trainer) {
    for (std::size_t p = 0; p < trainer.network().projections.size(); ++p) {
        const auto* array = trainer.array(static_cast<learning::ProjectionId>(p));
        const learning::ProjectionPlan& plan = trainer.resolved().projections[p];
        if (array != nullptr && !plan.rule.empty() && !array->model().takes_pulses()) {
            throw InputError(config.tables.empty()
                                 ? "crossbar.device"
                                 : fmt::format("projection.{}.device", trainer.network().projections[p].name),
                             plan.crossbar.device,
                             "is programmed once and takes no update pulses; it needs --evaluate");
        }
    }
}

/// What --init gives to be programmed anew; nothing if it is a checkpoint whose devices can be taken over.
std::optional<learning::NetworkWeights> weights_to_program(const std::filesystem::path& file,
                                                           const Experiment& config) {
    if (nir::is_checkpoint(file)) {
        return read_weights_to_program(file, config, make_any_task);
    }
    const nir::Network network = nir::read_network(file);
    learning::NetworkWeights weights = initial_weights(network, file.string(), config);
    for (const std::string& warning : initial_weights_warnings(network, file.string(), config)) {
        say("memprop: warning: {}: {}\n", file.string(), warning);
    }
    return weights;
}

}  // namespace

void check_resumable(const std::filesystem::path& directory, const Experiment& wanted) {
    const Experiment stored = load_experiment(directory / "config.toml", {});
    check_same_run(stored, {}, wanted, {}, fmt::format("--resume {}", directory.string()));
    if (wanted.run.epochs < stored.run.epochs) {
        throw InputError(
            fmt::format("--resume {}: run.epochs = {} is less than the {} of the run; it may only grow",
                        directory.string(), wanted.run.epochs, stored.run.epochs));
    }
}

learning::NetworkWeights weights_by_projection(const Experiment& config, const NamedWeights& weights) {
    const network::Network network = learning::resolve(config).network;
    learning::NetworkWeights by_projection(network.projections.size());
    for (const auto& [name, values] : weights) {
        const auto id = network.find_projection(name);
        if (!id) {
            throw InputError("weights", name, "is no projection of the network");
        }
        by_projection[network::index_of(*id)] = values;
    }
    return by_projection;
}

std::vector<KeyWithoutEffect> check_trainable(const Experiment& given) {
    Experiment config = given;
    std::unique_ptr<learning::Task> task = make_any_task(config);
    const auto trainer = learning::make_trainer(config, std::move(task));
    if (config.run.engine == learning::EngineKind::cycle) {
        config.chip.check_costs();
        if (trainer->has_devices()) {
            config.chip.device_costs(config.crossbar.energy, config.crossbar.device);
        }
        TrainedPlan(config).compile();
    }
    return keys_without_effect(given, config, *trainer);
}

TrainOutcome run_training(const TrainRequest& given) {
    Run request{given, {}};
    std::optional<DirectoryLock> lock;
    if (request.resume) {
        lock.emplace(request.directory);
    }
    std::unique_ptr<learning::Task> task = make_any_task(request.config);
    if (request.resume) {
        check_resumable(request.directory, request.config);
    }
    auto to_program = request.init ? weights_to_program(*request.init, request.config) : std::nullopt;
    if (!request.weights.empty()) {
        if (request.init || request.resume) {
            throw InputError("weights are given, and a file to start from, too");
        }
        to_program = weights_by_projection(request.config, request.weights);
    }
    ChipHardware* chip = nullptr;
    learning::HardwareFactory make_hardware;
    if (request.waveforms && request.config.run.engine != learning::EngineKind::cycle) {
        throw InputError("--trace needs --engine cycle: waveforms are those of the chip");
    }
    if (request.config.run.engine == learning::EngineKind::cycle) {
        make_hardware = [&](const learning::HardwareRequest& around) {
            auto hardware = std::make_unique<ChipHardware>(request.config, around);
            chip = hardware.get();
            return hardware;
        };
    }
    const std::unique_ptr<learning::TrainerBase> trainer = learning::make_trainer(
        as_built(request.config), std::move(task), to_program ? &*to_program : nullptr, make_hardware);
    if (!request.evaluate) {
        check_trainable(request.config, *trainer);
    }
    if (request.init && !to_program) {
        read_checkpoint_weights(*request.init, request.config, *trainer);
    } else if (request.warn && !request.resume) {
        for (const std::string& line : programming_warnings(*trainer, request.config)) {
            request.warn(line);
        }
    }
    request.keys_without_effect = keys_without_effect(given.config, request.config, *trainer);
    if (request.without_effect && !request.keys_without_effect.empty()) {
        request.without_effect(request.keys_without_effect);
    }
    Recording recording(request.config.task.name == "golden");
    const std::filesystem::path checkpoint = request.directory / "checkpoint.h5";
    ChipLedger ledger;
    ledger.follow(chip);
    const CheckpointOwner owner(request.config);
    if (request.resume && std::filesystem::exists(checkpoint)) {
        read_checkpoint(checkpoint, owner, *trainer, recording, ledger);
    } else if (!request.resume) {
        create_result_directory(request.directory);
        lock.emplace(request.directory);
    }
    write_text_atomically(request.directory / "config.toml", print_experiment(request.config));
    std::optional<ChipWaveforms> waveforms;
    if (request.waveforms) {
        waveforms.emplace(chip->session(), *request.waveforms);
    }
    std::optional<OnChip> on_chip;
    if (chip != nullptr) {
        on_chip.emplace(
            OnChip{*chip, ledger, ChipPasses(chip->session(), *trainer, request.config.crossbar.energy)});
    }
    TrainOutcome outcome = request.evaluate ? evaluate(request, *trainer, on_chip)
                                            : learn(request, owner, *trainer, on_chip, ledger, recording);
    if (waveforms && !waveforms->commit() && request.warn) {
        request.warn(too_short_for(*request.waveforms));
    }
    return outcome;
}

}  // namespace memprop::host
