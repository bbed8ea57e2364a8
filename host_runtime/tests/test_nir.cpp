#include <doctest/doctest.h>
#include <fmt/format.h>
#include <hdf5.h>
#include <signal.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <limits>
#include <string>

#include "crossbar/base/error.hpp"
#include "host_runtime/hdf5/decode.hpp"
#include "host_runtime/nir/flat_graph.hpp"
#include "host_runtime/nir/read.hpp"
#include "host_runtime/nir/write.hpp"
#include "host_runtime/tests/networks.hpp"
#include "host_runtime/tests/temporary_directory.hpp"

using memprop::InputError;
using namespace memprop::host;
using nir::NodeType;

namespace {

std::string refusal_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const InputError& error) {
        return error.what();
    }
    return "accepted";
}

/// The message with which a network is refused that was valid before `change`.
std::string refusal_of_tree(nir::Group tree,
                            const std::function<void(nir::Group& nodes, nir::Group& root)>& change) {
    const TemporaryDirectory directory;
    change(tree.groups[0].groups.back(), tree);
    nir::write_tree(tree, directory / "bad.nir");
    std::string message = refusal_of([&] { nir::read_network(directory / "bad.nir"); });
    CHECK(message.find("bad.nir: ") != std::string::npos);
    return message;
}

std::string refusal_of_change(const std::function<void(nir::Group& nodes, nir::Group& root)>& change) {
    return refusal_of_tree(nir::to_tree(recurrent_network()), change);
}

nir::Group& child(nir::Group& group, const std::string& name) {
    for (nir::Group& g : group.groups) {
        if (g.name == name) {
            return g;
        }
    }
    throw std::runtime_error("no group " + name);
}

nir::Dataset& dataset(nir::Group& group, const std::string& name) {
    for (nir::Dataset& d : group.datasets) {
        if (d.name == name) {
            return d;
        }
    }
    throw std::runtime_error("no dataset " + name);
}

bool contains(const std::string& text, const std::string& part) {
    CAPTURE(text);
    CAPTURE(part);
    const bool found = text.find(part) != std::string::npos;
    CHECK(found);
    return found;
}

nir::Network network_with(nir::Node node, std::vector<std::int64_t> in, std::vector<std::int64_t> out) {
    const std::string name = node.name;
    return nir::network({input_node(std::move(in)), std::move(node), output_node(std::move(out))},
                        {{"input", name}, {name, "output"}});
}

nir::Node conv2d(nir::Shape weight, std::int64_t groups, nir::Dataset padding) {
    const std::uint64_t count = h5::element_count(weight);
    return nir::node(
        "conv", NodeType::conv2d,
        {nir::floats("weight", weight, std::vector<float>(count, 1.0F)),
         nir::floats("bias", {weight[0]}, std::vector<float>(weight[0], 0.0F)),
         nir::whole_numbers("stride", {2}, {1, 1}), std::move(padding),
         nir::whole_numbers("dilation", {2}, {1, 1}), nir::whole_numbers("groups", {}, {groups})});
}

}  // namespace

TEST_CASE("nir: a network survives writing and reading") {
    nir::Network network = recurrent_network();
    network.version = "0.2.0";
    nir::Group metadata;
    metadata.name = "metadata";
    metadata.datasets = {nir::text("author", "s\xC3\xA9"),
                         nir::doubles("dt", {}, {1e-4}),
                         {"flag", nir::ElementType::boolean, {}, std::vector<std::int64_t>{1}},
                         nir::whole_numbers("list", {2, 2}, {1, -2, 3, 4})};
    nir::Group inner;
    inner.name = "nested";
    inner.datasets = {nir::text("b", "two")};
    metadata.groups = {inner};
    network.graph.metadata = metadata;
    network.graph.nodes[0].metadata = metadata;
    // names with dots, spaces, non-ASCII and keywords
    network.graph.nodes[2].name = "lif 1.if \xE2\x82\xAC";
    const TemporaryDirectory directory;
    nir::write_network(network, directory / "a.nir");
    const nir::Network back = nir::read_network(directory / "a.nir");
    CHECK(back == network);
    CHECK(back.warnings.empty());
    nir::write_network(back, directory / "b.nir");
    CHECK(nir::read_network(directory / "b.nir") == network);
}

