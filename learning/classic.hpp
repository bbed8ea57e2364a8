// The network of one recurrent population, in the constants and the state that the chip's cores hold of it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "crossbar/base/state_archive.hpp"
#include "learning/network/models/lif_kernels.hpp"
#include "learning/network/models/readout_kernel.hpp"
#include "learning/resolve.hpp"
#include "learning/weights/weight_store.hpp"

namespace memprop::learning {

/// Equations: network/models/lif_kernels.hpp, leaky_readout.cpp, eprop/gradient.hpp.
template <class Real>
struct NetworkParameters : network::LifConstants<Real> {
    std::uint32_t inputs = 0, recurrent = 0, outputs = 0;
    Real kappa = 0, readout_gain = 1;
    Real eligibility_decay = 0, eligibility_gain = 1;  ///< eb = decay eb + gain e
    Loss loss = Loss::mse;
    bool average_over_window = false;
    std::uint32_t readout_delay = 0;  ///< the error of step t belongs to the spikes of step t - readout_delay
    bool keeps_state = false;         ///< a trial continues where the last one ended

    /// `resolved` must be classic.
    NetworkParameters(const ResolvedNetwork& resolved, const LearningConfig& learning, bool keeps);
    explicit NetworkParameters(const NetworkConfig& config, const LearningConfig& learning = {});

private:
    void take(const ResolvedNetwork& resolved, const LearningConfig& learning, bool keeps);
};

/// Neurons and readouts between two steps.
template <class Real>
struct NetworkState {
    std::vector<Real> membrane, spike, adaptation;  ///< [neuron]: v, z of the last step, b
    std::vector<std::int32_t> silent;               ///< [neuron]: refractory steps left
    std::vector<Real> readout, readout_input;       ///< [readout]: y, and its input of the last step

    explicit NetworkState(const NetworkParameters<Real>& p)
        : membrane(p.recurrent),
          spike(p.recurrent),
          adaptation(p.recurrent),
          silent(p.recurrent),
          readout(p.outputs),
          readout_input(p.outputs) {}
};

/// The three stores of the short form, for a chip without a trainer.
std::array<std::unique_ptr<WeightStore>, 3> make_classic_stores(const ExperimentConfig& config);

}  // namespace memprop::learning
