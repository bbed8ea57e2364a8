// Runs a program as its users do, in a directory of its own.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "host_runtime/files/atomic_file.hpp"

namespace memprop::tb {

struct Outcome {
    int exit_code = -1;
    std::string out, error;

    nlohmann::json json() const {
        const std::size_t end = out.find_last_not_of('\n');
        const std::size_t begin = out.rfind('\n', end);
        return nlohmann::json::parse(out.substr(begin == out.npos ? 0 : begin + 1));
    }
};

// A directory of its own for each test case, removed afterwards.
struct ProgramDirectory {
    std::string program;
    std::filesystem::path path;

    explicit ProgramDirectory(std::string program_file) : program(std::move(program_file)) {
        std::string name = std::filesystem::temp_directory_path() / "testbench_XXXXXX";
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ProgramDirectory(const ProgramDirectory&) = delete;
    ProgramDirectory& operator=(const ProgramDirectory&) = delete;
    ~ProgramDirectory() { std::filesystem::remove_all(path); }

    Outcome run(const std::string& arguments) const {
        const std::string command =
            "cd " + path.string() + " && " + program + " " + arguments + " 2>stderr.txt";
        std::FILE* const pipe = ::popen(command.c_str(), "r");
        REQUIRE(pipe != nullptr);
        Outcome outcome;
        std::array<char, 4096> buffer{};
        for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
            outcome.out.append(buffer.data(), n);
        }
        const int status = ::pclose(pipe);
        outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        outcome.error = host::read_text(path / "stderr.txt");
        return outcome;
    }
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(path / name, std::ios::binary) << text;
    }
    // The rows of a CSV file without its header.
    std::vector<std::vector<double>> csv(const std::string& name) const {
        std::istringstream text(host::read_text(path / name));
        std::vector<std::vector<double>> rows;
        std::string line;
        std::getline(text, line);
        while (std::getline(text, line)) {
            rows.emplace_back();
            std::istringstream fields(line);
            for (std::string field; std::getline(fields, field, ',');) {
                rows.back().push_back(std::stod(field));
            }
        }
        return rows;
    }
    std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator()));
    }
};

}  // namespace memprop::tb
