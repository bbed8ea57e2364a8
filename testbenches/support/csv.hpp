// A table of numbers from a CSV file with a header line, for tests.
#pragma once

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace memprop::test {

class Csv {
public:
    explicit Csv(const std::string& file) {
        std::ifstream in(file);
        std::string line;
        if (!std::getline(in, line)) {
            throw std::runtime_error(file + ": empty or missing");
        }
        for (const std::string& name : split(line)) {
            column_.emplace(name, column_.size());
        }
        while (std::getline(in, line)) {
            std::vector<double> row;
            for (const std::string& word : split(line)) {
                row.push_back(std::strtod(word.c_str(), nullptr));
            }
            rows_.push_back(std::move(row));
        }
    }
    std::size_t size() const { return rows_.size(); }
    double at(std::size_t row, const std::string& column) const { return rows_[row].at(column_.at(column)); }

private:
    static std::vector<std::string> split(const std::string& line) {
        std::vector<std::string> words;
        std::istringstream in(line);
        for (std::string word; std::getline(in, word, ',');) {
            if (word.ends_with('\r')) {
                word.pop_back();
            }
            words.push_back(word);
        }
        return words;
    }

    std::map<std::string, std::size_t> column_;
    std::vector<std::vector<double>> rows_;
};

}  // namespace memprop::test
