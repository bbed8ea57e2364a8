#include "host_runtime/config/experiment_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "crossbar/device/presets.hpp"
#include "host_runtime/config/config_entries.hpp"
#include "host_runtime/config/config_reader.hpp"
#include "host_runtime/config/named_tables.hpp"
#include "host_runtime/config/toml_text.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "learning/resolve.hpp"

namespace memprop::host {
namespace {

constexpr std::size_t kLongestKeyShown = 200;  // of an override, in messages

toml::table parse(std::string_view text, std::string_view source) {
    refuse_deep_keys(text, source);
    try {
        return toml::parse(text, source);
    } catch (const toml::parse_error& error) {
        throw InputError(fmt::format("{}:{}:{}: {}", source, error.source().begin.line,
                                     error.source().begin.column, error.description()));
    }
}

void apply(const toml::table& table, std::string_view source, Experiment& config) {
    ConfigReader reader(table, source, "");
    config.describe(reader);
    reader.refuse_unknown_keys();
}

/// The value of the key with these parts, if the table has no other.
toml::node* only_value(toml::table& table, std::span<const std::string> key) {
    toml::node* node = &table;
    for (const std::string& part : key) {
        toml::table* const level = node->as_table();
        node = level != nullptr && level->size() == 1 ? level->get(part) : nullptr;
        if (node == nullptr) {
            return nullptr;
        }
    }
    return node;
}

/// Where the key of "key=value" ends; parts of it may stand in quotes.
std::size_t end_of_key(std::string_view text) {
    char quote = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (quote == '"' && c == '\\') {
            ++at;
        } else if (quote != 0) {
            quote = c == quote ? '\0' : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '=') {
            return at;
        }
    }
    return std::string_view::npos;
}

/// A table with the one key of "a.b=value".
toml::table parse_override(const std::string& text) {
    const std::size_t equals = end_of_key(text);
    if (equals == std::string::npos || equals == 0) {
        throw InputError(fmt::format("--set {}: must have the form key=value", text));
    }
    const std::string key = text.substr(0, equals), value = text.substr(equals + 1);
    const std::string source = fmt::format("--set {}", text);
    const std::string line = fmt::format("{} = {}", key, value);
    refuse_deep_keys(line, key.size() > kLongestKeyShown ? "--set" : source);
    const std::vector<std::string> parts = split_key(key);
    if (parts.empty()) {
        throw InputError(fmt::format("--set {}: '{}' is not a key", text, key));
    }
    try {
        toml::table table = toml::parse(line, source);
        if (only_value(table, parts) == nullptr) {
            throw InputError(fmt::format("{}: must be one key and its value", source));
        }
        return table;
    } catch (const toml::parse_error&) {
        toml::table table = parse(fmt::format("{} = ''", key), source);
        *only_value(table, parts)->as_string() = value;
        return table;
    }
}

}  // namespace

Experiment defaults_of(const std::string& device) {
    Experiment config;
    config.crossbar = crossbar::published_config(device);
    return config;
}

Experiment parse_experiment(std::string_view text, std::string_view source,
                            std::span<const std::string> overrides) {
    toml::table file = parse(text, source);
    std::vector<toml::table> changes;
    changes.reserve(overrides.size());
    std::transform(overrides.begin(), overrides.end(), std::back_inserter(changes), parse_override);
    NamedTables named_tables;
    if (NamedTables::in(file) || std::any_of(changes.begin(), changes.end(), NamedTables::in)) {
        named_tables.take(file, source);
        for (std::size_t i = 0; i < changes.size(); ++i) {
            named_tables.take(changes[i], fmt::format("--set {}", overrides[i]));
        }
    }
    const auto read = [&](Experiment& config) {
        apply(file, source, config);
        for (std::size_t i = 0; i < changes.size(); ++i) {
            apply(changes[i], fmt::format("--set {}", overrides[i]), config);
        }
    };
    Experiment named;
    read(named);
    // The device that file and overrides name decides about the defaults of other keys.
    Experiment config = defaults_of(named.crossbar.device);
    read(config);
    if (const auto complete = crossbar::find_device_kind(named.crossbar.device).complete;
        complete != nullptr) {
        complete(config.crossbar);
    }
    config.tables = named_tables.read(config);
    learning::set_sizes(config);
    return config;
}

learning::NetworkTables parse_tables(std::span<const std::string> overrides) {
    NamedTables tables;
    for (const std::string& text : overrides) {
        toml::table change = parse_override(text);
        tables.take(change, fmt::format("--set {}", text));
    }
    return tables.read_parts(Experiment());
}

std::optional<std::size_t> override_at_fault(std::string_view text, std::string_view source,
                                             std::span<const std::string> overrides) {
    for (std::size_t count = 0; count <= overrides.size(); ++count) {
        try {
            parse_experiment(text, source, overrides.first(count));
        } catch (const InputError&) {
            return count == 0 ? std::nullopt : std::optional(count - 1);
        }
    }
    return std::nullopt;
}

Experiment load_experiment(const std::filesystem::path& file, std::span<const std::string> overrides) {
    return parse_experiment(read_text(file), file.string(), overrides);
}

std::vector<std::string> take_overrides_of(std::string_view table, std::vector<std::string>& overrides) {
    const std::string prefix = fmt::format("{}.", table);
    const auto others = std::stable_partition(
        overrides.begin(), overrides.end(),
        [&](const std::string& text) { return text.compare(0, prefix.size(), prefix) == 0; });
    std::vector<std::string> taken(overrides.begin(), others);
    overrides.erase(overrides.begin(), others);
    return taken;
}

std::string print_experiment(const Experiment& config) {
    return print_entries(list_entries(config));
}

std::vector<std::pair<std::string, std::string>> flatten_experiment(const Experiment& config) {
    std::vector<std::pair<std::string, std::string>> flat;
    for (const auto& entry : list_entries(config)) {
        flat.emplace_back(fmt::format("{}.{}", entry.table, entry.key), entry.value);
    }
    return flat;
}

const std::string* find_value(std::span<const std::pair<std::string, std::string>> flat,
                              std::string_view key) {
    const auto at =
        std::find_if(flat.begin(), flat.end(), [&](const auto& entry) { return entry.first == key; });
    return at == flat.end() ? nullptr : &at->second;
}

std::vector<std::pair<std::string, std::string>> named_files(const Experiment& config) {
    std::vector<std::pair<std::string, std::string>> files;
    for (const auto& entry : list_entries(config)) {
        if (!entry.file.empty()) {
            files.emplace_back(fmt::format("{}.{}", entry.table, entry.key), entry.file);
        }
    }
    return files;
}

}  // namespace memprop::host
