#include "testbenches/chip/chip_run.hpp"

#include <fmt/ostream.h>

#include <chrono>
#include <memory>
#include <optional>

#include "crossbar/base/terminal.hpp"
#include "host_runtime/chip/chip_hardware.hpp"
#include "host_runtime/chip/chip_waveforms.hpp"
#include "host_runtime/results/chip_report.hpp"
#include "host_runtime/results/summary.hpp"
#include "host_runtime/tasks/file_tasks.hpp"
#include "hw_models/chip/step_log.hpp"
#include "learning/trainer.hpp"

namespace memprop::tb {
namespace {

using namespace hw::chip;
using Clock = std::chrono::steady_clock;

/// One trial: the stimulus, with targets 0.
class StimulusTask final : public learning::Task {
public:
    StimulusTask(Stimulus& stimulus, std::uint32_t steps, std::uint32_t outputs) {
        for (std::uint32_t t = 0; t < steps; ++t) {
            for (const std::uint32_t input : stimulus.rows(t)) {
                trial_.input.add(input);
            }
            trial_.input.end_step();
        }
        trial_.target.assign(std::size_t{steps} * outputs, 0.0);
    }
    std::uint32_t trials(learning::Split split) const override {
        return split == learning::Split::training ? 1 : 0;
    }
    const learning::Trial& trial(learning::Split, std::uint64_t, learning::Trial&) const override {
        return trial_;
    }

private:
    learning::Trial trial_;
};

class Run {
public:
    Run(ChipOptions& options, std::ostream* csv) : options_(options), csv_(csv) {
        options.experiment.chip.check_costs();
        std::unique_ptr<learning::Task> task;
        if (options.own_task) {
            task = host::make_any_task(options.experiment);
        } else {
            const auto stimulus =
                make_chip_stimulus(options, static_cast<std::uint32_t>(options.experiment.network.inputs));
            task = std::make_unique<StimulusTask>(
                *stimulus, options.steps, static_cast<std::uint32_t>(options.experiment.network.outputs));
        }
        trainer_ = learning::make_trainer(
            options.experiment, std::move(task), nullptr, [this](const learning::HardwareRequest& around) {
                auto hardware = std::make_unique<host::ChipHardware>(options_.experiment, around);
                hardware_ = hardware.get();
                Chip& chip = hardware->session().chip();
                if (options_.stalls > 0.0) {
                    chip.network().fabric().inject_stalls(
                        {.seed = static_cast<std::uint64_t>(options_.experiment.run.seed),
                         .probability = options_.stalls});
                }
                log_ = std::make_unique<StepLog>(chip);
                chip.observe(*log_);
                if (options_.waveforms) {
                    waveforms_.emplace(hardware->session(), *options_.waveforms);
                }
                return hardware;
            });
    }

    ChipReport run() {
        const auto start = Clock::now();
        auto last_line = start;
        std::vector<double> losses;
        write_header();
        for (std::uint32_t i = 0; i < options_.samples; ++i) {
            losses.push_back(options_.learn ? trainer_->train_sample()
                                            : trainer_->evaluate(learning::Split::training,
                                                                 i % trainer_->samples_per_epoch()));
            write_sample();
            if (Clock::now() - last_line > std::chrono::seconds(10)) {
                last_line = Clock::now();
                say_in_passing("tb_chip: sample {} of {}\n", i + 1, options_.samples);
            }
        }
        const double wall_s = std::chrono::duration<double>(Clock::now() - start).count();
        if (waveforms_ && !waveforms_->commit()) {
            say("tb_chip: warning: {}\n", host::too_short_for(*options_.waveforms));
        }
        return report(losses, wall_s);
    }

private:
    void write_header() {
        if (csv_ == nullptr) {
            return;
        }
        *csv_
            << "sample,step,begin_cycle,inputs,spikes,neuron_cycles,readout_cycles,learning_cycles,end_cycle";
        for (std::int64_t k = 0; k < options_.experiment.network.outputs; ++k) {
            fmt::print(*csv_, ",readout_{}", k);
        }
        *csv_ << '\n';
    }
    void write_sample() {
        const std::vector<StepLog::Step>& steps = log_->steps();
        if (csv_ != nullptr) {
            const std::vector<double> output = trainer_->last_output();
            const auto outputs = static_cast<std::size_t>(options_.experiment.network.outputs);
            for (std::size_t i = written_; i < steps.size(); ++i) {
                const StepLog::Step& step = steps[i];
                fmt::print(*csv_, "{},{},{},{},{},{},{},{},{}", step.sample, i - written_, step.begin_cycle,
                           step.inputs, step.spikes, step.neuron_cycles, step.readout_cycles,
                           step.learning_cycles, step.end_cycle());
                for (std::size_t k = 0; k < outputs; ++k) {
                    fmt::print(*csv_, ",{}", static_cast<float>(output[(i - written_) * outputs + k]));
                }
                *csv_ << '\n';
            }
        }
        written_ = steps.size();
    }
    ChipReport report(const std::vector<double>& losses, double wall_s) {
        const host::ChipSession& session = hardware_->session();
        const Chip& chip = session.chip();
        ChipReport out{host::summarize(options_.experiment, *trainer_, losses, wall_s), {}};
        host::add_chip(session, host::chip_totals(session), out.json);
        out.json["samples"] = options_.samples;
        if (!options_.own_task) {
            out.json["task"] = "stimulus";
        }
        const std::vector<hw::Counter> counters = chip.report(session.image().network);
        for (const hw::Counter& counter : counters) {
            out.json["counters"][counter.name] = counter.value;
        }
        out.json["simulated_cycles_per_s"] = static_cast<double>(chip.cycle()) / wall_s;
        out.text = hardware_->plan().describe(session.compiled()) + counter_table(counters);
        const ChipEnergy energy = chip.energy();
        out.text += fmt::format(
            "energy: routing {:.4g} J, periphery of tiles {:.4g} J, digital {:.4g} J; devices are listed "
            "with "
            "their arrays\n{} cycles, {:.4g} simulated cycles/s\n",
            energy.routing_j, energy.tile_periphery_j, energy.digital_j, chip.cycle(),
            static_cast<double>(chip.cycle()) / wall_s);
        return out;
    }

    ChipOptions& options_;
    std::ostream* const csv_;
    std::unique_ptr<StepLog> log_;  // outlives the chip
    std::unique_ptr<learning::TrainerBase> trainer_;
    host::ChipHardware* hardware_ = nullptr;  // of the trainer
    std::optional<host::ChipWaveforms> waveforms_;
    std::size_t written_ = 0;
};

}  // namespace

ChipReport run_chip(ChipOptions& options, std::ostream* csv) {
    return Run(options, csv).run();
}

}  // namespace memprop::tb
