// The tables of an experiment that have names, [population.NAME] and the like: learning::NetworkTables.
#pragma once

#include <toml++/toml.h>

#include <string>
#include <string_view>
#include <vector>

#include "host_runtime/config/experiment.hpp"

namespace memprop::host {

/// Gathers them from a file and what overrides it, key by key, and then reads them.
class NamedTables {
public:
    /// Whether `document` has any. [update.NAME] alone does not count: without a network of tables there is
    /// only [update].
    static bool in(const toml::table& document);

    /// Takes them out of `document`, in the order in which it names them. Keys replace those of documents
    /// before. Throws InputError naming what is no table, and names that cannot be.
    void take(toml::table& document, std::string_view source);

    /// Their values. Defaults: for devices those published, for updates, rules and objectives what
    /// `experiment` has. Throws InputError naming file, line, key, value and what is allowed.
    learning::NetworkTables read(const Experiment& experiment) const;
    /// The same without asking for a network: of tables by themselves.
    learning::NetworkTables read_parts(const Experiment& experiment) const;

private:
    struct Entry {
        std::string_view kind;
        std::string name;
        toml::table keys;
    };
    void add(std::string_view kind, std::string name, toml::table&& keys);

    std::vector<Entry> entries_;
};

}  // namespace memprop::host
