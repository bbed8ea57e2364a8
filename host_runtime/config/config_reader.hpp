// A visitor for `describe` that takes the values a TOML table has and leaves the others as they are.
#pragma once

#include <toml++/toml.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "crossbar/base/error.hpp"
#include "crossbar/base/nearest.hpp"
#include "host_runtime/config/toml_text.hpp"
#include "learning/network/fields.hpp"
#include "learning/network/network.hpp"

namespace memprop::host {

template <class T>
struct Range {
    T low, high;  ///< both allowed
};

/// How a figure is written that is not known, in quotes.
inline constexpr std::string_view kUnknown = "unknown";

/// " in [0, 1]": what values a number may have; empty: any.
std::string range_text(const network::Field& field);

class ConfigReader {
public:
    /// `source` names the file (or the option) in messages, `prefix` is the dotted name of the table.
    ConfigReader(const toml::table& table, std::string_view source, std::string prefix)
        : table_(table), source_(source), prefix_(std::move(prefix)) {}

    void operator()(std::string_view name, std::int64_t& value, Range<std::int64_t> range, std::string_view) {
        if (const toml::node* node = find(name)) {
            const auto given = node->is_integer() ? node->value<std::int64_t>() : std::nullopt;
            if (!given || *given < range.low || *given > range.high) {
                refuse(name, *node, fmt::format("must be a whole number in [{}, {}]", range.low, range.high));
            }
            value = *given;
        }
    }
    void operator()(std::string_view name, double& value, Range<double> range, std::string_view) {
        if (const toml::node* node = find(name)) {
            const auto given = node->is_number() ? node->value<double>() : std::nullopt;
            if (!given || !(*given >= range.low && *given <= range.high)) {
                refuse(name, *node, fmt::format("must be a number in [{}, {}]", range.low, range.high));
            }
            value = *given;
        }
    }
    /// A figure that may not be known.
    void operator()(std::string_view name, std::optional<double>& value, Range<double> range,
                    std::string_view) {
        if (const toml::node* node = find(name)) {
            const auto given = node->is_number() ? node->value<double>() : std::nullopt;
            const bool unknown = node->value<std::string_view>() == kUnknown;
            if (!unknown && !(given && *given >= range.low && *given <= range.high)) {
                refuse(
                    name, *node,
                    fmt::format("must be a number in [{}, {}] or \"{}\"", range.low, range.high, kUnknown));
            }
            value = given;
        }
    }
    void operator()(std::string_view name, bool& value, std::string_view) {
        if (const toml::node* node = find(name)) {
            if (!node->is_boolean()) {
                refuse(name, *node, "must be true or false");
            }
            value = **node->as_boolean();
        }
    }
    void text(std::string_view name, std::string& value, std::string_view) {
        if (const toml::node* node = find(name)) {
            if (!node->is_string()) {
                refuse(name, *node, "must be a string");
            }
            refuse_unwritable(name, *node, **node->as_string());
            value = **node->as_string();
        }
    }
    void file(std::string_view name, std::string& value, std::string_view doc) { text(name, value, doc); }
    void list(std::string_view name, std::vector<double>& values, Range<double> range, std::string_view) {
        if (const toml::node* node = find(name)) {
            const toml::array* given = node->as_array();
            std::vector<double> read;
            for (std::size_t i = 0; given != nullptr && i < given->size(); ++i) {
                const toml::node& item = (*given)[i];
                const auto value = item.is_number() ? item.value<double>() : std::nullopt;
                if (value && *value >= range.low && *value <= range.high) {
                    read.push_back(*value);
                }
            }
            if (given == nullptr || read.empty() || read.size() != given->size()) {
                refuse(name, *node,
                       fmt::format("must be a list of numbers in [{}, {}], one at least", range.low,
                                   range.high));
            }
            values = read;
        }
    }
    /// Whole numbers, none allowed.
    void list(std::string_view name, std::vector<std::int64_t>& values, Range<std::int64_t> range,
              std::string_view);
    void one_of(std::string_view name, std::string& value, const std::vector<std::string_view>& names,
                std::string_view);
    /// Leaves out of `values` what is as the field has it without a word.
    void parameters(std::span<const network::Field> fields, std::vector<network::Parameter>& values);
    /// Tables with names are read by named_tables.hpp.
    template <class Table>
    void tables(std::string_view, std::vector<Table>&) {}
    template <class E, std::size_t N>
    void choice(std::string_view name, E& value, const std::array<std::pair<std::string_view, E>, N>& names,
                std::string_view) {
        if (const toml::node* node = find(name)) {
            const auto given = node->value<std::string_view>();
            std::vector<std::string_view> allowed;
            for (const auto& [text, meaning] : names) {
                if (given == text) {
                    value = meaning;
                    return;
                }
                allowed.push_back(text);
            }
            refuse(name, *node, fmt::format("must be one of {}", fmt::join(allowed, ", ")));
        }
    }
    template <class Config>
    void table(std::string_view name, Config& config) {
        if (const toml::node* node = find(name)) {
            if (!node->is_table()) {
                refuse(name, *node, "must be a table");
            }
            ConfigReader reader(*node->as_table(), source_, dotted(name));
            config.describe(reader);
            reader.refuse_unknown_keys();
        }
    }

    /// Throws InputError for the first key of the table that no field has asked for.
    void refuse_unknown_keys() const;

private:
    std::string dotted(std::string_view name) const {
        return prefix_.empty() ? toml_key(name) : fmt::format("{}.{}", prefix_, toml_key(name));
    }
    std::vector<double> parameter(const network::Field& field, const toml::node& node) const;
    const toml::node* find(std::string_view name) {
        known_.emplace_back(name);
        return table_.get(name);
    }
    [[noreturn]] void refuse(std::string_view name, const toml::node& node, std::string_view rule) const;
    /// Text that results and checkpoints could not give back: --set takes bytes that a file cannot hold.
    void refuse_unwritable(std::string_view name, const toml::node& node, std::string_view text) const;

    const toml::table& table_;
    std::string source_;
    std::string prefix_;
    std::vector<std::string> known_;
};

}  // namespace memprop::host
