#include "host_runtime/config/experiment_file.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "crossbar/device/presets.hpp"
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

std::string number(double value) {
    std::string text = fmt::format("{}", value);
    if (text.find_first_not_of("-0123456789") == std::string::npos) {
        text += ".0";
    }
    return text;
}

std::string list_of(std::span<const double> values) {
    std::vector<std::string> items;
    items.reserve(values.size());
    std::transform(values.begin(), values.end(), std::back_inserter(items), number);
    return fmt::format("[{}]", fmt::join(items, ", "));
}

std::string parameter_value(const network::Field& field, const network::Parameter* given) {
    const std::vector<double> values =
        given != nullptr ? given->values
                         : std::vector<double>(std::max<std::size_t>(field.list, 1), field.missing);
    if (!field.choices.empty()) {
        return toml_string(field.choices[static_cast<std::size_t>(values.front())]);
    }
    if (field.whole && field.list == 0 && values.size() == 1) {
        return fmt::format("{:.0f}", values.front());
    }
    return field.list > 0 || values.size() > 1 ? list_of(values) : number(values.front());
}

std::string parameter_text(const network::Field& field) {
    std::string text(field.text);
    if (!field.unit.empty()) {
        text += fmt::format(", {}", field.unit);
    }
    if (!field.choices.empty()) {
        text += fmt::format(" ({})", fmt::join(field.choices, " | "));
    }
    return text + (field.per_neuron ? "; one value, or one per neuron" : "");
}

/// A visitor for `describe` that lists every key with its value as TOML and its meaning.
class Lister {
public:
    struct Entry {
        std::string table, key, value, doc;
        std::string file;  ///< that the key names
    };

    Lister(std::string prefix, std::vector<Entry>& entries) : prefix_(std::move(prefix)), entries_(entries) {}

    void operator()(std::string_view name, std::int64_t& value, Range<std::int64_t>, std::string_view doc) {
        add(name, fmt::format("{}", value), doc);
    }
    void operator()(std::string_view name, double& value, Range<double>, std::string_view doc) {
        add(name, number(value), doc);
    }
    void operator()(std::string_view name, std::optional<double>& value, Range<double>,
                    std::string_view doc) {
        add(name, value ? number(*value) : toml_string(std::string(kUnknown)), doc);
    }
    void operator()(std::string_view name, bool& value, std::string_view doc) {
        add(name, value ? "true" : "false", doc);
    }
    void text(std::string_view name, std::string& value, std::string_view doc) {
        add(name, toml_string(value), doc);
    }
    void file(std::string_view name, std::string& value, std::string_view doc) {
        text(name, value, doc);
        entries_.back().file = value;
    }
    void list(std::string_view name, std::vector<double>& values, Range<double>, std::string_view doc) {
        add(name, list_of(values), doc);
    }
    void list(std::string_view name, std::vector<std::int64_t>& values, Range<std::int64_t>,
              std::string_view doc) {
        add(name, fmt::format("[{}]", fmt::join(values, ", ")), doc);
    }
    void one_of(std::string_view name, std::string& value, const std::vector<std::string_view>& names,
                std::string_view doc) {
        add(name, toml_string(value), fmt::format("{} ({})", doc, fmt::join(names, " | ")));
    }
    void parameters(std::span<const network::Field> fields, std::vector<network::Parameter>& values) {
        for (const network::Field& field : fields) {
            if (field.role == network::FieldRole::parameter) {
                const auto given = std::find_if(
                    values.begin(), values.end(),
                    [&](const network::Parameter& parameter) { return parameter.name == field.name; });
                add(field.name, parameter_value(field, given == values.end() ? nullptr : &*given),
                    parameter_text(field));
            }
        }
    }
    template <class Table>
    void tables(std::string_view kind, std::vector<Table>& tables) {
        for (Table& table : tables) {
            Lister nested(fmt::format("{}.{}", kind, toml_key(table.name)), entries_);
            table.describe(nested);
        }
    }
    template <class E, std::size_t N>
    void choice(std::string_view name, E& value, const std::array<std::pair<std::string_view, E>, N>& names,
                std::string_view doc) {
        std::vector<std::string_view> all;
        std::string_view chosen;
        for (const auto& [text, meaning] : names) {
            all.push_back(text);
            if (meaning == value) {
                chosen = text;
            }
        }
        add(name, toml_string(chosen), fmt::format("{} ({})", doc, fmt::join(all, " | ")));
    }
    template <class Config>
    void table(std::string_view name, Config& config) {
        Lister nested(prefix_.empty() ? std::string(name) : fmt::format("{}.{}", prefix_, name), entries_);
        config.describe(nested);
    }

private:
    void add(std::string_view name, std::string value, std::string_view doc) {
        entries_.push_back({prefix_, std::string(name), std::move(value), std::string(doc), {}});
    }

    std::string prefix_;
    std::vector<Entry>& entries_;
};

std::vector<Lister::Entry> list_entries(Experiment config) {
    std::vector<Lister::Entry> entries;
    Lister lister("", entries);
    config.describe(lister);
    return entries;
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
    std::string out, table;
    for (const auto& entry : list_entries(config)) {
        if (entry.table != table) {
            out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", entry.table);
            table = entry.table;
        }
        out += fmt::format("{} = {}  # {}\n", entry.key, entry.value, entry.doc);
    }
    return out;
}

std::vector<std::pair<std::string, std::string>> flatten_experiment(const Experiment& config) {
    std::vector<std::pair<std::string, std::string>> flat;
    for (const auto& entry : list_entries(config)) {
        flat.emplace_back(fmt::format("{}.{}", entry.table, entry.key), entry.value);
    }
    return flat;
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
