#include "learning/functional_engine.hpp"

#include "learning/eprop/adaptive_feedback.hpp"

namespace memprop::learning {

using network::index_of;

template <class Real>
FunctionalEngine<Real>::FunctionalEngine(const EngineRequest<Real>& request, std::size_t workers)
    : request_(request) {
    for (std::size_t i = 0; i < workers; ++i) {
        passes_.push_back(std::make_unique<ForwardPass<Real>>(request.resolved.network, request.connections,
                                                              request.tape, request.keeps_state));
    }
}

template <class Real>
void FunctionalEngine<Real>::load(ProjectionId id, std::span<const Real> initial) {
    request_.stores[index_of(id)]->load(initial);
}

template <class Real>
template <class Function>
void FunctionalEngine<Real>::for_each_feedback(Feedback kind, Function&& f) {
    const network::Network& network = request_.resolved.network;
    for (const LearnedSet<Real>& set : request_.learned) {
        for (std::size_t l = 0; set.learning->feedback == kind && l < set.plan->size(); ++l) {
            const LearningPopulation<Real>& population = (*set.plan)[l];
            for (std::size_t s = 0; s < population.sources.size(); ++s) {
                const ErrorSource& source = population.sources[s];
                f((*set.feedback)[l][s], population.size, source.size,
                  *direct_projection(network, population.population, source.objective), *set.learning);
            }
        }
    }
}

template <class Real>
void FunctionalEngine<Real>::refresh_feedback(std::uint32_t sample, std::int32_t tick) {
    for_each_feedback(Feedback::symmetric,
                      [&](std::vector<Real>& feedback, std::size_t n, std::size_t outputs,
                          ProjectionId direct, const LearningConfig&) {
                          readout_weights_.resize(n * outputs);
                          request_.stores[index_of(direct)]->measure(sample, tick, readout_weights_);
                          for (std::size_t j = 0; j < n; ++j) {
                              for (std::size_t k = 0; k < outputs; ++k) {
                                  feedback[k * n + j] = readout_weights_[j * outputs + k];
                              }
                          }
                      });
}

template <class Real>
void FunctionalEngine<Real>::adapt_feedback(const Gradients<Real>& changes) {
    for_each_feedback(Feedback::adaptive, [&](std::vector<Real>& feedback, std::size_t n, std::size_t outputs,
                                              ProjectionId direct, const LearningConfig& learning) {
        const std::vector<Real>& change = changes[index_of(direct)];
        const auto decay = static_cast<Real>(learning.feedback_decay);
        for (std::size_t j = 0; j < n; ++j) {
            for (std::size_t k = 0; k < outputs; ++k) {
                Real& b = feedback[k * n + j];
                b = adapted_feedback(b, change[j * outputs + k], decay);
            }
        }
    });
}

template <class Real>
void FunctionalEngine<Real>::begin_sample(std::uint32_t sample, std::int32_t tick) {
    for (auto* store : request_.stores) {
        if (store != nullptr) {
            store->begin_sample(sample, tick);
        }
    }
}

template <class Real>
void FunctionalEngine<Real>::end() {
    for (auto* store : request_.stores) {
        if (store != nullptr) {
            store->end_sample();
        }
    }
}

template <class Real>
void FunctionalEngine<Real>::run(const Trial& trial, std::uint32_t sample, std::int32_t tick, bool,
                                 Tape<Real>& tape) {
    begin_sample(sample, tick);
    passes_[0]->run(trial, tape);
    end();
}

template <class Real>
void FunctionalEngine<Real>::begin(const Trial& trial, std::uint32_t sample, std::int32_t tick,
                                   Tape<Real>& tape) {
    begin_sample(sample, tick);
    trial_ = &trial;
    tape_ = &tape;
    passes_[0]->begin(trial, tape);
}

template <class Real>
void FunctionalEngine<Real>::step(std::uint32_t t) {
    passes_[0]->step(t, *trial_, *tape_);
}

template <class Real>
void FunctionalEngine<Real>::run_beside(std::size_t worker, const Trial& trial, Tape<Real>& tape) {
    passes_[worker]->run(trial, tape);
}

template <class Real>
void FunctionalEngine<Real>::measure(ProjectionId id, std::uint32_t sample, std::int32_t tick,
                                     std::span<Real> weights) {
    request_.stores[index_of(id)]->measure(sample, tick, weights);
}

template <class Real>
void FunctionalEngine<Real>::update(std::span<const std::span<const Real>> changes, std::uint32_t event,
                                    std::int32_t tick) {
    for (std::size_t p = 0; p < changes.size(); ++p) {
        if (!changes[p].empty()) {
            request_.stores[p]->update(changes[p], event, tick);
        }
    }
}

template <class Real>
void FunctionalEngine<Real>::serialize(StateArchive& archive) {
    passes_[0]->serialize(archive);
}

template class FunctionalEngine<float>;
template class FunctionalEngine<double>;

std::optional<ProjectionId> direct_projection(const network::Network& network, std::size_t population,
                                              std::size_t objective) {
    for (const ProjectionId id : network.to(network.objectives[objective].population)) {
        const network::Projection& p = network.at(id);
        if (index_of(p.from) == population && !p.bias &&
            (p.connect.kind == network::ConnectKind::dense ||
             p.connect.kind == network::ConnectKind::masked)) {
            return id;
        }
    }
    return std::nullopt;
}

}  // namespace memprop::learning
