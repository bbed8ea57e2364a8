// Synapses stored by presynaptic neuron (compressed rows), and their sums.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace memprop::network {

struct SynapseLists {
    std::vector<std::uint64_t> row_begin;  ///< [pre + 1]
    std::vector<std::uint32_t> column;     ///< [synapse]: postsynaptic neuron
};

/// Adds value times weight of every synapse of a presynaptic neuron to its postsynaptic neuron.
template <class Real, class Weight>
void add_synapses(const SynapseLists& lists, std::span<const Weight> weights, std::uint32_t row, Real value,
                  std::span<Real> out) {
    const std::uint64_t end = lists.row_begin[row + std::size_t{1}];
    const std::uint32_t* column = lists.column.data();
    for (std::uint64_t s = lists.row_begin[row]; s < end; ++s) {
        out[column[s]] += static_cast<Real>(weights[s]) * value;
    }
}

}  // namespace memprop::network
