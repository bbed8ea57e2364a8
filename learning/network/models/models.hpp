// All neuron models. To add one: a file of its own here, a line in models.cpp, and the file's name in
// CMakeLists.txt.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "learning/network/neurons.hpp"

namespace memprop::network {

std::span<const NeuronModel* const> models();
/// Throws InputError naming `field` and the models there are.
const NeuronModel& find_model(std::string_view field, std::string_view name);

template <class Real>
std::unique_ptr<Neurons<Real>> make_neurons(const Population& population, double time_step_seconds);

}  // namespace memprop::network
