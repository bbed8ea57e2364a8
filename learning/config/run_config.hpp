// What a user sets about a run.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "learning/network/choices.hpp"

namespace memprop::learning {

using network::Names;

enum class Precision { single, double_ };
inline constexpr Names<Precision, 2> kPrecisionNames{
    {{"single", Precision::single}, {"double", Precision::double_}}};

enum class EngineKind {
    functional,
    cycle,  ///< the cycle-level chip; the same numbers, and the cycles and energy they take
};
inline constexpr Names<EngineKind, 2> kEngineNames{
    {{"functional", EngineKind::functional}, {"cycle", EngineKind::cycle}}};

struct RunConfig {
    std::int64_t epochs = 250;
    std::int64_t seed = 1;
    EngineKind engine = EngineKind::functional;
    Precision precision = Precision::single;
    std::int64_t threads = 0;
    std::int64_t validate_every = 0;
    std::int64_t patience = 0;
    std::int64_t checkpoint_every = 50;

    template <class Field>
    void describe(Field&& field) {
        field("epochs", epochs, {1, 1000000000}, "passes over the samples of the task");
        field("seed", seed, {0, INT64_MAX}, "fixes everything random");
        field.choice("engine", engine, kEngineNames, "what computes the network");
        field.choice("precision", precision, kPrecisionNames,
                     "numbers of states, traces and weights; double needs update.scheme = \"vanilla\"");
        field("threads", threads, {0, 1024},
              "threads for the trials of a batch; 0 = one per core; results do not depend on it, and "
              "devices use one");
        field("validate_every", validate_every, {0, 1000000000},
              "epochs between passes over the validation split; 0 = none");
        field("patience", patience, {0, 1000000000},
              "stop after that many validations without a lower loss; 0 = never");
        field("checkpoint_every", checkpoint_every, {0, 1000000000},
              "epochs between checkpoints; 0 = only at the end");
    }
};

}  // namespace memprop::learning
