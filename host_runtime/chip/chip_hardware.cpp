#include "host_runtime/chip/chip_hardware.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "crossbar/base/error.hpp"
#include "host_runtime/chip/core_words.hpp"
#include "host_runtime/chip/mapping.hpp"
#include "hw_models/noc/routing.hpp"

namespace memprop::host {
namespace {

using namespace hw::chip;
namespace reg = hw::chip::host_register;

constexpr std::size_t kNeurons = network::index_of(learning::classic::neurons);

std::uint32_t bits(float value) {
    return std::bit_cast<std::uint32_t>(value);
}

LearningMode mode_of(const learning::LearningConfig& learning) {
    return learning.supervision == learning::Supervision::reward ? LearningMode::reward
           : learning.update_every_steps > 0                     ? LearningMode::between_steps
                                                                 : LearningMode::errors;
}

/// The chip has one layer of neurons with recurrence, and one of readouts.
void check_classic(const Experiment& experiment, const learning::HardwareRequest& request) {
    if (!request.resolved.is_classic) {
        throw InputError(
            "run.engine", "cycle",
            experiment.tables.empty()
                ? "needs network.layers = 1: the chip has one layer of neurons"
                : "needs the network of [network]: the chip runs inputs, one recurrent population "
                  "and readouts, no tables [population.NAME]");
    }
    if (request.learned.size() != 1) {
        throw InputError("run.engine", "cycle", "needs one e-prop rule for all projections");
    }
}

void check_elaboration() {
    if (sc_core::sc_get_status() != sc_core::SC_ELABORATION) {
        throw RunError("the simulation has begun: start another process for the next cycle-level chip");
    }
}

}  // namespace

ChipHardware::Memories::Memories(const learning::HardwareRequest& request)
    : parameters(request.resolved, request.config.learning, request.keeps_state), state(parameters) {}

ChipHardware::ChipHardware(const Experiment& experiment, const learning::HardwareRequest& request)
    : ChipHardware(experiment, request,
                   std::make_unique<Memories>((check_classic(experiment, request), request))) {}

ChipHardware::ChipHardware(const Experiment& experiment, const learning::HardwareRequest& request,
                           std::unique_ptr<Memories> memories)
    : ChipHardware(experiment.chip, map_network(experiment),
                   {.config = request.config,
                    .parameters = memories->parameters,
                    .weights = {request.stores[0], request.stores[1], request.stores[2]},
                    .state = memories->state,
                    .feedback = request.learned[0].feedback->front().front()}) {
    memories_ = std::move(memories);
    network_ = request.resolved.network;
    tape_request_ = request.tape;
}

ChipHardware::ChipHardware(const ChipConfig& config, ChipPlan plan, const ChipParts& parts)
    : parameters_(parts.parameters),
      feedback_decay_(static_cast<float>(parts.config.learning.feedback_decay)),
      network_(learning::resolve_short_form(parts.config).network),
      tape_request_{{true, true, false}, {false, true, false}, {false, true, false}},
      plan_(std::move(plan)),
      mode_(mode_of(parts.config.learning)) {
    consumed_.resize(parameters_.outputs);
    config.check_costs();
    check_elaboration();
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);  // stdout is ours
    chip_ = std::make_unique<Chip>(sc_core::sc_gen_unique_name("chip"), config, plan_, parts);
    processor_ = std::make_unique<HostProcessor>(sc_core::sc_gen_unique_name("processor"));
    processor_->bus.bind(chip_->host().bus);
}

void ChipHardware::load_tables() {
    const auto trees = static_cast<std::uint64_t>(chip_->config().multicast_trees);
    for (const TreePlan& tree : plan_.trees) {
        for (const hw::noc::TreeNode& node :
             hw::noc::xy_tree(chip_->config().noc_params(), tree.root, tree.leaves)) {
            const std::uint64_t word =
                static_cast<std::uint64_t>(node.node) * trees + static_cast<std::uint64_t>(tree.tree);
            processor_->write(reg::routers + 4 * word, static_cast<std::uint32_t>(node.row.input) |
                                                           std::uint32_t{node.row.outputs} << 8);
        }
    }
    for (std::size_t c = 0; c < plan_.cores.size(); ++c) {
        for (const CoreWords& block : core_words(plan_, c, parameters_)) {
            processor_->write(core_address(c, block.first), block.words);
        }
    }
}

