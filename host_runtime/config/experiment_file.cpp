#include "host_runtime/config/experiment_file.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "crossbar/device/device_model.hpp"
#include "host_runtime/config/config_reader.hpp"
#include "host_runtime/files/atomic_file.hpp"

namespace memprop::host {
namespace {

toml::table parse(std::string_view text, std::string_view source) {
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

/// A table with the one key of "a.b=value".
toml::table parse_override(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
        throw InputError(fmt::format("--set {}: must have the form key=value", text));
    }
    const std::string key = text.substr(0, equals), value = text.substr(equals + 1);
    if (key.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") !=
        std::string::npos) {
        throw InputError(fmt::format("--set {}: '{}' is not a key", text, key));
    }
    const std::string source = fmt::format("--set {}", text);
    try {
        return toml::parse(fmt::format("{} = {}", key, value), source);
    } catch (const toml::parse_error&) {
        toml::table table = parse(fmt::format("{} = ''", key), source);
        *table.at_path(key).as_string() = value;
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

std::string quote(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
                } else {
                    out += c;
                }
        }
    }
    return out + '"';
}

/// A visitor for `describe` that lists every key with its value as TOML and its meaning.
class Lister {
public:
    struct Entry {
        std::string table, key, value, doc;
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
        add(name, value ? number(*value) : quote(std::string(kUnknown)), doc);
    }
    void operator()(std::string_view name, bool& value, std::string_view doc) {
        add(name, value ? "true" : "false", doc);
    }
    void text(std::string_view name, std::string& value, std::string_view doc) {
        add(name, quote(value), doc);
    }
    void list(std::string_view name, std::vector<double>& values, Range<double>, std::string_view doc) {
        std::vector<std::string> items;
        for (const double value : values) {
            items.push_back(number(value));
        }
        add(name, fmt::format("[{}]", fmt::join(items, ", ")), doc);
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
        add(name, quote(std::string(chosen)), fmt::format("{} ({})", doc, fmt::join(all, " | ")));
    }
    template <class Config>
    void table(std::string_view name, Config& config) {
        Lister nested(prefix_.empty() ? std::string(name) : fmt::format("{}.{}", prefix_, name), entries_);
        config.describe(nested);
    }

private:
    void add(std::string_view name, std::string value, std::string_view doc) {
        entries_.push_back({prefix_, std::string(name), std::move(value), std::string(doc)});
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

Experiment parse_experiment(std::string_view text, std::string_view source,
                            std::span<const std::string> overrides) {
    const auto read = [&](Experiment& config) {
        apply(parse(text, source), source, config);
        for (const std::string& override_text : overrides) {
            apply_override(override_text, config);
        }
    };
    Experiment config;
    read(config);
    // The device decides about the defaults of other keys, so these are set before the file is applied.
    const crossbar::DeviceKind& kind = crossbar::find_device_kind(config.crossbar.device);
    if (kind.preset != nullptr) {
        Experiment with_preset;
        kind.preset(with_preset.crossbar);
        read(with_preset);
        config = with_preset;
    }
    if (kind.complete != nullptr) {
        kind.complete(config.crossbar);
    }
    return config;
}

void apply_override(const std::string& override_text, Experiment& config) {
    apply(parse_override(override_text), fmt::format("--set {}", override_text), config);
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

}  // namespace memprop::host
