#include "hw_models/chip/core.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "hw_models/chip/neuron_registers.hpp"

namespace memprop::hw::chip {
namespace {

using learning::ProjectionId;

std::uint32_t code(Tick tick) {
    return static_cast<std::uint32_t>(tick);
}

CoreShape shape_of(const ChipPlan& plan, const CorePlan& core, const ChipMemory& memory) {
    CoreShape shape{.neurons = core.neurons.count,
                    .readouts = core.readouts.count,
                    .neuron_inputs = core.neurons.count > 0 ? plan.inputs + plan.recurrent : 0,
                    .readout_inputs = core.readouts.count > 0 ? plan.recurrent : 0,
                    .network_outputs = plan.outputs};
    // Tiles per column: row blocks, counted at the first column of each layer.
    for (const TilePlacement& placed : core.tiles) {
        const bool readout = placed.projection == learning::classic::w_out;
        const tile::TileRegion& region = memory.array(placed.projection).tiles()[placed.tile];
        if (region.first_column == (readout ? core.readouts.first : core.neurons.first)) {
            ++(readout ? shape.readout_tiles : shape.neuron_tiles);
        }
    }
    return shape;
}

}  // namespace

Core::Core(const sc_core::sc_module_name& name, const ChipPlan& plan, std::size_t index,
           const ChipConfig& config, std::int64_t columns_per_converter, ChipMemory& memory,
           const sc_core::sc_time& period)
    : sc_module(name),
      plan_(plan.cores[index]),
      config_(config),
      memory_(memory),
      input_addresses_(plan.inputs),
      recurrent_(plan.recurrent),
      outputs_(plan.outputs),
      shape_(shape_of(plan, plan_, memory)),
      period_(period),
      axon_words_(static_cast<std::size_t>(config.axon_ranges) * kAxonRowWords),
      owner_words_(plan.cores.size() * 4),
      parameters_(learning::NetworkConfig{}),
      beta_(plan_.neurons.count),
      alpha_(plan_.neurons.count),
      gain_(plan_.neurons.count),
      neurons_{.slice = plan_.neurons, .tiles = {}},
      readouts_{.slice = plan_.readouts, .tiles = {}},
      feedback_changes_(std::size_t{plan_.neurons.count} * outputs_),
      from_input_(plan_.neurons.count),
      from_recurrent_(plan_.neurons.count),
      readout_sums_(plan_.readouts.count),
      unused_psi_(plan_.neurons.count) {
    for (std::uint32_t t = 0; t < plan_.tiles.size(); ++t) {
        const TilePlacement& placed = plan_.tiles[t];
        const std::string tile_name = fmt::format("tile_{}", t);
        tiles_.push_back(
            memory.array(placed.projection)
                .make_tile(tile_name.c_str(), placed.tile, config, columns_per_converter, period));
        if (auto fast = memory.array(placed.projection)
                            .make_fast_tile(fmt::format("{}.fast_tile_{}", this->name(), t), placed.tile,
                                            config, columns_per_converter)) {
            fast_tiles_.push_back(std::move(fast));
        }
        tile_ports_.push_back(tiles_.back()->port.operator->());
        tile_ports_.back()->poll_sums();
        (placed.projection == learning::classic::w_out ? readouts_ : neurons_).tiles.push_back(t);
    }
}

void Core::end_of_elaboration() {
    // Spikes are latched; the tick that follows them wakes the core.
    port->set_wake_filter([](const noc::Flit& flit) { return flit.kind != noc::FlitKind::spike; });
    SC_HAS_PROCESS(Core);
    SC_METHOD(run);
    sensitive << due_ << port->wake_event();
    for (tile::SynapseTileIf* tile : tile_ports_) {
        sensitive << tile->done_event();
    }
    dont_initialize();
}

void Core::run() {
    ++activations_;
    noc::ArrivedFlit delivery;
    while (port->take(delivery)) {
        receive(delivery);
    }
    while (advance(neurons_) || advance(readouts_) || advance_engine()) {
    }
    finish_step_if_done();
    sleep_until_due();
}

void Core::sleep_until_due() {
    std::uint64_t next = noc::kNever;
    for (const Layer* layer : {&neurons_, &readouts_}) {
        if (layer->phase == Phase::reading) {
            next = std::min(next, layer->due);
        }
    }
    next = std::min(next, engine_due_);
    if (next != noc::kNever) {
        const sc_core::sc_time due = sc_core::sc_time::from_value(next * period_.value());
        due_.notify(due - sc_core::sc_time_stamp());
    }
}

Core::Phase Core::phase_of(const Layer& layer) const {
    return cycle() < layer.updated_at ? Phase::updating : layer.phase;
}

void Core::receive(const noc::ArrivedFlit& delivery) {
    const noc::Flit& flit = delivery.flit;
    switch (flit.kind) {
        case noc::FlitKind::spike:
            receive_spike(flit, delivery.cycle);
            break;
        case noc::FlitKind::tick:
            receive_tick(flit);
            break;
        case noc::FlitKind::graded:
            receive_graded(flit);
            break;
        case noc::FlitKind::configuration:
            receive_configuration(flit);
            break;
        case noc::FlitKind::barrier:  // nobody here enters one
            break;
    }
}

void Core::receive_spike(const noc::Flit& flit, std::uint64_t arrival) {
    bool mapped = false;
    const std::uint32_t rows = registers_[static_cast<std::size_t>(CoreRegister::axon_ranges)];
    for (std::uint32_t i = 0; i < rows; ++i) {
        const std::uint32_t* const range = &axon_words_[std::size_t{i} * kAxonRowWords];
        const std::uint32_t offset = flit.address - range[0];
        if (flit.address < range[0] || offset >= range[1]) {
            continue;
        }
        mapped = true;
        const std::uint32_t tile = range[2], row = range[3] + offset, step = flit.value + range[4];
        const Layer& layer = plan_.tiles[tile].projection == learning::classic::w_out ? readouts_ : neurons_;
        if (layer.phase == Phase::open && layer.step == step) {
            tile_ports_[tile]->row_event_of(row, arrival);
        } else {
            latched_.push_back({tile, row, step});
        }
    }
    stats_.add(mapped ? CoreCounter::events : CoreCounter::unmapped_events);
}

void Core::receive_tick(const noc::Flit& flit) {
    const auto tick = static_cast<Tick>(flit.address);
    switch (tick) {
        case Tick::begin_sample:
            begin_sample(flit.value);
            break;
        case Tick::step:
        case Tick::last_step:
            step_ = flit.value;
            last_step_ = tick == Tick::last_step;
            step_running_ = true;
            if (mode() == LearningMode::between_steps) {
                open(neurons_, step_);
                open(readouts_, step_);
                readouts_.ended =  // neurons_done may have come on a shorter way
                    cores_done_ == registers_[static_cast<std::size_t>(CoreRegister::cores_to_await)];
            }
            neurons_.ended = true;
            break;
        case Tick::neurons_done:
            if (++cores_done_ == registers_[static_cast<std::size_t>(CoreRegister::cores_to_await)]) {
                readouts_.ended = true;
            }
            break;
        case Tick::update:
            start_pass(Engine::planning, planning_cycles(config_, shape_),
                       static_cast<std::uint64_t>(config_.update_cycles) * shape_.synapses());
            break;
        case Tick::square:
        case Tick::scale:
            start_pass(Engine::limiting, synapse_pass_cycles(config_, shape_), shape_.synapses());
            break;
        case Tick::reward:
            engine_ = Engine::rewarding;
            engine_since_ = cycle();
            break;
        case Tick::adapt:
            start_adaptation(std::bit_cast<float>(flit.value));
            break;
        case Tick::refresh:
            start_refresh();
            break;
        case Tick::measure:
            start_measure(static_cast<ProjectionId>(flit.value), Engine::measuring);
            break;
        case Tick::share:
            start_measure(learning::classic::w_out, Engine::sharing);
            break;
        case Tick::core_done:
            stats_.add(CoreCounter::refused_flits);
            break;
    }
}

void Core::receive_graded(const noc::Flit& flit) {
    const std::uint32_t word = flit.address & kGradedMask;
    const auto value = std::bit_cast<float>(flit.value);
    if ((flit.address & ~kGradedMask) == kFeedbackValue && word < shape_.neurons * outputs_) {
        write_word(kFeedbackWords + word, flit.value);
        ++feedback_words_;
    } else if ((flit.address & ~kGradedMask) == kFeedbackChange && word < feedback_changes_.size()) {
        feedback_changes_[word] = value;
        ++feedback_words_;
    } else if ((flit.address & ~kGradedMask) == kErrorValue && engine_ == Engine::rewarding) {
        ++errors_;
    } else if ((flit.address & ~kGradedMask) == kErrorValue && word < outputs_ && memory_.tape != nullptr) {
        memory_.tape->error[std::size_t{step_} * outputs_ + word] = value;
        ++errors_;
    } else {
        stats_.add(CoreCounter::refused_flits);
    }
}

void Core::begin_sample(std::uint32_t sample) {
    const auto tick =
        static_cast<std::int32_t>(registers_[static_cast<std::size_t>(CoreRegister::device_tick)]);
    const std::uint32_t first = registers_[static_cast<std::size_t>(CoreRegister::first_step)];
    for (tile::SynapseTileIf* tile : tile_ports_) {
        tile->begin_sample(sample, tick);
    }
    if (parameters_.keeps_state) {
        for (Latched& event : latched_) {
            event.step = first;  // spikes of the last step arrive in the first one
        }
    } else {
        latched_.clear();
        for (std::uint32_t j = plan_.neurons.first; j < plan_.neurons.first + plan_.neurons.count; ++j) {
            memory_.state.membrane[j] = memory_.state.spike[j] = memory_.state.adaptation[j] = 0.0F;
            memory_.state.silent[j] = 0;
        }
        for (std::uint32_t k = plan_.readouts.first; k < plan_.readouts.first + plan_.readouts.count; ++k) {
            memory_.state.readout[k] = memory_.state.readout_input[k] = 0.0F;
        }
    }
    cores_done_ = errors_ = 0;
    neurons_.done = readouts_.done = learned_ = false;
    if (mode() != LearningMode::between_steps) {
        open(neurons_, first);
        open(readouts_, first);
    }
    report_done(0, cycle());
}

void Core::state_restored() {
    latched_.clear();
    for (std::uint32_t j = 0; j < recurrent_; ++j) {
        if (memory_.state.spike[j] == 0.0F) {
            continue;
        }
        const std::uint32_t address = input_addresses_ + j;
        for (std::uint32_t i = 0; i < registers_[static_cast<std::size_t>(CoreRegister::axon_ranges)]; ++i) {
            const std::uint32_t* const range = &axon_words_[std::size_t{i} * kAxonRowWords];
            if (range[4] > 0 && address >= range[0] && address - range[0] < range[1]) {
                latched_.push_back({range[2], range[3] + (address - range[0]), 0});
            }
        }
    }
}

void Core::open(Layer& layer, std::uint32_t step) {
    if (layer.slice.count == 0) {
        return;
    }
    layer.phase = Phase::open;
    layer.step = step;
    layer.ended = false;
    for (const std::uint32_t t : layer.tiles) {
        tile_ports_[t]->begin_step(step);
    }
    std::erase_if(latched_, [&](const Latched& event) {
        const bool of_readouts = plan_.tiles[event.tile].projection == learning::classic::w_out;
        const bool due = of_readouts == (&layer == &readouts_) && event.step == step;
        if (due) {
            tile_ports_[event.tile]->row_event(event.row);
        }
        return due;
    });
}

bool Core::busy(const std::vector<std::uint32_t>& tiles) const {
    return std::any_of(tiles.begin(), tiles.end(), [&](std::uint32_t t) { return tile_ports_[t]->busy(); });
}

bool Core::any_tile_busy() const {
    return busy(neurons_.tiles) || busy(readouts_.tiles);
}

bool Core::advance(Layer& layer) {
    const bool of_readouts = &layer == &readouts_;
    switch (layer.phase) {
        case Phase::idle:
            return false;
        case Phase::open:
            if (!layer.ended || layer.step != step_ || !step_running_) {
                return false;
            }
            layer.since = layer.due = cycle();
            for (const std::uint32_t t : layer.tiles) {
                tile_ports_[t]->end_step();
                layer.due = std::max(layer.due, tile_ports_[t]->sums_cycle());
            }
            layer.phase = Phase::reading;
            return true;
        case Phase::reading: {
            if (cycle() < layer.due) {
                return false;
            }
            for (const std::uint32_t t : layer.tiles) {
                tile_ports_[t]->take_sums();
            }
            const std::uint64_t cycles =
                of_readouts ? readout_cycles(config_, shape_) : neuron_cycles(config_, shape_);
            stats_.add(of_readouts ? CoreCounter::readout_read_cycles : CoreCounter::neuron_read_cycles,
                       cycle() - layer.since);
            stats_.add(of_readouts ? CoreCounter::readout_update_cycles : CoreCounter::neuron_update_cycles,
                       cycles);
            stats_.add(of_readouts ? CoreCounter::readout_updates : CoreCounter::neuron_updates,
                       layer.slice.count);
            layer.updated_at = cycle() + cycles;
            of_readouts ? update_readouts() : update_neurons();
            layer.done = true;
            layer.phase = Phase::idle;
            if (!last_step_ && mode() != LearningMode::between_steps) {
                open(layer, step_ + 1);
            }
            return true;
        }
        case Phase::updating:
            break;
    }
    return false;
}

void Core::add_tiles(ProjectionId id, const Layer& layer, std::vector<float>& sums) {
    // Ascending row block: that of the tiles. A tile whose word lines were not driven adds nothing.
    std::fill(sums.begin(), sums.end(), 0.0F);
    std::uint32_t added_column = ~0U;
    for (const std::uint32_t t : layer.tiles) {
        const TilePlacement& placed = plan_.tiles[t];
        if (placed.projection != id || tile_ports_[t]->rows_read() == 0) {
            continue;
        }
        const tile::TileRegion& region = memory_.array(id).tiles()[placed.tile];
        const std::span<const float> part = tile_ports_[t]->sums();
        float* const to = sums.data() + (region.first_column - layer.slice.first);
        if (added_column == region.first_column) {
            for (std::size_t c = 0; c < part.size(); ++c) {
                to[c] += part[c];
            }
        } else {
            std::copy(part.begin(), part.end(), to);
        }
        added_column = region.first_column;
    }
    memory_.array(id).scale(sums);
}

void Core::update_neurons() {
    add_tiles(learning::classic::w_in, neurons_, from_input_);
    add_tiles(learning::classic::w_rec, neurons_, from_recurrent_);
    const std::size_t first = plan_.neurons.first, count = plan_.neurons.count;
    learning::NetworkState<float>& state = memory_.state;
    const auto slice = [&](auto& values) { return std::span(values).subspan(first, count); };
    const std::span<float> psi = memory_.tape == nullptr
                                     ? std::span(unused_psi_)
                                     : std::span(memory_.tape->pseudo_derivative)
                                           .subspan(std::size_t{step_} * recurrent_ + first, count);
    for (std::size_t j = 0; j < count; ++j) {
        from_input_[j] += from_recurrent_[j];
    }
    if (parameters_.plain_lif) {
        network::step_lif(
            parameters_, std::span<const float>(from_input_),
            network::LifSlice<float>{slice(state.membrane), slice(state.spike), slice(state.silent)}, psi);
    } else {
        network::step_neurons(
            parameters_, std::span<const float>(from_input_),
            network::NeuronSlice<float>{slice(state.membrane), slice(state.spike), slice(state.adaptation),
                                        slice(state.silent), beta_, alpha_, gain_},
            psi);
    }
    const auto tree =
        static_cast<noc::TreeId>(registers_[static_cast<std::size_t>(CoreRegister::spike_tree)]);
    noc::Flit flit = noc::Flit::along(plan_.node, tree, noc::FlitKind::spike);
    flit.created_cycle = neurons_.updated_at;
    flit.value = step_;
    for (std::size_t j = 0; j < count; ++j) {
        if (state.spike[first + j] != 0.0F) {
            flit.address = input_addresses_ + static_cast<std::uint32_t>(first + j);
            if (memory_.tape != nullptr) {
                ++memory_.tape->spike_count[first + j];
            }
            stats_.add(CoreCounter::spikes);
            port->send_later(flit);
        }
    }
    flit.kind = noc::FlitKind::tick;
    flit.address = code(Tick::neurons_done);
    port->send_later(flit);
}

void Core::update_readouts() {
    add_tiles(learning::classic::w_out, readouts_, readout_sums_);
    const std::size_t first = plan_.readouts.first, count = plan_.readouts.count;
    const std::span<float> y = std::span(memory_.state.readout).subspan(first, count);
    const std::span<float> input = std::span(memory_.state.readout_input).subspan(first, count);
    if (parameters_.readout_delay == 0) {
        std::copy(readout_sums_.begin(), readout_sums_.end(), input.begin());
        network::step_readout(parameters_.kappa, parameters_.readout_gain, std::span<const float>(input), y);
    } else {
        network::step_readout(parameters_.kappa, parameters_.readout_gain, std::span<const float>(input), y);
        std::copy(readout_sums_.begin(), readout_sums_.end(), input.begin());
    }
    noc::Flit flit = noc::Flit::to(plan_.node, ChipPlan::kHostNode, noc::FlitKind::graded);
    flit.created_cycle = readouts_.updated_at;
    for (std::size_t k = 0; k < count; ++k) {
        flit.address = kReadoutValue | static_cast<std::uint32_t>(first + k);
        flit.value = std::bit_cast<std::uint32_t>(y[k]);
        port->send_later(flit);
    }
}

void Core::finish_step_if_done() {
    if (!step_running_ || cores_done_ < registers_[static_cast<std::size_t>(CoreRegister::cores_to_await)] ||
        (shape_.neurons > 0 && !neurons_.done) || (shape_.readouts > 0 && !readouts_.done)) {
        return;
    }
    const bool learns = registers_[static_cast<std::size_t>(CoreRegister::learns)] != 0;
    if (learns && !learned_) {
        return;
    }
    step_running_ = neurons_.done = readouts_.done = learned_ = false;
    cores_done_ = errors_ = 0;
    stats_.add(CoreCounter::steps);
    stats_.set(CoreCounter::send_stall_cycles, earlier_stall_cycles_ + port->stall_cycles());
    if (last_step_) {
        for (tile::SynapseTileIf* tile : tile_ports_) {
            tile->end_sample();
        }
    }
    report_done(step_, std::max(cycle(), learned_at_));
}

void Core::report_done(std::uint32_t value, std::uint64_t when) {
    noc::Flit flit = noc::Flit::to(plan_.node, ChipPlan::kHostNode, noc::FlitKind::tick);
    flit.created_cycle = when;
    flit.address = code(Tick::core_done);
    flit.value = value;
    port->send_later(flit);
}

void Core::record(WordRecord& record) {
    stats_.record(record);
    if (record.gives()) {
        earlier_stall_cycles_ = stats_[CoreCounter::send_stall_cycles] - port->stall_cycles();
    }
    for (const auto& tile : tiles_) {
        tile->record(record);
    }
    for (const auto& tile : fast_tiles_) {
        tile->record(record);
    }
}

double Core::neuron_energy_j() const {
    return 1e-12 * config_.digital_cost.neuron_update_pj *
           static_cast<double>(stats_[CoreCounter::neuron_updates] + stats_[CoreCounter::readout_updates]);
}

double Core::learning_energy_j() const {
    return 1e-12 * config_.digital_cost.learning_operation_pj *
           static_cast<double>(stats_[CoreCounter::learning_operations] +
                               stats_[CoreCounter::planning_operations]);
}

}  // namespace memprop::hw::chip
