// Buffered transfer with chopped signs (Rasch, Carta, Fagbohungbe and Gokmen, "Fast and robust analog
// in-memory deep neural network training", Nat. Commun. 15, 7133, 2024; c-TTv2): changes of a row enter A
// times a sign, and what is read enters H times the same sign. The sign turns at random after reads of the
// row; what A's zero is off by then averages out in H. Costs per synapse: those of buffered transfer; one bit
// per row.
#pragma once

#include "learning/update/row_transfer.hpp"

namespace memprop::learning {

class ChoppedTransfer final : public RowTransfer {
public:
    ChoppedTransfer(const UpdateConfig& config, const SchemeContext& context)
        : RowTransfer(config, context), chopper_(config, context), buffer_(context.synapses) {}

    void serialize(StateArchive& archive) override {
        RowTransfer::serialize(archive);
        chopper_.serialize(archive);
        archive("transfer_buffer", buffer_);
    }

private:
    std::span<const float> signs() const override { return chopper_.signs(); }
    void transfer(std::uint32_t row, std::span<const float> read, std::uint32_t event,
                  std::span<std::int16_t> pulses) override {
        const std::span buffer = std::span(buffer_).subspan(row * read.size(), read.size());
        const float rate = rate_ * chopper_.sign(row);
        for (std::size_t c = 0; c < read.size(); ++c) {
            buffer[c] += rate * read[c];
        }
        take_whole_steps(buffer, pulses);
        chopper_.turn(row, event);
    }

    Chopper chopper_;
    std::vector<float> buffer_;  // steps of C
};

}  // namespace memprop::learning