TEST_CASE("nir: large parameters cross the child process unchanged") {
    std::vector<float> weight(300 * 7000);
    for (std::size_t i = 0; i < weight.size(); ++i) {
        weight[i] = static_cast<float>(i % 8191) * 0.5F;
    }
    const nir::Network network = network_with(linear_node("fc", {300, 7000}, weight), {7000}, {300});
    const TemporaryDirectory directory;
    nir::write_network(network, directory / "large.nir");
    CHECK(nir::read_network(directory / "large.nir").graph == network.graph);
    // one bad value far behind the part that is checked first
    nir::Group tree = nir::to_tree(network);
    std::get<std::vector<float>>(dataset(child(tree.groups[0].groups[0], "fc"), "weight").values)[2000000] =
        std::numeric_limits<float>::infinity();
    nir::write_tree(tree, directory / "inf.nir");
    const auto message = refusal_of([&] { nir::read_network(directory / "inf.nir"); });
    contains(message, "fc/weight: entry 2000000 is inf, must be finite");
}

TEST_CASE("nir: wrong values are refused with node and dataset") {
    contains(refusal_of_change([](auto& nodes, auto&) {
                 std::get<std::vector<float>>(dataset(child(nodes, "fc"), "weight").values)[3] =
                     std::nanf("");
             }),
             "node fc: dataset weight: entry 3 is nan, must be finite");
    for (const double tau : {0.0, -1e-3}) {
        contains(refusal_of_change([&](auto& nodes, auto&) {
                     std::get<std::vector<double>>(dataset(child(nodes, "lif"), "tau").values)[1] = tau;
                 }),
                 "node lif: dataset tau: entry 1 is ");
    }
    contains(refusal_of_change([](auto& nodes, auto&) {
                 dataset(child(nodes, "input"), "shape").values = std::vector<std::int64_t>{-2};
             }),
             "node input: dataset shape: entry 0 is -2");
    contains(refusal_of_change(
                 [](auto& nodes, auto&) { dataset(child(nodes, "lif"), "r") = nir::text("r", "one"); }),
             "node lif: dataset r: is of type string");
    contains(refusal_of_change([](auto& nodes, auto&) { dataset(child(nodes, "fc"), "weight").shape = {6}; }),
             "node fc: dataset weight: has 1 dimensions");
    contains(refusal_of_change([](auto& nodes, auto&) {
                 child(nodes, "lif").datasets.push_back(nir::doubles("w_extra", {}, {1}));
             }),
             "node lif: dataset w_extra does not belong to a LIF");
    contains(refusal_of_change([](auto& nodes, auto&) {
                 std::erase_if(child(nodes, "lif").datasets, [](auto& d) { return d.name == "tau"; });
             }),
             "node lif: dataset tau is missing");
    for (const double delay : {-1e-3, 1000.5, std::numeric_limits<double>::infinity()}) {
        const auto network = network_with(
            nir::node("wait", NodeType::delay, {nir::doubles("delay", {2}, {0.0, 1.0})}), {2}, {2});
        contains(refusal_of_tree(nir::to_tree(network),
                                 [&](auto& nodes, auto&) {
                                     std::get<std::vector<double>>(
                                         dataset(child(nodes, "wait"), "delay").values)[1] = delay;
                                 }),
                 "node wait: dataset delay: entry 1 is ");
    }
}

TEST_CASE("nir: wrong structure is refused") {
    contains(refusal_of_change([](auto&, auto& root) { root.groups.clear(); }), "group 'node' is missing");
    contains(refusal_of_change([](auto& nodes, auto&) {
                 dataset(child(nodes, "lif"), "type") = nir::text("type", "ALIF");
             }),
             "node lif: unknown type 'ALIF'");
    contains(refusal_of_change([](auto& nodes, auto&) {
                 std::erase_if(child(nodes, "rec").datasets, [](auto& d) { return d.name == "type"; });
             }),
             "node rec: dataset type is missing");
    const auto edges = [](nir::Group& root) -> nir::Dataset& { return dataset(root.groups[0], "edges"); };
    contains(refusal_of_change([&](auto&, auto& root) {
                 std::get<std::vector<std::string>>(edges(root).values)[1] = "lif_two";
             }),
             "'lif_two', which is no node");
    contains(refusal_of_change([&](auto&, auto& root) {
                 edges(root).shape = {2, 5};
             }),
             "dataset edges: is string of shape [2, 5]");
    contains(refusal_of_change([](auto&, auto& root) {
                 std::erase_if(root.groups[0].datasets, [](auto& d) { return d.name == "edges"; });
             }),
             "dataset edges is missing");
    contains(refusal_of_change([&](auto&, auto& root) { edges(root) = nir::doubles("edges", {0}, {}); }),
             "is not reached from any Input");
    contains(refusal_of_change([&](auto&, auto& root) {
                 auto& names = std::get<std::vector<std::string>>(edges(root).values);
                 std::replace(names.begin(), names.end(), std::string("output"), std::string("rec"));
             }),
             "node output");
    contains(refusal_of_change([](auto& nodes, auto&) {
                 child(nodes, "lif").groups.push_back({"deeper", {}, {}});
             }),
             "node lif: group deeper does not belong");
}

