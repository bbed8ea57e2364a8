// From named tables to the network: connections, plans of projections, and what is refused.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"
#include "learning/resolve.hpp"

using namespace memprop;
using namespace memprop::learning;
using network::Connect;
using network::ConnectKind;
using network::index_of;

namespace {

PopulationTable population(std::string name, std::int64_t size, std::string model) {
    PopulationTable table;
    table.name = std::move(name);
    table.size = size;
    table.model = std::move(model);
    return table;
}

ProjectionTable projection(std::string name, std::string from, std::string to) {
    ProjectionTable table;
    table.name = std::move(name);
    table.from = std::move(from);
    table.to = std::move(to);
    return table;
}

/// in (6) -> a (5, to itself) -> out (2)
ExperimentConfig experiment() {
    ExperimentConfig config;
    config.tables.populations = {population("in", 6, "input"), population("a", 5, "lif"),
                                 population("out", 2, "leaky_readout")};
    config.tables.projections = {projection("w_in", "in", "a"), projection("w_rec", "a", "a"),
                                 projection("w_out", "a", "out")};
    config.tables.projections[1].delay_steps = 1;
    ObjectiveTable objective;
    objective.name = "answer";
    objective.population = "out";
    config.tables.objectives = {objective};
    return config;
}

Connect connect(const ExperimentConfig& config, std::size_t i) {
    return resolve_tables(config).network.projections[i].connect;
}

}  // namespace

TEST_CASE("tables become populations, projections and objectives in their order") {
    ExperimentConfig config = experiment();
    config.tables.populations[1].parameters = {{"threshold", {0.05}}};
    config.tables.projections[0].bias = true;
    config.tables.projections[0].init_mean = 0.25;
    config.tables.projections[2].delay_steps = 3;
    config.tables.projections[2].delay = network::DelayKind::dendritic;
    const ResolvedNetwork resolved = resolve(config);
    const network::Network& n = resolved.network;
    REQUIRE(n.populations.size() == 3);
    CHECK(n.populations[1].name == "a");
    CHECK(n.populations[1].size == 5);
    REQUIRE(n.populations[1].find("threshold") != nullptr);
    CHECK(n.populations[1].find("threshold")->values == std::vector<double>{0.05});
    REQUIRE(n.projections.size() == 3);
    CHECK(n.projections[0].bias);
    CHECK(n.projections[0].weight_mean == 0.25);
    CHECK(n.projections[0].weight_std == 0.1);
    CHECK(network::size_of(n.projections[0].weights) == 0);
    CHECK(index_of(n.projections[1].from) == 1);
    CHECK(index_of(n.projections[1].to) == 1);
    CHECK_FALSE(n.projections[1].connect.self);
    CHECK(n.projections[2].delay_steps == 3);
    CHECK(n.projections[2].delay_kind == network::DelayKind::dendritic);
    REQUIRE(n.objectives.size() == 1);
    CHECK(index_of(n.objectives[0].population) == 2);
    CHECK_FALSE(resolved.is_classic);
}

TEST_CASE("media, rules, updates and rates of projections come from their tables") {
    ExperimentConfig config = experiment();
    config.update.scheme = "sign";
    config.learning.lr = 0.5;
    config.learning.lr_out = 0.25;
    config.tables.devices.push_back({.name = "fine", .crossbar = {}});
    config.tables.devices[0].crossbar.weight_scale_per_us = 0.125;
    config.tables.devices[0].crossbar.weight_scale_out_per_us = 0.5;
    config.tables.updates.push_back({.name = "slow", .update = {}});
    config.tables.updates[0].update.scheme = "multi_device";
    RuleTable rule;
    rule.name = "fast";
    rule.eprop.lr = 2.0;
    config.tables.rules = {rule};
    auto& p = config.tables.projections;
    p[0].device = "fine";
    p[0].rule = "fast";
    p[0].update = "slow";
    p[1].rule = "eprop";
    p[1].update = "slow";
    p[2].device = "fine";
    p[2].rule = "eprop";
    const ResolvedNetwork resolved = resolve(config);
    const auto& plans = resolved.projections;
    REQUIRE(plans.size() == 3);
    CHECK(plans[0].on_devices);
    CHECK(plans[0].rule == "eprop");
    CHECK(plans[0].rule_name == "fast");
    CHECK(plans[0].lr == 2.0);
    CHECK(plans[0].update.scheme == "multi_device");
    CHECK(plans[0].weight_scale_per_us == 0.125);
    CHECK_FALSE(plans[1].on_devices);
    CHECK(plans[1].rule_name == "eprop");
    CHECK(plans[1].lr == 0.5);
    CHECK(plans[1].update.scheme == "vanilla");  // weights that are numbers
    CHECK(plans[2].lr == 0.25);                  // onto what is read
    CHECK(plans[2].update.scheme == "sign");
    CHECK(plans[2].weight_scale_per_us == 0.5);
    p[2].lr = 0.75;
    p[2].weight_scale_per_us = 3.0;
    p[1].rule.clear();
    const ResolvedNetwork changed = resolve(config);
    CHECK(changed.projections[2].lr == 0.75);
    CHECK(changed.projections[2].weight_scale_per_us == 3.0);
    CHECK(changed.projections[1].rule.empty());
}

