// Chopped transfer with a reference that is found on the fly (the AGAD algorithm of Rasch, Carta, Fagbohungbe
// and Gokmen, Nat. Commun. 15, 7133, 2024): P is a running mean of the reads of a synapse; when the sign of
// its row turns, P of the period that ends becomes the reference R of the next one, and only what a read
// differs from R by enters H:
//   H += sign rate (read - R),   P = (1 - transfer.mean_decay) P + transfer.mean_decay read.
// So A's zero may be anywhere, and its reference device need not be at the symmetry point. Costs per
// synapse: a second pair of devices and three numbers; one bit per row.
#pragma once

#include "learning/update/row_transfer.hpp"

namespace memprop::learning {

class DynamicTransfer final : public RowTransfer {
public:
    DynamicTransfer(const UpdateConfig& config, const SchemeContext& context)
        : RowTransfer(config, context),
          chopper_(config, context),
          mean_decay_(static_cast<float>(config.transfer.mean_decay)),
          buffer_(context.synapses),
          mean_(context.synapses),
          reference_(context.synapses) {}

    void serialize(StateArchive& archive) override {
        RowTransfer::serialize(archive);
        chopper_.serialize(archive);
        archive("transfer_buffer", buffer_);
        archive("transfer_mean", mean_);
        archive("transfer_reference", reference_);
    }

    std::uint32_t numbers_per_transfer() const override { return 3; }

private:
    std::span<const float> signs() const override { return chopper_.signs(); }
    void transfer(std::uint32_t row, std::span<const float> read, std::uint32_t event,
                  std::span<std::int16_t> pulses) override {
        const std::size_t first = row * read.size();
        const std::span buffer = std::span(buffer_).subspan(first, read.size());
        const std::span mean = std::span(mean_).subspan(first, read.size());
        const std::span reference = std::span(reference_).subspan(first, read.size());
        const float rate = rate_ * chopper_.sign(row);
        for (std::size_t c = 0; c < read.size(); ++c) {
            buffer[c] += rate * (read[c] - reference[c]);
            mean[c] += mean_decay_ * (read[c] - mean[c]);
        }
        take_whole_steps(buffer, pulses);
        if (chopper_.turn(row, event)) {
            std::copy(mean.begin(), mean.end(), reference.begin());
        }
    }

    Chopper chopper_;
    float mean_decay_;
    std::vector<float> buffer_;            // steps of C
    std::vector<float> mean_, reference_;  // steps of A
};

}  // namespace memprop::learning
