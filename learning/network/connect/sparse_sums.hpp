// Synapses stored by presynaptic neuron (compressed rows), and their sums.
#pragma once

#include <hwy/cache_control.h>

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

/// The same of every spike. Rows lie far apart: their lists are fetched a few spikes ahead.
template <class Real, class Weight>
void add_synapses_of(const SynapseLists& lists, const Weight* weights, std::span<const std::uint32_t> spikes,
                     std::span<Real> out) {
    constexpr std::size_t kAhead = 8;
    for (std::size_t k = 0; k < spikes.size(); ++k) {
        if (k + kAhead < spikes.size()) {
            const std::uint64_t first = lists.row_begin[spikes[k + kAhead]];
            hwy::Prefetch(lists.column.data() + first);
            hwy::Prefetch(weights + first);
        }
        add_synapses(lists, weights, spikes[k], Real{1}, out);
    }
}

}  // namespace memprop::network
