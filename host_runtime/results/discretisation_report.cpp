#include "host_runtime/results/discretisation_report.hpp"

namespace memprop::host {

nlohmann::ordered_json discretisation_json(const Discretisation& d) {
    return {{"dt", d.dt_seconds},
            {"integrator", to_string(d.integrator)},
            {"reset", to_string(d.reset)},
            {"first_step_recurrence", d.first_step_recurrence},
            {"arithmetic", to_string(d.arithmetic)},
            {"if_integration", to_string(d.if_integration)},
            {"current_jump", to_string(d.current_jump)}};
}

}  // namespace memprop::host
