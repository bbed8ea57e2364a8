#include "host_runtime/graph/simulator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/memory_archive.hpp"

namespace memprop::host {
namespace {

void restore_signal(Signal& signal, Signal::Form form, const std::vector<double>& values) {
    if (form == Signal::Form::dense) {
        signal.form = form;
        signal.dense = values;
        return;
    }
    signal.start_sparse();
    for (std::uint32_t i = 0; i < values.size(); ++i) {
        if (values[i] != 0.0) {
            signal.add(i, values[i]);
        }
    }
    signal.form = form;
}

}  // namespace

Simulator::Simulator(const nir::Network& network, const std::string& file,
                     const Discretisation& discretisation, OperatorMapping* mapping)
    : Simulator(nir::flatten(network, file), file, discretisation, mapping) {}

Simulator::Simulator(const nir::FlatGraph& graph, const std::string& file,
                     const Discretisation& discretisation, OperatorMapping* mapping)
    : RunningNetwork(graph),
      nodes_(graph.nodes.size()),
      first_step_recurrence_(discretisation.first_step_recurrence) {
    check(discretisation);
    for (std::uint32_t i = 0; i < graph.nodes.size(); ++i) {
        const nir::FlatNode& flat = graph.nodes[i];
        const std::string place = fmt::format("{}: node {}", file, flat.name);
        const bool arrives_late =
            std::all_of(flat.targets.begin(), flat.targets.end(),
                        [&](std::uint32_t target) { return order_.is_delayed(i, target); });
        nodes_[i].op = mapping != nullptr ? mapping->map(flat, place, arrives_late) : nullptr;
        if (nodes_[i].op == nullptr) {
            nodes_[i].op = make_operator(flat, discretisation, place);
        }
        for (const std::uint32_t source : flat.sources) {
            nodes_[i].sources.push_back({source, order_.is_delayed(source, i)});
        }
    }
    if (mapping != nullptr) {
        mapping->finish();
    }
    find_longest_delay();
    set_rest();
}

/// The longest way through Delay nodes; delayed edges would make it endless.
void Simulator::find_longest_delay() {
    std::vector<std::uint64_t> way(nodes_.size(), 0);
    for (const std::uint32_t i : order_.nodes) {
        for (const Source& source : nodes_[i].sources) {
            if (!source.delayed) {
                way[i] = std::max(way[i], way[source.node]);
            }
        }
        way[i] += nodes_[i].op->longest_delay_steps();
        longest_delay_steps_ = std::max(longest_delay_steps_, way[i]);
    }
}

void Simulator::reset() {
    for (NodeState& node : nodes_) {
        node.op->reset();
    }
    steps_done_ = 0;
    set_rest();
}

void Simulator::serialize(StateArchive& archive, StateParts parts) {
    archive("steps_done", steps_done_);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        archive.enter("node" + std::to_string(i));
        nodes_[i].op->serialize(archive);
        if (parts == StateParts::network_and_devices) {
            nodes_[i].op->serialize_devices(archive);
        }
        Signal& out = nodes_[i].out;
        std::vector<double> values(infos_[i].size, 0.0);
        std::uint64_t form = static_cast<std::uint64_t>(out.form);
        std::copy_n(dense_values(out, values), values.size(), values.begin());
        archive("form", form);
        archive("output", values);
        restore_signal(out, static_cast<Signal::Form>(std::min<std::uint64_t>(form, 2)), values);
        archive.leave();
    }
}

void Simulator::read_state(StateArchive& archive) {
    MemoryWriter before;
    serialize(before);
    try {
        reset();
        serialize(archive);
        check_finite();
    } catch (...) {
        MemoryReader back(before.items());
        reset();
        serialize(back);
        throw;
    }
}

