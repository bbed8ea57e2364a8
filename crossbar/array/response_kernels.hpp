// Currents that are not proportional to the voltage: I = G V_read sinh(k V / V_read) / sinh(k), where the
// curvature k of a device depends on its conductance (IvConfig in crossbar/config.hpp). Vectorised at run
// time; the bits do not depend on the vector width.
#pragma once

#include <span>

namespace memprop::crossbar {

/// k falls or rises linearly with the conductance, from `at_min` at `g_min_us` to `at_max` at `g_max_us`.
struct CurvatureLaw {
    float g_min_us, g_max_us;
    float at_min, at_max;
};

/// Of devices with the conductances `g_us`: their curvatures k, and 1 - exp(-2 k), which respond() needs. All
/// spans have the same size.
void find_curvatures(const CurvatureLaw& law, std::span<const float> g_us, std::span<float> curvature,
                     std::span<float> rise);

/// Currents of devices at the part x of the read voltage over those at the read voltage, exactly 1 at x = 1;
/// |x| is limited to 2. Relative error below 1e-5. All spans have the same size.
void respond(float x, std::span<const float> curvature, std::span<const float> rise, std::span<float> ratio);

}  // namespace memprop::crossbar
