#include "learning/classic.hpp"

#include "learning/resolve.hpp"

namespace memprop::learning {

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

}  // namespace memprop::learning
