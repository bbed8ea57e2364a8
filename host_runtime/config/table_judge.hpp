// Why keys of a network of named tables change nothing (keys_without_effect.hpp).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host_runtime/config/experiment.hpp"
#include "host_runtime/config/key_judge.hpp"

namespace memprop::host {

class TableJudge {
public:
    TableJudge(const Experiment& config, const learning::Task& task);

    /// Empty if the key has an effect. `key` as in flatten_experiment().
    std::string reason(std::string_view key) const;

    /// The same experiment with every key of its tables at its default.
    static Experiment defaults_of_tables(const Experiment& config);

private:
    using Projection = learning::ProjectionTable;
    using Uses = std::function<bool(const Projection&)>;
    using Judgement = std::function<std::string(const KeyJudge&)>;

    std::string of_network(std::string_view name) const;
    std::string of_population(const std::string& table, std::string_view name) const;
    std::string of_projection(const std::string& table, std::string_view name) const;
    std::string of_objective(const std::string& table, std::string_view name) const;
    std::string of_device(const std::string& table, std::string_view name) const;
    std::string of_rule(const std::string& table, std::string_view name) const;
    std::string of_update(const std::string& table, std::string_view name) const;
    std::string of_learning(std::string_view name) const;

    bool is_read(std::string_view population) const;
    bool learns_from_errors(const Projection& p) const;
    /// What a key judged in the terms of the short form says for each of the projections that `uses` picks:
    /// empty if it has an effect on one, or if there are none.
    std::string for_all(const Uses& uses, const Judgement& judge) const;
    /// The experiment as the short form would say it for one projection.
    Experiment seen_from(const Projection& p) const;

    const Experiment& config_;
    const learning::Task& task_;
};

}  // namespace memprop::host