/// Gives every node the output it has before step 0: what feedback delivers in step 0.
void Simulator::set_rest() {
    for (NodeState& node : nodes_) {
        node.out.set_zero();
    }
    for (const std::uint32_t i : order_.nodes) {
        NodeState& node = nodes_[i];
        add_sources(node, true);
        node.op->rest(node.sum, node.out);
    }
}

void Simulator::add_sources(NodeState& node, bool skip_delayed) {
    const auto counts = [&](const Source& source) {
        return !(skip_delayed && source.delayed) && nodes_[source.node].out.form != Signal::Form::zero;
    };
    const bool dense = std::any_of(node.sources.begin(), node.sources.end(), [&](const Source& source) {
        return counts(source) && nodes_[source.node].out.form == Signal::Form::dense;
    });
    if (dense) {
        node.sum.start_dense(infos_[node.sources.front().node].size, 0.0);  // all sources agree
        for (const Source& source : node.sources) {
            if (counts(source)) {
                for_each_nonzero(nodes_[source.node].out,
                                 [&](std::uint32_t i, double value) { node.sum.dense[i] += value; });
            }
        }
        return;
    }
    node.sum.start_sparse();
    for (const Source& source : node.sources) {
        if (counts(source)) {
            const Signal& out = nodes_[source.node].out;
            node.sum.index.insert(node.sum.index.end(), out.index.begin(), out.index.end());
            node.sum.value.insert(node.sum.value.end(), out.value.begin(), out.value.end());
        }
    }
    node.sum.finish_sparse();
}

/// What arrives at a node. A source that runs later in the step still holds its value of the step before.
const Signal& Simulator::gather(std::uint32_t index) {
    NodeState& node = nodes_[index];
    const bool skip_delayed = steps_done_ == 0 && !first_step_recurrence_;
    if (node.sources.size() == 1 && node.sources[0].node != index) {
        return skip_delayed && node.sources[0].delayed ? nothing_ : nodes_[node.sources[0].node].out;
    }
    add_sources(node, skip_delayed);
    return node.sum;
}

void Simulator::step(std::span<const std::uint32_t> events) {
    for (const std::uint32_t input : inputs_) {
        nodes_[input].out.start_sparse();
    }
    for (const std::uint32_t event : events) {
        const auto end = std::upper_bound(input_begin_.begin(), input_begin_.end(), event);
        const auto input = static_cast<std::size_t>(end - input_begin_.begin()) - 1;
        nodes_[inputs_[input]].out.add(static_cast<std::uint32_t>(event - input_begin_[input]), 1.0);
    }
    for (const std::uint32_t input : inputs_) {
        nodes_[input].out.finish_sparse();
    }
    for (const std::uint32_t i : order_.nodes) {
        if (!nodes_[i].sources.empty()) {
            nodes_[i].op->step(gather(i), nodes_[i].out);
        }
    }
    ++steps_done_;
}

std::span<const std::uint32_t> Simulator::spikes(std::uint32_t node) const {
    const Signal& out = nodes_[node].out;
    if (!nir::is_spiking(infos_[node].type) || out.form != Signal::Form::sparse) {
        return {};
    }
    return out.index;
}

void Simulator::read_output(std::span<double> out) const {
    std::fill(out.begin(), out.end(), 0.0);
    std::size_t begin = 0;
    for (const std::uint32_t output : outputs_) {
        for_each_nonzero(nodes_[output].out, [&](std::uint32_t i, double value) { out[begin + i] += value; });
        begin += infos_[output].size;
    }
}

void Simulator::check_finite() const {
    const auto finite = [](std::span<const double> values) {
        return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
    };
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        const NodeState& node = nodes_[i];
        if (!finite(node.op->membrane()) || !finite(node.op->current()) ||
            (node.out.form == Signal::Form::dense && !finite(node.out.dense))) {
            throw RunError(
                fmt::format("node {}: its state is no longer finite after {} steps (feedback that grows, or "
                            "weights that are too large)",
                            infos_[i].name, steps_done_));
        }
    }
}

}  // namespace memprop::host
