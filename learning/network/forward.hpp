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

    void clear() {
        for (auto* values : {&membrane, &spike, &adaptation, &readout, &readout_input}) {
            std::fill(values->begin(), values->end(), Real{0});
        }
        std::fill(silent.begin(), silent.end(), 0);
    }
    void serialize(StateArchive& archive) {
        archive("membrane", membrane);
        archive("spike", spike);
        archive("adaptation", adaptation);
        archive("silent", silent);
        archive("readout", readout);
        archive("readout_input", readout_input);
    }
};

/// Gives `tape` the room for `trial` and forgets the last one.
template <class Real>
void begin_tape(const NetworkParameters<Real>& p, const Trial& trial, Tape<Real>& tape) {
    const std::size_t steps = trial.input.steps();
    tape.input = &trial.input;
    tape.spikes.clear();
    tape.spikes.reserve(steps, steps * p.recurrent);
    tape.pseudo_derivative.resize(steps * p.recurrent);
    tape.output.resize(steps * p.outputs);
    tape.error.resize(steps * p.outputs);
    tape.spike_count.assign(p.recurrent, 0);
    tape.loss = 0.0;
    const auto end = std::min<std::size_t>(trial.window_end, steps);
    tape.window_steps = static_cast<std::uint32_t>(end - std::min<std::size_t>(trial.window_begin, end));
    tape.carried.clear();
    tape.late_inputs.clear();
}

/// Owns the state and the buffers, so that a pass allocates nothing. State is zero at the start of a
/// trial unless the parameters say that it is kept. Order within a step: input and recurrent currents,
/// neurons, readout currents, readouts, error.
template <class Real>
class ForwardPass {
public:
    explicit ForwardPass(const NetworkParameters<Real>& parameters)
        : parameters_(parameters),
          state_(parameters),
          from_input_(parameters.recurrent),
          from_recurrent_(parameters.recurrent) {}

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
        begin_tape(parameters_, trial, tape);
        if (!parameters_.keeps_state) {
            state_.clear();
            return;
        }
        for (std::uint32_t j = 0; j < parameters_.recurrent; ++j) {
            if (state_.spike[j] != Real{0}) {
                tape.carried.push_back(j);
            }
        }
    }

    void step(std::uint32_t t, const Trial& trial, Projection<Real>& w_in, Projection<Real>& w_rec,
              Projection<Real>& w_out, Tape<Real>& tape) {
        const std::uint32_t n = parameters_.recurrent, outputs = parameters_.outputs;
        w_in.sum_inputs(trial.input.at(t), t, from_input_);
        w_rec.sum_inputs(tape.arriving(t), t, from_recurrent_);
        const std::span<const Real> from_input(from_input_), from_recurrent(from_recurrent_);
        const std::span<Real> psi = std::span(tape.pseudo_derivative).subspan(std::size_t{t} * n, n);
        if (parameters_.plain_lif) {
            step_lif(parameters_, from_input, from_recurrent,
                     LifSlice<Real>{state_.membrane, state_.spike, state_.silent}, psi);
        } else {
            step_neurons(parameters_, from_input, from_recurrent,
                         NeuronSlice<Real>{state_.membrane, state_.spike, state_.adaptation, state_.silent,
                                           parameters_.beta, parameters_.alpha_of, parameters_.gain_of},
                         psi);
        }
        for (std::uint32_t j = 0; j < n; ++j) {
            if (state_.spike[j] != Real{0}) {
                tape.spikes.add(j);
                ++tape.spike_count[j];
            }
        }
        tape.spikes.end_step();
        if (parameters_.readout_delay == 0) {
            w_out.sum_inputs(tape.spikes.at(t), t, state_.readout_input);
            step_readout(parameters_, std::span<const Real>(state_.readout_input), std::span(state_.readout));
        } else {  // the weights are read when a spike sets out
            step_readout(parameters_, std::span<const Real>(state_.readout_input), std::span(state_.readout));
            w_out.sum_inputs(tape.spikes.at(t), t, state_.readout_input);
        }
        const std::size_t at = std::size_t{t} * outputs;
        std::copy(state_.readout.begin(), state_.readout.end(),
                  tape.output.begin() + static_cast<std::ptrdiff_t>(at));
        step_error(parameters_.loss, trial, t, std::span<const Real>(state_.readout),
                   std::span(tape.error).subspan(at, outputs), tape.loss);
    }

    /// What a trial leaves to the next one, if state is kept.
    NetworkState<Real>& state() { return state_; }

private:
    NetworkParameters<Real> parameters_;
    NetworkState<Real> state_;
    std::vector<Real> from_input_, from_recurrent_;
};

}  // namespace memprop::learning