TEST_CASE("masks are drawn by seed, projection and density, and leave out what must not be") {
    ExperimentConfig config = experiment();
    config.tables.populations[1].size = 40;
    config.tables.projections[1].connect = ConnectKind::masked;
    config.tables.projections[1].density = 0.3;
    const Connect c = connect(config, 1);
    REQUIRE(c.mask.size() == 1600);
    std::vector<float> uniform(1600);
    fill_uniforms({.seed = 1, .stream = Stream::connectivity, .array = 1}, 0, uniform);
    for (std::size_t i = 0; i < 1600; ++i) {
        CHECK(c.mask[i] == (uniform[i] < 0.3 && i / 40 != i % 40 ? 1 : 0));
    }
    config.tables.projections[1].self = true;
    const Connect with_self = connect(config, 1);
    CHECK(std::any_of(with_self.mask.begin(), with_self.mask.end(),
                      [&, i = std::size_t{0}](std::uint8_t m) mutable {
                          const bool diagonal = i / 40 == i % 40;
                          ++i;
                          return diagonal && m == 1;
                      }));
    config.run.seed = 2;
    CHECK(connect(config, 1).mask != with_self.mask);
    config.tables.projections[1].bias = true;
    const Connect biased = connect(config, 1);
    REQUIRE(biased.mask.size() == 41 * 40);
    CHECK(std::all_of(biased.mask.end() - 40, biased.mask.end(), [](std::uint8_t m) { return m == 1; }));
}

TEST_CASE("a mask comes from a file, whose faults are named") {
    const std::filesystem::path file =
        std::filesystem::temp_directory_path() / ("memprop_mask_" + std::to_string(::getpid()) + ".txt");
    const auto write = [&](const std::string& text) { std::ofstream(file) << text; };
    ExperimentConfig config = experiment();
    ProjectionTable& p = config.tables.projections[2];
    p.connect = ConnectKind::masked;
    p.mask_file = file.string();
    write("10\n0 1\n1,1\n00\n1 0");
    CHECK(connect(config, 2).mask == std::vector<std::uint8_t>{1, 0, 0, 1, 1, 1, 0, 0, 1, 0});
    write("10\n01\n11\n00\n");
    CHECK_THROWS_WITH_AS(resolve(config),
                         doctest::Contains("has 4 lines of values; it must have one for each"), InputError);
    write("10\n011\n11\n00\n10\n");
    CHECK_THROWS_WITH_AS(resolve(config), doctest::Contains(":2: has 3 values"), InputError);
    write("10\n0x\n");
    CHECK_THROWS_WITH_AS(resolve(config), doctest::Contains("projection.w_out.mask_file"), InputError);
    std::filesystem::remove(file);
    CHECK_THROWS_AS(resolve(config), InputError);
}