TEST_CASE("nir: connections are checked") {
    const auto refusal = [](const nir::Network& network) {
        return refusal_of([&] { nir::flatten(network, "net.nir"); });
    };
    contains(
        refusal(network_with(linear_node("fc", {2, 3}, {1, 2, 3, 4, 5, 6}), {2}, {2})),
        "edge input -> fc: node input gives shape [2], node fc takes [3] (dataset weight has shape [2, 3])");
    contains(refusal(network_with(linear_node("fc", {2, 2}, {1, 2, 3, 4}), {2}, {5})),
             "node output: dataset shape is [5]");
    contains(refusal(network_with(nir::node("fc", NodeType::affine,
                                            {nir::floats("weight", {2, 2}, {1, 2, 3, 4}),
                                             nir::floats("bias", {3}, {1, 2, 3})}),
                                  {2}, {2})),
             "node fc: dataset bias has shape [3]");
    auto lif = lif_node("lif", {4}, 1e-2);
    lif.parameters[1] = nir::doubles("tau", {3}, {1, 1, 1});
    contains(refusal(network_with(lif, {4}, {4})),
             "node lif: dataset tau has shape [3], the layer has shape [4]");
    contains(
        refusal(network_with(conv2d({2, 2, 3, 3}, 1, nir::text("padding", "same")), {3, 8, 8}, {2, 8, 8})),
        "node conv: takes 2 input channels");
    contains(
        refusal(network_with(conv2d({2, 3, 9, 9}, 1, nir::text("padding", "valid")), {3, 8, 8}, {2, 8, 8})),
        "node conv: the kernel spans 9 elements");
    // a loop without memory; a zero delay is none
    for (const double delay : {0.0, 1e-3}) {
        const auto loop = nir::network(
            {input_node({1}), linear_node("a", {1, 1}, {1}),
             nir::node("b", NodeType::delay, {nir::doubles("delay", {1}, {delay})}), output_node({1})},
            {{"input", "a"}, {"a", "b"}, {"b", "a"}, {"b", "output"}});
        const auto message = refusal(loop);
        if (delay == 0.0) {
            contains(message, "the cycle a -> b -> a holds neither state nor a delay");
        } else {
            CHECK(message == "accepted");
        }
    }
    contains(refusal(nir::network(
                 {input_node({1}), input_node({1}, "dead"), if_node("n"), if_node("end"), output_node({1})},
                 {{"input", "n"}, {"n", "output"}, {"dead", "end"}})),
             "node dead: this Input reaches no Output");
    contains(refusal(nir::network({input_node({1}), if_node("n"), output_node({1})},
                                  {{"input", "n"}, {"n", "output"}, {"n", "input"}})),
             "edge n -> input: an Input takes no edges");
    contains(refusal(nir::network({input_node({1}), if_node("n")}, {{"input", "n"}})),
             "it has no Output node");
    contains(refusal(nir::network({input_node({1LL << 20, 1LL << 20}), if_node("n"), output_node({1})},
                                  {{"input", "n"}, {"n", "output"}})),
             "has shape [1048576, 1048576], more than");
}

