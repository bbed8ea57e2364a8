#include "hw_models/chip/chip.hpp"

#include <fmt/format.h>

#include <cmath>

namespace memprop::hw::chip {

Chip::Chip(const sc_core::sc_module_name& name, const ChipConfig& config, const ChipPlan& plan,
           const ChipParts& request)
    : sc_module(name),
      config_(config),
      plan_(plan),
      device_energy_(request.config.crossbar.energy),
      period_(config.clock_period_ns, sc_core::SC_NS),
      memory_{.state = request.state, .feedback = request.feedback, .weights = {}} {
    config.check_costs();
    for (std::size_t w = 0; w < request.weights.size(); ++w) {
        if (request.weights[w]->array() != nullptr) {  // throws if a cost is not known
            config.device_costs(device_energy_, request.config.crossbar.device);
        }
        arrays_.push_back(
            std::make_unique<WeightArray>(*request.weights[w], plan.tile_rows[w], plan.tile_columns[w]));
        memory_.weights[w] = arrays_.back().get();
    }
    mesh_ = std::make_unique<noc::EventMesh>("mesh", config.noc_params(), period_);
    mesh_->allow_run_ahead();
    for (std::size_t i = 0; i < plan_.cores.size(); ++i) {
        const std::string core_name = fmt::format("core_{}", i);
        cores_.push_back(std::make_unique<Core>(core_name.c_str(), plan_, i, config_,
                                                request.config.crossbar.adc.columns_per_converter, memory_,
                                                period_));
        cores_.back()->port.bind(mesh_->queue[static_cast<std::size_t>(plan_.cores[i].node)]);
        core_pointers_.push_back(cores_.back().get());
    }
    const double budget_seconds = config.step_budget_seconds > 0.0 ? config.step_budget_seconds
                                                                   : request.config.network.time_step_seconds;
    host_ = std::make_unique<HostInterface>(
        "host", plan_, config_, request.parameters.loss,
        static_cast<std::uint64_t>(std::floor(budget_seconds / period_.to_seconds())), memory_,
        core_pointers_, *mesh_, period_);
    host_->port.bind(mesh_->queue[static_cast<std::size_t>(ChipPlan::kHostNode)]);
}

ChipEnergy Chip::energy() const {
    ChipEnergy energy;
    const noc::Fabric& fabric = mesh_->fabric();
    energy.routing_j = fabric.total_router_stats(mesh_->cycle()).energy_j(fabric.params().cost);
    for (const auto& core : cores_) {
        energy.digital_j += core->digital_energy_j();
        for (const auto& tile : core->tiles()) {
            energy.tile_periphery_j += tile->memory().energy_j();
        }
        for (const auto& tile : core->fast_tiles()) {
            energy.tile_periphery_j += tile->energy_j();
        }
    }
    return energy;
}

void Chip::record(WordRecord& record) {
    host_->record(record);
    mesh_->fabric().record(record, mesh_->cycle());
    for (const auto& core : cores_) {
        core->record(record);
    }
}

std::vector<Counter> Chip::report() const {
    std::vector<Counter> out;
    const auto add = [&](std::string prefix, const CounterInfo& info, std::uint64_t value) {
        out.push_back({prefix.append(info.name), static_cast<double>(value), std::string(info.unit),
                       std::string(info.description)});
    };
    for (std::size_t i = 0; i < kHostCounters; ++i) {
        add("host.", kHostCounterInfo[i], host_->stats().at(i));
    }
    for (Counter& counter : mesh_->fabric().report("network.", mesh_->cycle())) {
        out.push_back(std::move(counter));
    }
    for (std::size_t c = 0; c < cores_.size(); ++c) {
        const std::string prefix = fmt::format("core_{}.", c);
        for (std::size_t i = 0; i < kCoreCounters; ++i) {
            add(prefix, kCoreCounterInfo[i], cores_[c]->stats().at(i));
        }
        out.push_back({prefix + "energy_digital", cores_[c]->digital_energy_j(), "J",
                       "neuron unit and learning engine; " + config_.digital_cost.source});
        for (std::size_t t = 0; t < cores_[c]->tiles().size(); ++t) {
            for (Counter& counter : cores_[c]->tiles()[t]->report(fmt::format("{}tile_{}.", prefix, t))) {
                out.push_back(std::move(counter));
            }
        }
        for (std::size_t t = 0; t < cores_[c]->fast_tiles().size(); ++t) {
            cores_[c]->fast_tiles()[t]->report(fmt::format("{}fast_tile_{}.", prefix, t), out);
        }
    }
    for (std::size_t w = 0; w < arrays_.size(); ++w) {
        arrays_[w]->report(fmt::format("{}.", learning::classic::kProjectionNames[w]), device_energy_, out);
    }
    return out;
}

std::uint64_t Chip::activations() const {
    std::uint64_t sum = mesh_->activations() + host_->activations();
    for (const auto& core : cores_) {
        sum += core->activations();
        for (const auto& tile : core->tiles()) {
            sum += tile->activations();
        }
    }
    return sum;
}

}  // namespace memprop::hw::chip
