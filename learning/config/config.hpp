// What a user sets, each part in a file of its own. As in crossbar/config.hpp, `describe` names every field
// once. Beside the fields of a table, a visitor takes `one_of` (a name among those given), `parameters` (of a
// field table, network/fields.hpp) and `tables` (any number of tables with names, [KIND.NAME]).
#pragma once

#include "crossbar/config.hpp"
#include "learning/config/learning_config.hpp"
#include "learning/config/network_config.hpp"
#include "learning/config/network_tables.hpp"
#include "learning/config/run_config.hpp"
#include "learning/config/task_config.hpp"
#include "learning/config/update_config.hpp"

namespace memprop::learning {

/// A whole experiment: one TOML file.
struct ExperimentConfig {
    TaskConfig task;
    NetworkConfig network;
    LearningConfig learning;
    UpdateConfig update;
    crossbar::CrossbarConfig crossbar;
    RunConfig run;
    NetworkTables tables;

    template <class Field>
    void describe(Field&& field) {
        field.table("task", task);
        field.table("network", network);
        field.table("learning", learning);
        field.table("update", update);
        field.table("crossbar", crossbar);
        field.table("run", run);
        tables.describe(field);
    }
};

}  // namespace memprop::learning