TEST_CASE("nir: what writers differ in is accepted") {
    const auto accepts = [](const nir::Network& network) {
        const TemporaryDirectory directory;
        nir::write_network(network, directory / "n.nir");
        return nir::read_network(directory / "n.nir");
    };
    // Unfinished Output shape, scalar and one-element parameters, integer weights, shapes with extents of 1.
    auto cuba = nir::node("cuba", NodeType::cuba_lif,
                          {nir::doubles("tau_syn", {}, {1e-2}), nir::floats("tau_mem", {1}, {2e-2F}),
                           nir::whole_numbers("r", {}, {1}), nir::doubles("v_leak", {1}, {0}),
                           nir::doubles("v_threshold", {1, 4}, {1, 1, 1, 1})});
    const auto network = accepts(
        nir::network({input_node({3}),
                      nir::node("fc", NodeType::linear,
                                {nir::whole_numbers("weight", {4, 3}, std::vector<std::int64_t>(12, 1))}),
                      cuba, output_node({1, 1, 1})},
                     {{"input", "fc"}, {"fc", "cuba"}, {"cuba", "output"}}));
    const auto flat = nir::flatten(network, "n");
    CHECK(flat.nodes[0].name == "cuba");
    CHECK(flat.nodes[0].output_size() == 4);
    // Flatten counted with a batch axis
    const auto flattened = accepts(nir::network(
        {input_node({2, 2, 2}),
         nir::node("flat", NodeType::flatten,
                   {nir::whole_numbers("start_dim", {}, {1}), nir::whole_numbers("end_dim", {}, {-1}),
                    nir::whole_numbers("input_type", {3}, {2, 2, 2})}),
         linear_node("fc", {1, 8}, std::vector<float>(8, 1)), output_node({1})},
        {{"input", "flat"}, {"flat", "fc"}, {"fc", "output"}}));
    CHECK(flattened.warnings.size() == 1);
    // duplicate edges, in any order, count once
    auto tree = nir::to_tree(recurrent_network());
    auto& edges = dataset(tree.groups[0], "edges");
    auto& names = std::get<std::vector<std::string>>(edges.values);
    std::rotate(names.begin(), names.begin() + 4, names.end());
    names.insert(names.end(), {"rec", "lif"});
    edges.shape = {6, 2};
    const auto parsed = nir::parse_network(tree, "n");
    CHECK(parsed.graph == recurrent_network().graph);
    CHECK(parsed.warnings.size() == 1);
    // grouped convolution and padding by name
    CHECK(nir::flatten(accepts(network_with(conv2d({4, 1, 3, 3}, 2, nir::text("padding", "same")), {2, 5, 6},
                                            {4, 5, 6})),
                       "n")
              .nodes[0]
              .output_shape == nir::Shape{4, 5, 6});
    CHECK(nir::flatten(accepts(network_with(conv2d({4, 2, 2, 3}, 1, nir::text("padding", "valid")), {2, 5, 6},
                                            {4, 4, 4})),
                       "n")
              .nodes[0]
              .output_shape == nir::Shape{4, 4, 4});
}

TEST_CASE("nir: links out of the tree, shared groups and claims without data are refused") {
    const TemporaryDirectory directory;
    const auto tree = nir::to_tree(recurrent_network());
    const auto refusal_after = [&](const std::function<void(hid_t)>& change) {
        const auto path = directory / "links.nir";
        nir::write_tree(tree, path);
        const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
        REQUIRE(file >= 0);
        change(file);
        H5Fclose(file);
        return refusal_of([&] { nir::read_network(path); });
    };
    contains(refusal_after([](hid_t f) {
                 H5Lcreate_external("/etc/passwd", "/x", f, "node/nodes/fc/bias", H5P_DEFAULT, H5P_DEFAULT);
             }),
             "node/nodes/fc/bias: is a soft or external link");
    contains(refusal_after(
                 [](hid_t f) { H5Lcreate_soft("/node", f, "node/nodes/again", H5P_DEFAULT, H5P_DEFAULT); }),
             "node/nodes/again");
    contains(refusal_after(
                 [](hid_t f) { H5Lcreate_hard(f, "/node", f, "node/nodes/loop", H5P_DEFAULT, H5P_DEFAULT); }),
             "node/nodes/loop: the group is linked more than once");
    const auto claim = [](hid_t f, std::vector<hsize_t> shape, bool chunked) {
        H5Ldelete(f, "node/nodes/fc/weight", H5P_DEFAULT);
        const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
        const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
        if (chunked) {
            const hsize_t chunk[2] = {64, 64};
            H5Pset_chunk(plist, 2, chunk);
            H5Pset_deflate(plist, 4);
        }
        H5Dclose(
            H5Dcreate2(f, "node/nodes/fc/weight", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, plist, H5P_DEFAULT));
        H5Pclose(plist);
        H5Sclose(space);
    };
    contains(refusal_after([&](hid_t f) {
                 claim(f, {1ULL << 40, 1ULL << 20}, true);
             }),
             "node/nodes/fc/weight: claims shape");
    contains(refusal_after([&](hid_t f) { claim(f, {30000, 30000}, true); }), "the file stores only 0 bytes");
    contains(refusal_after([&](hid_t f) {
                 claim(f, {30000, 30000}, false);
             }),
             "node/nodes/fc/weight: claims");
}

