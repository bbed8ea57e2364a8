// What a population puts out in one step: nothing, events, or a value of every neuron.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/state_archive.hpp"

namespace memprop::network {

template <class Real>
struct Signal {
    enum class Form : std::uint8_t {
        zero,    ///< nothing
        spikes,  ///< `index`, ascending or in the order of arrival: an index may occur twice, and counts
                 ///< twice
        graded,  ///< `index` and `value`
        dense,   ///< `dense`
    };

    Form form = Form::zero;
    std::vector<std::uint32_t> index;
    std::vector<Real> value;  ///< graded: as long as index
    std::vector<Real> dense;  ///< as long as the population

    void set_zero() { form = Form::zero; }
    void set_spikes(std::span<const std::uint32_t> spikes) {
        index.assign(spikes.begin(), spikes.end());
        form = index.empty() ? Form::zero : Form::spikes;
    }
    /// The neurons that spiked; empty in the other forms.
    std::span<const std::uint32_t> spikes() const {
        return form == Form::spikes ? std::span<const std::uint32_t>(index)
                                    : std::span<const std::uint32_t>();
    }
};

/// Calls f(index, value) for every entry that is not zero.
template <class Real, class Function>
void for_each_nonzero(const Signal<Real>& signal, Function&& f) {
    using Form = typename Signal<Real>::Form;
    switch (signal.form) {
        case Form::zero:
            return;
        case Form::spikes:
            for (const std::uint32_t i : signal.index) {
                f(i, Real{1});
            }
            return;
        case Form::graded:
            for (std::size_t k = 0; k < signal.index.size(); ++k) {
                f(signal.index[k], signal.value[k]);
            }
            return;
        case Form::dense:
            for (std::size_t i = 0; i < signal.dense.size(); ++i) {
                if (signal.dense[i] != Real{0}) {
                    f(static_cast<std::uint32_t>(i), signal.dense[i]);
                }
            }
    }
}

/// Of a population of `size` neurons. Throws InputError for a state that has other neurons.
template <class Real>
void serialize_signal(StateArchive& archive, std::string_view name, Signal<Real>& signal, std::size_t size) {
    using Form = typename Signal<Real>::Form;
    archive.enter(name);
    if (signal.form == Form::zero) {  // what it held before is none of its value
        signal.index.clear();
        signal.value.clear();
    }
    auto form = static_cast<std::uint64_t>(signal.form);
    archive("form", form);
    if (form > static_cast<std::uint64_t>(Form::dense)) {
        throw InputError(name, form, "must be the form of a signal, 0 to 3");
    }
    signal.form = static_cast<Form>(form);
    if (signal.form == Form::spikes || signal.form == Form::graded) {
        archive("index", signal.index);
    }
    if (signal.form == Form::graded) {
        archive("value", signal.value);
    }
    if (signal.form == Form::dense) {
        signal.dense.resize(size);
        archive("dense", signal.dense);
    }
    archive.leave();
    const bool listed = signal.form == Form::spikes || signal.form == Form::graded;
    if ((listed &&
         std::any_of(signal.index.begin(), signal.index.end(), [&](std::uint32_t i) { return i >= size; })) ||
        (signal.form == Form::graded && signal.value.size() != signal.index.size()) ||
        (signal.form == Form::dense && signal.dense.size() != size)) {
        throw InputError(name, "a saved signal", fmt::format("must be of {} neurons", size));
    }
}

}  // namespace memprop::network
