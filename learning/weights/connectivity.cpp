#include "learning/weights/connectivity.hpp"

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"

namespace memprop::learning {

std::shared_ptr<const std::vector<std::uint8_t>> connect(const ExperimentConfig& config, ProjectionId id) {
    const NetworkConfig& network = config.network;
    const std::int64_t n = network.recurrent, layers = network.layers;
    if (layers > n) {
        throw InputError("network.layers", layers, "must be at most network.recurrent");
    }
    const double density = id == ProjectionId::w_in    ? network.density_in
                           : id == ProjectionId::w_rec ? network.density_rec
                                                       : network.density_out;
    if (density == 1.0 && layers == 1) {
        return nullptr;
    }
    const std::int64_t pre = id == ProjectionId::w_in ? network.inputs : n;
    const std::int64_t post = id == ProjectionId::w_out ? network.outputs : n;
    const auto layer = [&](std::int64_t neuron) { return neuron * layers / n; };
    const auto may_be = [&](std::int64_t i, std::int64_t j) {
        switch (id) {
            case ProjectionId::w_in:
                return layer(j) == 0;
            case ProjectionId::w_rec:
                return layer(j) == layer(i) || layer(j) == layer(i) + 1;
            case ProjectionId::w_out:
                return network.layer_readout == LayerReadout::all || layer(i) == layers - 1;
        }
        return false;
    };
    std::vector<float> uniform(static_cast<std::size_t>(pre * post));
    fill_uniforms({.seed = static_cast<std::uint64_t>(config.run.seed),
                   .stream = Stream::connectivity,
                   .array = static_cast<std::uint8_t>(id)},
                  0, uniform);
    auto connected = std::make_shared<std::vector<std::uint8_t>>(uniform.size());
    for (std::int64_t i = 0; i < pre; ++i) {
        for (std::int64_t j = 0; j < post; ++j) {
            const auto at = static_cast<std::size_t>(i * post + j);
            (*connected)[at] = may_be(i, j) && double(uniform[at]) < density ? 1 : 0;
        }
    }
    return connected;
}

}  // namespace memprop::learning