void ChipHardware::load(learning::ProjectionId id, std::span<const float> initial) {
    processor_->run([&] {
        if (loaded_projections_ == 0) {
            load_tables();
        }
        const WeightArray& array = chip_->weights(id);
        for (std::size_t c = 0; c < plan_.cores.size(); ++c) {
            for (std::uint32_t t = 0; t < plan_.cores[c].tiles.size(); ++t) {
                const TilePlacement& placed = plan_.cores[c].tiles[t];
                if (placed.projection != id) {
                    continue;
                }
                const hw::tile::TileRegion& region = array.tiles()[placed.tile];
                words_.clear();
                for (std::uint32_t r = 0; r < region.rows; ++r) {
                    for (std::uint32_t k = 0; k < region.columns; ++k) {
                        words_.push_back(bits(initial[std::size_t{region.first_row + r} * array.shape().post +
                                                      region.first_column + k]));
                    }
                }
                processor_->write(core_address(c, kTileWords + t * kTileStride), words_);
            }
        }
        for (std::size_t c = 0; c < plan_.cores.size();
             ++c) {  // posted writes have arrived when this is answered
            processor_->read(core_address(c, static_cast<std::uint32_t>(CoreRegister::status)));
        }
        if (++loaded_projections_ == 3) {
            command(Command::program);
        }
        load_cycles_ = chip_->cycle();
    });
}

void ChipHardware::load_feedback(std::size_t, const learning::FeedbackWeights<float>& feedback) {
    load_feedback(feedback.front().front());
}

void ChipHardware::load_feedback(std::span<const float> feedback) {
    processor_->run([&] {
        for (std::size_t c = 0; c < plan_.cores.size(); ++c) {
            const Slice& neurons = plan_.cores[c].neurons;
            words_.clear();
            for (std::uint32_t k = 0; k < plan_.outputs; ++k) {
                for (std::uint32_t j = 0; j < neurons.count; ++j) {
                    words_.push_back(bits(feedback[std::size_t{k} * plan_.recurrent + neurons.first + j]));
                }
            }
            processor_->write(core_address(c, kFeedbackWords), words_);
            processor_->read(core_address(c, static_cast<std::uint32_t>(CoreRegister::status)));
        }
        load_cycles_ = chip_->cycle();
    });
    chip_->mesh().fabric().start_latencies(chip_->cycle());  // of flits: loading is not what users ask about
}

void ChipHardware::command(Command command) {
    processor_->write(reg::command, static_cast<std::uint32_t>(command));
    while (chip_->host().busy()) {
        sc_core::wait(chip_->host().interrupt_event());
    }
}

void ChipHardware::prepare(const learning::Trial& trial, learning::Tape<float>& tape) {
    learning::begin_tape(network_, tape_request_, trial, tape);
    trial_ = &trial;
    tape_ = &tape;
    learning::PopulationTape<float>& neurons = tape.populations[kNeurons];
    chip_tape_ = {.pseudo_derivative = neurons.pseudo_derivative,
                  .error = tape.objectives[0].error,
                  .spike_count = neurons.spike_count};
    chip_->memory().tape = &chip_tape_;
    if (parameters_.keeps_state) {
        neurons.carried.resize(1);
        neurons.carried[0] = last_spikes();
    }
}

std::vector<std::uint32_t> ChipHardware::last_spikes() const {
    std::vector<std::uint32_t> spikes;
    for (std::uint32_t j = 0; j < plan_.recurrent; ++j) {
        if (chip_->memory().state.spike[j] != 0.0F) {
            spikes.push_back(j);
        }
    }
    return spikes;
}

