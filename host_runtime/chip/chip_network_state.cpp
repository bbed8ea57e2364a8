// The state of a network on the chip, in the words of the functional network, whose state it is: what the
// neurons of each population keep, and the spikes that projections remember (network::Executor::serialize).
#include <algorithm>
#include <string>

#include "crossbar/base/error.hpp"
#include "host_runtime/chip/chip_network.hpp"
#include "host_runtime/files/memory_archive.hpp"
#include "learning/network/connect/connections.hpp"

namespace memprop::host {
namespace {

std::vector<std::uint32_t> indices_of(const std::vector<float>& spikes) {
    std::vector<std::uint32_t> indices;
    for (std::uint32_t i = 0; i < spikes.size(); ++i) {
        if (spikes[i] != 0.0F) {
            indices.push_back(i);
        }
    }
    return indices;
}

}  // namespace

/// A delay of one step, which is all the chip has, needs no more than the last step's spikes.
void ChipNetwork::serialize(StateArchive& archive, network::Signal<float>& last) {
    const network::Network& net = net_.network;
    const bool remembers =
        std::any_of(net.projections.begin(), net.projections.end(), [&](const network::Projection& p) {
            return p.from == compiled_.neuron_population && p.delay_steps > 0;
        });
    archive("steps_done", steps_done_);
    for (const auto& wave : waves(net)) {
        for (const network::PopulationId id : wave) {
            archive.enter("population" + std::to_string(index_of(id)));
            if (id == compiled_.neuron_population) {
                archive("membrane", state_.membrane);
                archive("spike", state_.spike);
                if (net.at(id).model == "lif") {
                    archive("adaptation", state_.adaptation);
                    archive("silent", state_.silent);
                } else {
                    std::vector<std::int32_t> nobody;
                    archive("silent", nobody);
                }
                if (remembers) {
                    serialize_signal(archive, "output", last, net.at(id).size);
                }
            } else if (id == compiled_.readout_population) {
                archive("membrane", state_.readout);
            }
            archive.leave();
        }
    }
    for (std::size_t p = 0; p < net.projections.size(); ++p) {
        archive.enter("projection" + std::to_string(p));
        for (std::size_t w = 0; w < mapped_.size(); ++w) {
            if (mapped_[w] != nullptr && index_of(*compiled_.weights[w].projection) == p) {
                mapped_[w]->devices().account_reads();
                archive.enter("array0");
                mapped_[w]->serialize(archive);
                archive.leave();
                mapped_[w]->devices().renew(mapped_[w]->tick());
            }
        }
        archive.leave();
    }
}

void ChipNetwork::write_state(StateArchive& archive) {
    network::Signal<float> last;
    last.set_spikes(spikes_);
    serialize(archive, last);
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
    network::Signal<float> last;
    serialize(archive, last);
    spikes_ = indices_of(state_.spike);
    readout_ = state_.readout;
    show();
    check_finite();
    if (compiled_.delay) {  // what is on its way to the readouts has passed their weights already
        const auto out = network::make_connection<float>(
            net_.network, net_.network.at(*compiled_.weights[index_of(learning::classic::w_out)].projection));
        network::Signal<float> spikes;
        spikes.set_spikes(spikes_);
        if (!out->sum(spikes, static_cast<std::uint32_t>(steps_done_), state_.readout_input)) {
            std::fill(state_.readout_input.begin(), state_.readout_input.end(), 0.0F);
        }
    }
    hardware_->state_restored();
}

}  // namespace memprop::host
