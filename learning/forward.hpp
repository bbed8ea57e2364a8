// The forward pass of a trial: input events through the network, step by step, with what learning needs of it
// on the tape.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "learning/config/learning_config.hpp"
#include "learning/network/executor.hpp"
#include "learning/tape.hpp"
#include "learning/task/trial.hpp"

namespace memprop::learning {

/// What a forward pass leaves on the tape, by PopulationId.
struct TapeRequest {
    std::vector<bool> events;             ///< what the population puts out
    std::vector<bool> pseudo_derivative;  ///< [step][neuron]
    std::vector<bool> spike_count;
};

/// The populations whose events come from outside, in order: an input line is a position in all of them.
std::vector<network::PopulationId> sources_of(const network::Network& network);

/// Gives `tape` the room for `trial` and forgets the last one.
template <class Real>
void begin_tape(const network::Network& network, const TapeRequest& request, const Trial& trial,
                Tape<Real>& tape);

/// Owns the state and the buffers, so that a pass allocates nothing once warm. State is zero at the start of
/// a trial unless it is kept.
template <class Real>
class ForwardPass {
public:
    /// `network` outlives it.
    ForwardPass(const network::Network& network, std::vector<network::Connection<Real>*> connections,
                TapeRequest request, bool keeps_state);

    void run(const Trial& trial, Tape<Real>& tape);

    /// The two halves of `run`, for learning between the steps.
    void begin(const Trial& trial, Tape<Real>& tape);
    void step(std::uint32_t t, const Trial& trial, Tape<Real>& tape);

    /// What a trial leaves to the next one, if state is kept.
    network::Executor<Real>& executor() { return executor_; }
    void serialize(StateArchive& archive);

private:
    struct Read {  ///< an objective
        std::size_t population, size, first_target;
        Loss loss;
        bool spiking;
        Real decay, gain;            // of the filter of spikes
        std::vector<Real> filtered;  // spikes of the last steps
    };
    void carry(Tape<Real>& tape) const;
    void feed(std::uint32_t t, const Trial& trial, Tape<Real>& tape);
    void record(std::size_t population, PopulationTape<Real>& tape) const;
    void read(Read& objective, std::uint32_t t, const Trial& trial, ObjectiveTape<Real>& tape);

    const network::Network& network_;
    network::Executor<Real> executor_;
    TapeRequest request_;
    bool keeps_state_;
    std::vector<network::PopulationId> sources_;
    std::vector<std::size_t> recorded_,
        sloped_;                        // populations whose events, pseudo-derivatives are asked for
    std::vector<std::uint32_t> sizes_;  // [population]
    std::vector<Read> objectives_;
    std::size_t target_width_ = 0;
    std::vector<std::span<Real>> psi_;
    std::vector<std::uint32_t> events_;
};

}  // namespace memprop::learning
