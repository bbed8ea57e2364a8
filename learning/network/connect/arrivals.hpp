// What arrives at a connection, by ascending presynaptic neuron and each neuron once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "learning/network/signal.hpp"

namespace memprop::network {

template <class Real>
class Arrivals {
public:
    /// The spans are valid until the next call in this thread, and while the signal lives.
    explicit Arrivals(const Signal<Real>& signal) {
        using Form = typename Signal<Real>::Form;
        const bool listed = signal.form == Form::spikes || signal.form == Form::graded;
        if (listed && std::adjacent_find(signal.index.begin(), signal.index.end(), std::greater_equal<>()) ==
                          signal.index.end()) {
            index_ = signal.index;
            value_ =
                signal.form == Form::graded ? std::span<const Real>(signal.value) : std::span<const Real>();
            return;
        }
        static thread_local std::vector<std::uint32_t> index;
        static thread_local std::vector<Real> value;
        index.clear();
        value.clear();
        if (listed) {
            merge(signal, index, value);
        } else {
            for_each_nonzero(signal, [&](std::uint32_t i, Real x) {
                index.push_back(i);
                value.push_back(x);
            });
        }
        index_ = index;
        value_ = value;
    }

    std::span<const std::uint32_t> index() const { return index_; }
    bool all_ones() const { return value_.size() != index_.size(); }
    Real value(std::size_t k) const { return value_.empty() ? Real{1} : value_[k]; }

private:
    /// Values of a neuron that is listed twice add up.
    static void merge(const Signal<Real>& signal, std::vector<std::uint32_t>& index,
                      std::vector<Real>& value) {
        static thread_local std::vector<std::pair<std::uint32_t, std::uint32_t>> order;
        order.clear();
        for (std::uint32_t k = 0; k < signal.index.size(); ++k) {
            order.emplace_back(signal.index[k], k);
        }
        std::sort(order.begin(), order.end());
        for (const auto& [i, k] : order) {
            const Real x = signal.form == Signal<Real>::Form::graded ? signal.value[k] : Real{1};
            if (!index.empty() && index.back() == i) {
                value.back() += x;
            } else {
                index.push_back(i);
                value.push_back(x);
            }
        }
    }

    std::span<const std::uint32_t> index_;
    std::span<const Real> value_;
};

}  // namespace memprop::network
