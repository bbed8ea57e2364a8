// Tiki-Taka with a digital buffer H between the arrays (Gokmen, "Enabling training of neural networks on
// noisy hardware", Front. Artif. Intell. 4, 699148, 2021; TTv2): what is read from A is added to H, and whole
// steps of H become pulses on C. H averages the noise of reads and of A. Costs per synapse: a second pair of
// devices and one number; a row of H is read and written per transfer.
#pragma once

#include "learning/update/row_transfer.hpp"

namespace memprop::learning {

class BufferedTransfer final : public RowTransfer {
public:
    BufferedTransfer(const UpdateConfig& config, const SchemeContext& context)
        : RowTransfer(config, context), buffer_(context.synapses) {}

    void serialize(StateArchive& archive) override {
        RowTransfer::serialize(archive);
        archive("transfer_buffer", buffer_);
    }

private:
    void transfer(std::uint32_t row, std::span<const float> read, std::uint32_t,
                  std::span<std::int16_t> pulses) override {
        const std::span buffer = std::span(buffer_).subspan(row * read.size(), read.size());
        for (std::size_t c = 0; c < read.size(); ++c) {
            buffer[c] += rate_ * read[c];
        }
        take_whole_steps(buffer, pulses);
    }

    std::vector<float> buffer_;  // steps of C
};

}  // namespace memprop::learning