TEST_CASE("sparse projections have the synapses asked for, every one as likely as the next") {
    ExperimentConfig config = experiment();
    config.tables.populations[1].size = 50;
    ProjectionTable& p = config.tables.projections[1];
    p.connect = ConnectKind::sparse;
    p.fan_out = 7;
    std::vector<int> hits(50, 0);
    for (std::int64_t seed = 1; seed <= 40; ++seed) {
        config.run.seed = seed;
        const Connect c = connect(config, 1);
        REQUIRE(c.row_begin.size() == 51);
        REQUIRE(c.column.size() == 350);
        for (std::uint32_t i = 0; i < 50; ++i) {
            REQUIRE(c.row_begin[i + 1] - c.row_begin[i] == 7);
            for (std::uint64_t k = c.row_begin[i]; k < c.row_begin[i + 1]; ++k) {
                CHECK(c.column[k] != i);
                CHECK((k == c.row_begin[i] || c.column[k] > c.column[k - 1]));
                ++hits[c.column[k]];
            }
        }
        CHECK(connect(config, 1).column == c.column);
    }
    for (const int h : hits) {
        CHECK(std::abs(h - 280) < 5 * std::sqrt(280.0 * (1.0 - 7.0 / 49.0)));  // 40 x 49 draws of 7 in 49
    }
    p.fan_out = 49;
    CHECK(connect(config, 1).column.size() == 50 * 49);
    p.fan_out = 50;
    CHECK_THROWS_WITH_AS(resolve(config),
                         "projection.w_rec.fan_out = 50: must be at most 49, the neurons it "
                         "can reach",
                         InputError);
    p.self = true;
    p.bias = true;
    const Connect all = connect(config, 1);
    CHECK(all.row_begin.size() == 52);
    CHECK(all.column.size() == 51 * 50);
}

TEST_CASE("windows follow from the shapes of their populations") {
    ExperimentConfig config = experiment();
    config.tables.populations = {population("in", 0, "input"), population("a", 4 * 3 * 2, "lif"),
                                 population("out", 4 * 3 * 1, "leaky_readout")};
    config.tables.populations[0].shape = {2, 7, 5};
    config.tables.populations[1].shape = {4, 3, 2};
    config.tables.projections = {projection("conv", "in", "a"), projection("pool", "a", "out")};
    ProjectionTable &conv = config.tables.projections[0], &pool = config.tables.projections[1];
    conv.connect = ConnectKind::convolution;
    conv.kernel = {3, 2};
    conv.stride = {2, 3};
    conv.padding = {0, 1};
    conv.groups = 2;
    pool.connect = ConnectKind::pool;
    pool.kernel = {1, 2};
    pool.average = true;
    const network::Network n = resolve(config).network;
    CHECK(n.populations[0].size == 70);
    const network::Window w{.channels_in = 2,
                            .channels_out = 4,
                            .groups = 2,
                            .height_in = 7,
                            .width_in = 5,
                            .height_out = 3,
                            .width_out = 2,
                            .kernel_height = 3,
                            .kernel_width = 2,
                            .stride_y = 2,
                            .stride_x = 3,
                            .padding_left = 1};
    CHECK(n.projections[0].connect.window == w);
    CHECK(n.projections[1].connect.window.stride_x == 2);
    CHECK(n.projections[1].connect.window.height_out == 3);
    CHECK(n.projections[1].connect.factor == 0.5);
    conv.groups = 3;
    CHECK_THROWS_WITH_AS(resolve(config), "projection.conv.groups = 3: must divide the channels, 2 and 4",
                         InputError);
    conv.groups = 1;
    conv.kernel = {8};
    CHECK_THROWS_WITH_AS(resolve(config),
                         doctest::Contains("projection.conv.kernel = 8: reaches over 8 of 7"), InputError);
    conv.kernel = {};
    CHECK_THROWS_WITH_AS(resolve(config), doctest::Contains("projection.conv.kernel"), InputError);
    conv.kernel = {3, 6};
    CHECK_THROWS_WITH_AS(resolve(config), doctest::Contains("projection.conv.to"), InputError);
    config.tables.populations[0].shape = {};
    config.tables.populations[0].size = 70;
    CHECK_THROWS_WITH_AS(resolve(config), doctest::Contains("population.in.shape"), InputError);
}

