// Networks of named tables: read, overridden, printed, refused.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/config/network_text.hpp"
#include "host_runtime/training.hpp"

using memprop::InputError;
using namespace memprop;
using namespace memprop::host;

namespace {

const std::string kText = R"(
[learning]
lr = 0.5
loss = "cross_entropy"

[update]
scheme = "sign"
epsilon_us = 0.25

[population.in]
model = "input"
size = 4

[population.exc]
size = 3
threshold = [0.1, 0.2, 0.3]
reset = "to_value"

[population."a b.c"]
model = "leaky_readout"
size = 2

[projection.first]
from = "in"
to = "exc"
device = "d"
rule = "r"
update = "u"

[projection.alpha]
from = "exc"
to = "a b.c"

[objective.o]
population = "a b.c"

[device.d]
device = "constant_step"
[device.d.adc]
noise_lsb = 0.5

[rule.r]
lr_out = 0.125

[update.u]
max_pulses = 3
[update.u.transfer]
every = 7
)";

Experiment parse(const std::vector<std::string>& overrides = {}, const std::string& text = kText) {
    return parse_experiment(text, "file", overrides);
}

std::map<std::string, std::string> flat(const Experiment& config) {
    const auto entries = flatten_experiment(config);
    return {entries.begin(), entries.end()};
}

}  // namespace

TEST_CASE("tables keep the order of the file and start from their defaults") {
    const Experiment config = parse();
    const auto& t = config.tables;
    REQUIRE(t.populations.size() == 3);
    CHECK(t.populations[0].name == "in");
    CHECK(t.populations[1].name == "exc");
    CHECK(t.populations[2].name == "a b.c");
    CHECK(t.projections[0].name == "first");
    CHECK(t.projections[1].name == "alpha");
    CHECK(t.populations[1].model == "lif");
    REQUIRE(t.populations[1].parameters.size() == 2);
    CHECK(t.rules[0].eprop.lr == 0.5);  // of [learning]
    CHECK(t.rules[0].eprop.lr_out == 0.125);
    CHECK(t.updates[0].update.scheme == "sign");  // of [update]
    CHECK(t.updates[0].update.epsilon_us == 0.25);
    CHECK(t.updates[0].update.max_pulses == 3);
    CHECK(t.updates[0].update.transfer.every == 7);
    CHECK(config.update.transfer.every == 1);
    CHECK(t.objectives[0].loss == learning::Loss::cross_entropy);
    const Experiment published = defaults_of("constant_step");
    CHECK(t.devices[0].crossbar.g_max_us == published.crossbar.g_max_us);
    CHECK(t.devices[0].crossbar.adc.noise_lsb == 0.5);
    CHECK(config.network.inputs == 4);
    CHECK(config.network.outputs == 2);
}

TEST_CASE("tables are printed and read back to the same") {
    const Experiment config = parse({"projection.alpha.kernel=[3, 2]", "run.seed=7"});
    const Experiment again = parse_experiment(print_experiment(config), "printed", {});
    CHECK(flatten_experiment(again) == flatten_experiment(config));
    CHECK(flat(config).at("population.exc.threshold") == "[0.1, 0.2, 0.3]");
    CHECK(flat(config).at("population.exc.reset") == "\"to_value\"");
    CHECK(flat(config).at("population.exc.refractory_steps") == "0");
    CHECK(flat(config).at("population.\"a b.c\".tau_seconds") == "0.03");
    CHECK(flat(config).at("device.d.adc.noise_lsb") == "0.5");
    CHECK(flat(config).at("projection.alpha.kernel") == "[3, 2]");
    // A value at its default is no value: what is printed has it, and the network is the same.
    CHECK(again.tables.populations[0].parameters.empty());
    CHECK(again.tables.populations[1].parameters == config.tables.populations[1].parameters);
}

TEST_CASE("overrides change, complete and add tables") {
    CHECK(flat(parse({"projection.first.device=e", "device.e.device=ideal"})).at("projection.first.device") ==
          "\"e\"");
    const Experiment config = parse({"population.exc.threshold=0.05", "population.exc.adaptation_beta=0.5",
                                     "population.exc.model=alif", "population.\"a b.c\".size=5",
                                     "population.'a b.c'.tau_seconds=0.5", "population.new.model=input",
                                     "population.new.size=2", "device.d.device=ideal"});
    CHECK(flat(config).at("population.exc.threshold") == "0.05");
    CHECK(flat(config).at("population.exc.adaptation_beta") == "0.5");
    CHECK(flat(config).at("population.\"a b.c\".size") == "5");
    CHECK(flat(config).at("population.\"a b.c\".tau_seconds") == "0.5");
    REQUIRE(config.tables.populations.size() == 4);
    CHECK(config.tables.populations[3].name == "new");
    CHECK(config.network.inputs == 6);
    CHECK(config.network.outputs == 5);
    // The device decides about the defaults of the others.
    CHECK(config.tables.devices[0].crossbar.g_max_us == defaults_of("ideal").crossbar.g_max_us);
    CHECK(config.tables.devices[0].crossbar.adc.noise_lsb == 0.5);
    const Experiment added = parse({"population.a.model=input", "population.a.size=3"}, "");
    CHECK(added.tables.populations.size() == 1);
}

