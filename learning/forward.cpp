#include "learning/forward.hpp"

#include <algorithm>
#include <utility>

#include "crossbar/base/math.hpp"
#include "learning/network/models/models.hpp"
#include "learning/objective.hpp"

namespace memprop::learning {

using network::index_of;

std::vector<network::PopulationId> sources_of(const network::Network& network) {
    std::vector<network::PopulationId> sources;
    for (std::size_t p = 0; p < network.populations.size(); ++p) {
        const auto id = static_cast<network::PopulationId>(p);
        if (network.populations[p].model == "input" && network.to(id).empty()) {
            sources.push_back(id);
        }
    }
    return sources;
}

template <class Real>
ForwardPass<Real>::ForwardPass(const network::Network& network,
                               std::vector<network::Connection<Real>*> connections, TapeRequest request,
                               bool keeps_state)
    : network_(network),
      executor_(network, std::move(connections)),
      request_(std::move(request)),
      keeps_state_(keeps_state),
      sources_(sources_of(network)),
      psi_(network.populations.size()) {
    for (const network::Population& population : network.populations) {
        sizes_.push_back(population.size);
    }
    for (std::size_t p = 0; p < sizes_.size(); ++p) {
        const auto id = static_cast<network::PopulationId>(p);
        if (request_.events[p] && std::find(sources_.begin(), sources_.end(), id) == sources_.end()) {
            recorded_.push_back(p);
        }
        if (request_.pseudo_derivative[p]) {
            sloped_.push_back(p);
        }
    }
    for (const network::Objective& objective : network.objectives) {
        const network::Population& population = network.at(objective.population);
        const bool spiking = network::find_model("model", population.model).spiking;
        const auto decay = static_cast<Real>(
            spiking ? math::exp(-network.time_step_seconds / objective.filter_seconds) : 0.0);
        objectives_.push_back({.population = index_of(objective.population),
                               .size = population.size,
                               .first_target = target_width_,
                               .loss = objective.loss,
                               .spiking = spiking,
                               .decay = decay,
                               .gain = Real{1} - decay,
                               .filtered = std::vector<Real>(population.size)});
        target_width_ += objective.loss == Loss::mse ? population.size : 0;
    }
}

template <class Real>
void begin_tape(const network::Network& network, const TapeRequest& request, const Trial& trial,
                Tape<Real>& tape) {
    const std::size_t steps = trial.input.steps();
    tape.steps = steps;
    tape.populations.resize(network.populations.size());
    tape.objectives.resize(network.objectives.size());
    for (std::size_t p = 0; p < network.populations.size(); ++p) {
        PopulationTape<Real>& population = tape.populations[p];
        const std::size_t size = network.populations[p].size;
        population.given = nullptr;
        population.own.clear();
        population.values.clear();
        population.late.clear();
        for (auto& carried : population.carried) {
            carried.clear();
        }
        if (request.events[p]) {
            population.own.reserve(steps, steps * size);
        }
        if (request.pseudo_derivative[p]) {
            population.pseudo_derivative.resize(steps * size);
        }
        if (request.spike_count[p]) {
            population.spike_count.assign(size, 0);
        }
    }
    const auto end = std::min<std::size_t>(trial.window_end, steps);
    for (std::size_t o = 0; o < network.objectives.size(); ++o) {
        ObjectiveTape<Real>& objective = tape.objectives[o];
        const std::size_t size = network.at(network.objectives[o].population).size;
        objective.output.resize(steps * size);
        objective.error.resize(steps * size);
        objective.loss = 0.0;
        objective.window_steps =
            static_cast<std::uint32_t>(end - std::min<std::size_t>(trial.window_begin, end));
    }
    if (const auto sources = sources_of(network); sources.size() == 1) {
        tape.populations[index_of(sources[0])].given = &trial.input;
    }
}

template void begin_tape(const network::Network&, const TapeRequest&, const Trial&, Tape<float>&);
template void begin_tape(const network::Network&, const TapeRequest&, const Trial&, Tape<double>&);

/// Events of the steps before the trial that delays still deliver in it.
template <class Real>
void ForwardPass<Real>::carry(Tape<Real>& tape) const {
    for (std::size_t p = 0; p < sizes_.size(); ++p) {
        if (!request_.events[p]) {
            continue;
        }
        const auto id = static_cast<network::PopulationId>(p);
        PopulationTape<Real>& tape_of = tape.populations[p];
        tape_of.carried.resize(executor_.steps_kept(id));
        for (std::vector<Real>& values : tape_of.carried_values) {
            values.clear();
        }
        for (std::size_t ago = 0; ago < tape_of.carried.size(); ++ago) {
            const network::Signal<Real>& out = executor_.past(id, ago);
            auto& events = tape_of.carried[ago];
            events.assign(out.spikes().begin(), out.spikes().end());
            if (out.form == network::Signal<Real>::Form::spikes ||
                out.form == network::Signal<Real>::Form::zero) {
                continue;
            }
            tape_of.carried_values.resize(tape_of.carried.size());
            for_each_nonzero(out, [&](std::uint32_t i, Real value) {
                events.push_back(i);
                tape_of.carried_values[ago].push_back(value);
            });
        }
    }
}

template <class Real>
void ForwardPass<Real>::begin(const Trial& trial, Tape<Real>& tape) {
    begin_tape(network_, request_, trial, tape);
    if (keeps_state_) {
        carry(tape);
        return;
    }
    executor_.clear();
    for (Read& objective : objectives_) {
        std::fill(objective.filtered.begin(), objective.filtered.end(), Real{0});
    }
}

template <class Real>
void ForwardPass<Real>::run(const Trial& trial, Tape<Real>& tape) {
    begin(trial, tape);
    const auto steps = static_cast<std::uint32_t>(trial.input.steps());
    for (std::uint32_t t = 0; t < steps; ++t) {
        step(t, trial, tape);
    }
}

template <class Real>
void ForwardPass<Real>::feed(std::uint32_t t, const Trial& trial, Tape<Real>& tape) {
    const std::span<const std::uint32_t> all = trial.input.at(t);
    if (sources_.size() == 1) {
        executor_.set_input(sources_[0], all);
        return;
    }
    std::uint32_t first = 0;
    for (const network::PopulationId id : sources_) {
        const std::size_t p = index_of(id);
        events_.clear();
        for (const std::uint32_t i : all) {
            if (i >= first && i < first + sizes_[p]) {
                events_.push_back(i - first);
            }
        }
        executor_.set_input(id, events_);
        for (const std::uint32_t i : events_) {
            tape.populations[p].own.add(i);
        }
        tape.populations[p].own.end_step();
        first += sizes_[p];
    }
}

template <class Real>
void ForwardPass<Real>::record(std::size_t p, PopulationTape<Real>& tape) const {
    const network::Signal<Real>& out = executor_.output(static_cast<network::PopulationId>(p));
    using Form = typename network::Signal<Real>::Form;
    if (out.form == Form::spikes) {
        for (const std::uint32_t j : out.index) {
            tape.own.add(j);
            if (request_.spike_count[p]) {
                ++tape.spike_count[j];
            }
        }
    } else if (out.form != Form::zero) {
        for_each_nonzero(out, [&](std::uint32_t j, Real value) {
            tape.own.add(j);
            tape.values.push_back(value);
        });
    }
    tape.own.end_step();
}

template <class Real>
void ForwardPass<Real>::read(Read& objective, std::uint32_t t, const Trial& trial,
                             ObjectiveTape<Real>& tape) {
    const network::Signal<Real>& out =
        executor_.output(static_cast<network::PopulationId>(objective.population));
    const std::size_t at = std::size_t{t} * objective.size;
    const std::span<Real> y = std::span(tape.output).subspan(at, objective.size);
    if (objective.spiking) {
        for (Real& value : objective.filtered) {
            value *= objective.decay;
        }
        for (const std::uint32_t j : out.spikes()) {
            objective.filtered[j] += objective.gain;
        }
        std::copy(objective.filtered.begin(), objective.filtered.end(), y.begin());
    } else if (out.form == network::Signal<Real>::Form::dense) {
        std::copy(out.dense.begin(), out.dense.end(), y.begin());
    } else {
        std::fill(y.begin(), y.end(), Real{0});
        for_each_nonzero(out, [&](std::uint32_t j, Real value) { y[j] += value; });
    }
    const std::span<Real> error = std::span(tape.error).subspan(at, objective.size);
    const bool learns = t >= trial.window_begin && t < trial.window_end &&
                        (objective.loss == Loss::mse ? !trial.target.empty() : trial.label >= 0);
    if (!learns) {
        std::fill(error.begin(), error.end(), Real{0});
        return;
    }
    const std::span<const double> target(trial.target);
    step_error<Real>(
        objective.loss,
        {.target = target.empty() ? target
                                  : target.subspan(std::size_t{t} * target_width_ + objective.first_target,
                                                   objective.loss == Loss::mse ? objective.size : 0),
         .label = trial.label},
        std::span<const Real>(y), error, tape.loss);
}

template <class Real>
void ForwardPass<Real>::step(std::uint32_t t, const Trial& trial, Tape<Real>& tape) {
    feed(t, trial, tape);
    for (const std::size_t p : sloped_) {
        psi_[p] =
            std::span(tape.populations[p].pseudo_derivative).subspan(std::size_t{t} * sizes_[p], sizes_[p]);
    }
    executor_.step(t, psi_);
    for (const std::size_t p : recorded_) {
        record(p, tape.populations[p]);
    }
    for (std::size_t o = 0; o < objectives_.size(); ++o) {
        read(objectives_[o], t, trial, tape.objectives[o]);
    }
}

template <class Real>
void ForwardPass<Real>::serialize(StateArchive& archive) {
    executor_.serialize(archive);
    for (std::size_t o = 0; o < objectives_.size(); ++o) {
        if (objectives_[o].spiking) {
            archive("filtered" + std::to_string(o), objectives_[o].filtered);
        }
    }
}

template class ForwardPass<float>;
template class ForwardPass<double>;

}  // namespace memprop::learning