void ChipHardware::begin_sample(std::uint32_t sample, std::int32_t tick, bool learns) {
    processor_->write(reg::sample, std::array{sample, static_cast<std::uint32_t>(tick)});
    processor_->write(reg::learn, std::array{static_cast<std::uint32_t>(learns ? mode_ : LearningMode::off),
                                             static_cast<std::uint32_t>(trial_->label)});
    command(Command::begin_sample);
}

void ChipHardware::run(const learning::Trial& trial, std::uint32_t sample, std::int32_t tick, bool learns,
                       learning::Tape<float>& tape) {
    prepare(trial, tape);
    processor_->run([&] {
        begin_sample(sample, tick, learns);
        const auto steps = static_cast<std::uint32_t>(trial.input.steps());
        for (std::uint32_t t = 0; t < steps; ++t) {
            run_step(t);
        }
    });
}

void ChipHardware::begin(const learning::Trial& trial, std::uint32_t sample, std::int32_t tick,
                         learning::Tape<float>& tape) {
    prepare(trial, tape);
    processor_->run([&] { begin_sample(sample, tick, true); });
}

void ChipHardware::step(std::uint32_t t) {
    processor_->run([&] { run_step(t); });
}

void ChipHardware::run_step(std::uint32_t step) {
    const learning::Trial& trial = *trial_;
    learning::Tape<float>& tape = *tape_;
    const bool last = step + 1 == trial.input.steps();
    const bool in_window = step >= trial.window_begin && step < trial.window_end;
    if (parameters_.readout_delay > 0) {
        consumed_ = chip_->memory().state.readout_input;
    }
    processor_->write(reg::event_in, trial.input.at(step));
    if (in_window && !trial.target.empty()) {
        words_.clear();
        for (std::uint32_t k = 0; k < plan_.outputs; ++k) {
            words_.push_back(bits(static_cast<float>(trial.target[std::size_t{step} * plan_.outputs + k])));
        }
        processor_->write(reg::targets, words_);
    }
    if (in_window != window_told_) {
        processor_->write(reg::window, in_window ? 1U : 0U);
        window_told_ = in_window;
    }
    processor_->write(reg::step, step);
    command(last ? Command::last_tick : Command::tick);
    learning::ObjectiveTape<float>& answer = tape.objectives[0];
    take_events(spikes_, std::span(answer.output).subspan(std::size_t{step} * plan_.outputs, plan_.outputs));
    for (const std::uint32_t neuron : spikes_) {
        tape.populations[kNeurons].own.add(neuron);
    }
    tape.populations[kNeurons].own.end_step();
    ++network_steps_;
    if (!in_window) {
        std::fill_n(answer.error.begin() + static_cast<std::ptrdiff_t>(std::size_t{step} * plan_.outputs),
                    plan_.outputs, 0.0F);
    }
    if (last) {
        std::array<std::uint32_t, 2> loss{};
        processor_->read(reg::loss, loss);
        answer.loss = std::bit_cast<double>(std::uint64_t{loss[1]} << 32 | loss[0]);
    }
}

/// Spikes come in the order in which cores sent them; a spike train wants them ascending.
void ChipHardware::take_events(std::vector<std::uint32_t>& spikes, std::span<float> readout) {
    constexpr std::uint32_t kUsualSpikes = 3;
    spikes.clear();
    words_.assign(2 * (std::size_t{plan_.outputs} + kUsualSpikes), 0);
    processor_->read(reg::event_out, words_);
    for (std::size_t i = 0; words_[i] != kNoEvent;) {
        if ((words_[i] & kReadoutEvent) != 0) {
            readout[words_[i] & ~kReadoutEvent] = std::bit_cast<float>(words_[i + 1]);
        } else {
            spikes.push_back(words_[i] - plan_.inputs);
        }
        i += 2;
        if (i == words_.size()) {  // there may be more
            processor_->read(reg::event_out, words_);
            i = 0;
        }
    }
    std::sort(spikes.begin(), spikes.end());
}

