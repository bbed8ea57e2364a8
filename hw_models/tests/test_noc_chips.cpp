// Links between the chips of a mesh: their cycles, there and back, and their energy.
#include <doctest/doctest.h>

#include "crossbar/base/error.hpp"
#include "hw_models/tests/noc_driver.hpp"

using namespace memprop;
using namespace memprop::hw::noc;

namespace {

/// Links from `from` to `to` by class, counted one by one along the row and then along the column.
struct Links {
    std::uint64_t east_west = 0, north_south = 0, boundary = 0;
};
Links links_of_way(std::uint32_t from, std::uint32_t to, std::uint32_t width, std::uint32_t columns,
                   std::uint32_t rows) {
    Links links;
    const std::uint32_t x0 = std::min(from % width, to % width), x1 = std::max(from % width, to % width);
    for (std::uint32_t x = x0; x < x1; ++x) {  // the first column is before the chips
        const bool crosses = x > 0 && x % columns == 0;
        ++(crosses ? links.boundary : links.east_west);
    }
    const std::uint32_t y0 = std::min(from / width, to / width), y1 = std::max(from / width, to / width);
    for (std::uint32_t y = y0; y < y1; ++y) {
        ++((y + 1) % rows == 0 ? links.boundary : links.north_south);
    }
    return links;
}

}  // namespace

TEST_CASE("noc chips: every way takes its links' cycles and costs their energy") {
    for (const std::uint32_t boundary_cycles : {1U, 5U, 31U}) {
        NocParams params = chips_params(7, 5, 2, 3, boundary_cycles);  // 2 + 2 + 2 columns, 3 + 2 rows
        params.router_cycles = 2;
        params.link_cycles = 3;
        Driver driver(Fabric::mesh(params));
        Links all;
        for (std::uint32_t from = 0; from < params.nodes(); ++from) {
            for (std::uint32_t to = 0; to < params.nodes(); ++to) {
                const Links links = links_of_way(from, to, 7, 2, 3);
                const std::uint64_t on_chip = links.east_west + links.north_south;
                Flit flit = Flit::to(node(from), node(to));
                flit.created_cycle = driver.now;
                driver.queue(flit);
                driver.deliveries.clear();
                driver.run_until(driver.now + 200);
                REQUIRE(driver.deliveries.size() == 1);
                const std::uint64_t cycles = (on_chip + links.boundary + 1) * params.router_cycles +
                                             (on_chip + 1) * params.link_cycles +
                                             links.boundary * boundary_cycles;
                CHECK(driver.deliveries[0].cycle == flit.created_cycle + cycles);
                CHECK(cycles_between(node(from), node(to), params) == cycles);
                all.east_west += links.east_west;
                all.north_south += links.north_south;
                all.boundary += links.boundary;
            }
        }
        const RouterStats stats = driver.fabric.total_router_stats(driver.now);
        CHECK(stats.over_boundary_total() == all.boundary);
        CHECK(stats.forwarded_total() ==
              all.east_west + all.north_south + all.boundary + params.nodes() * params.nodes());
        const double expected_j =
            1e-12 * (3.0 * double(all.east_west) + 4.0 * double(all.north_south) +
                     7.0 * double(all.boundary) + 1.7 * double(params.nodes()) * double(params.nodes()));
        CHECK(stats.energy_j(params.cost) == doctest::Approx(expected_j).scale(0).epsilon(1e-12));
    }
}

TEST_CASE("noc chips: a stream over a boundary runs at min(1, depth / (router + 2 boundary + credit))") {
    for (const std::uint32_t depth : {1U, 4U, 13U, 16U}) {
        NocParams params = chips_params(5, 1, 2, 1, 5);
        params.fifo_depth = depth;
        params.credit_cycles = 2;
        Driver driver(Fabric::mesh(params));
        constexpr std::uint64_t kFlits = 1000, kMeasured = 500;
        for (std::uint32_t i = 0; i < kFlits; ++i) {
            driver.queue(Flit::to(node(0), node(4)));
        }
        driver.run_until(20'000);
        REQUIRE(driver.deliveries.size() == kFlits);
        const auto cycles =
            double(driver.deliveries.back().cycle - driver.deliveries[kFlits - kMeasured].cycle);
        const double rate = double(kMeasured - 1) / cycles;
        CHECK(rate == doctest::Approx(std::min(1.0, depth / (1.0 + 2 * 5 + 2))).epsilon(0.02));
    }
}

TEST_CASE("noc chips: a boundary whose cost or source is not known is refused, one chip asks for neither") {
    const auto refusal = [](const NocParams& params) {
        try {
            params.validate("noc");
        } catch (const InputError& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    NocParams params = chips_params(5, 4, 2, 2, 3);
    CHECK(refusal(params).empty());
    params.boundary_cycles = 32;
    CHECK(refusal(params).find("boundary_cycles") != std::string::npos);
    params = chips_params(5, 4, 2, 2, 3);
    params.cost.boundary_source.clear();
    CHECK(refusal(params).find("boundary_source") != std::string::npos);
    params.cost.boundary_pj.reset();
    CHECK(refusal(params).find("boundary_pj") != std::string::npos);
    params.chip_columns = 4;
    params.chip_rows = 4;
    CHECK(refusal(params).empty());
}