TEST_CASE("files named in tables are named files") {
    const Experiment config =
        parse({"projection.first.mask_file=mask.txt", "device.d.faults.map_file=faults.csv"});
    const std::vector<std::pair<std::string, std::string>> wanted{{"projection.first.mask_file", "mask.txt"},
                                                                  {"device.d.faults.map_file", "faults.csv"}};
    CHECK(named_files(config) == wanted);
}

TEST_CASE("keys of tables that change nothing are named") {
    const std::string text = R"(
[population.in]
model = "input"
size = 2
[population.exc]
size = 3
[population.out]
model = "leaky_readout"
size = 1
[projection.first]
from = "in"
to = "exc"
device = "d"
rule = "r"
[projection.last]
from = "exc"
to = "out"
rule = "r"
[objective.o]
population = "out"
[device.d]
device = "ideal"
[rule.r]
kind = "eprop"
)";
    const auto named = [&](const std::vector<std::string>& overrides) {
        std::vector<std::string> keys;
        for (const KeyWithoutEffect& key : check_trainable(parse(overrides, text))) {
            keys.push_back(key.key);
        }
        return keys;
    };
    using Keys = std::vector<std::string>;
    CHECK(named({}) == Keys{});
    const std::string edges = "population.exc.pseudo_table_edges=[-2, -1, 1, 2]",
                      values = "population.exc.pseudo_table_values=[0, 1, 2, 1, 0]";
    CHECK(named({edges, values}) ==
          Keys{"population.exc.pseudo_table_edges", "population.exc.pseudo_table_values"});
    CHECK(named({edges, values, "population.exc.pseudo_derivative=table"}) == Keys{});
    CHECK(named({"device.d.weight_scale_out_per_us=0.5"}) == Keys{"device.d.weight_scale_out_per_us"});
    CHECK(named({"device.d.weight_scale_out_per_us=0.5", "projection.last.device=d"}) == Keys{});
    CHECK(named({"device.d.weight_scale_per_us=0.5"}) == Keys{});
    CHECK(named({"device.d.weight_scale_per_us=0.5", "projection.first.weight_scale_per_us=0.25"}) ==
          Keys{"device.d.weight_scale_per_us"});
    CHECK(named({"rule.r.loss=cross_entropy"}) == Keys{"rule.r.loss"});
}

TEST_CASE("what is wrong in a table is refused with file, line, key and value") {
    const auto refused = [](const std::vector<std::string>& overrides, const std::string& text,
                            const std::string& words) {
        CAPTURE(words);
        CHECK_THROWS_WITH_AS(parse(overrides, text), doctest::Contains(words.c_str()), InputError);
    };
    const std::string in = "[population.in]\nmodel = \"input\"\nsize = 2\n";
    refused({}, in + "thresh = 3\n", "file:4:1: unknown key 'population.in.thresh'");
    refused({}, "[population.a]\nsize = 2\ntresholds = 0.1\n",
            "file:3:1: unknown key 'population.a.tresholds'; the nearest valid key is "
            "'population.a.threshold'");
    refused({}, "[population.a]\nmodel = \"lfi\"\n",
            "file:2:9: population.a.model = 'lfi': must be one of input, lif");
    refused({}, "[population.a]\nthreshold = \"x\"\n",
            "population.a.threshold = 'x': must be a number, or a list of them, one per neuron");
    refused({}, "[population.a]\nrefractory_steps = 1.5\n", "must be a whole number in [0, 1000000]");
    refused({}, "[population.a]\ndampening = [0.1, 0.2]\n", "must be a number in [0, 100]");
    refused({}, "[population.a]\nreset = \"none\"\n", "must be one of subtract_next, subtract, to_value");
    refused({}, "[population.a]\npseudo_table_edges = [1, 2]\n", "must be a list of 4 numbers");
    refused({}, "[population.a]\nthreshold = nan\n", "population.a.threshold");
    refused({}, in + "[projection.p]\nconnect = \"all\"\n", "must be one of dense, masked, sparse");
    refused({}, in + "[projection.p]\nkernel = [0]\n", "must be a list of whole numbers in [1, 65536]");
    refused({}, in + "[device.d]\ndevice = \"pmc\"\n", "file:5:10: device.d.device = 'pmc': must be one of");
    refused({}, in + "[device.d]\nrows = 3\n", "unknown key 'device.d.rows'");
    refused({}, in + "[rule.r]\nkind = \"hebb\"\n", "rule.r.kind = 'hebb': must be one of eprop");
    refused({}, in + "[rule.r]\nlearning_rate = 1\n", "unknown key 'rule.r.learning_rate'");
    refused({}, in + "[update.u]\nepsilon = 1\n", "unknown key 'update.u.epsilon'");
    refused({}, "population = 3\n", "file:1:14: population: must be a table [population.NAME]");
    refused({}, "[population]\nsize = 3\n", "population.size: must be a table [population.NAME]");
    refused({}, "[population.\"a/b\"]\nsize = 3\n", "a name must not be empty nor hold '/'");
    refused({}, "[projection.p]\nfrom = \"a\"\n", "[projection.p] is part of a network of tables");
    refused({"population.in.size=x"}, in, "--set population.in.size=x");
    refused({"population.in.size=-1"}, in, "population.in.size = -1: must be a whole number");
    refused({"population.\"in.size=1"}, in, "must have the form key=value");
    refused({"population.'in'size=1"}, in, "is not a key");
    // Without a network of tables everything is as it was.
    refused({}, "[update.slow]\nscheme = \"sign\"\n", "unknown key 'update.slow'");
}

