// Replays the corpus of the fuzzers, and damaged NIR files through the decoding child process.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "host_runtime/fuzz/targets.hpp"
#include "host_runtime/nir/read.hpp"

using namespace memprop::host;
namespace fs = std::filesystem;

namespace {
const fs::path kCorpus = fs::path(MEMPROP_TEST_DATA) / "fuzz";
}

TEST_CASE("fuzz: the corpus passes through every target") {
    for (const auto& target : fuzz::targets()) {
        CAPTURE(target.name);
        int files = 0;
        for (const auto& entry : fs::directory_iterator(kCorpus / target.name)) {
            const std::string bytes = read_text(entry.path());
            CHECK_NOTHROW(target.run(bytes));
            ++files;
        }
        CHECK(files > 5);
    }
}

TEST_CASE("fuzz: damaged NIR files are read or refused by name") {
    int files = 0, refused = 0;
    for (const auto& entry : fs::directory_iterator(kCorpus / "nir_file")) {
        const std::string name = entry.path().filename().string();
        CAPTURE(name);
        try {
            nir::read_network(entry.path());
        } catch (const memprop::InputError& error) {
            CHECK(std::string(error.what()).find(name) != std::string::npos);
            ++refused;
        }
        ++files;
    }
    CHECK(files > 10);
    CHECK(refused > 5);
}
