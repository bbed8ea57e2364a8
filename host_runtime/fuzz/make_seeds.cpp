// make_seeds DIRECTORY: writes a few good inputs per fuzz target, from which the corpus grows.
#include <fmt/format.h>

#include <filesystem>

#include "host_runtime/files/atomic_file.hpp"
#include "host_runtime/nir/write.hpp"
#include "host_runtime/tests/networks.hpp"
#include "host_runtime/tests/recordings.hpp"

using namespace memprop::host;
using nir::NodeType;

namespace {

void write(const std::filesystem::path& root, const char* target, const std::string& name,
           const std::string& bytes) {
    std::filesystem::create_directories(root / target);
    write_text_atomically(root / target / name, bytes);
}

nir::Network convolutional_network() {
    const auto conv =
        nir::node("conv", NodeType::conv2d,
                  {nir::floats("weight", {2, 1, 2, 2}, std::vector<float>(8, 0.5F)),
                   nir::floats("bias", {2}, {0, 1}), nir::whole_numbers("stride", {2}, {1, 1}),
                   nir::text("padding", "same"), nir::whole_numbers("dilation", {2}, {1, 1}),
                   nir::whole_numbers("groups", {}, {2}), nir::whole_numbers("input_shape", {2}, {4, 4})});
    const auto pool =
        nir::node("pool", NodeType::avg_pool2d,
                  {nir::whole_numbers("kernel_size", {2}, {2, 2}), nir::whole_numbers("stride", {2}, {2, 2}),
                   nir::whole_numbers("padding", {2}, {0, 0})});
    const auto flat =
        nir::node("flat", NodeType::flatten,
                  {nir::whole_numbers("start_dim", {}, {0}), nir::whole_numbers("end_dim", {}, {-1}),
                   nir::whole_numbers("input_type", {3}, {2, 2, 2})});
    const auto delay = nir::node("wait", NodeType::delay, {nir::doubles("delay", {}, {2e-3})});
    const auto threshold = nir::node("th", NodeType::threshold, {nir::doubles("threshold", {1}, {0.1})});
    return nir::network(
        {input_node({2, 4, 4}), conv, if_node("if"), pool, flat, delay, threshold,
         nir::node("scale", NodeType::scale, {nir::doubles("scale", {8}, std::vector<double>(8, 2.0))}),
         output_node({8})},
        {{"input", "conv"},
         {"conv", "if"},
         {"if", "pool"},
         {"pool", "flat"},
         {"flat", "wait"},
         {"wait", "th"},
         {"th", "scale"},
         {"scale", "output"}});
}

nir::Network nested_network() {
    const auto inner = nir::graph({input_node({2}, "in"), lif_node("lif", {2}, 1e-2),
                                   linear_node("w", {2, 2}, {0, 1, 1, 0}), output_node({2}, "out")},
                                  {{"in", "lif"}, {"lif", "w"}, {"w", "lif"}, {"lif", "out"}});
    const auto cuba = nir::node("cuba", NodeType::cuba_lif,
                                {nir::doubles("tau_syn", {}, {1e-2}), nir::floats("tau_mem", {1}, {2e-2F}),
                                 nir::whole_numbers("r", {}, {1}), nir::doubles("v_leak", {2}, {0, 0}),
                                 nir::doubles("v_threshold", {2}, {1, 1})});
    return nir::network({input_node({2}), nir::nested("rnn", inner), cuba, output_node({1, 1})},
                        {{"input", "rnn"}, {"rnn", "cuba"}, {"cuba", "output"}});
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        fmt::print(stderr, "usage: make_seeds DIRECTORY\n");
        return 2;
    }
    const std::filesystem::path root = argv[1];
    int number = 0;
    for (const auto& network : {recurrent_network(), convolutional_network(), nested_network()}) {
        const std::string name = fmt::format("network{}", number++);
        write(root, "tree", name, nir::serialise(nir::to_tree(network)));
        std::filesystem::create_directories(root / "nir_file");
        nir::write_network(network, root / "nir_file" / (name + ".nir"));
    }
    using namespace recordings;
    write(
        root, "n_mnist", "events",
        n_mnist_event(5, 3, true, 70000) + n_mnist_event(0, 240, false, 0) + n_mnist_event(63, 47, false, 8));
    write(root, "prophesee_dat", "events",
          dat({{0xFFFFFFF0U, dat_address(5, 3, true)}, {0x10U, dat_address(0, 1, false)}}));
    write(root, "prophesee_raw", "evt2",
          evt2({0x80000002U, 0x1FC02803U, 0xA0000000U, 0x8FFFFFFFU, 0x00000000U, 0x80000000U, 0x00401000U}));
    write(root, "prophesee_raw", "evt3",
          evt3({0x8FFF, 0x6010, 0x0003, 0x2805, 0x3000, 0x5021, 0x8000, 0x6001, 0x3802, 0x400B, 0xA001,
                0xE000, 0x7000}));
    for (const int compression : {0, 1}) {
        write(root, "aedat4", fmt::format("compression{}", compression),
              aedat4({{{1000, 5, 3, true}, {1001, 0, 0, false}}, {{5000, 1, 2, true}}}, compression));
    }
    write(root, "csv", "steps", "step,index\n0,1\n12,9\n");
    write(root, "csv", "times", "time_s,index\r\n0.003,1\r\n1e-2,4\r\n");
    return 0;
}
