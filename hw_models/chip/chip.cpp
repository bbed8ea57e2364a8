#include "hw_models/chip/chip.hpp"

#include <fmt/format.h>

#include <cmath>

#include "crossbar/base/error.hpp"

namespace memprop::hw::chip {

Chip::Chip(const ChipConfig& config, const crossbar::CrossbarConfig& crossbar, double step_budget_seconds)
    : config_((config.check_costs(), config)),
      crossbar_(crossbar),
      device_energy_(crossbar.energy),
      network_(config.noc_params(), clock_),
      core_at_(network_.fabric().terminals(), ~0U) {
    const auto width = static_cast<std::uint32_t>(config.mesh_width) + 1;
    for (std::uint32_t node = 0; node < core_at_.size(); ++node) {
        if (node % width == 0) {
            continue;
        }
        core_at_[node] = static_cast<std::uint32_t>(cores_.size());
        cores_.push_back(std::make_unique<Core>(
            Core::Surroundings{.config = config_,
                               .columns_per_converter = crossbar_.adc.columns_per_converter,
                               .memory = memory_,
                               .network = network_,
                               .clock = clock_},
            static_cast<noc::NodeId>(node), fmt::format("core_{}", cores_.size())));
    }
    due_.assign(cores_.size(), noc::kNever);
    const double budget = config.step_budget_seconds > 0.0 ? config.step_budget_seconds : step_budget_seconds;
    const double period = config.clock_period_ns * 1e-9;
    host_ = std::make_unique<HostInterface>(HostInterface::Surroundings{.config = config_,
                                                                        .memory = memory_,
                                                                        .cores = cores_,
                                                                        .network = network_,
                                                                        .clock = clock_,
                                                                        .clock_period_seconds = period},
                                            static_cast<std::uint64_t>(std::floor(budget / period)));
}

void Chip::attach(std::span<const Attached> projections) {
    memory_.arrays.clear();
    memory_.shared.clear();
    for (const Attached& a : projections) {
        if (a.store != nullptr && a.store->array() != nullptr) {  // throws if a cost is not known
            config_.device_costs(device_energy_, crossbar_.device);
        }
        memory_.arrays.push_back(a.store == nullptr
                                     ? nullptr
                                     : std::make_unique<WeightArray>(*a.store, a.tile_rows, a.tile_columns));
        memory_.shared.push_back(
            a.shared == nullptr ? nullptr : std::make_unique<SharedConnection>(*a.shared, a.rows, a.columns));
    }
}

void Chip::attach_feedback(std::vector<float>& feedback, std::uint32_t neurons) {
    memory_.feedback = &feedback;
    memory_.feedback_neurons = neurons;
}

std::uint32_t Chip::core_of(noc::NodeId node) const {
    return core_at_.at(static_cast<std::size_t>(node));
}

bus::BusStatus Chip::write(std::uint32_t address, std::uint32_t word) {
    const bus::BusStatus status = host_->write(address, word);
    if (address == host_register::command || address >= host_register::windows) {
        find_next();  // other words make no work
    }
    if (status == bus::BusStatus::ok) {
        for (ChipObserver* observer : observers_) {
            observer->word_written(address, word);
        }
    }
    return status;
}

std::string Chip::who_waits() const {
    std::string waits = host_->who_waits();
    for (std::uint32_t node = 0; node < core_at_.size(); ++node) {
        if (const std::size_t flits = network_.waiting_to_leave(static_cast<noc::NodeId>(node)); flits != 0) {
            waits += fmt::format("node {}: {} flits wait to enter the network\n", node, flits);
        }
    }
    return waits + network_.fabric().who_waits(clock_.cycle);
}

bool Chip::keeps_address(std::uint32_t address) const {
    return address == host_register::event_in || address == host_register::event_out ||
           address == host_register::graded_in;
}

bus::ReadResult Chip::read(std::uint32_t address) {
    const bus::ReadResult result = host_->read(address);
    if (result.pending) {
        find_next();
    }
    return result;
}

std::uint64_t Chip::next_cycle() const {
    return std::max(clock_.cycle, next_);
}

void Chip::find_next() {
    next_ = std::min({network_.next_cycle(), next_core_cycle_, host_->next_cycle()});
}

void Chip::advance_to(std::uint64_t cycle) {
    while (next_ <= cycle) {
        const std::uint64_t next = next_cycle();
        for (ChipObserver* observer : observers_) {
            observer->cycle_begins(next);
        }
        clock_.cycle = next;
        work();
        find_next();
    }
    clock_.cycle = cycle;
}

void Chip::work() {
    ++activations_;
    const std::uint64_t now = clock_.cycle;
    bool host_wakes = host_->next_cycle() <= now;
    if (network_.next_cycle() <= now) {
        for (const std::uint32_t node : network_.step()) {
            if (core_at_[node] == ~0U) {
                host_wakes = true;
            } else if (const std::uint32_t c = core_at_[node]; due_[c] != now) {
                if (due_[c] == noc::kNever) {
                    active_.push_back(c);
                }
                due_[c] = now;
                next_core_cycle_ = now;
            }
        }
    }
    if (next_core_cycle_ <= now) {
        next_core_cycle_ = noc::kNever;
        std::size_t kept = 0;
        const std::size_t count = active_.size();
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint32_t c = active_[i];
            if (due_[c] <= now) {
                cores_[c]->run();
                due_[c] = cores_[c]->next_cycle();
            }
            if (due_[c] != noc::kNever) {
                next_core_cycle_ = std::min(next_core_cycle_, due_[c]);
                active_[kept++] = c;
            }
        }
        active_.resize(kept);
    }
    if (host_wakes) {
        host_->run();
    }
    for (ChipObserver* observer : observers_) {
        observer->cycle_done(now);
    }
}

