// The forward pass of a trial: input spikes through the recurrent layer to the readouts.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "crossbar/base/state_archive.hpp"
#include "learning/network/neuron_kernels.hpp"
#include "learning/network/objective.hpp"
#include "learning/network/parameters.hpp"
#include "learning/network/projection.hpp"
#include "learning/network/tape.hpp"
#include "learning/task/trial.hpp"

namespace memprop::learning {

/// Owns the state and the buffers, so that a pass allocates nothing. State is zero at the start of a
/// trial unless the parameters say that it is kept. Order within a step: input and recurrent currents,
/// neurons, readout currents, readouts, error.
template <class Real>
class ForwardPass {
public:
    explicit ForwardPass(const NetworkParameters<Real>& parameters)
        : parameters_(parameters),
          membrane_(parameters.recurrent),
          spike_(parameters.recurrent),
          adaptation_(parameters.recurrent),
          silent_(parameters.recurrent),
          from_input_(parameters.recurrent),
          from_recurrent_(parameters.recurrent),
          y_(parameters.outputs),
          readout_input_(parameters.outputs) {}

    void run(const Trial& trial, Projection<Real>& w_in, Projection<Real>& w_rec, Projection<Real>& w_out,
             Tape<Real>& tape) {
        begin(trial, tape);
        const auto steps = static_cast<std::uint32_t>(trial.input.steps());
        for (std::uint32_t t = 0; t < steps; ++t) {
            step(t, trial, w_in, w_rec, w_out, tape);
        }
    }

    /// The two halves of `run`, for learning between the steps.
    void begin(const Trial& trial, Tape<Real>& tape) {
        const std::size_t steps = trial.input.steps();
        tape.input = &trial.input;
        tape.spikes.clear();
        tape.spikes.reserve(steps, steps * parameters_.recurrent);
        tape.pseudo_derivative.resize(steps * parameters_.recurrent);
        tape.output.resize(steps * parameters_.outputs);
        tape.error.resize(steps * parameters_.outputs);
        tape.spike_count.assign(parameters_.recurrent, 0);
        tape.loss = 0.0;
        const auto end = std::min<std::size_t>(trial.window_end, steps);
        tape.window_steps = static_cast<std::uint32_t>(end - std::min<std::size_t>(trial.window_begin, end));
        tape.carried.clear();
        tape.late_inputs.clear();
        if (parameters_.keeps_state) {
            for (std::uint32_t j = 0; j < parameters_.recurrent; ++j) {
                if (spike_[j] != Real{0}) {
                    tape.carried.push_back(j);
                }
            }
            return;
        }
        for (auto* state : {&membrane_, &spike_, &adaptation_, &y_, &readout_input_}) {
            std::fill(state->begin(), state->end(), Real{0});
        }
        std::fill(silent_.begin(), silent_.end(), 0);
    }

    void step(std::uint32_t t, const Trial& trial, Projection<Real>& w_in, Projection<Real>& w_rec,
              Projection<Real>& w_out, Tape<Real>& tape) {
        const std::uint32_t n = parameters_.recurrent, outputs = parameters_.outputs;
        w_in.sum_inputs(trial.input.at(t), t, from_input_);
        w_rec.sum_inputs(tape.arriving(t), t, from_recurrent_);
        const std::span<const Real> from_input(from_input_), from_recurrent(from_recurrent_);
        const std::span<Real> psi = std::span(tape.pseudo_derivative).subspan(std::size_t{t} * n, n);
        if (parameters_.plain_lif) {
            step_lif(parameters_, from_input, from_recurrent, LifSlice<Real>{membrane_, spike_, silent_},
                     psi);
        } else {
            step_neurons(parameters_, from_input, from_recurrent,
                         NeuronSlice<Real>{membrane_, spike_, adaptation_, silent_, parameters_.beta,
                                           parameters_.alpha_of, parameters_.gain_of},
                         psi);
        }
        for (std::uint32_t j = 0; j < n; ++j) {
            if (spike_[j] != Real{0}) {
                tape.spikes.add(j);
                ++tape.spike_count[j];
            }
        }
        tape.spikes.end_step();
        if (parameters_.readout_delay == 0) {
            w_out.sum_inputs(tape.spikes.at(t), t, readout_input_);
            step_readout(parameters_, std::span<const Real>(readout_input_), std::span(y_));
        } else {  // the weights are read when a spike sets out
            step_readout(parameters_, std::span<const Real>(readout_input_), std::span(y_));
            w_out.sum_inputs(tape.spikes.at(t), t, readout_input_);
        }
        const std::size_t at = std::size_t{t} * outputs;
        std::copy(y_.begin(), y_.end(), tape.output.begin() + static_cast<std::ptrdiff_t>(at));
        step_error(parameters_.loss, trial, t, std::span<const Real>(y_),
                   std::span(tape.error).subspan(at, outputs), tape.loss);
    }

    /// What a trial leaves to the next one, if state is kept.
    void serialize(StateArchive& archive) {
        archive("membrane", membrane_);
        archive("spike", spike_);
        archive("adaptation", adaptation_);
        archive("silent", silent_);
        archive("readout", y_);
        archive("readout_input", readout_input_);
    }

private:
    NetworkParameters<Real> parameters_;
    std::vector<Real> membrane_, spike_, adaptation_;
    std::vector<std::int32_t> silent_;
    std::vector<Real> from_input_, from_recurrent_, y_, readout_input_;
};

}  // namespace memprop::learning
