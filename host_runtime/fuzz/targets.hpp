// What the fuzzers do with bytes. Anything but a return or a crash-free InputError inside is a finding. The
// same functions replay the corpus in testbenches/data/fuzz in the ordinary tests.
#pragma once

#include <span>
#include <string_view>

namespace memprop::host::fuzz {

struct Target {
    std::string_view name;  ///< also the folder of its corpus
    void (*run)(std::span<const char>);
};

/// tree: bytes from the decoding child, validated, flattened and run for a few steps.
/// n_mnist, prophesee_raw, prophesee_dat, aedat4, csv: recordings. spif: words of live streams.
std::span<const Target> targets();

}  // namespace memprop::host::fuzz
