// The state of a network on the chip, in the words of the simulator: what each node of the graph keeps and
// what it put out last. Only neurons keep anything on the chip; what the nodes between them put out follows.
#include <algorithm>
#include <string>

#include "crossbar/base/error.hpp"
#include "host_runtime/chip/chip_network.hpp"
#include "host_runtime/files/memory_archive.hpp"

namespace memprop::host {
namespace {

Signal spike_signal(const std::vector<std::uint32_t>& indices) {
    Signal signal;
    signal.start_sparse();
    for (const std::uint32_t i : indices) {
        signal.add(i, 1.0);
    }
    signal.finish_sparse();
    return signal;
}

std::vector<std::uint32_t> indices_of(const std::vector<float>& spikes) {
    std::vector<std::uint32_t> indices;
    for (std::uint32_t i = 0; i < spikes.size(); ++i) {
        if (spikes[i] != 0.0F) {
            indices.push_back(i);
        }
    }
    return indices;
}

/// Adds b to a; both are of a layer of `size`.
void add(Signal& a, const Signal& b, std::size_t size) {
    if (a.form == Signal::Form::zero || b.form == Signal::Form::zero) {
        a = a.form == Signal::Form::zero ? b : a;
        return;
    }
    std::vector<double> values(size, 0.0);
    for (const Signal* signal : {static_cast<const Signal*>(&a), &b}) {
        for_each_nonzero(*signal, [&](std::uint32_t i, double value) { values[i] += value; });
    }
    a.form = Signal::Form::dense;
    a.dense = std::move(values);
}

}  // namespace

/// What devices make of the spikes that arrive in the step to come; with the same draws the chip reads them
/// again then. What others put out nobody asks for again.
void ChipNetwork::read_devices(std::size_t projection, const Signal& arriving, Signal& out) {
    if (static_cast<learning::ProjectionId>(projection) != learning::classic::w_rec ||
        arriving.form == Signal::Form::zero) {
        return;
    }
    std::vector<float> sums(mapped_[projection]->shape().post);
    mapped_[projection]->sum_inputs(arriving.index, static_cast<std::uint32_t>(steps_done_), sums);
    out.form = Signal::Form::dense;
    out.dense.assign(sums.begin(), sums.end());
}

/// What every node put out in the last step.
std::vector<Signal> ChipNetwork::signals() {
    std::vector<Signal> out(infos_.size());
    for (const std::uint32_t i : order_.nodes) {
        if (i == compiled_.neurons) {
            out[i] = spike_signal(spikes_);
        } else if (i == compiled_.readouts) {
            out[i].form = Signal::Form::dense;
            out[i].dense = shown_readout_;
        } else if (i == compiled_.delay) {
            out[i] = spike_signal(earlier_spikes_);
        } else if (sources_[i].empty()) {
            out[i] = spike_signal(events_);
        } else {
            Signal sum;
            for (const std::uint32_t source : sources_[i]) {
                add(sum, out[source], infos_[i].size);
            }
            const auto weights = std::find_if(compiled_.weights.begin(), compiled_.weights.end(),
                                              [&](const CompiledWeights& w) { return w.node == i; });
            if (weight_operators_[i] != nullptr) {
                weight_operators_[i]->step(sum, out[i]);
            } else if (weights != compiled_.weights.end()) {
                read_devices(static_cast<std::size_t>(weights - compiled_.weights.begin()), sum, out[i]);
            } else {
                out[i] = std::move(sum);
            }
        }
    }
    return out;
}

void ChipNetwork::serialize(StateArchive& archive, const std::vector<Signal>& outputs) {
    archive("steps_done", steps_done_);
    for (std::uint32_t i = 0; i < infos_.size(); ++i) {
        archive.enter("node" + std::to_string(i));
        if (i == compiled_.neurons) {
            archive("v", state_.membrane);
            archive("spike", state_.spike);
            archive("shown", membrane_);
        } else if (i == compiled_.readouts) {
            std::vector<float> no_spikes(state_.readout.size(), 0.0F);
            archive("v", state_.readout);
            archive("spike", no_spikes);
            archive("shown", shown_readout_);
        } else if (i == compiled_.delay) {
            std::uint64_t now = steps_done_;
            std::vector<double> due(spikes_.size(), static_cast<double>(now)), value(spikes_.size(), 1.0);
            std::vector<std::uint32_t> index = spikes_;
            archive("now", now);
            archive("due", due);
            archive("index", index);
            archive("value", value);
        }
        for (MappedWeights* mapped : mapped_) {
            if (mapped != nullptr &&
                compiled_.weights[static_cast<std::size_t>(mapped->shape().id)].node == i) {
                std::uint64_t step = steps_done_;
                archive("step", step);
                mapped->devices().account_reads();
                archive.enter("array0");
                mapped->serialize(archive);
                archive.leave();
                mapped->devices().renew(mapped->tick());
            }
        }
        std::vector<double> values(infos_[i].size, 0.0);
        std::copy_n(dense_values(outputs[i], values), values.size(), values.begin());
        auto form = static_cast<std::uint64_t>(outputs[i].form);
        archive("form", form);
        archive("output", values);
        archive.leave();
    }
}

void ChipNetwork::write_state(StateArchive& archive) {
    serialize(archive, signals());
}

void ChipNetwork::read_state(StateArchive& archive) {
    if (begun_) {
        throw RunError("a chip takes a state before its first step");
    }
    MemoryWriter before;
    write_state(before);
    try {
        take_state(archive);
    } catch (...) {
        MemoryReader back(before.items());
        take_state(back);
        throw;
    }
}

void ChipNetwork::take_state(StateArchive& archive) {
    spikes_.clear();  // as many as the archive has
    serialize(archive, std::vector<Signal>(infos_.size()));
    spikes_ = indices_of(state_.spike);
    readout_ = state_.readout;
    show();
    check_finite();
    if (compiled_.delay) {  // what is on its way to the readouts has passed their weights already
        const std::uint32_t w_out = *compiled_.weights[2].node;
        Signal arriving;
        weight_operators_[w_out]->step(spike_signal(spikes_), arriving);
        std::vector<double> values(state_.readout_input.size());
        const double* sums = dense_values(arriving, values);
        std::transform(sums, sums + values.size(), state_.readout_input.begin(),
                       [](double sum) { return static_cast<float>(sum); });
    }
    hardware_->state_restored();
}

}  // namespace memprop::host