TEST_CASE("nir: files that are no HDF5 files, or damaged ones, are refused") {
    const TemporaryDirectory directory;
    std::ofstream(directory / "empty.nir").close();
    std::ofstream(directory / "text.nir") << "this is no HDF5 file\n";
    for (const char* name : {"empty.nir", "text.nir", "absent.nir"}) {
        contains(refusal_of([&] { nir::read_network(directory / name); }), name);
    }
    contains(refusal_of([&] { nir::read_network(directory.path()); }), "is not a regular file");
    nir::write_network(recurrent_network(), directory / "good.nir");
    std::ifstream in(directory / "good.nir", std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    // Cut anywhere and with bytes flipped: refused, or read if the damage hit nothing that counts. Never
    // more.
    int refused = 0, accepted = 0;
    for (std::size_t i = 0; i < 60; ++i) {
        std::string damaged = bytes;
        if (i < 20) {
            damaged.resize(bytes.size() * i / 20);
        } else {
            for (std::size_t k = 0; k < 4; ++k) {
                damaged[(i * 7919 + k * 104729) % bytes.size()] ^= static_cast<char>(0x5A + k);
            }
        }
        std::ofstream(directory / "damaged.nir", std::ios::binary) << damaged;
        try {
            nir::read_network(directory / "damaged.nir");
            ++accepted;
        } catch (const InputError& error) {
            CHECK(std::string(error.what()).find("damaged.nir") != std::string::npos);
            ++refused;
        }
    }
    CHECK(refused >= 20);
    CHECK(refused + accepted == 60);
}

TEST_CASE("nir: a child that crashes, hangs or eats memory is a refusal") {
    const TemporaryDirectory directory;
    const auto file = directory / "hostile.nir";
    std::ofstream(file) << "x";
    const auto refusal = [&](const std::function<void()>& action, h5::DecodeLimits limits = {}) {
        return refusal_of([&] {
            h5::decode_in_child(
                file, limits, [&](const h5::Sink&) { action(); }, [](std::span<const char>) {});
        });
    };
    contains(refusal([] { ::raise(SIGSEGV); }), "hostile.nir: decoding crashed");
    contains(refusal([] { std::abort(); }), "hostile.nir: decoding crashed");
    contains(refusal(
                 [] {
                     for (;;) {
                         ::getppid();
                     }
                 },
                 {.cpu_seconds = 0.2}),
             "hostile.nir: decoding takes longer");
    // slow is not the same as hanging: every piece of work gets the time anew
    CHECK(refusal(
              [] {
                  for (int piece = 0; piece < 100; ++piece) {
                      const std::clock_t begin = std::clock();
                      while (std::clock() - begin < CLOCKS_PER_SEC / 100) {
                      }
                      h5::made_progress();
                  }
              },
              {.cpu_seconds = 0.2}) == "accepted");
    CHECK(refusal(
              [] {
                  const h5::Unhurried own_work;
                  const std::clock_t begin = std::clock();
                  while (std::clock() - begin < CLOCKS_PER_SEC / 2) {
                  }
              },
              {.cpu_seconds = 0.1}) == "accepted");
    contains(refusal([] { ::pause(); }, {.cpu_seconds = 1, .wall_seconds = 0.2, .memory_bytes = 1 << 28}),
             "hostile.nir: decoding takes longer");
#if !defined(__SANITIZE_ADDRESS__)
    contains(refusal([] { std::vector<char>(1ULL << 32).assign(1ULL << 32, 'x'); }),
             "needs more than 160 MB of memory");
#endif
}

TEST_CASE("nir: a tree survives serialisation, and damaged bytes are refused") {
    const auto tree = nir::to_tree(recurrent_network());
    const std::string bytes = nir::serialise(tree);
    CHECK(nir::deserialise(bytes) == tree);
    int refused = 0;
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        refused +=
            refusal_of([&] { nir::deserialise(std::span(bytes).first(length)); }) != "accepted" ? 1 : 0;
    }
    CHECK(refused == static_cast<int>(bytes.size()));
    CHECK_THROWS_AS(nir::deserialise(bytes + "x"), InputError);
    nir::Group bare;
    bare.datasets.push_back({"weight", nir::ElementType::float32, {2, 3}, {}});  // only claimed
    CHECK(refusal_of([&] { nir::deserialise(nir::serialise(bare)); }) ==
          "decoded tree is damaged: the numbers of a dataset are missing");
}
