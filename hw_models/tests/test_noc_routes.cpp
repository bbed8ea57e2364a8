// The proof that loaded tables cannot deadlock, and what it refuses.
#include <doctest/doctest.h>

#include <algorithm>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"
#include "hw_models/noc/routing_check.hpp"
#include "hw_models/tests/noc_driver.hpp"

using namespace memprop;
using namespace memprop::hw::noc;

namespace {

TableRow row(std::uint32_t router, Port input, std::initializer_list<Port> outputs, std::uint16_t tree = 7) {
    TableRow entry{.router = node(router), .tree = TreeId{tree}, .row = {.input = input, .outputs = 0}};
    for (const Port output : outputs) {
        entry.row.outputs |= mask_of(output);
    }
    return entry;
}

// What is said of these rows on 3 x 3 routers (0 1 2 / 3 4 5 / 6 7 8).
std::string refusal(const std::vector<TableRow>& rows) {
    try {
        check_routes(mesh_params(3, 3), rows);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("noc routes: unicasts alone and any union of XY routes are proved free of deadlock") {
    struct Size {
        std::uint32_t width, height;
    };
    for (const Size size : {Size{1, 1}, Size{6, 1}, Size{1, 5}, Size{4, 4}, Size{7, 5}, Size{16, 17}}) {
        CAPTURE(size.width);
        CAPTURE(size.height);
        Fabric fabric = Fabric::mesh(mesh_params(size.width, size.height));
        const std::uint32_t nodes = fabric.params().nodes();
        const std::uint32_t links = 2 * ((size.width - 1) * size.height + size.width * (size.height - 1));
        const RouteProof unicasts = check_routes(fabric.params(), fabric.loaded_rows());
        CHECK(unicasts.trees == 0);
        CHECK(unicasts.channels == links + 2 * nodes);
        CHECK(unicasts.longest_chain == size.width + size.height);  // in, corner to corner, out
        std::uint64_t rows = 0;
        for (std::uint16_t tree = 0; tree < 60; ++tree) {
            const auto draw = [&](std::uint32_t index, std::uint32_t below) {
                return random_bits({.seed = 3, .stream = Stream::test, .event = tree}, index) % below;
            };
            std::vector<NodeId> leaves;
            for (std::uint32_t leaf = 0; leaf < 1 + draw(1, nodes); ++leaf) {
                leaves.push_back(node(draw(2 + leaf, nodes)));
            }
            const NodeId root = node(draw(0, nodes));
            fabric.set_tree(TreeId{tree}, root, leaves);
            rows += xy_tree(fabric.params(), root, leaves).size();
        }
        const RouteProof proof = check_routes(fabric.params(), fabric.loaded_rows());
        CHECK(proof.trees == 60);
        CHECK(proof.rows == rows);
        CHECK(proof.channels == unicasts.channels);
        CHECK(proof.dependencies == unicasts.dependencies);  // trees wait for nothing that unicasts do not
        CHECK(proof.longest_chain == unicasts.longest_chain);
    }
}

TEST_CASE("noc routes: what is wrong with a tree is named") {
    using enum Port;
    CHECK(refusal({row(3, local, {east}), row(4, west, {north, local}), row(1, south, {local})}).empty());
    CHECK(refusal({row(3, local, {east}), row(4, west, {})}) ==
          "noc.tree 7: router 3 sends east to router 4, which has no row");
    CHECK(refusal({row(3, local, {east}), row(4, north, {local}), row(1, local, {south})}) ==
          "noc.tree 7: router 3 sends east to router 4, which takes flits from north only");
    CHECK(refusal({row(3, local, {local}), row(4, west, {local})}) ==
          "noc.tree 7: router 4 waits for flits from west, where router 3 does not send there");
    CHECK(refusal({row(4, west, {local})}) ==
          "noc.tree 7: router 4 waits for flits from west, where router 3 has no row");
    CHECK(refusal({row(3, local, {local}), row(5, local, {local})}) ==
          "noc.tree 7: router 5 takes its flits from the terminal, as does router 3: a tree has one root");
    CHECK(refusal({row(3, local, {local}), row(3, local, {local})}) == "noc.tree 7: router 3 has two rows");
    CHECK(refusal({row(9, local, {local})}) ==
          "noc.tree 7: router 9 does not exist: a 3 x 3 mesh has the routers 0 to 8");
    CHECK(refusal({row(0, local, {local}, 1024)}) == "noc.tree 1024: router 0 has a table of 1024 rows only");
    CHECK(refusal({row(0, local, {north})}) ==
          "noc.tree 7: router 0 uses the port north, which leads out of the mesh");
    CHECK(refusal({row(0, west, {local})}) ==
          "noc.tree 7: router 0 uses the port west, which leads out of the mesh");
    TableRow no_port = row(0, local, {local});
    no_port.row.outputs = 0x21;
    CHECK(refusal({no_port}).find("ports that do not exist") != std::string::npos);
    // Routers 0, 1, 4, 3 in a ring, each the parent of the next: no flit can get in.
    CHECK(
        refusal({row(0, south, {east}), row(1, west, {south}), row(4, north, {west}), row(3, east, {north})})
            .find("is not reached from any terminal, rows take their flits from each other: router") !=
        std::string::npos);
}

TEST_CASE("noc routes: turns that close a cycle of waits are named with their trees") {
    using enum Port;
    // One tree goes from the column to the row; with XY's own turns that closes no cycle.
    const std::vector<TableRow> one{row(6, local, {north}, 1), row(3, south, {east}, 1),
                                    row(4, west, {local}, 1)};
    CHECK(refusal(one).empty());
    // Two such turns do: up and right at the left, down and left at the right (routers 0 1 / 3 4).
    std::vector<TableRow> two{row(3, local, {north}, 1), row(0, south, {east}, 1), row(1, west, {local}, 1),
                              row(1, local, {south}, 2), row(4, north, {west}, 2), row(3, east, {local}, 2)};
    const std::string said = refusal(two);
    CAPTURE(said);
    CHECK(said.starts_with("noc: the tables can deadlock, these wait for each other: router"));
    CHECK(said.find("router 0 from south to east (tree 1)") != std::string::npos);
    CHECK(said.find("router 4 from north to west (tree 2)") != std::string::npos);
    CHECK(said.find("router 1 from west to south (unicasts)") != std::string::npos);
    CHECK(said.find("router 3 from east to north (unicasts)") != std::string::npos);
    std::reverse(two.begin(), two.end());
    CHECK_FALSE(refusal(two).empty());
}
