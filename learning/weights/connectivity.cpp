#include "learning/weights/connectivity.hpp"

#include "crossbar/base/random.hpp"

namespace memprop::learning {

std::shared_ptr<const std::vector<std::uint8_t>> connected(const network::Network& network, ProjectionId id,
                                                           std::uint64_t seed) {
    const network::Projection& projection = network.at(id);
    const network::Connect& connect = projection.connect;
    if (connect.kind != network::ConnectKind::masked) {
        return nullptr;
    }
    if (!connect.mask.empty()) {
        return std::make_shared<std::vector<std::uint8_t>>(connect.mask);
    }
    std::vector<float> uniform(std::size_t{rows_of(network, projection)} * columns_of(network, projection));
    fill_uniforms({.seed = seed_of(seed, id), .stream = Stream::connectivity, .array = array_number(id)}, 0,
                  uniform);
    auto exists = std::make_shared<std::vector<std::uint8_t>>(uniform.size());
    for (std::size_t i = 0; i < uniform.size(); ++i) {
        (*exists)[i] = double(uniform[i]) < connect.density ? 1 : 0;
    }
    return exists;
}

}  // namespace memprop::learning