TEST_CASE("what contradicts itself is refused in the names of its keys") {
    const auto refused = [](auto change, const char* words) {
        ExperimentConfig config = experiment();
        change(config.tables);
        CHECK_THROWS_WITH_AS(resolve(config), doctest::Contains(words), InputError);
    };
    refused([](NetworkTables& t) { t.projections[0].from = "inn"; },
            "projection.w_in.from = \"inn\": there is no table [population.inn]; the nearest is "
            "[population.in]");
    refused([](NetworkTables& t) { t.projections[0].to = ""; }, "projection.w_in.to = \"\"");
    refused([](NetworkTables& t) { t.projections[0].device = "pcm"; },
            "projection.w_in.device = \"pcm\": there is no table [device.pcm]");
    refused([](NetworkTables& t) { t.projections[0].rule = "epropp"; }, "there is no table [rule.epropp]");
    refused([](NetworkTables& t) { t.projections[0].update = "slow"; }, "there is no table [update.slow]");
    refused([](NetworkTables& t) { t.objectives[0].population = "outs"; },
            "objective.answer.population = \"outs\"");
    refused([](NetworkTables& t) { t.populations[1].size = 0; }, "population.a.size = 0");
    refused(
        [](NetworkTables& t) {
            t.populations[1].shape = {2, 3};
        },
        "population.a.size = 5: must be the product");
    refused(
        [](NetworkTables& t) {
            t.populations[1].parameters = {{"threshold", {0.1, 0.2}}};
        },
        "population.a.threshold");
    refused([](NetworkTables& t) { t.projections[1].delay_steps = 0; }, "close a cycle without delay");
    refused([](NetworkTables& t) { t.projections[0].receptor = 1; }, "projection.w_in.receptor = 1");
    refused([](NetworkTables& t) { t.projections[0].connect = ConnectKind::one_to_one; },
            "needs populations of one size");
    refused([](NetworkTables& t) { t.populations[0].model = "lif"; }, "no population of model \"input\"");
    refused([](NetworkTables& t) { t.projections[0].name = "samples_done"; },
            "projection = samples_done: is a name that checkpoints use");
    refused([](NetworkTables& t) { t.projections[0].name = std::string("."); }, "projection = .");
    refused([](NetworkTables& t) { t.objectives.push_back(t.objectives[0]); }, "of two objectives");
    refused(
        [](NetworkTables& t) {
            t.devices.push_back({.name = "d", .crossbar = {}});
            t.projections[1].device = "d";
            t.projections[1].connect = ConnectKind::sparse;
            t.projections[1].fan_out = 2;
        },
        "projection.w_rec.device = d: needs connect");
    refused(
        [](NetworkTables& t) {
            t.devices.push_back({.name = "d", .crossbar = {}});
            UpdateTable update{.name = "u", .update = {}};
            update.update.scheme = "vanilla";
            t.updates = {update};
            t.projections[1].device = "d";
            t.projections[1].update = "u";
        },
        "update.u.scheme = vanilla");
}

TEST_CASE("tasks are told the lines and answers of the network of tables") {
    ExperimentConfig config = experiment();
    config.tables.populations.push_back(population("more", 3, "input"));
    config.tables.populations.push_back(population("relay", 4, "input"));
    config.tables.projections.push_back(projection("r", "in", "relay"));
    set_sizes(config);
    CHECK(config.network.inputs == 9);  // events of "relay" come from the network
    CHECK(config.network.outputs == 2);
    ObjectiveTable second;
    second.name = "second";
    second.population = "a";
    config.tables.objectives.push_back(second);
    set_sizes(config);
    CHECK(config.network.outputs == 7);
    CHECK(config.learning.loss == Loss::mse);
    for (ObjectiveTable& objective : config.tables.objectives) {
        objective.loss = Loss::cross_entropy;
    }
    set_sizes(config);
    CHECK(config.network.outputs == 2);  // a label is a class of every objective
    CHECK(config.learning.loss == Loss::cross_entropy);
    ExperimentConfig short_form;
    const NetworkConfig before = short_form.network;
    set_sizes(short_form);
    CHECK(short_form.network.inputs == before.inputs);
}

TEST_CASE("projections beyond the sixteenth have keys of their own") {
    CHECK(array_number(ProjectionId{3}) == 3);
    CHECK(array_number(ProjectionId{19}) == 3);
    CHECK(seed_of(5, ProjectionId{3}) == 5);
    CHECK(seed_of(5, ProjectionId{19}) != 5);
    CHECK(seed_of(5, ProjectionId{19}) != seed_of(5, ProjectionId{35}));
}
