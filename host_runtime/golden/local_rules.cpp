// Kind local_rules: weights that a rule of learning/rules/ leaves behind, given all spikes (open loop).
// Arrays:
//   dt [], s; steps []; w0, exists [pre][post]; lo, hi, eta []; pre_spikes, post_spikes [n][step, neuron]
//   every []: steps between two snapshots; normalise_every []; rule: JSON text of its terms       inputs
//   w [snapshot][pre][post], the first before step 0; trace_end_X [neuron]                        results
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "host_runtime/golden/kinds.hpp"
#include "learning/rules/rules.hpp"

namespace memprop::host::golden {
namespace {

using nlohmann::json;

bool finite(double x) {
    return std::isfinite(x);
}
bool positive(double x) {
    return x > 0.0 && x <= 1e6;
}
bool binary(double x) {
    return x == 0.0 || x == 1.0;
}
bool count(double x) {
    return x >= 1.0 && x <= 1e8 && x == std::floor(x);
}
bool zero(double x) {
    return x == 0.0;
}
bool index(double x) {
    return x >= 0.0 && x < 1e8 && x == std::floor(x);
}

/// What a file says of its rule in terms, as a rule of the program with its parameters.
struct NamedRule {
    std::string name;
    std::vector<network::Parameter> parameters;
};

/// Coefficient of the term that is the product of these traces; nothing: there is none, or several.
std::optional<double> coefficient(const json& terms, const std::vector<std::string>& traces) {
    std::optional<double> found;
    for (const json& term : terms) {
        if (term.at(1).get<std::vector<std::string>>() == traces) {
            if (found) {
                return std::nullopt;
            }
            found = term.at(0).get<double>();
        }
    }
    return found;
}

/// Throws the errors of JSON for what is none, or not of this form.
NamedRule named(const std::string& text, double eta) {
    const json rule = json::parse(text);
    const json &pre = rule.at("pre"), &post = rule.at("post"), &tau = rule.at("tau");
    if (tau.contains("x2") || tau.contains("y2")) {
        return {.name = "triplet", .parameters = {}};
    }
    const auto together = coefficient(pre, {"y1"}), alone = coefficient(pre, {}),
               after = coefficient(post, {"x1"});
    const double x = tau.at("x1").get<double>(), y = tau.at("y1").get<double>();
    if (pre.size() != 2 || post.size() != 1 || !together || !alone || !after || *together != *after ||
        !(*together > 0.0) || !(*alone <= 0.0) || x != y || !(x > 0.0)) {
        return {.name = "four_coefficients", .parameters = {}};
    }
    return {.name = "inhibitory",
            .parameters = {{.name = "tau_seconds", .values = {x}},
                           {.name = "target_rate_hz", .values = {-*alone / (2.0 * x * *together)}},
                           {.name = "eta", .values = {eta * *together}}}};
}

NamedRule rule_of(GoldenFile& file, double eta) {
    const std::string& text = file.text("rule");
    try {
        return named(text, eta);
    } catch (const json::exception&) {
        file.fail("rule", "must be the JSON text of a rule: tau, pre and post terms");
    }
}

network::SpikeTrain spikes(GoldenFile& file, const std::string& array, std::size_t steps,
                           std::size_t neurons) {
    const h5::Shape shape = file.numbers(array, 2).shape;
    const std::vector<double>& values =
        file.checked(array, {shape[0], 2}, index, "a step or a neuron, counted from 0");
    std::vector<std::array<std::size_t, 2>> events;
    for (std::size_t i = 0; i < shape[0]; ++i) {
        const auto step = static_cast<std::size_t>(values[2 * i]),
                   neuron = static_cast<std::size_t>(values[2 * i + 1]);
        if (step >= steps || neuron >= neurons) {
            file.fail(array, fmt::format("spike {} is of step {} and neuron {}; there are {} and {}", i, step,
                                         neuron, steps, neurons));
        }
        events.push_back({step, neuron});
    }
    std::sort(events.begin(), events.end());
    network::SpikeTrain train;
    auto next = events.begin();
    for (std::size_t t = 0; t < steps; ++t) {
        for (; next != events.end() && (*next)[0] == t; ++next) {
            train.add(static_cast<std::uint32_t>((*next)[1]));
        }
        train.end_step();
    }
    return train;
}

/// The traces in the state of a rule.
class Traces final : public StateArchive {
public:
    void operator()(std::string_view name, std::vector<double>& values) override {
        found.push_back({fmt::format("trace_end_{}", name), {values.size()}, values});
    }
    void operator()(std::string_view, std::vector<float>&) override {}
    void operator()(std::string_view, std::vector<std::int32_t>&) override {}
    void operator()(std::string_view, std::vector<std::uint32_t>&) override {}
    void operator()(std::string_view, std::uint64_t&) override {}
    void operator()(std::string_view, double&) override {}
    void enter(std::string_view) override {}
    void leave() override {}

