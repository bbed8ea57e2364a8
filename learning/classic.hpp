// The weights of the short form, the network of one recurrent population.
#pragma once

#include <array>
#include <memory>

#include "learning/config/config.hpp"
#include "learning/weights/weight_store.hpp"

namespace memprop::learning {

/// The three stores of the short form, for a chip without a trainer.
std::array<std::unique_ptr<WeightStore>, 3> make_classic_stores(const ExperimentConfig& config);

}  // namespace memprop::learning