void ChipHardware::begin_stream(std::int32_t tick, std::uint32_t first_step) {
    processor_->run([&] {
        processor_->write(reg::sample, std::array{0U, static_cast<std::uint32_t>(tick)});
        processor_->write(reg::learn, 0U);
        processor_->write(reg::window, 0U);
        processor_->write(reg::first_step, first_step);
        window_told_ = false;
        command(Command::begin_sample);
    });
    chip_->mesh().fabric().start_latencies(chip_->cycle());
}

void ChipHardware::stream_step(std::uint32_t step, std::span<const std::uint32_t> inputs,
                               std::vector<std::uint32_t>& spikes, std::span<float> readout) {
    processor_->run([&] {
        processor_->write(reg::event_in, inputs);
        processor_->write(reg::step, step);
        command(Command::tick);
        take_events(spikes, readout);
    });
}

void ChipHardware::refresh_feedback(std::uint32_t sample, std::int32_t tick) {
    processor_->run([&] {
        processor_->write(reg::device_tick, std::array{static_cast<std::uint32_t>(tick), sample});
        command(Command::share_feedback);
    });
}

void ChipHardware::adapt_feedback(const learning::Gradients<float>& changes) {
    chip_->weights(learning::classic::w_out).ask(changes[network::index_of(learning::classic::w_out)]);
    processor_->run([&] {
        processor_->write(reg::factor, bits(feedback_decay_));
        command(Command::adapt_feedback);
    });
}

void ChipHardware::limit_gradient(float factor) {
    processor_->run([&] {
        processor_->write(reg::factor, bits(factor));
        command(Command::limit_gradient);
    });
}

void ChipHardware::reward(std::span<const float> errors) {
    processor_->run([&] {
        words_.clear();
        for (const float error : errors) {
            words_.push_back(bits(error));
        }
        processor_->write(reg::targets, words_);
        command(Command::reward);
    });
}

void ChipHardware::measure(learning::ProjectionId id, std::uint32_t sample, std::int32_t tick,
                           std::span<float> weights) {
    processor_->run([&] {
        processor_->write(reg::device_tick, std::array{static_cast<std::uint32_t>(tick), sample,
                                                       static_cast<std::uint32_t>(id)});
        command(Command::measure);
    });
    chip_->weights(id).measured(weights);
}

void ChipHardware::update(std::span<const std::span<const float>> changes, std::uint32_t event,
                          std::int32_t tick) {
    for (std::size_t w = 0; w < changes.size(); ++w) {
        chip_->weights(static_cast<learning::ProjectionId>(w)).ask(changes[w]);
    }
    processor_->run([&] {
        processor_->write(reg::device_tick, std::array{static_cast<std::uint32_t>(tick), event});
        command(Command::update);
    });
}

void ChipHardware::record(hw::WordRecord& record) {
    chip_->record(record);
    std::uint32_t told = window_told_ ? 1 : 0;
    record(told, 1);
    window_told_ = told != 0;
}

/// In the words of network::Executor, so that either engine goes on from the other's state.
void ChipHardware::serialize(StateArchive& archive) {
    learning::NetworkState<float>& state = chip_->memory().state;
    archive("steps_done", network_steps_);
    archive.enter("population1");
    archive("membrane", state.membrane);
    archive("spike", state.spike);
    archive("adaptation", state.adaptation);
    archive("silent", state.silent);
    network::Signal<float> output;
    output.set_spikes(last_spikes());
    network::serialize_signal(archive, "output", output, state.membrane.size());
    archive.leave();
    archive.enter("population2");
    archive("readout", state.readout);
    archive("readout_input", parameters_.readout_delay > 0 ? consumed_ : state.readout_input);
    archive.leave();
    if (parameters_.readout_delay > 0) {
        archive("waiting2_0", state.readout_input);
    }
}

void ChipHardware::state_restored() {
    for (WeightArray* array : chip_->memory().weights) {
        array->devices_changed();
    }
    for (Core* core : chip_->cores()) {
        core->state_restored();
    }
}

}  // namespace memprop::host
