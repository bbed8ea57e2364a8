// The learning engine of a core: its cycles while it follows the time steps, and the programming of tiles.
#include <algorithm>
#include <array>
#include <bit>

#include "hw_models/chip/core.hpp"
#include "learning/eprop/adaptive_feedback.hpp"

namespace memprop::hw::chip {

using learning::ProjectionId;

bool Core::advance_engine() {
    switch (engine_) {
        case Engine::idle:
            return follow_step();
        case Engine::learning:
            return false;
        case Engine::planning:
            if (cycle() < engine_due_) {
                return false;
            }
            if (!start_transfer()) {
                write_tiles();
            }
            return true;
        case Engine::transferring:
            if (cycle() < engine_due_) {
                return false;
            }
            write_tiles();
            return true;
        case Engine::limiting:
            if (cycle() < engine_due_) {
                return false;
            }
            finish_engine();
            return true;
        case Engine::adapting:
            return advance_adaptation();
        case Engine::rewarding:
            return advance_reward();
        case Engine::writing:
        case Engine::refreshing:
        case Engine::measuring:
        case Engine::sharing:
            break;
    }
    if (any_tile_busy()) {
        return false;
    }
    if (engine_ == Engine::sharing) {
        if (!shared_) {
            share_readouts(false);
            shared_ = true;
        }
        if (feedback_words_ < shape_.neurons * outputs_) {
            return false;
        }
        feedback_words_ = 0;
    }
    if (engine_ == Engine::refreshing) {
        for (const TilePlacement& placed : plan_.tiles) {
            WeightArray& array = memory_.array(placed.projection);
            const std::uint32_t event = registers_[static_cast<std::size_t>(CoreRegister::event)];
            if (array.refresh(event, 0)) {
                array.refresh_finished(event);
            }
        }
    }
    const std::uint64_t cycles = cycle() - engine_since_;
    stats_.add(engine_ == Engine::writing      ? CoreCounter::write_cycles
               : engine_ == Engine::refreshing ? CoreCounter::refresh_cycles
                                               : CoreCounter::measure_cycles,
               cycles);
    finish_engine();
    return true;
}

bool Core::follow_step() {
    if (mode() == LearningMode::off || learned_ || !step_running_) {
        return false;
    }
    const bool for_reward = mode() == LearningMode::reward;
    // Errors come after the readouts, so after all spikes of the step.
    const bool ready = for_reward
                           ? cores_done_ == registers_[static_cast<std::size_t>(CoreRegister::cores_to_await)]
                           : errors_ == outputs_;
    if (!ready) {
        return false;
    }
    const std::uint64_t cycles =
        for_reward ? trace_cycles(config_, shape_) : learning_cycles(config_, shape_);
    learned_ = true;
    learned_at_ = cycle() + cycles;
    stats_.add(CoreCounter::learning_cycles, cycles);
    stats_.add(CoreCounter::learning_operations,
               for_reward ? trace_operations(shape_) : learning_operations(shape_));
    return true;
}

bool Core::advance_reward() {
    if (engine_due_ == noc::kNever) {
        if (errors_ < outputs_) {
            return false;
        }
        errors_ = 0;
        start_pass(Engine::rewarding, reward_cycles(config_, shape_), reward_operations(shape_));
        return true;
    }
    if (cycle() < engine_due_) {
        return false;
    }
    finish_engine();
    return true;
}

void Core::start_pass(Engine engine, std::uint64_t cycles, std::uint64_t operations) {
    engine_ = engine;
    engine_since_ = cycle();
    engine_due_ = cycle() + cycles;
    stats_.add(CoreCounter::planning_cycles, cycles);
    stats_.add(CoreCounter::planning_operations, operations);
}

void Core::finish_engine() {
    engine_ = Engine::idle;
    engine_due_ = noc::kNever;
    report_done(0, cycle());
}

void Core::start_adaptation(float decay) {
    engine_ = Engine::adapting;
    engine_since_ = cycle();
    feedback_decay_ = decay;
    share_readouts(true);
}

bool Core::advance_adaptation() {
    if (engine_due_ == noc::kNever) {
        if (feedback_words_ < feedback_changes_.size()) {
            return false;
        }
        feedback_words_ = 0;
        start_pass(Engine::adapting, adaptation_cycles(config_, shape_), feedback_changes_.size());
        return true;
    }
    if (cycle() < engine_due_) {
        return false;
    }
    for (std::size_t i = 0; i < feedback_changes_.size(); ++i) {
        const std::size_t k = i / shape_.neurons, j = plan_.neurons.first + i % shape_.neurons;
        float& b = memory_.feedback[k * recurrent_ + j];
        b = learning::adapted_feedback(b, feedback_changes_[i], feedback_decay_);
    }
    finish_engine();
    return true;
}

bool Core::start_transfer() {
    if (fast_tiles_.empty()) {
        return false;
    }
    const std::uint32_t event = registers_[static_cast<std::size_t>(CoreRegister::event)];
    const auto tick =
        static_cast<std::int32_t>(registers_[static_cast<std::size_t>(CoreRegister::device_tick)]);
    std::uint64_t longest = 0;
    for (std::size_t t = 0; t < fast_tiles_.size(); ++t) {
        WeightArray& array = memory_.array(plan_.tiles[t].projection);
        if (!array.asks()) {
            continue;
        }
        array.plan(event, tick);
        longest = std::max(longest, fast_tiles_[t]->take(array.fast_update(plan_.tiles[t].tile)));
    }
    std::uint64_t cycles = longest;
    for (const ProjectionId id :
         {learning::classic::w_in, learning::classic::w_rec, learning::classic::w_out}) {
        const std::uint64_t columns = id == learning::classic::w_out ? shape_.readouts : shape_.neurons;
        const std::uint64_t rows = memory_.array(id).transfer_operations();
        cycles += transfer_pass_cycles(config_, columns, rows);
        stats_.add(CoreCounter::planning_operations, columns * rows);
    }
    stats_.add(CoreCounter::transfer_cycles, cycles);
    engine_ = Engine::transferring;
    engine_due_ = cycle() + cycles;
    return true;
}

void Core::write_tiles() {
    const std::uint32_t event = registers_[static_cast<std::size_t>(CoreRegister::event)];
    const auto tick =
        static_cast<std::int32_t>(registers_[static_cast<std::size_t>(CoreRegister::device_tick)]);
    for (std::size_t t = 0; t < tile_ports_.size(); ++t) {
        const TilePlacement& placed = plan_.tiles[t];
        WeightArray& array = memory_.array(placed.projection);
        if (array.plan(event, tick)) {
            tile_ports_[t]->write(array.burst(placed.tile, event, tick));
        }
    }
    engine_ = Engine::writing;
    engine_since_ = cycle();
    engine_due_ = noc::kNever;
}

void Core::start_refresh() {
    const std::uint32_t event = registers_[static_cast<std::size_t>(CoreRegister::event)];
    const auto tick =
        static_cast<std::int32_t>(registers_[static_cast<std::size_t>(CoreRegister::device_tick)]);
    for (std::size_t t = 0; t < tile_ports_.size(); ++t) {
        if (const auto request = memory_.array(plan_.tiles[t].projection).refresh(event, tick)) {
            tile_ports_[t]->refresh(*request);
        }
    }
    engine_ = Engine::refreshing;
    engine_since_ = cycle();
}

void Core::start_measure(ProjectionId id, Engine engine) {
    const std::uint32_t event = registers_[static_cast<std::size_t>(CoreRegister::event)];
    const auto tick =
        static_cast<std::int32_t>(registers_[static_cast<std::size_t>(CoreRegister::device_tick)]);
    for (std::size_t t = 0; t < tile_ports_.size(); ++t) {
        if (plan_.tiles[t].projection == id) {
            tile_ports_[t]->measure(event, tick);
        }
    }
    engine_ = engine;
    engine_since_ = cycle();
    shared_ = engine != Engine::sharing;
}

void Core::share_readouts(bool changes) {
    std::vector<float> values;
    for (const std::uint32_t t : readouts_.tiles) {
        const TilePlacement& placed = plan_.tiles[t];
        const WeightArray& array = memory_.array(placed.projection);
        const tile::TileRegion& region = array.tiles()[placed.tile];
        if (changes) {
            array.asked(region, values);
        } else {
            values.assign(tile_ports_[t]->measured().begin(), tile_ports_[t]->measured().end());
            array.scale(values);
        }
        for (std::uint32_t r = 0; r < region.rows; ++r) {
            const std::uint32_t neuron = region.first_row + r;
            for (std::uint32_t o = 0; o < registers_[static_cast<std::size_t>(CoreRegister::neuron_owners)];
                 ++o) {
                const std::uint32_t* const owner = &owner_words_[std::size_t{o} * 4];
                if (neuron < owner[0] || neuron - owner[0] >= owner[1]) {
                    continue;
                }
                noc::Flit flit =
                    noc::Flit::to(plan_.node, static_cast<noc::NodeId>(owner[2]), noc::FlitKind::graded);
                for (std::uint32_t c = 0; c < region.columns; ++c) {
                    const std::uint32_t word = (region.first_column + c) * owner[1] + (neuron - owner[0]);
                    flit.address = (changes ? kFeedbackChange : kFeedbackValue) | word;
                    flit.value = std::bit_cast<std::uint32_t>(values[std::size_t{r} * region.columns + c]);
                    send(flit);
                }
            }
        }
    }
}

}  // namespace memprop::hw::chip
