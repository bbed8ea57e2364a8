#include "learning/classic.hpp"

#include "learning/network/models/lif_constants.hpp"
#include "learning/network/models/models.hpp"

namespace memprop::learning {
namespace {

ResolvedNetwork of_config(const NetworkConfig& network, const LearningConfig& learning) {
    ExperimentConfig config;
    config.network = network;
    config.learning = learning;
    return resolve_short_form(config);
}

}  // namespace

template <class Real>
NetworkParameters<Real>::NetworkParameters(const ResolvedNetwork& resolved, const LearningConfig& learning,
                                           bool keeps) {
    take(resolved, learning, keeps);
}

template <class Real>
NetworkParameters<Real>::NetworkParameters(const NetworkConfig& config, const LearningConfig& learning) {
    take(of_config(config, learning), learning, config.state_reset == StateReset::never);
}

template <class Real>
void NetworkParameters<Real>::take(const ResolvedNetwork& resolved, const LearningConfig& learning,
                                   bool keeps) {
    const network::Network& network = resolved.network;
    const network::Population& neurons = network.at(classic::neurons);
    const network::Population& readouts = network.at(classic::readouts);
    network::LifConstants<Real>::operator=(network::lif_constants<Real>(
        neurons, network::find_model("network.neuron", neurons.model).fields, network.time_step_seconds));
    const auto running = network::make_neurons<Real>(readouts, network.time_step_seconds);
    inputs = network.at(classic::inputs).size;
    recurrent = neurons.size;
    outputs = readouts.size;
    kappa = running->eligibility()->alpha.front();
    readout_gain = running->eligibility()->gain.front();
    eligibility_decay =
        learning.eligibility_decay > 0.0 ? static_cast<Real>(learning.eligibility_decay) : kappa;
    eligibility_gain =
        learning.eligibility_scaling == LeakScaling::one ? Real{1} : Real{1} - eligibility_decay;
    loss = learning.loss;
    average_over_window = learning.average_over_window;
    readout_delay = network.at(classic::w_out).delay_steps;
    keeps_state = keeps;
}

std::array<std::unique_ptr<WeightStore>, 3> make_classic_stores(const ExperimentConfig& config) {
    const ResolvedNetwork resolved = resolve_short_form(config);
    std::array<std::unique_ptr<WeightStore>, 3> stores;
    for (std::size_t p = 0; p < stores.size(); ++p) {
        const auto id = static_cast<ProjectionId>(p);
        const network::Projection& projection = resolved.network.at(id);
        stores[p] = make_weight_store<float>({.plan = resolved.projections[p],
                                              .seed = static_cast<std::uint64_t>(config.run.seed),
                                              .array = array_number(id),
                                              .tick_seconds = config.task.update_interval_seconds},
                                             {.id = id,
                                              .name = projection.name,
                                              .pre = rows_of(resolved.network, projection),
                                              .post = columns_of(resolved.network, projection),
                                              .no_diagonal = projection.from == projection.to});
    }
    return stores;
}

template struct NetworkParameters<float>;
template struct NetworkParameters<double>;

}  // namespace memprop::learning
