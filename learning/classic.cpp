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
        neurons, network::find_model("model", neurons.model).fields, network.time_step_seconds));
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

template struct NetworkParameters<float>;
template struct NetworkParameters<double>;

}  // namespace memprop::learning
