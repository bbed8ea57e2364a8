// Events of one input and step, as training sums them.
#pragma once

#include <cstdint>
#include <span>

#include "learning/network/signal.hpp"

namespace memprop::host {

/// Ascending `events`; several of one input become one of their number.
template <class Real>
void merge_events(std::span<const std::uint32_t> events, network::Signal<Real>& signal) {
    using Form = typename network::Signal<Real>::Form;
    signal.index.clear();
    signal.value.clear();
    for (const std::uint32_t event : events) {
        if (!signal.index.empty() && signal.index.back() == event) {
            signal.value.back() += Real{1};
        } else {
            signal.index.push_back(event);
            signal.value.push_back(Real{1});
        }
    }
    signal.form = signal.index.empty()                   ? Form::zero
                  : signal.index.size() == events.size() ? Form::spikes
                                                         : Form::graded;
}

}  // namespace memprop::host
