// Synapses stored by presynaptic neuron (compressed rows), and their sums.
#pragma once

#include <cstdint>
#include <span>

#include "learning/network/network.hpp"

namespace memprop::network {

/// The lists of a sparse projection, not owned.
struct SynapseLists {
    std::span<const std::uint64_t> row_begin;  ///< [pre + 1]
    std::span<const std::uint32_t> column;     ///< [synapse]: postsynaptic neuron

    SynapseLists() = default;
    explicit SynapseLists(const Connect& connect) : row_begin(connect.row_begin), column(connect.column) {}

    std::uint32_t rows() const { return static_cast<std::uint32_t>(row_begin.size() - 1); }
    /// Calls f(synapse, postsynaptic neuron).
    template <class Function>
    void for_each(std::uint32_t row, Function&& f) const {
        const std::uint64_t end = row_begin[row + std::size_t{1}];
        for (std::uint64_t s = row_begin[row]; s < end; ++s) {
            f(s, column[s]);
        }
    }
};

/// Adds value times weight of every synapse of a presynaptic neuron to its postsynaptic neuron.
template <class Real, class Weight>
void add_synapses(const SynapseLists& lists, const Weight* weights, std::uint32_t row, Real value,
                  std::span<Real> out) {
    Real* to = out.data();
    lists.for_each(row,
                   [&](std::uint64_t s, std::uint32_t j) { to[j] += static_cast<Real>(weights[s]) * value; });
}

}  // namespace memprop::network