ChipEnergy Chip::energy() const {
    ChipEnergy energy;
    const noc::Fabric& fabric = network_.fabric();
    energy.routing_j = fabric.total_router_stats(clock_.cycle).energy_j(fabric.params().cost);
    for (const auto& core : cores_) {
        energy.digital_j += core->digital_energy_j();
        energy.tile_periphery_j += core->periphery_energy_j();
    }
    return energy;
}

void Chip::record(WordRecord& record) {
    host_->record(record);
    network_.fabric().record(record, clock_.cycle);
    for (const auto& core : cores_) {
        core->record(record);
    }
}

std::vector<Counter> Chip::report(const network::Network& names) const {
    std::vector<Counter> out;
    const auto add = [&](std::string prefix, const CounterInfo& info, std::uint64_t value) {
        out.push_back({prefix.append(info.name), static_cast<double>(value), std::string(info.unit),
                       std::string(info.description)});
    };
    add("mesh.", {"width", "cores", "cores of a row"}, static_cast<std::uint64_t>(config_.mesh_width));
    add("mesh.", {"height", "cores", "rows of cores"}, static_cast<std::uint64_t>(config_.mesh_height));
    for (std::size_t i = 0; i < kHostCounters; ++i) {
        add("host.", kHostCounterInfo[i], host_->stats().at(i));
    }
    for (Counter& counter : network_.fabric().report("network.", clock_.cycle)) {
        out.push_back(std::move(counter));
    }
    for (const auto& core : cores_) {
        if (!core->is_used()) {
            continue;
        }
        const std::string prefix = core->name() + ".";
        for (std::size_t i = 0; i < kCoreCounters; ++i) {
            add(prefix, kCoreCounterInfo[i], core->stats().at(i));
        }
        out.push_back({prefix + "energy_digital", core->digital_energy_j(), "J",
                       "neuron unit and learning engine; " + config_.digital_cost.source});
        for (std::size_t b = 0; b < core->blocks().size(); ++b) {
            core->blocks()[b]->report(fmt::format("{}block_{}.", prefix, b), out);
        }
    }
    for (std::size_t p = 0; p < memory_.arrays.size() && p < names.projections.size(); ++p) {
        if (memory_.arrays[p] != nullptr) {
            memory_.arrays[p]->report(fmt::format("{}.", names.projections[p].name), device_energy_, out);
        }
    }
    return out;
}

}  // namespace memprop::hw::chip