TEST_CASE("the override at fault is found in tables, too") {
    const std::vector<std::string> overrides{"run.seed=3", "population.exc.size=2.5", "run.epochs=4"};
    CHECK(override_at_fault(kText, "file", overrides) == std::optional<std::size_t>(1));
}

TEST_CASE("the short form is printed as tables that are the same network") {
    for (const char* scheme : {"vanilla", "mixed_precision"}) {
        const Experiment config = parse_experiment(
            "[network]\ninputs = 5\nrecurrent = 6\noutputs = 2\nneuron = \"alif\"\nadaptive_fraction = 0.5\n"
            "density_rec = 0.5\nreadout_delay_steps = 1\nthreshold = 0.07\n",
            "file", std::vector<std::string>{std::string("update.scheme=") + scheme});
        const Experiment tables = parse_experiment(print_network(config), "printed", {});
        const learning::ResolvedNetwork before = learning::resolve(config), after = learning::resolve(tables);
        REQUIRE(before.network.populations.size() == after.network.populations.size());
        for (std::size_t i = 0; i < before.network.populations.size(); ++i) {
            const network::Population &a = before.network.populations[i], &b = after.network.populations[i];
            CHECK(a.name == b.name);
            CHECK(a.size == b.size);
            CHECK(a.model == b.model);
            for (const network::Field& field : network::find_model("model", a.model).fields) {
                CHECK(network::values_of(a, field) == network::values_of(b, field));
            }
        }
        REQUIRE(before.network.projections.size() == 3);
        REQUIRE(after.network.projections.size() == 3);
        for (std::size_t i = 0; i < 3; ++i) {
            const network::Projection &a = before.network.projections[i], &b = after.network.projections[i];
            CHECK(a.name == b.name);
            CHECK(a.from == b.from);
            CHECK(a.to == b.to);
            CHECK(a.connect.kind == b.connect.kind);
            CHECK(a.connect.density == b.connect.density);
            CHECK(a.delay_steps == b.delay_steps);
            CHECK(a.delay_kind == b.delay_kind);
            CHECK(a.weight_std == b.weight_std);
            CHECK(a.weight_mean == b.weight_mean);
            const learning::ProjectionPlan &x = before.projections[i], &y = after.projections[i];
            CHECK(x.on_devices == y.on_devices);
            CHECK(x.rule == y.rule);
            CHECK(x.lr == y.lr);
            CHECK(x.update.scheme == y.update.scheme);
            if (x.on_devices) {
                CHECK(x.weight_scale_per_us == y.weight_scale_per_us);
                CHECK(x.crossbar.device == y.crossbar.device);
            }
        }
        CHECK(after.network.objectives[0].loss == before.network.objectives[0].loss);
    }
}

TEST_CASE("models and rules are listed with what their field tables say") {
    const std::string text = print_models();
    for (const network::NeuronModel* model : network::models()) {
        CHECK(text.find(std::string(model->name)) != std::string::npos);
        for (const network::Field& field : model->fields) {
            CHECK(text.find(std::string(field.text)) != std::string::npos);
        }
    }
    CHECK(text.find("threshold = 0.03  # firing threshold; one value, or one per neuron\n") !=
          std::string::npos);
    CHECK(
        text.find(
            "tau_seconds = 0.03  # time constant, s; one value, or one per neuron; in [1e-09, 1000000]\n") !=
        std::string::npos);
    CHECK(text.find("eprop") != std::string::npos);
}
