#include "host_runtime/chip/chip_executor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <any>
#include <array>
#include <bit>
#include <cmath>
#include <stdexcept>
#include <string>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/memory_archive.hpp"
#include "hw_models/chip/state_words.hpp"
#include "learning/network/models/models.hpp"

namespace memprop::host {

using namespace hw::chip;
namespace reg = hw::chip::host_register;
using network::index_of;
using network::PopulationId;
using network::Projection;
using network::Slice;

namespace {

bool is_dendritic(const Projection& p) {
    return p.delay_kind == network::DelayKind::dendritic && p.delay_steps > 0;
}

/// Values of neurons are joined and cut; what is not one per neuron belongs to a population on one core.
template <class T>
bool join(const std::any& part, std::any& whole) {
    const auto* values = std::any_cast<std::vector<T>>(&part);
    if (values == nullptr) {
        return false;
    }
    auto& all = std::any_cast<std::vector<T>&>(whole);
    all.insert(all.end(), values->begin(), values->end());
    return true;
}

template <class T>
bool cut(const std::any& whole, Slice slice, std::uint32_t size, std::any& part) {
    const auto* values = std::any_cast<std::vector<T>>(&whole);
    if (values == nullptr) {
        return false;
    }
    if (values->size() == size) {
        part = std::vector<T>(values->begin() + slice.first, values->begin() + slice.first + slice.count);
    } else if (values->empty() || slice.count == size) {
        part = *values;
    } else {
        throw std::logic_error("the state of a population on several cores is not one value per neuron");
    }
    return true;
}

bool is_finite(const std::any& item) {
    const auto* values = std::any_cast<std::vector<float>>(&item);
    return values == nullptr ||
           std::all_of(values->begin(), values->end(), [](float x) { return std::isfinite(x); });
}

std::vector<std::any> items_of(network::Neurons<float>& neurons) {
    MemoryWriter writer;
    neurons.serialize(writer);
    return writer.items();
}

}  // namespace

std::vector<bool> remembered(const network::Network& network) {
    std::vector<bool> out(network.populations.size(), false);
    for (const Projection& p : network.projections) {
        out[index_of(p.from)] = out[index_of(p.from)] || (p.delay_steps > 0 && !is_dendritic(p));
    }
    return out;
}

ChipExecutor::ChipExecutor(ChipSession& session)
    : session_(session),
      network_(session.image().network),
      parts_(network_.populations.size()),
      whole_(network_.populations.size()),
      waiting_(network_.projections.size()),
      inputs_(network_.populations.size()),
      outputs_(network_.populations.size()),
      kept_(network_.populations.size(), 0),
      is_remembered_(remembered(network_)),
      before_(network_.populations.size()) {
    for (const auto& wave : network::waves(network_)) {
        order_.insert(order_.end(), wave.begin(), wave.end());
    }
    const ChipImage& image = session.image();
    for (std::size_t c = 0; c < image.cores.size(); ++c) {
        for (std::uint32_t u = 0; u < image.cores[c].units.size(); ++u) {
            const UnitImage& unit = image.cores[c].units[u];
            parts_[unit.population].push_back({session.core_number(c), u, unit.slice});
        }
    }
    for (std::size_t p = 0; p < parts_.size(); ++p) {
        std::sort(parts_[p].begin(), parts_[p].end(),
                  [](const Part& a, const Part& b) { return a.slice.first < b.slice.first; });
        whole_[p] = network::make_neurons<float>(network_.populations[p], network_.time_step_seconds);
    }
    for (std::size_t q = 0; q < waiting_.size(); ++q) {
        const Projection& p = network_.projections[q];
        if (is_dendritic(p)) {
            waiting_[q].assign(p.delay_steps, std::vector<float>(network_.at(p.to).size));
        } else {
            kept_[index_of(p.from)] = std::max<std::size_t>(kept_[index_of(p.from)], p.delay_steps);
        }
    }
    for (std::size_t p = 0; p < before_.size(); ++p) {
        before_[p].resize(kept_[p] == 0 ? 0 : kept_[p] - 1);
    }
    keep_state(false);  // an image before may have been told otherwise
}

void ChipExecutor::forget_outputs() {
    for (network::Signal<float>& signal : outputs_) {
        signal.set_zero();
    }
    for (auto& signals : before_) {
        for (network::Signal<float>& signal : signals) {
            signal.set_zero();
        }
    }
    steps_done_ = 0;
}

void ChipExecutor::clear() {
    begun_ = keeps_ = false;
    for (network::Signal<float>& signal : inputs_) {
        signal.set_zero();
    }
    forget_outputs();
}

void ChipExecutor::keep_state(bool keeps) {
    told_keeps_ = keeps;
    session_.write_cores(CoreRegister::keeps_state, keeps ? 1 : 0);
    session_.settle_writes();
}

void ChipExecutor::begin_sample(std::uint32_t sample, std::int32_t tick, LearningMode mode,
                                bool keeps_state) {
    if (told_keeps_ != keeps_state) {
        keep_state(keeps_state);
    }
    if (!keeps_state) {
        forget_outputs();
    }
    session_.write(reg::sample, std::array{sample, static_cast<std::uint32_t>(tick)});
    session_.write(reg::learn, static_cast<std::uint32_t>(mode));
    session_.command(Command::begin_sample);
}

void ChipExecutor::begin() {
    const std::uint64_t done = steps_done_;
    session_.write(reg::window, 0U);
    session_.write(reg::first_step, static_cast<std::uint32_t>(done));
    begin_sample(0, tick_, LearningMode::off, keeps_);
    begun_ = true;
}

void ChipExecutor::settle() {
    begin();
    session_.command(Command::settle);
    session_.take(outputs_);
}

void ChipExecutor::step(std::uint32_t step) {
    if (!begun_) {
        begin();
    }
    run_step(step, Command::tick);
}

void ChipExecutor::sample_step(std::uint32_t step, bool last) {
    run_step(step, last ? Command::last_tick : Command::tick);
}

void ChipExecutor::run_step(std::uint32_t step, Command command) {
    for (std::size_t p = 0; p < before_.size(); ++p) {
        if (!before_[p].empty()) {
            std::rotate(before_[p].begin(), before_[p].end() - 1, before_[p].end());
            std::swap(before_[p].front(), outputs_[p]);
        }
    }
    for (const SourceImage& source : session_.image().sources) {
        network::Signal<float>& input = inputs_[source.population];
        session_.give(source.population, input);
        std::swap(outputs_[source.population], input);
        input.set_zero();
    }
    session_.write(reg::step, step);
    session_.command(command);
    session_.take(outputs_);
    ++steps_done_;
}

std::vector<float> ChipExecutor::state(PopulationId id, std::string_view field) const {
    std::vector<float> out;
    for (const Part& part : parts_[index_of(id)]) {
        const auto values = session_.chip().cores()[part.core]->units()[part.unit].neurons().state(field);
        out.insert(out.end(), values.begin(), values.end());
    }
    return out;
}

const network::Signal<float>& ChipExecutor::past(std::size_t population, std::size_t ago) const {
    return ago == 0 ? outputs_[population] : before_[population][ago - 1];
}

/// From the units into whole populations.
void ChipExecutor::read_units() {
    std::vector<std::uint32_t> words;
    for (std::size_t p = 0; p < parts_.size(); ++p) {
        std::vector<std::any> all;
        for (const Part& part : parts_[p]) {
            session_.write_core(part.core, CoreRegister::save_state, part.unit);
            words.resize(session_.read_core(part.core, CoreRegister::state_words));
            session_.read_core(part.core, kStateWords, words);
            StateWordReader reader(words);
            const auto neurons = network::make_neurons<float>(
                network::slice_of(network_.populations[p], part.slice, network_.time_step_seconds),
                network_.time_step_seconds);
            neurons->serialize(reader);
            const std::vector<std::any> items = items_of(*neurons);
            for (std::size_t i = 0; i < items.size(); ++i) {
                if (all.size() < items.size()) {
                    all.push_back(items[i]);
                } else {
                    join<float>(items[i], all[i]) || join<std::int32_t>(items[i], all[i]) ||
                        join<std::uint32_t>(items[i], all[i]) || join<double>(items[i], all[i]);
                }
            }
            for (const network::ProjectionId q : network_.to(static_cast<PopulationId>(p))) {
                for (std::vector<float>& sums : waiting_[index_of(q)]) {
                    std::vector<float> own;
                    reader("waiting", own);
                    std::copy(own.begin(), own.end(), sums.begin() + part.slice.first);
                }
            }
        }
        if (!parts_[p].empty()) {
            MemoryReader reader(all);
            whole_[p]->clear();
            whole_[p]->serialize(reader);
        }
    }
}

void ChipExecutor::write_units() {
    for (std::size_t p = 0; p < parts_.size(); ++p) {
        const std::vector<std::any> all = items_of(*whole_[p]);
        if (!std::all_of(all.begin(), all.end(), is_finite)) {
            throw RunError(
                fmt::format("node {}: the state that was read is not finite", network_.populations[p].name));
        }
        const std::uint32_t size = network_.populations[p].size;
        for (const Part& part : parts_[p]) {
            std::vector<std::any> items = all;
            for (std::size_t i = 0; i < all.size(); ++i) {
                cut<float>(all[i], part.slice, size, items[i]) ||
                    cut<std::int32_t>(all[i], part.slice, size, items[i]) ||
                    cut<std::uint32_t>(all[i], part.slice, size, items[i]) ||
                    cut<double>(all[i], part.slice, size, items[i]);
            }
            const auto neurons = network::make_neurons<float>(
                network::slice_of(network_.populations[p], part.slice, network_.time_step_seconds),
                network_.time_step_seconds);
            MemoryReader reader(items);
            neurons->serialize(reader);
            StateWordWriter writer;
            neurons->serialize(writer);
            for (const network::ProjectionId q : network_.to(static_cast<PopulationId>(p))) {
                for (const std::vector<float>& sums : waiting_[index_of(q)]) {
                    std::vector<float> own(sums.begin() + part.slice.first,
                                           sums.begin() + part.slice.first + part.slice.count);
                    writer("waiting", own);
                }
            }
            session_.write_core(part.core, kStateWords, writer.words);
            session_.write_core(part.core, CoreRegister::restore_state, part.unit);
        }
    }
    session_.settle_writes();
}

/// Events that are due in later steps, from what was put out before.
void ChipExecutor::write_pending() {
    const ChipImage& image = session_.image();
    for (std::size_t c = 0; c < image.cores.size(); ++c) {
        const CoreImage& core = image.cores[c];
        std::vector<std::uint32_t> rows;
        for (const AxonImage& axon : core.axons) {
            const BlockImage& block = core.blocks[axon.block];
            const Projection& p = network_.projections[block.projection];
            const auto from = index_of(p.from);
            for (std::size_t ago = 0; !is_dendritic(p) && ago < p.delay_steps; ++ago) {
                if (ago >= steps_done_ && p.delay_steps > 1) {
                    break;  // what was put out before the first step is only there in the first one
                }
                for_each_nonzero(past(from, ago), [&](std::uint32_t i, float value) {
                    const std::uint32_t address = image.first_address[from] + i;
                    if (address >= axon.first_address && address - axon.first_address < axon.count) {
                        rows.insert(rows.end(), {static_cast<std::uint32_t>(p.delay_steps - 1 - ago),
                                                 axon.block, axon.first_row + (address - axon.first_address),
                                                 std::bit_cast<std::uint32_t>(value)});
                    }
                });
            }
        }
        const std::uint32_t number = session_.core_number(c);
        session_.write_core(number, kPendingWords, rows);
        session_.write_core(number, CoreRegister::pending_events,
                            static_cast<std::uint32_t>(rows.size() / 4));
        session_.write_core(number, CoreRegister::steps_done, static_cast<std::uint32_t>(steps_done_));
    }
    session_.settle_writes();
}

void ChipExecutor::serialize(StateArchive& archive) {
    read_units();
    serialize_copy(archive);
}

/// What read_units() has read, or write_units() will write.
void ChipExecutor::serialize_copy(StateArchive& archive) {
    archive("steps_done", steps_done_);
    for (const PopulationId id : order_) {
        const std::size_t p = index_of(id);
        archive.enter("population" + std::to_string(p));
        whole_[p]->serialize(archive);
        if (is_remembered_[p]) {
            serialize_signal(archive, "output", outputs_[p], network_.at(id).size);
        }
        for (std::size_t ago = 0; ago + 1 < kept_[p]; ++ago) {
            serialize_signal(archive, "before" + std::to_string(ago), before_[p][ago], network_.at(id).size);
        }
        archive.leave();
    }
    for (std::size_t q = 0; q < waiting_.size(); ++q) {
        for (std::size_t k = 0; k < waiting_[q].size(); ++k) {
            archive("waiting" + std::to_string(q) + "_" + std::to_string(k), waiting_[q][k]);
        }
    }
}

void ChipExecutor::write_state() {
    write_units();
    write_pending();
}

void ChipExecutor::restore(StateArchive& archive) {
    for (const auto& neurons : whole_) {
        neurons->clear();
    }
    serialize_copy(archive);
    write_state();
    keeps_ = true;
    begun_ = false;
}

}  // namespace memprop::host
