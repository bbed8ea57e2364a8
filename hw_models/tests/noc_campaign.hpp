// Random meshes under random traffic, in hw::noc::Fabric and in the reference side by side.
#pragma once

#include <cstdint>
#include <string>

namespace memprop::hw::noc {

struct CampaignResult {
    std::string description;       ///< of the mesh and its traffic
    std::string difference;        ///< empty, or the first thing that is not as it has to be
    std::uint64_t deliveries = 0;  ///< flits, without barrier tokens
    std::uint64_t barriers = 0;    ///< phases
    std::uint64_t cycles = 0;      ///< until all is delivered
};

/// Everything follows from `seed`: 1 to 7 x 1 to 6 routers, FIFOs of 1 to 6 flits, router, link and credit
/// cycles, trees, load, barriers with and without idle terminals, stalls, slow receivers. Traffic is created
/// in the first `cycles` cycles. Compared are the cycles of all deliveries and the counters; nothing may be
/// lost, doubled, reordered or on the wrong side of a barrier.
CampaignResult run_campaign(std::uint64_t seed, std::uint32_t cycles);

}  // namespace memprop::hw::noc
