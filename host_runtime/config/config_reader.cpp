#include "host_runtime/config/config_reader.hpp"

#include <cmath>
#include <sstream>

namespace memprop::host {
namespace {

/// `source` is where what has no position comes from.
std::string at(std::string_view source, const toml::source_region& where) {
    const std::string_view from = where.path ? std::string_view(*where.path) : source;
    return where.begin ? fmt::format("{}:{}:{}", from, where.begin.line, where.begin.column)
                       : std::string(from);
}

/// Length of the longest beginning that is UTF-8 (RFC 3629) without NUL.
std::size_t valid_utf8(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        const auto byte = [&](std::size_t i) {
            return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
        };
        const unsigned first = byte(0);
        const std::size_t length = first < 0x80   ? 1
                                   : first < 0xC2 ? 0
                                   : first < 0xE0 ? 2
                                   : first < 0xF0 ? 3
                                   : first < 0xF5 ? 4
                                                  : 0;
        // The second byte rules out long forms, surrogates and numbers beyond U+10FFFF.
        const unsigned low = first == 0xE0   ? 0xA0
                             : first == 0xF0 ? 0x90
                                             : 0x80,
                       high = first == 0xED   ? 0x9F
                              : first == 0xF4 ? 0x8F
                                              : 0xBF;
        bool good = first != 0 && length > 0 && (length == 1 || (byte(1) >= low && byte(1) <= high));
        for (std::size_t i = 2; i < length; ++i) {
            good = good && (byte(i) & 0xC0U) == 0x80U;
        }
        if (!good) {
            return at;
        }
        at += length;
    }
    return at;
}

}  // namespace

std::string range_text(const network::Field& field) {
    constexpr double kAny = 1e300;  // no limit that a user would meet
    const bool low = field.low > -kAny, high = field.high < kAny;
    return low && high ? fmt::format(" in [{}, {}]", field.low, field.high)
           : low       ? fmt::format(" of at least {}", field.low)
           : high      ? fmt::format(" of at most {}", field.high)
                       : std::string();
}

void ConfigReader::list(std::string_view name, std::vector<std::int64_t>& values, Range<std::int64_t> range,
                        std::string_view) {
    const toml::node* node = find(name);
    if (node == nullptr) {
        return;
    }
    std::vector<std::int64_t> read;
    const toml::array* given = node->as_array();
    for (std::size_t i = 0; given != nullptr && i < given->size(); ++i) {
        const auto* item = (*given)[i].as_integer();
        if (item != nullptr && item->get() >= range.low && item->get() <= range.high) {
            read.push_back(item->get());
        }
    }
    if (given == nullptr || read.size() != given->size()) {
        refuse(name, *node,
               fmt::format("must be a list of whole numbers in [{}, {}]", range.low, range.high));
    }
    values = read;
}

void ConfigReader::one_of(std::string_view name, std::string& value,
                          const std::vector<std::string_view>& names, std::string_view) {
    if (const toml::node* node = find(name)) {
        const auto given = node->value<std::string>();
        if (!given || std::find(names.begin(), names.end(), *given) == names.end()) {
            refuse(name, *node, fmt::format("must be one of {}", fmt::join(names, ", ")));
        }
        value = *given;
    }
}

std::vector<double> ConfigReader::parameter(const network::Field& field, const toml::node& node) const {
    if (!field.choices.empty()) {
        const auto given = node.value<std::string_view>();
        const auto chosen = std::find(field.choices.begin(), field.choices.end(), given.value_or(""));
        if (!given || chosen == field.choices.end()) {
            refuse(field.name, node, fmt::format("must be one of {}", fmt::join(field.choices, ", ")));
        }
        return {static_cast<double>(chosen - field.choices.begin())};
    }
    const std::string_view kind = field.whole ? "whole number" : "number";
    const auto number = [&](const toml::node& item) -> std::optional<double> {
        const auto value = item.is_number() ? item.value<double>() : std::nullopt;
        const bool good = value && *value >= field.low && *value <= field.high &&
                          (!field.whole || *value == std::floor(*value));
        return good ? value : std::nullopt;
    };
    std::vector<double> values;
    const toml::array* given = node.as_array();
    if (given != nullptr && (field.list > 0 || field.per_neuron)) {
        for (const toml::node& item : *given) {
            if (const auto value = number(item)) {
                values.push_back(*value);
            }
        }
        if (values.size() == given->size() &&
            (field.list > 0 ? values.size() == field.list : !values.empty())) {
            return values;
        }
    } else if (const auto value = number(node); value && field.list == 0) {
        return {*value};
    }
    const std::string range = range_text(field);
    refuse(field.name, node,
           field.list > 0 ? fmt::format("must be a list of {} {}s{}", field.list, kind, range)
                          : fmt::format("must be a {}{}{}", kind, range,
                                        field.per_neuron ? ", or a list of them, one per neuron" : ""));
}

void ConfigReader::parameters(std::span<const network::Field> fields,
                              std::vector<network::Parameter>& values) {
    for (const network::Field& field : fields) {
        if (field.role != network::FieldRole::parameter) {
            continue;
        }
        if (const toml::node* node = find(field.name)) {
            std::vector<double> given = parameter(field, *node);
            std::erase_if(values, [&](const network::Parameter& p) { return p.name == field.name; });
            if (std::any_of(given.begin(), given.end(), [&](double v) { return v != field.missing; })) {
                values.push_back({std::string(field.name), std::move(given)});
            }
        }
    }
}

void ConfigReader::refuse_unknown_keys() const {
    for (const auto& [key, node] : table_) {
        const std::string_view name = key.str();
        if (std::find(known_.begin(), known_.end(), name) != known_.end()) {
            continue;
        }
        throw InputError(fmt::format("{}: unknown key '{}'; the nearest valid key is '{}'",
                                     at(source_, key.source()), dotted(name),
                                     dotted(nearest_of(name, known_))));
    }
}

void ConfigReader::refuse_unwritable(std::string_view name, const toml::node& node,
                                     std::string_view text) const {
    const std::size_t valid = valid_utf8(text);
    if (valid < text.size()) {
        throw InputError(fmt::format("{}: {}: byte {} is 0x{:02X}; the text must be UTF-8 without NUL",
                                     at(source_, node.source()), dotted(name), valid + 1,
                                     static_cast<unsigned char>(text[valid])));
    }
}

void ConfigReader::refuse(std::string_view name, const toml::node& node, std::string_view rule) const {
    std::ostringstream value;
    value << toml::default_formatter{node};
    throw InputError(
        fmt::format("{}: {} = {}: {}", at(source_, node.source()), dotted(name), value.str(), rule));
}

}  // namespace memprop::host
