// From a resolved network to what e-prop learns in it.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "learning/eprop/plan.hpp"
#include "learning/resolve.hpp"

namespace memprop::learning {

/// The plan of the projections whose rule has the name `rule_name` and is of kind "eprop", in the order of
/// the populations. Every objective sends its errors to every population that spikes or passes values on and
/// that is learned onto. Throws InputError naming the projection whose neurons cannot learn, or the rule that
/// lacks an objective or a decay.
template <class Real>
EpropPlan<Real> make_eprop_plan(const ResolvedNetwork& resolved, std::string_view rule_name);

}  // namespace memprop::learning
