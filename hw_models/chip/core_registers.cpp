// The window of a core in the memory map.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "crossbar/base/error.hpp"
#include "hw_models/chip/core.hpp"
#include "hw_models/chip/unit_state.hpp"

namespace memprop::hw::chip {
namespace {

bool is_number(std::uint32_t word) {
    return std::isfinite(std::bit_cast<float>(word));
}

/// The word of a memory that grows as it is written, from its beginning.
bool store(std::vector<std::uint32_t>& words, std::uint32_t index, std::uint32_t value, std::size_t most) {
    if (index >= most || index > words.size()) {
        return false;
    }
    if (index == words.size()) {
        words.push_back(value);
    } else {
        words[index] = value;
    }
    return true;
}

}  // namespace

void Core::receive_configuration(const noc::Flit& flit) {
    if ((flit.address & kReadRequest) == 0) {
        if (flit.step == kPostedWrite) {
            stats_.add(CoreCounter::words_written);
            ++around_.memory.words_delivered;
        }
        if (!write_word(flit.address, flit.value)) {
            stats_.add(CoreCounter::refused_flits);
        }
        return;
    }
    noc::Flit answer = noc::Flit::to(node_, kHostNode, noc::FlitKind::configuration);
    answer.address = flit.address & ~kReadRequest;
    answer.step = flit.step;  // whose question it was
    answer.value = read_word(answer.address).value_or(0);
    send(answer);
}

/// Of readout k and neuron j of the core.
float& Core::feedback_weight(std::size_t k, std::size_t j) {
    if (const std::span<float> own = own_feedback(); !own.empty()) {
        return own[k * learning_neurons_.count + j];
    }
    return (*around_.memory.feedback)[k * around_.memory.feedback_neurons + learning_neurons_.first + j];
}

std::optional<std::uint32_t> Core::read_word(std::uint32_t word) {
    if (word < static_cast<std::uint32_t>(CoreRegister::count)) {
        switch (static_cast<CoreRegister>(word)) {
            case CoreRegister::units:
                return static_cast<std::uint32_t>(units_.size());
            case CoreRegister::blocks:
                return static_cast<std::uint32_t>(blocks_.size());
            case CoreRegister::tiles:
                return static_cast<std::uint32_t>(tiles_.size());
            case CoreRegister::status:
                return step_running_ || engine_ != Engine::idle ? 1U : 0U;
            case CoreRegister::state_words:
                return static_cast<std::uint32_t>(state_.size());
            case CoreRegister::learning_words: {
                std::size_t words = 0;
                for (const auto& rule : rules_) {
                    for (const learning::SliceMemory& memory : rule->memories) {
                        words += memory.words();
                    }
                }
                return static_cast<std::uint32_t>(words);
            }
            default:
                return registers_[word];
        }
    }
    if (word >= kCoreCounterWords && word < kCoreCounterWords + 2 * kCoreCounters) {
        const std::uint32_t index = word - kCoreCounterWords;
        return static_cast<std::uint32_t>(stats_.at(index / 2) >> (index % 2 * 32));
    }
    const auto of = [word](const std::vector<std::uint32_t>& words, std::uint32_t first) {
        return word >= first && word - first < words.size() ? std::optional(words[word - first])
                                                            : std::nullopt;
    };
    if (word < kPendingWords) {
        return of(owner_words_, kOwnerWords);
    }
    if (word < kFeedbackWords) {
        return of(pending_words_, kPendingWords);
    }
    if (word < kStateWords) {
        const std::size_t n = learning_neurons_.count, i = word - kFeedbackWords;
        if (i >= feedback_changes_.size() || (own_feedback().empty() && around_.memory.feedback == nullptr)) {
            return std::nullopt;
        }
        return std::bit_cast<std::uint32_t>(feedback_weight(i / n, i % n));
    }
    if (word < kLearningWords) {
        return of(state_, kStateWords);
    }
    if (word < kTileWords) {
        std::uint32_t at = word - kLearningWords;
        const learning::SliceMemory* const memory = learning_memory(at);
        return memory != nullptr ? std::optional(memory->read(at)) : std::nullopt;
    }
    if (word >= kImageWords) {
        return of(image_words_, kImageWords);
    }
    const std::size_t t = (word - kTileWords) / kTileStride, i = (word - kTileWords) % kTileStride;
    if (t < tiles_.size() && i < tiles_[t].placed->tile->measured().size()) {
        std::array scaled{tiles_[t].placed->tile->measured()[i]};
        tiles_[t].array->scale(scaled);
        return std::bit_cast<std::uint32_t>(scaled[0]);
    }
    return std::nullopt;
}

std::optional<std::uint32_t> Core::debug_read_word(std::uint32_t word) {
    if (word < kTileWords || word >= kImageWords) {
        return read_word(word);
    }
    const std::size_t t = (word - kTileWords) / kTileStride, i = (word - kTileWords) % kTileStride;
    if (t >= tiles_.size() || i >= tiles_[t].placed->tile->measured().size()) {
        return std::nullopt;
    }
    const tile::TileRegion& region = tiles_[t].placed->region;
    const auto row = region.first_row + static_cast<std::uint32_t>(i) / region.columns;
    const auto column = region.first_column + static_cast<std::uint32_t>(i) % region.columns;
    const auto tick = static_cast<std::int32_t>(reg(CoreRegister::device_tick));
    return std::bit_cast<std::uint32_t>(tiles_[t].array->weight(row, column, tick));
}

bool Core::write_register(CoreRegister which, std::uint32_t value) {
    switch (which) {
        case CoreRegister::units:
        case CoreRegister::blocks:
        case CoreRegister::tiles:
        case CoreRegister::status:
        case CoreRegister::state_words:
        case CoreRegister::learning_words:
        case CoreRegister::count:
            return false;
        case CoreRegister::image:
            if (!configure(value)) {
                return false;
            }
            break;
        case CoreRegister::neuron_owners:
            if (value > owner_words_.size() / 4) {
                return false;
            }
            break;
        case CoreRegister::learns:
            if (value > static_cast<std::uint32_t>(kLastLearningMode)) {
                return false;
            }
            break;
        case CoreRegister::keeps_state:
            if (value > 1) {
                return false;
            }
            break;
        case CoreRegister::save_state:
            if (value >= units_.size()) {
                return false;
            }
            state_ = unit_state(units_[value]);
            break;
        case CoreRegister::restore_state:
            if (value >= units_.size() || !set_unit_state(units_[value], state_)) {
                return false;
            }
            break;
        case CoreRegister::pending_events:
            if (!take_pending(value)) {
                return false;
            }
            break;
        case CoreRegister::steps_done:
            steps_done_ = value;
            break;
        case CoreRegister::outputs:
            if (is_used()) {  // the image was built with it
                return false;
            }
            break;
        case CoreRegister::device_tick:
        case CoreRegister::event:
        case CoreRegister::first_step:
            break;
    }
    registers_[static_cast<std::size_t>(which)] = value;
    return true;
}

/// Rows of step (0: the next one), block, row and value replace the events that wait.
bool Core::take_pending(std::uint32_t count) {
    if (count > pending_words_.size() / 4 || step_running_) {
        return false;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t* const at = &pending_words_[std::size_t{i} * 4];
        if (at[0] >= slots_.size() || at[1] >= blocks_.size() || at[2] >= program_.blocks[at[1]].pre ||
            !is_number(at[3])) {
            return false;
        }
    }
    for (auto& waiting : slots_) {
        waiting.clear();
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t* const at = &pending_words_[std::size_t{i} * 4];
        const std::uint32_t due = step_ + 1 + at[0];
        slot(due).push_back({due, at[1], at[2], std::bit_cast<float>(at[3])});
    }
    return true;
}

bool Core::write_word(std::uint32_t word, std::uint32_t value) {
    if (word < static_cast<std::uint32_t>(CoreRegister::count)) {
        return write_register(static_cast<CoreRegister>(word), value);
    }
    if (word < kOwnerWords) {
        return false;
    }
    if (word < kPendingWords) {
        return store(owner_words_, word - kOwnerWords, value, kPendingWords - kOwnerWords);
    }
    if (word < kFeedbackWords) {
        return store(pending_words_, word - kPendingWords, value, kFeedbackWords - kPendingWords);
    }
    if (word >= kImageWords) {
        return store(image_words_, word - kImageWords, value, kCoreWords - kImageWords);
    }
    if (word >= kStateWords && word < kLearningWords) {
        if (word == kStateWords) {  // states have different lengths
            state_.clear();
        }
        return store(state_, word - kStateWords, value, kLearningWords - kStateWords);
    }
    if (word >= kLearningWords && word < kTileWords) {
        std::uint32_t at = word - kLearningWords;
        learning::SliceMemory* const memory = learning_memory(at);
        if (memory == nullptr ||
            (memory->kind() == learning::SliceMemory::Kind::single && !is_number(value))) {
            return false;
        }
        memory->write(at, value);
        return true;
    }
    if (!is_number(value)) {
        return false;
    }
    if (word < kStateWords) {
        const std::size_t n = learning_neurons_.count, i = word - kFeedbackWords;
        if (i >= feedback_changes_.size() || (own_feedback().empty() && around_.memory.feedback == nullptr)) {
            return false;
        }
        feedback_weight(i / n, i % n) = std::bit_cast<float>(value);
        return true;
    }
    const std::size_t t = (word - kTileWords) / kTileStride, i = (word - kTileWords) % kTileStride;
    if (t < tiles_.size() && i < tiles_[t].placed->tile->measured().size()) {
        const tile::TileRegion& region = tiles_[t].placed->region;
        tiles_[t].array->stage(region.first_row + static_cast<std::uint32_t>(i) / region.columns,
                               region.first_column + static_cast<std::uint32_t>(i) % region.columns,
                               std::bit_cast<float>(value));
        return true;
    }
    return false;
}

}  // namespace memprop::hw::chip