    std::vector<Computed> found;
};

}  // namespace

Computation compute_local_rules(GoldenFile& file) {
    const double dt = file.checked("dt", {}, positive, "positive, at most 1e6")[0];
    const auto steps = static_cast<std::size_t>(file.checked("steps", {}, count, "in [1, 1e8]")[0]),
               every = static_cast<std::size_t>(file.checked("every", {}, count, "in [1, 1e8]")[0]);
    const double lo = file.checked("lo", {}, finite, "finite")[0],
                 hi = file.checked("hi", {}, finite, "finite")[0],
                 eta = file.checked("eta", {}, finite, "finite")[0];
    NamedRule rule = rule_of(file, eta);
    const learning::RuleKind& kind = learning::find_rule_kind(file.name() + ": rule", rule.name);
    file.checked("normalise_every", {}, zero, "0: no rule normalises weights");
    rule.parameters.push_back({.name = "w_min", .values = {lo}});
    rule.parameters.push_back({.name = "w_max", .values = {hi}});
    rule.parameters.push_back({.name = "update_every_steps", .values = {1.0}});

    const h5::Shape shape = file.numbers("w0", 2).shape;
    const std::size_t pre = shape[0], post = shape[1], synapses = pre * post;
    std::vector<double> weights = file.checked("w0", shape, finite, "finite");
    const std::vector<double>& exists = file.checked("exists", shape, binary, "0 or 1");
    if (synapses == 0 || synapses > kMaxStoredElements / (1 + steps / every)) {
        file.fail("w0", fmt::format("has {} weights; there may be 1 to {} with all snapshots", synapses,
                                    kMaxStoredElements));
    }
    const network::SpikeTrain before = spikes(file, "pre_spikes", steps, pre),
                              after = spikes(file, "post_spikes", steps, post);
    learning::Tape<double> tape;
    tape.steps = steps;
    tape.populations.resize(2);
    tape.populations[0].given = &before;
    tape.populations[1].given = &after;

    const std::array projections{learning::RuleProjection{
        .id = network::ProjectionId{0},
        .from = 0,
        .to = 1,
        .rows = static_cast<std::uint32_t>(pre),
        .columns = static_cast<std::uint32_t>(post),
        .connected = std::make_shared<std::vector<std::uint8_t>>(exists.begin(), exists.end())}};
    const auto learned = learning::make_rule<double>(
        kind, {.name = rule.name,
               .time_step_seconds = dt,
               .all_projections = 1,
               .projections = projections,
               .parameters = rule.parameters,
               .read = [&](network::ProjectionId,
                           std::span<double> to) { std::copy(weights.begin(), weights.end(), to.begin()); },
               .write =
                   [&](std::span<const std::span<const double>> changes, std::uint32_t) {
                       for (std::size_t i = 0; i < changes[0].size(); ++i) {
                           weights[i] += changes[0][i];
                       }
                   }});
    Computation computation;
    computation.arrays.push_back({"w", {1 + steps / every, pre, post}, weights});
    learned->begin_trial();
    for (std::size_t t = 0; t < steps; ++t) {
        learned->before_step(tape, t);
        learned->after_step(tape, t);
        if ((t + 1) % every == 0) {
            std::vector<double>& w = computation.arrays[0].values;
            w.insert(w.end(), weights.begin(), weights.end());
        }
    }
    Traces traces;
    learned->serialize(traces);
    computation.arrays.insert(computation.arrays.end(), traces.found.begin(), traces.found.end());
    computation.remarks.push_back(fmt::format("{}: {}", rule.name, kind.text));
    return computation;
}

}  // namespace memprop::host::golden
