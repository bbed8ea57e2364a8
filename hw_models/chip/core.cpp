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
            if (!is_used()) {
                break;  // no member of the barriers: it has no steps
            }
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

std::uint64_t Core::end_block(std::uint32_t block) {
    BlockState& state = block_states_[block];
    state.is_open = false;
    state.sums_cycle = blocks_[block]->end(step_);
    return state.sums_cycle;
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
