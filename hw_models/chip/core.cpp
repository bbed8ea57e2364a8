#include "hw_models/chip/core.hpp"
#include "hw_models/chip/block_factory.hpp"
#include "hw_models/chip/image_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "crossbar/base/error.hpp"

namespace memprop::hw::chip {
namespace {

std::uint32_t code(Tick tick) {
    return static_cast<std::uint32_t>(tick);
}

std::uint16_t low(std::uint32_t step) {
    return static_cast<std::uint16_t>(step);
}

}  // namespace

Core::Core(const Surroundings& around, noc::NodeId node, std::string name)
    : around_(around), node_(node), name_(std::move(name)), slots_(2) {
    // Events are latched; the tick or token that follows them wakes the core.
    around_.network.set_wake_filter(node, [](const noc::Flit& flit) {
        return flit.kind != noc::FlitKind::spike &&
               (flit.kind != noc::FlitKind::graded || (flit.address & ~kGradedMask) != kGradedEvent);
    });
}

bool Core::configure(std::uint32_t words) {
    if (words > image_words_.size() || step_running_ || engine_ != Engine::idle) {
        return false;
    }
    try {
        program_ = words == 0 ? CoreProgram{} : decode(std::span(image_words_).first(words));
        build();
    } catch (const std::exception&) {  // whatever words of somebody's make of a core
        program_ = {};
        build();
        return false;
    }
    return true;
}

void Core::build() {
    units_.clear();
    blocks_.clear();
    arrays_.clear();
    tiles_.clear();
    block_states_.clear();
    shape_ = {};
    learning_neurons_ = {};
    largest_delay_ = 0;
    steps_done_ = 0;
    step_ = 0;
    tokens_ = entered_ = errors_ = 0;
    step_running_ = learned_ = false;
    next_tick_.reset();
    shape_.network_outputs = reg(CoreRegister::outputs);
    check_image(program_, around_.config);
    for (const CoreProgram::Unit& unit : program_.units) {
        units_.emplace_back(unit, program_.time_step_seconds);
        if (unit.role == UnitRole::neurons) {
            if (learning_neurons_.count != 0) {
                throw InputError("units that learning signals reach", unit.population,
                                 "a core has room for those of one population");
            }
            learning_neurons_ = {unit.first_neuron, unit.neurons.size};
        }
        (unit.role == UnitRole::readout ? shape_.readouts : shape_.neurons) += unit.neurons.size;
    }
    for (std::size_t b = 0; b < program_.blocks.size(); ++b) {
        const CoreProgram::Block& block = program_.blocks[b];
        Unit& unit = units_[block.unit];
        const std::string name = fmt::format("{}.block_{}", name_, b);
        auto built = make_block(block, around_.memory, around_.config, around_.columns_per_converter,
                                around_.clock, name);
        const bool is_readout = unit.program().role == UnitRole::readout;
        if (auto* array = dynamic_cast<ArrayBlock*>(built.get())) {
            arrays_.push_back(array);
            for (ArrayBlock::PlacedTile& placed : array->placed()) {
                tiles_.push_back({&placed, &array->array(), block.number, is_readout});
            }
        }
        const network::Projection& p = block.projection;
        const bool dendritic = p.delay_kind == network::DelayKind::dendritic && p.delay_steps > 0;
        Unit::Incoming incoming{.block = static_cast<std::uint32_t>(b),
                                .receptor = p.receptor,
                                .delay_steps = p.delay_steps,
                                .dendritic = dendritic,
                                .is_late = dendritic && block.source_phase >= unit.program().phase,
                                .bias = p.bias,
                                .bias_line = p.bias && block.on_array,
                                .bias_before_arrival = p.bias_before_arrival,
                                .bias_row = block.pre};
        incoming.needs = incoming.is_late ? block.source_phase : unit.program().phase - 1;
        unit.add(incoming);
        block_states_.push_back(
            {.axonal_delay = dendritic ? 0 : p.delay_steps, .of_memoryless = unit.is_memoryless()});
        largest_delay_ = std::max(largest_delay_, p.delay_steps);
        const std::uint64_t rows = block.pre + (incoming.bias_line ? 1U : 0U);
        shape_.trace_rows += rows;
        (is_readout ? shape_.readout_synapses : shape_.neuron_synapses) += rows * unit.size();
        (is_readout ? shape_.readout_sums : shape_.neuron_sums) += built->sums_per_neuron() * unit.size();
        blocks_.push_back(std::move(built));
    }
    build_rules();
    slots_.assign(largest_delay_ + 2, {});
    for (Unit& unit : units_) {
        unit.clear(blocks_);
    }
    around_.memory.members_changed = true;
    errors_taken_.assign(reg(CoreRegister::outputs), 0.0F);
    feedback_changes_.assign(std::size_t{learning_neurons_.count} * reg(CoreRegister::outputs), 0.0F);
}

void Core::run() {
    noc::ArrivedFlit delivery;
    while (around_.network.take(node_, delivery)) {
        receive(delivery);
    }
    for (bool goes_on = true; goes_on;) {
        goes_on = false;
        for (Unit& unit : units_) {
            goes_on = advance(unit) || goes_on;
            goes_on = advance_late(unit) || goes_on;
        }
        goes_on = enter_barriers() || goes_on;
        goes_on = advance_engine() || goes_on;
    }
    finish_step_if_done();
}

std::uint64_t Core::next_cycle() const {
    std::uint64_t next = engine_due_;
    for (const Unit& unit : units_) {
        if (unit.phase == Unit::Phase::reading) {
            next = std::min(next, unit.due);
        }
        if (unit.late_reading) {
            next = std::min(next, unit.late_due);
        }
    }
    if (engine_ != Engine::idle && engine_due_ == noc::kNever) {
        for (const CoreTile& tile : tiles_) {
            if (tile.placed->tile->busy()) {
                next = std::min(next, tile.placed->tile->busy_until());
            }
        }
    }
    return next;
}

void Core::receive(const noc::ArrivedFlit& delivery) {
    const noc::Flit& flit = delivery.flit;
    switch (flit.kind) {
        case noc::FlitKind::spike:
            receive_event(flit, 1.0F, delivery.cycle);
            break;
        case noc::FlitKind::tick:
            receive_tick(flit);
            break;
        case noc::FlitKind::graded:
            receive_graded(flit, delivery.cycle);
            break;
        case noc::FlitKind::configuration:
            receive_configuration(flit);
            break;
        case noc::FlitKind::barrier:
            ++tokens_;
            break;
    }
}

/// The step that the low bits of its number mean: one near the step under way.
std::uint32_t Core::full_step(std::uint16_t low_bits) const {
    return step_ + static_cast<std::uint32_t>(
                       static_cast<std::int32_t>(static_cast<std::int16_t>(low_bits - low(step_))));
}

void Core::receive_event(const noc::Flit& flit, float value, std::uint64_t arrival) {
    const std::uint32_t step = full_step(flit.step);
    // Rows are sorted by first address; several may hold the same one.
    const auto end = std::upper_bound(
        program_.axons.begin(), program_.axons.end(), flit.address,
        [](std::uint32_t address, const AxonImage& axon) { return address < axon.first_address; });
    bool mapped = false;
    for (auto axon = program_.axons.begin(); axon != end; ++axon) {
        const std::uint32_t offset = flit.address - axon->first_address;
        if (offset < axon->count) {
            mapped = true;
            arrive(axon->block, axon->first_row + offset, value, step, arrival);
        }
    }
    stats_.add(mapped ? CoreCounter::events : CoreCounter::unmapped_events);
}

void Core::arrive(std::uint32_t block, std::uint32_t row, float value, std::uint32_t step,
                  std::uint64_t arrival) {
    const BlockState& state = block_states_[block];
    if (settles_ && (state.axonal_delay > 1 || (state.axonal_delay == 0 && !state.of_memoryless))) {
        return;  // what was put out before the first step is only there in the first one
    }
    const std::uint32_t due = step + state.axonal_delay;
    if (state.is_open && state.step == due) {
        if (!blocks_[block]->event(row, value, arrival)) {
            stats_.add(CoreCounter::refused_events);
        }
    } else {
        slot(due).push_back({due, block, row, value});
    }
}

void Core::receive_tick(const noc::Flit& flit) {
    const auto tick = static_cast<Tick>(flit.address);
    switch (tick) {
        case Tick::begin_sample:
            begin_sample(flit.value);
            break;
        case Tick::settle:
        case Tick::step:
        case Tick::last_step:
            if (step_running_) {
                next_tick_ = flit;
            } else {
                begin_step(flit.value, tick == Tick::last_step, tick == Tick::settle);
            }
            break;
        case Tick::update:
            start_pass(Engine::planning, planning_cycles(around_.config, shape_),
                       static_cast<std::uint64_t>(around_.config.update_cycles) * shape_.synapses());
            break;
        case Tick::square:
        case Tick::scale:
            start_pass(Engine::limiting, synapse_pass_cycles(around_.config, shape_), shape_.synapses());
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
            start_measure(flit.value, Engine::measuring);
            break;
        case Tick::share:
            start_measure(kNoProjection, Engine::sharing);
            break;
        case Tick::optimise:
            optimise(flit.value);
            break;
        case Tick::core_done:
            stats_.add(CoreCounter::refused_flits);
            break;
    }
}

void Core::receive_graded(const noc::Flit& flit, std::uint64_t arrival) {
    const std::uint32_t word = flit.address & kGradedMask, kind = flit.address & ~kGradedMask;
    const auto value = std::bit_cast<float>(flit.value);
    if (kind == kGradedEvent) {
        receive_event(flit, value, arrival);
    } else if (kind == kFeedbackValue && word < feedback_changes_.size()) {
        write_word(kFeedbackWords + word, flit.value);
        ++feedback_words_;
    } else if (kind == kFeedbackChange && word < feedback_changes_.size()) {
        feedback_changes_[word] = value;
        ++feedback_words_;
    } else if (kind == kErrorValue && engine_ == Engine::rewarding) {
        ++errors_;
    } else if (kind == kErrorValue && word < reg(CoreRegister::outputs) && mode() != LearningMode::off) {
        if (around_.memory.tape != nullptr) {
            around_.memory.tape->error[std::size_t{step_} * reg(CoreRegister::outputs) + word] = value;
        }
        errors_taken_[word] = value;
        ++errors_;
    } else {
        stats_.add(CoreCounter::refused_flits);
    }
}

void Core::begin_sample(std::uint32_t sample) {
    const auto tick = static_cast<std::int32_t>(reg(CoreRegister::device_tick));
    const std::uint32_t first = reg(CoreRegister::first_step);
    for (const auto& block : blocks_) {
        block->begin_sample(sample, tick);
    }
    const std::uint32_t next = step_ + 1;
    step_ = first - 1;
    if (reg(CoreRegister::keeps_state) != 0) {
        // What was due in the k-th step from now is due in step first + k.
        std::vector<Delayed> waiting;
        for (auto& events : slots_) {
            waiting.insert(waiting.end(), events.begin(), events.end());
            events.clear();
        }
        for (Delayed& event : waiting) {
            event.step = event.step - next + first;
            slot(event.step).push_back(event);
        }
    } else {
        steps_done_ = 0;
        for (auto& events : slots_) {
            events.clear();
        }
        for (Unit& unit : units_) {
            unit.clear(blocks_);
        }
    }
    tokens_ = entered_ = errors_ = 0;
    learned_ = false;
    for (const auto& rule : rules_) {
        if (mode() == LearningMode::on_chip) {
            rule->learner.begin_trial();
        }
    }
    for (Unit& unit : units_) {
        unit.done = false;
        if (mode() != LearningMode::between_steps) {
            open(unit, first);
            open_late(unit, first);
        }
    }
    report_done(0, cycle());
}

void Core::begin_step(std::uint32_t step, bool last, bool settles) {
    step_ = step;
    last_step_ = last;
    settles_ = settles;
    step_running_ = true;
    tokens_ = entered_ = 0;
    for (Unit& unit : units_) {
        unit.done = settles && !unit.is_memoryless();
        if (settles ? unit.is_memoryless() : mode() == LearningMode::between_steps) {
            open(unit, step);
            open_late(unit, step);
        }
    }
}

void Core::open_block(const Unit::Incoming& incoming, std::uint32_t step) {
    BlockState& state = block_states_[incoming.block];
    SynapseBlock& block = *blocks_[incoming.block];
    block.open(step);
    state.is_open = true;
    state.step = step;
    if (incoming.bias_line && (steps_done_ >= incoming.delay_steps || incoming.bias_before_arrival)) {
        block.event(incoming.bias_row, 1.0F, cycle());
    }
    std::erase_if(slot(step), [&](const Delayed& event) {
        const bool due = event.block == incoming.block && event.step == step;
        if (due && !block.event(event.row, event.value, cycle())) {
            stats_.add(CoreCounter::refused_events);
        }
        return due;
    });
}

void Core::open(Unit& unit, std::uint32_t step) {
    unit.phase = Unit::Phase::open;
    unit.step = step;
    for (const Unit::Incoming& incoming : unit.incoming()) {
        if (!incoming.is_late) {
            open_block(incoming, step);
        }
    }
}

void Core::open_late(Unit& unit, std::uint32_t step) {
    for (const Unit::Incoming& incoming : unit.incoming()) {
        if (incoming.is_late) {
            unit.late_open = true;
            unit.late_step = step;
            open_block(incoming, step);
        }
    }
}

std::uint64_t Core::end_block(std::uint32_t block) {
    BlockState& state = block_states_[block];
    state.is_open = false;
    state.sums_cycle = blocks_[block]->end(step_);
    return state.sums_cycle;
}

bool Core::advance(Unit& unit) {
    switch (unit.phase) {
        case Unit::Phase::idle:
            return false;
        case Unit::Phase::open:
            if (!step_running_ || unit.step != step_ || tokens_ + 1 < unit.program().phase) {
                return false;
            }
            unit.since = unit.due = cycle();
            for (const Unit::Incoming& incoming : unit.incoming()) {
                if (!incoming.is_late) {
                    unit.due = std::max(unit.due, end_block(incoming.block));
                }
            }
            unit.phase = Unit::Phase::reading;
            return true;
        case Unit::Phase::reading:
            if (cycle() < unit.due) {
                return false;
            }
            update(unit);
            unit.done = true;
            unit.phase = Unit::Phase::idle;
            if (!last_step_ && mode() != LearningMode::between_steps) {
                open(unit, step_ + 1);
            }
            return true;
    }
    return false;
}

bool Core::advance_late(Unit& unit) {
    if (unit.late_reading) {
        if (cycle() < unit.late_due) {
            return false;
        }
        unit.take_late(blocks_);
        unit.late_reading = false;
        if (!last_step_ && mode() != LearningMode::between_steps) {
            open_late(unit, step_ + 1);
        }
        return true;
    }
    if (!unit.late_open || !step_running_ || unit.late_step != step_ || !unit.done || settles_) {
        return false;
    }
    std::uint32_t needs = 0;
    for (const Unit::Incoming& incoming : unit.incoming()) {
        needs = incoming.is_late ? std::max(needs, incoming.needs) : needs;
    }
    if (tokens_ < needs) {
        return false;
    }
    unit.late_open = false;
    unit.late_reading = true;
    unit.late_due = cycle();
    for (const Unit::Incoming& incoming : unit.incoming()) {
        if (incoming.is_late) {
            unit.late_due = std::max(unit.late_due, end_block(incoming.block));
        }
    }
    return true;
}

void Core::update(Unit& unit) {
    const CoreProgram::Unit& program = unit.program();
    const bool is_readout = program.role == UnitRole::readout;
    std::uint64_t sums = 0;
    for (const Unit::Incoming& incoming : unit.incoming()) {
        sums += blocks_[incoming.block]->sums_per_neuron() * unit.size();
    }
    const std::uint64_t cycles = update_cycles(around_.config, unit.size(), sums);
    stats_.add(is_readout ? CoreCounter::readout_read_cycles : CoreCounter::neuron_read_cycles,
               cycle() - unit.since);
    stats_.add(is_readout ? CoreCounter::readout_update_cycles : CoreCounter::neuron_update_cycles, cycles);
    stats_.add(is_readout ? CoreCounter::readout_updates : CoreCounter::neuron_updates, unit.size());
    unit.update_begins = std::max(cycle(), neuron_unit_free_);
    unit.updated_at = unit.update_begins + cycles;
    neuron_unit_free_ = unit.updated_at;
    std::span<float> psi;
    if (const ChipTape* tape = around_.memory.tape;
        tape != nullptr && !tape->pseudo_derivative[program.population].values.empty()) {
        const ChipTape::PerNeuron& of = tape->pseudo_derivative[program.population];
        psi = of.values.subspan(std::size_t{step_} * of.neurons + program.first_neuron, unit.size());
    } else if (mode() == LearningMode::on_chip) {
        psi = std::span(psi_).first(unit.size());
    }
    unit.update(blocks_, steps_done_, psi);
    if (mode() == LearningMode::on_chip && !settles_) {
        record_for_rule(unit, static_cast<std::size_t>(&unit - units_.data()), psi);
    }
    if (program.tree != CoreProgram::kNoTree) {
        send_output(unit);
    }
}

void Core::send_output(const Unit& unit) {
    noc::Flit flit =
        noc::Flit::along(node_, static_cast<noc::TreeId>(unit.program().tree), noc::FlitKind::spike);
    flit.created_cycle = unit.updated_at;
    flit.step = low(step_);
    if (unit.output().form == network::Signal<float>::Form::spikes) {
        for (const std::uint32_t j : unit.output().index) {
            flit.address = unit.program().first_address + j;
            stats_.add(CoreCounter::spikes);
            around_.network.send_later(node_, flit);
        }
        return;
    }
    flit.kind = noc::FlitKind::graded;
    for_each_nonzero(unit.output(), [&](std::uint32_t j, float value) {
        flit.address = kGradedEvent | (unit.program().first_address + j);
        flit.value = std::bit_cast<std::uint32_t>(value);
        stats_.add(CoreCounter::graded_events);
        around_.network.send_later(node_, flit);
    });
}

bool Core::phase_is_done(std::uint32_t phase) const {
    return std::all_of(units_.begin(), units_.end(),
                       [&](const Unit& unit) { return unit.program().phase != phase || unit.done; });
}

bool Core::learns_in_step() const {
    return mode() != LearningMode::off && !settles_;
}

bool Core::enter_barriers() {
    if (!step_running_ || entered_ == barriers() || tokens_ < entered_) {
        return false;
    }
    const std::uint32_t next = entered_ + 1;
    const auto is_read = [&](const Unit& unit) { return !unit.late_reading && !unit.has_late(next, step_); };
    if (next == barriers() && !std::all_of(units_.begin(), units_.end(), is_read)) {
        return false;
    }
    std::uint64_t when = cycle();
    if (next <= program_.phases) {
        if (!phase_is_done(next)) {
            return false;
        }
        for (const Unit& unit : units_) {
            when = unit.program().phase == next ? std::max(when, unit.updated_at) : when;
        }
    } else if (!learned_) {
        return false;
    } else {
        when = std::max(when, learned_at_);
    }
    noc::Flit token = noc::Flit::barrier(node_);
    token.created_cycle = when;
    around_.network.send_later(node_, token);
    entered_ = next;
    return true;
}

void Core::finish_step_if_done() {
    const auto late = [](const Unit& unit) { return unit.late_reading; };
    if (!step_running_ || tokens_ < barriers() || std::any_of(units_.begin(), units_.end(), late)) {
        return;
    }
    step_running_ = learned_ = false;
    errors_ = 0;
    if (!std::exchange(settles_, false)) {
        ++steps_done_;
        stats_.add(CoreCounter::steps);
    }
    stats_.set(CoreCounter::send_stall_cycles, earlier_stall_cycles_ + around_.network.stall_cycles(node_));
    if (last_step_) {
        for (const auto& block : blocks_) {
            block->end_sample();
        }
    }
    if (next_tick_) {
        const noc::Flit tick = *std::exchange(next_tick_, std::nullopt);
        receive_tick(tick);
        run();
    }
}

void Core::report_done(std::uint32_t value, std::uint64_t when) {
    noc::Flit flit = noc::Flit::to(node_, kHostNode, noc::FlitKind::tick);
    flit.created_cycle = when;
    flit.address = code(Tick::core_done);
    flit.value = value;
    around_.network.send_later(node_, flit);
}

void Core::record(WordRecord& record) {
    stats_.record(record);
    if (record.gives()) {
        earlier_stall_cycles_ = stats_[CoreCounter::send_stall_cycles] - around_.network.stall_cycles(node_);
    }
    for (const auto& block : blocks_) {
        block->record(record);
    }
}

double Core::neuron_energy_j() const {
    return 1e-12 * around_.config.digital_cost.neuron_update_pj *
           static_cast<double>(stats_[CoreCounter::neuron_updates] + stats_[CoreCounter::readout_updates]);
}

double Core::learning_energy_j() const {
    return 1e-12 * around_.config.digital_cost.learning_operation_pj *
           static_cast<double>(stats_[CoreCounter::learning_operations] +
                               stats_[CoreCounter::planning_operations]);
}

std::uint64_t Core::synaptic_operations() const {
    std::uint64_t operations = 0;
    for (const auto& block : blocks_) {
        operations += block->synaptic_operations();
    }
    return operations;
}

double Core::periphery_energy_j() const {
    double energy = 0.0;
    for (const auto& block : blocks_) {
        energy += block->energy_j();
    }
    return energy;
}

}  // namespace memprop::hw::chip
