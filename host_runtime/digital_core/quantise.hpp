// A floating-point network on the digital core (hw_models/digital_core): what its numbers become.
//
//   alpha = exp(-dt/tau) (or 1 - dt/tau) -> round(2^15 alpha), in [0x7000, 0x8FFF]; kappa -> round(2^7 kappa)
//   s     = units of the membrane per 1.0: the largest with which the threshold is at most kMostThreshold
//           and s max|W_eff| <= 127 * 2^7 for input and recurrent weights, W_eff = (1 - alpha) r W
//   thr   = round(s v_th) (firing at the threshold) or floor(s v_th) + 1 (firing above it)
//   W     = round(s W_eff / 2^f) in [-127, 127], f the smallest shift in [0, 7] with which they fit
//   W_out = round(2048 W_out_eff / 2^f): 2048 is 1.0 to the core's learning
//   reset: subtract_next is the core's RST_MODE 0; a reset to 0 its RST_MODE 1
//
// Neurons of a pair share alpha and threshold. An odd number of neurons is filled up with a silent one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host_runtime/graph/discretisation.hpp"
#include "host_runtime/nir/network.hpp"

namespace memprop::host {

inline constexpr double kMostThreshold = 8192.0;  ///< a quarter of the membrane's range

/// How well a matrix fits.
struct QuantisedMatrix {
    std::vector<std::int8_t> weights;  ///< [pre][post]
    std::uint32_t shift = 0;           ///< the register FP_LOC_...
    double unit = 0.0;                 ///< weight that 1 stands for
    double rms_error = 0.0;            ///< relative to the root mean square of the weights
    std::uint64_t lost = 0;            ///< weights that are not 0 and became 0
};

struct QuantisedNetwork {
    std::uint32_t inputs = 0, neurons = 0, outputs = 0;  ///< of the core: neurons is even
    std::uint32_t real_neurons = 0;
    QuantisedMatrix w_in, w_rec, w_out;
    std::vector<std::uint16_t> alpha;  ///< [neuron], Q1.15
    std::vector<std::int16_t> threshold;
    std::uint8_t kappa = 0;
    bool reset_to_zero = false;
    double membrane_unit = 0.0;  ///< 1 / s
};

/// Throws InputError naming what the core cannot hold, with need and limit.
QuantisedNetwork quantise(const nir::Network& network, const std::string& file,
                          const Discretisation& discretisation);

}  // namespace memprop::host
