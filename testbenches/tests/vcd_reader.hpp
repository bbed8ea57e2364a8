// Reads a value change dump back, so that tests can compare waveforms with counters.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "host_runtime/files/atomic_file.hpp"

namespace memprop::tb {

struct Waveforms {
    struct Change {
        std::uint64_t time, value;
    };
    std::string timescale;
    std::map<std::string, std::vector<Change>> signals;  ///< by their names with scopes, `a.b.name`
    std::uint64_t end = 0;

    explicit Waveforms(const std::filesystem::path& file) {
        std::istringstream text(host::read_text(file));
        std::vector<std::string> scopes;
        std::map<std::string, std::string> names;  // by code
        std::string word;
        for (; text >> word && word != "$enddefinitions";) {
            std::string ignored;
            if (word == "$timescale") {
                std::string number;
                text >> number >> timescale;
            } else if (word == "$scope") {
                text >> ignored >> word;
                scopes.push_back(word);
            } else if (word == "$upscope") {
                scopes.pop_back();
            } else if (word == "$var") {
                std::string code, name, full;
                text >> ignored >> ignored >> code >> name;
                for (const std::string& scope : scopes) {
                    full += scope + ".";
                }
                CHECK(names.emplace(code, full + name).second);
                CHECK(signals.emplace(full + name, std::vector<Change>()).second);
            }
        }
        CHECK(scopes.empty());
        while (text >> word) {
            if (word[0] == '#') {
                const std::uint64_t time = std::stoull(word.substr(1));
                CHECK((end == 0 || time > end));
                end = time;
            } else if (word[0] == 'b') {
                const std::uint64_t value = std::stoull(word.substr(1), nullptr, 2);
                text >> word;
                note(names.at(word), value);
            } else if (word[0] != '$') {
                note(names.at(word.substr(1)), static_cast<std::uint64_t>(word[0] - '0'));
            }
        }
    }
    const std::vector<Change>& at(const std::string& name) const {
        CAPTURE(name);
        REQUIRE(signals.count(name) == 1);
        return signals.at(name);
    }
    /// Time during which a signal is not 0.
    std::uint64_t high(const std::string& name) const {
        std::uint64_t sum = 0, since = 0, value = 0;
        for (const Change& change : at(name)) {
            sum += value != 0 ? change.time - since : 0;
            since = change.time;
            value = change.value;
        }
        return sum + (value != 0 ? end - since : 0);
    }

private:
    void note(const std::string& name, std::uint64_t value) {
        std::vector<Change>& changes = signals.at(name);
        CHECK((changes.empty() || changes.back().value != value));  // only changes are written
        changes.push_back({end, value});
    }
};

}  // namespace memprop::tb
