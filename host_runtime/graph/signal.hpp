// The value that a node puts out in one step: nothing, a list of non-zero entries, or all entries.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace memprop::host {

struct Signal {
    enum class Form : std::uint8_t { zero, sparse, dense };

    Form form = Form::zero;
    std::vector<std::uint32_t> index;  ///< sparse; an index may occur twice, its values then add up
    std::vector<double> value;         ///< sparse: as long as index
    std::vector<double> dense;         ///< dense: as long as the layer

    void set_zero() { form = Form::zero; }

    void start_sparse() {
        form = Form::sparse;
        index.clear();
        value.clear();
    }

    void add(std::uint32_t i, double x) {
        index.push_back(i);
        value.push_back(x);
    }

    /// Ends what start_sparse() began.
    void finish_sparse() {
        if (index.empty()) {
            form = Form::zero;
        }
    }

    void start_dense(std::size_t size, double fill) {
        form = Form::dense;
        dense.assign(size, fill);
    }
};

/// Calls f(index, value) for every entry that is not zero.
template <class Function>
void for_each_nonzero(const Signal& signal, Function&& f) {
    if (signal.form == Signal::Form::sparse) {
        for (std::size_t k = 0; k < signal.index.size(); ++k) {
            f(signal.index[k], signal.value[k]);
        }
    } else if (signal.form == Signal::Form::dense) {
        for (std::size_t i = 0; i < signal.dense.size(); ++i) {
            if (signal.dense[i] != 0.0) {
                f(static_cast<std::uint32_t>(i), signal.dense[i]);
            }
        }
    }
}

/// All entries: those of a dense signal itself, else written to `scratch` (which has the layer's size).
inline const double* dense_values(const Signal& signal, std::vector<double>& scratch) {
    if (signal.form == Signal::Form::dense) {
        return signal.dense.data();
    }
    std::fill(scratch.begin(), scratch.end(), 0.0);
    for_each_nonzero(signal, [&](std::uint32_t i, double x) { scratch[i] += x; });
    return scratch.data();
}

}  // namespace memprop::host
