#include "hw_models/chip/unit.hpp"

#include <algorithm>

#include "learning/network/models/models.hpp"

namespace memprop::hw::chip {

Unit::Unit(const CoreProgram::Unit& program, double time_step_seconds)
    : program_(program),
      neurons_(network::make_neurons<float>(program.neurons, time_step_seconds)),
      more_(program.neurons.size) {
    const network::NeuronModel& model = network::find_model("model", program.neurons.model);
    sums_.assign(model.receptors, std::vector<float>(program.neurons.size));
    arrived_.resize(model.receptors);
    receptors_.resize(model.receptors);
    receptors_[0] = sums_[0];
}

void Unit::add(const Incoming& incoming) {
    incoming_.push_back(incoming);
    receptors_.at(incoming.receptor) = sums_[incoming.receptor];
    Waiting waiting;
    if (incoming.dendritic) {
        waiting.sums.assign(incoming.delay_steps, std::vector<float>(size()));
    }
    waiting_.push_back(std::move(waiting));
}

bool Unit::has_late(std::uint32_t barrier, std::uint32_t of_step) const {
    return late_open && late_step == of_step && done &&
           std::any_of(incoming_.begin(), incoming_.end(),
                       [&](const Incoming& i) { return i.is_late && i.needs < barrier; });
}

void Unit::clear(std::span<const std::unique_ptr<SynapseBlock>> blocks) {
    neurons_->clear();
    output_.set_zero();
    for (std::size_t i = 0; i < incoming_.size(); ++i) {
        for (auto& sums : waiting_[i].sums) {
            std::fill(sums.begin(), sums.end(), 0.0F);
            // A bias is there before the first arrival.
            if (incoming_[i].bias && incoming_[i].bias_before_arrival) {
                SynapseBlock& block = *blocks[incoming_[i].block];
                block.open(0);
                block.take(sums);
            }
        }
        waiting_[i].next = 0;
    }
}

/// Replaces `out`; false if nothing arrives.
bool Unit::deliver(std::size_t i, std::span<const std::unique_ptr<SynapseBlock>> blocks,
                   std::uint64_t steps_done, std::span<float> out) {
    const Incoming& incoming = incoming_[i];
    if (incoming.dendritic) {
        const std::vector<float>& oldest = waiting_[i].sums[waiting_[i].next];
        std::copy(oldest.begin(), oldest.end(), out.begin());
        return true;
    }
    if (steps_done < incoming.delay_steps && !incoming.bias_before_arrival) {
        return false;
    }
    return blocks[incoming.block]->take(out);
}

void Unit::keep(std::size_t i, std::span<const std::unique_ptr<SynapseBlock>> blocks) {
    Waiting& waiting = waiting_[i];
    std::vector<float>& sums = waiting.sums[waiting.next];
    if (!blocks[incoming_[i].block]->take(sums)) {
        std::fill(sums.begin(), sums.end(), 0.0F);
    }
    waiting.next = (waiting.next + 1) % waiting.sums.size();
}

void Unit::update(std::span<const std::unique_ptr<SynapseBlock>> blocks, std::uint64_t steps_done,
                  std::span<float> psi) {
    bool nothing = true;
    std::fill(arrived_.begin(), arrived_.end(), std::uint8_t{0});
    for (std::size_t i = 0; i < incoming_.size(); ++i) {
        std::vector<float>& sums = sums_[incoming_[i].receptor];
        std::uint8_t& arrived = arrived_[incoming_[i].receptor];
        if (arrived == 0) {
            arrived = deliver(i, blocks, steps_done, sums) ? 1 : 0;
        } else if (deliver(i, blocks, steps_done, more_)) {
            for (std::size_t j = 0; j < sums.size(); ++j) {
                sums[j] += more_[j];
            }
        }
        nothing = nothing && arrived == 0;
    }
    for (std::size_t r = 0; r < sums_.size(); ++r) {
        if (arrived_[r] == 0) {
            std::fill(sums_[r].begin(), sums_[r].end(), 0.0F);
        }
    }
    for (std::size_t i = 0; i < incoming_.size(); ++i) {
        if (incoming_[i].dendritic && !incoming_[i].is_late) {
            keep(i, blocks);
        }
    }
    neurons_->step({.receptors = receptors_, .nothing = nothing}, output_, psi);
}

void Unit::take_late(std::span<const std::unique_ptr<SynapseBlock>> blocks) {
    for (std::size_t i = 0; i < incoming_.size(); ++i) {
        if (incoming_[i].is_late) {
            keep(i, blocks);
        }
    }
}

void Unit::serialize(StateArchive& archive) {
    neurons_->serialize(archive);
    for (Waiting& waiting : waiting_) {
        for (std::size_t k = 0; k < waiting.sums.size(); ++k) {
            archive("waiting", waiting.sums[(waiting.next + k) % waiting.sums.size()]);
        }
    }
}

}  // namespace memprop::hw::chip
