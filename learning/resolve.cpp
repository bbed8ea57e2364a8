#include "learning/resolve.hpp"

namespace memprop::learning {
namespace {

constexpr std::uint32_t kArrays = 16;  // numbers of arrays that are not the fast ones of update schemes
constexpr std::uint64_t kGoldenRatio = 0x9E3779B97F4A7C15ULL;

}  // namespace

std::uint8_t array_number(ProjectionId id) {
    return static_cast<std::uint8_t>(network::index_of(id) % kArrays);
}

std::uint64_t seed_of(std::uint64_t seed, ProjectionId id) {
    return seed + network::index_of(id) / kArrays * kGoldenRatio;
}

ResolvedNetwork resolve(const ExperimentConfig& config) {
    return config.tables.empty() ? resolve_short_form(config) : resolve_tables(config);
}

}  // namespace memprop::learning
