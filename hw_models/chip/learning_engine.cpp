// The learning engine of a core: its cycles while it follows the time steps, and the programming of tiles.
#include <algorithm>
#include <array>
#include <bit>

#include "hw_models/chip/core.hpp"
#include "learning/eprop/adaptive_feedback.hpp"

namespace memprop::hw::chip {

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
        case Engine::optimising:
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
        if (feedback_words_ < feedback_changes_.size()) {
            return false;
        }
        feedback_words_ = 0;
    }
    if (engine_ == Engine::refreshing) {
        for (const CoreTile& tile : tiles_) {
            const std::uint32_t event = reg(CoreRegister::event);
            if (tile.array->refresh(event, 0)) {
                tile.array->refresh_finished(event);
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
    const bool ready =
        for_reward ? tokens_ >= std::max(1U, program_.phases - 1) : errors_ == reg(CoreRegister::outputs);
    if (!ready || settles_) {
        return false;
    }
    const std::uint64_t cycles =
        for_reward ? trace_cycles(around_.config, shape_) : learning_cycles(around_.config, shape_);
    if (mode() == LearningMode::on_chip) {
        learn_from_errors();
    }
    learned_ = true;
    learned_at_ = cycle() + cycles;
    stats_.add(CoreCounter::learning_cycles, cycles);
    stats_.add(CoreCounter::learning_operations,
               for_reward ? trace_operations(shape_) : learning_operations(shape_));
    return true;
}

bool Core::advance_reward() {
    if (engine_due_ == noc::kNever) {
        if (errors_ < reg(CoreRegister::outputs)) {
            return false;
        }
        errors_ = 0;
        start_pass(Engine::rewarding, reward_cycles(around_.config, shape_), reward_operations(shape_));
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
        start_pass(Engine::adapting, adaptation_cycles(around_.config, shape_), feedback_changes_.size());
        return true;
    }
    if (cycle() < engine_due_) {
        return false;
    }
    for (std::size_t i = 0; i < feedback_changes_.size(); ++i) {
        const std::size_t k = i / learning_neurons_.count, j = i % learning_neurons_.count;
        float& b = feedback_weight(k, j);
        b = learning::adapted_feedback(b, feedback_changes_[i], feedback_decay_);
    }
    finish_engine();
    return true;
}

bool Core::any_tile_busy() const {
    bool busy = false;
    for (const CoreTile& tile : tiles_) {
        tile.placed->tile->finish();
        busy = busy || tile.placed->tile->busy();
    }
    return busy;
}

bool Core::start_transfer() {
    const auto has_fast = [](const CoreTile& tile) { return tile.placed->fast != nullptr; };
    if (std::none_of(tiles_.begin(), tiles_.end(), has_fast)) {
        return false;
    }
    const std::uint32_t event = reg(CoreRegister::event);
    const auto tick = static_cast<std::int32_t>(reg(CoreRegister::device_tick));
    std::uint64_t longest = 0;
    for (const CoreTile& tile : tiles_) {
        if (tile.placed->fast != nullptr && tile.array->asks()) {
            tile.array->plan(event, tick);
            longest =
                std::max(longest, tile.placed->fast->take(tile.array->fast_update(tile.placed->number)));
        }
    }
    std::uint64_t cycles = longest;
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
        if (auto* const array = dynamic_cast<ArrayBlock*>(blocks_[b].get())) {
            const std::uint64_t columns = units_[program_.blocks[b].unit].size();
            const std::uint64_t rows = array->array().transfer_operations();
            cycles += transfer_pass_cycles(around_.config, columns, rows);
            stats_.add(CoreCounter::planning_operations, columns * rows);
        }
    }
    stats_.add(CoreCounter::transfer_cycles, cycles);
    engine_ = Engine::transferring;
    engine_due_ = cycle() + cycles;
    return true;
}

void Core::write_tiles() {
    const std::uint32_t event = reg(CoreRegister::event);
    const auto tick = static_cast<std::int32_t>(reg(CoreRegister::device_tick));
    for (const CoreTile& tile : tiles_) {
        if (tile.array->plan(event, tick)) {
            tile.placed->tile->write(tile.array->burst(tile.placed->number, event, tick));
        }
    }
    engine_ = Engine::writing;
    engine_since_ = cycle();
    engine_due_ = noc::kNever;
}

void Core::start_refresh() {
    const std::uint32_t event = reg(CoreRegister::event);
    const auto tick = static_cast<std::int32_t>(reg(CoreRegister::device_tick));
    for (const CoreTile& tile : tiles_) {
        if (const auto request = tile.array->refresh(event, tick)) {
            tile.placed->tile->refresh(*request);
        }
    }
    engine_ = Engine::refreshing;
    engine_since_ = cycle();
}

void Core::start_measure(std::uint32_t projection, Engine engine) {
    const std::uint32_t event = reg(CoreRegister::event);
    const auto tick = static_cast<std::int32_t>(reg(CoreRegister::device_tick));
    for (const CoreTile& tile : tiles_) {
        if (engine == Engine::sharing ? tile.of_readouts : tile.projection == projection) {
            tile.placed->tile->measure(event, tick);
        }
    }
    engine_ = engine;
    engine_since_ = cycle();
    shared_ = engine != Engine::sharing;
}

void Core::share_readouts(bool changes) {
    std::vector<float> values;
    for (const CoreTile& tile : tiles_) {
        if (!tile.of_readouts) {
            continue;
        }
        const tile::TileRegion& region = tile.placed->region;
        if (changes) {
            tile.array->asked(region, values);
        } else {
            values.assign(tile.placed->tile->measured().begin(), tile.placed->tile->measured().end());
            tile.array->scale(values);
        }
        for (std::uint32_t r = 0; r < region.rows; ++r) {
            const std::uint32_t neuron = region.first_row + r;
            for (std::uint32_t o = 0; o < reg(CoreRegister::neuron_owners); ++o) {
                const std::uint32_t* const owner = &owner_words_[std::size_t{o} * 4];
                if (neuron < owner[0] || neuron - owner[0] >= owner[1]) {
                    continue;
                }
                noc::Flit flit =
                    noc::Flit::to(node_, static_cast<noc::NodeId>(owner[2]), noc::FlitKind::graded);
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

void Core::build_rules() {
    rules_.clear();
    std::size_t largest = 0;
    for (const Unit& unit : units_) {
        largest = std::max<std::size_t>(largest, unit.size());
    }
    psi_.assign(largest, 0.0F);
    for (const CoreProgram::Rule& rule : program_.rules) {
        const Unit& unit = units_[rule.unit];
        const Slice slice{unit.program().first_neuron, unit.size()};
        auto built = std::make_unique<LearningRule>(
            LearningRule{.unit = rule.unit,
                         .blocks = rule.blocks,
                         .learner = learning::SliceLearner<float>(rule.plan, slice, rule.regularizer),
                         .updates = {},
                         .memories = {}});
        for (std::size_t p = 0; p < rule.blocks.size(); ++p) {
            built->updates.emplace_back(rule.settings, rule.settings, rule.learning_rates[p],
                                        built->learner.gradient(p).size());
        }
        built->memories = built->learner.memories();
        for (learning::SliceUpdate<float>& update : built->updates) {
            for (learning::SliceMemory& memory : update.memories()) {
                built->memories.push_back(std::move(memory));
            }
        }
        rules_.push_back(std::move(built));
    }
}

void Core::record_for_rule(const Unit& unit, std::size_t number, std::span<const float> psi) {
    for (const auto& rule : rules_) {
        if (rule->unit != number) {
            continue;
        }
        rule_events_.clear();
        for (const std::uint32_t block : rule->blocks) {
            std::span<const std::uint32_t> rows = blocks_[block]->rows_taken();
            if (!rows.empty() && rows.back() == program_.blocks[block].pre) {  // the bias
                rows = rows.first(rows.size() - 1);
            }
            rule_events_.push_back({.rows = rows, .values = {}, .late = {}});
        }
        rule->learner.record({.arriving = rule_events_, .psi = psi, .spikes = unit.output().spikes()});
    }
}

void Core::learn_from_errors() {
    for (const auto& rule : rules_) {
        const std::span<const float> errors = errors_taken_;
        const std::array sources{errors};
        const Slice slice = rule->learner.slice();
        const bool is_read = rule->learner.plan().objective.has_value();
        rule->learner.learn(
            {.sources = std::span(sources).first(rule->learner.plan().sources.size()),
             .own = is_read ? errors.subspan(slice.first, slice.count) : std::span<const float>()});
    }
}

void Core::optimise(std::uint32_t window_steps) {
    for (const auto& rule : rules_) {
        rule->learner.end_trial();
        for (std::size_t p = 0; p < rule->blocks.size(); ++p) {
            const CoreProgram::Block& block = program_.blocks[rule->blocks[p]];
            const std::span<float> gradient = rule->learner.gradient(p);
            WeightArray& array = *around_.memory.array(block.number);
            if (rule->updates[p].add_trial(gradient, window_steps)) {
                rule->updates[p].change(gradient);
                array.ask_columns(block.columns.first, block.columns.count, gradient);
            } else {
                array.ask({});
            }
        }
    }
    start_pass(Engine::optimising, synapse_pass_cycles(around_.config, shape_), shape_.synapses());
}

/// Of the engine's own rule; empty: the host's learning reads feedback.
std::span<float> Core::own_feedback() {
    for (const auto& rule : rules_) {
        if (!rule->learner.plan().sources.empty()) {
            return rule->learner.feedback(0);
        }
    }
    return {};
}

/// The array that a word of the learning memory lies in; `word` becomes its place there.
learning::SliceMemory* Core::learning_memory(std::uint32_t& word) {
    for (const auto& rule : rules_) {
        for (learning::SliceMemory& memory : rule->memories) {
            if (word < memory.words()) {
                return &memory;
            }
            word -= static_cast<std::uint32_t>(memory.words());
        }
    }
    return nullptr;
}

}  // namespace memprop::hw::chip
