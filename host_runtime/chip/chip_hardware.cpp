#include "host_runtime/chip/chip_hardware.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "crossbar/base/error.hpp"
#include "learning/resolve.hpp"
#include "learning/update/scheme.hpp"

namespace memprop::host {
namespace {

using namespace hw::chip;
namespace reg = hw::chip::host_register;
using network::index_of;

constexpr std::size_t kInputs = 0, kNeurons = index_of(learning::classic::neurons), kReadouts = 2;

std::uint32_t bits(float value) {
    return std::bit_cast<std::uint32_t>(value);
}

LearningMode mode_of(const learning::LearningConfig& learning) {
    return learning.supervision == learning::Supervision::reward ? LearningMode::reward
           : learning.update_every_steps > 0                     ? LearningMode::between_steps
                                                                 : LearningMode::errors;
}

/// Cores learn by e-prop, from inputs and one recurrent population through one readout.
const learning::ResolvedNetwork& check_classic(const Experiment& experiment,
                                               const learning::ResolvedNetwork& resolved) {
    if (!resolved.is_classic) {
        throw InputError(
            "run.engine", "cycle",
            experiment.tables.empty()
                ? "needs network.layers = 1: the chip's learning engines serve one layer of neurons"
                : "needs the network of [network]: the chip's learning engines serve inputs, one recurrent "
                  "population and readouts, no tables [population.NAME]");
    }
    return resolved;
}

/// All weights are on arrays that learn.
CompileRequest request_of(const Experiment& e, const network::Network& network) {
    const learning::SchemeKind& scheme = learning::find_scheme_kind("update.scheme", e.update.scheme);
    CompileRequest request{.network = network, .weights = {}, .shown = {}, .moves_cores = false};
    request.shown.assign(network.populations.size(), true);
    request.shown[kInputs] = false;
    for (const network::Projection& p : network.projections) {
        WeightPlace place{.kind = WeightPlace::Kind::array,
                          .tile_rows = network::rows_of(network, p),
                          .tile_columns = 0,
                          .columns_per_converter = 1,
                          .tiles_per_part = scheme.has_array ? 2U : 1U};
        if (scheme.make != nullptr) {
            place.tile_rows = static_cast<std::uint32_t>(e.crossbar.tile_rows);
            place.tile_columns = static_cast<std::uint32_t>(e.crossbar.tile_columns);
            place.columns_per_converter = static_cast<std::uint32_t>(e.crossbar.adc.columns_per_converter);
        }
        request.weights.push_back(place);
    }
    return request;
}

}  // namespace

TrainedPlan::TrainedPlan(const Experiment& experiment)
    : experiment_(experiment),
      resolved_(learning::resolve(experiment_)),
      request_(request_of(experiment_, check_classic(experiment_, resolved_).network)) {}

ChipHardware::ChipHardware(const Experiment& experiment, const learning::HardwareRequest& request)
    : plan_(experiment),
      network_(request.resolved.network),
      tape_request_(request.tape),
      mode_(mode_of(request.config.learning)),
      feedback_decay_(static_cast<float>(request.config.learning.feedback_decay)),
      keeps_state_(request.keeps_state),
      feedback_(request.learned.at(0).feedback->front().front()),
      session_(plan_.chip_for(plan_.compile()), request.config.crossbar, network_.time_step_seconds) {
    if (request.learned.size() != 1) {
        throw InputError("run.engine", "cycle", "needs one e-prop rule for all projections");
    }
    CompiledNetwork compiled = plan_.compile();
    std::vector<Chip::Attached> attached(network_.projections.size());
    for (std::size_t p = 0; p < attached.size(); ++p) {
        attached[p].store = request.stores[p];
        attached[p].tile_rows = plan_.request().weights[p].tile_rows;
        attached[p].tile_columns = compiled.tile_columns[p];
    }
    session_.chip().attach_feedback(feedback_, network_.populations[kNeurons].size);
    session_.load(std::move(compiled), attached);
    executor_ = std::make_unique<ChipExecutor>(session_);
    executor_->keep_state(keeps_state_);
}

void ChipHardware::load(learning::ProjectionId id, std::span<const float> initial) {
    session_.load_weights(static_cast<std::uint32_t>(id), initial);
    if (++loaded_projections_ == network_.projections.size()) {
        session_.program();
    }
}

void ChipHardware::load_feedback(std::size_t, const learning::FeedbackWeights<float>& feedback) {
    const std::vector<float> weights = feedback.front().front();  // the cores' memory is the same
    const std::uint32_t neurons = network_.populations[kNeurons].size,
                        outputs = network_.populations[kReadouts].size;
    for (std::size_t c = 0; c < session_.image().cores.size(); ++c) {
        for (const UnitImage& unit : session_.image().cores[c].units) {
            if (unit.population != kNeurons) {
                continue;
            }
            words_.clear();
            for (std::uint32_t k = 0; k < outputs; ++k) {
                for (std::uint32_t j = 0; j < unit.slice.count; ++j) {
                    words_.push_back(bits(weights[std::size_t{k} * neurons + unit.slice.first + j]));
                }
            }
            session_.write_core(session_.core_number(c), kFeedbackWords, words_);
        }
    }
    session_.note_loaded();
}

void ChipHardware::begin_trial(const learning::Trial& trial, std::uint32_t sample, std::int32_t tick,
                               bool learns, learning::Tape<float>& tape) {
    learning::begin_tape(network_, tape_request_, trial, tape);
    trial_ = &trial;
    tape_ = &tape;
    chip_tape_.pseudo_derivative.clear();
    for (std::size_t p = 0; p < network_.populations.size(); ++p) {
        chip_tape_.pseudo_derivative.push_back(
            {tape.populations[p].pseudo_derivative, network_.populations[p].size});
    }
    chip_tape_.error = tape.objectives[0].error;
    session_.chip().memory().tape = &chip_tape_;
    if (keeps_state_) {
        const auto spikes = executor_->output(learning::classic::neurons).spikes();
        tape.populations[kNeurons].carried.resize(1);
        tape.populations[kNeurons].carried[0].assign(spikes.begin(), spikes.end());
    }
    session_.write(reg::label, static_cast<std::uint32_t>(trial.label));
    executor_->begin_sample(sample, tick, learns ? mode_ : LearningMode::off, keeps_state_);
}

void ChipHardware::run(const learning::Trial& trial, std::uint32_t sample, std::int32_t tick, bool learns,
                       learning::Tape<float>& tape) {
    begin_trial(trial, sample, tick, learns, tape);
    const auto steps = static_cast<std::uint32_t>(trial.input.steps());
    for (std::uint32_t t = 0; t < steps; ++t) {
        step(t);
    }
}

void ChipHardware::begin(const learning::Trial& trial, std::uint32_t sample, std::int32_t tick,
                         learning::Tape<float>& tape) {
    begin_trial(trial, sample, tick, true, tape);
}

void ChipHardware::step(std::uint32_t step) {
    const learning::Trial& trial = *trial_;
    learning::Tape<float>& tape = *tape_;
    const std::uint32_t outputs = network_.populations[kReadouts].size;
    const bool last = step + 1 == trial.input.steps();
    const bool in_window = step >= trial.window_begin && step < trial.window_end;
    if (in_window && !trial.target.empty()) {
        words_.clear();
        for (std::uint32_t k = 0; k < outputs; ++k) {
            words_.push_back(bits(static_cast<float>(trial.target[std::size_t{step} * outputs + k])));
        }
        session_.write(reg::targets, words_);
    }
    if (in_window != window_told_) {
        session_.write(reg::window, in_window ? 1U : 0U);
        window_told_ = in_window;
    }
    executor_->input(network::PopulationId{kInputs}).set_spikes(trial.input.at(step));
    executor_->sample_step(step, last);
    learning::ObjectiveTape<float>& answer = tape.objectives[0];
    const auto output = std::span(answer.output).subspan(std::size_t{step} * outputs, outputs);
    std::fill(output.begin(), output.end(), 0.0F);
    for_each_nonzero(executor_->output(network::PopulationId{kReadouts}),
                     [&](std::uint32_t k, float y) { output[k] = y; });
    learning::PopulationTape<float>& neurons = tape.populations[kNeurons];
    for (const std::uint32_t neuron : executor_->output(learning::classic::neurons).spikes()) {
        neurons.own.add(neuron);
        if (!neurons.spike_count.empty()) {
            ++neurons.spike_count[neuron];
        }
    }
    neurons.own.end_step();
    if (!in_window) {
        std::fill_n(answer.error.begin() + static_cast<std::ptrdiff_t>(std::size_t{step} * outputs), outputs,
                    0.0F);
    }
    if (last) {
        std::array<std::uint32_t, 2> loss{};
        session_.read(reg::loss, loss);
        answer.loss = std::bit_cast<double>(std::uint64_t{loss[1]} << 32 | loss[0]);
    }
}

void ChipHardware::refresh_feedback(std::uint32_t sample, std::int32_t tick) {
    session_.write(reg::device_tick, std::array{static_cast<std::uint32_t>(tick), sample});
    session_.command(Command::share_feedback);
}

void ChipHardware::adapt_feedback(const learning::Gradients<float>& changes) {
    session_.chip()
        .weights(static_cast<std::uint32_t>(learning::classic::w_out))
        .ask(changes[index_of(learning::classic::w_out)]);
    session_.write(reg::factor, bits(feedback_decay_));
    session_.command(Command::adapt_feedback);
}

void ChipHardware::limit_gradient(float factor) {
    session_.write(reg::factor, bits(factor));
    session_.command(Command::limit_gradient);
}

void ChipHardware::reward(std::span<const float> errors) {
    words_.clear();
    for (const float error : errors) {
        words_.push_back(bits(error));
    }
    session_.write(reg::targets, words_);
    session_.command(Command::reward);
}

void ChipHardware::measure(learning::ProjectionId id, std::uint32_t sample, std::int32_t tick,
                           std::span<float> weights) {
    session_.write(reg::device_tick,
                   std::array{static_cast<std::uint32_t>(tick), sample, static_cast<std::uint32_t>(id)});
    session_.command(Command::measure);
    session_.chip().weights(static_cast<std::uint32_t>(id)).measured(weights);
}

void ChipHardware::update(std::span<const std::span<const float>> changes, std::uint32_t event,
                          std::int32_t tick) {
    for (std::size_t p = 0; p < changes.size(); ++p) {
        session_.chip().weights(static_cast<std::uint32_t>(p)).ask(changes[p]);
    }
    session_.write(reg::device_tick, std::array{static_cast<std::uint32_t>(tick), event});
    session_.command(Command::update);
}

void ChipHardware::record(hw::WordRecord& record) {
    session_.chip().record(record);
    std::uint32_t told = window_told_ ? 1 : 0;
    record(told, 1);
    window_told_ = told != 0;
}

void ChipHardware::serialize(StateArchive& archive) {
    executor_->serialize(archive);
}

void ChipHardware::state_restored() {
    for (std::uint32_t p = 0; p < network_.projections.size(); ++p) {
        session_.chip().weights(p).devices_changed();
    }
    if (keeps_state_) {
        executor_->write_state();
    }
}

}  // namespace memprop::host
