#include "learning/network/models/leak.hpp"

#include <fmt/format.h>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"

namespace memprop::network {

Leak leak_of(const Population& population, std::span<const Field> fields, std::string_view tau,
             double time_step_seconds) {
    const double dt = time_step_seconds;
    const bool euler = value_of(population, fields, "integrator") == double(Integrator::euler);
    Leak leak;
    for (const double t : values_of(population, fields, tau)) {
        if (!euler) {
            const double decay =
                math::exp(-std::min(dt / t, 700.0));  // exp(-700): far below half an ulp of 1
            leak.decay.push_back(decay);
            leak.lost.push_back(1.0 - decay);
            continue;
        }
        if (dt / t > 2.0) {
            throw InputError(
                fmt::format("population.{}.{}", population.name, tau), t,
                fmt::format("with a time step of {} s forward Euler diverges (time step > 2 {}); "
                            "use a smaller time step or integrator = \"exponential\"",
                            dt, tau));
        }
        leak.lost.push_back(dt / t);
        leak.decay.push_back(1.0 - leak.lost.back());
    }
    return leak;
}

}  // namespace memprop::network
