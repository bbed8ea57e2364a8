#include "host_runtime/config/config_entries.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "host_runtime/config/config_reader.hpp"
#include "host_runtime/config/toml_text.hpp"

namespace memprop::host {
namespace {

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
    Lister(std::string prefix, std::vector<ConfigEntry>& entries)
        : prefix_(std::move(prefix)), entries_(entries) {}

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
    std::vector<ConfigEntry>& entries_;
};

}  // namespace

std::vector<ConfigEntry> list_entries(Experiment config) {
    std::vector<ConfigEntry> entries;
    Lister lister("", entries);
    config.describe(lister);
    return entries;
}

std::vector<ConfigEntry> list_entries(learning::NetworkTables tables) {
    std::vector<ConfigEntry> entries;
    Lister lister("", entries);
    tables.describe(lister);
    return entries;
}

std::vector<ConfigEntry> list_parameters(std::span<const network::Field> fields) {
    std::vector<ConfigEntry> entries;
    std::vector<network::Parameter> none;
    Lister("", entries).parameters(fields, none);
    return entries;
}

std::string print_entries(std::span<const ConfigEntry> entries) {
    std::string out, table;
    for (const ConfigEntry& entry : entries) {
        if (entry.table != table) {
            out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", entry.table);
            table = entry.table;
        }
        out += fmt::format("{} = {}  # {}\n", entry.key, entry.value, entry.doc);
    }
    return out;
}

}  // namespace memprop::host
