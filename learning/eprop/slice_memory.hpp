// State of a slice as memory: arrays of 32-bit words that a bus reads and writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crossbar/base/state_archive.hpp"

namespace memprop::learning {

/// One array of an owner, which outlives it and does not resize it.
class SliceMemory {
public:
    enum class Kind : std::uint8_t { single, twice, whole };  ///< float, double (two words), 32-bit integers

    SliceMemory(std::string name, Kind kind, std::span<std::byte> bytes)
        : name_(std::move(name)), kind_(kind), bytes_(bytes) {}

    const std::string& name() const { return name_; }
    Kind kind() const { return kind_; }
    std::size_t words() const { return bytes_.size() / sizeof(std::uint32_t); }
    std::uint32_t read(std::size_t word) const {
        std::uint32_t value = 0;
        std::memcpy(&value, at(word).data(), sizeof(value));
        return value;
    }
    void write(std::size_t word, std::uint32_t value) { std::memcpy(at(word).data(), &value, sizeof(value)); }

private:
    std::span<std::byte> at(std::size_t word) const {
        return bytes_.subspan(word * sizeof(std::uint32_t), sizeof(std::uint32_t));
    }

    std::string name_;
    Kind kind_;
    std::span<std::byte> bytes_;
};

/// Lists the arrays that an object serializes, and takes no values: state has one description.
class MemoryList final : public StateArchive {
public:
    void operator()(std::string_view name, std::vector<float>& values) override {
        add(name, SliceMemory::Kind::single, std::as_writable_bytes(std::span(values)));
    }
    void operator()(std::string_view name, std::vector<double>& values) override {
        add(name, SliceMemory::Kind::twice, std::as_writable_bytes(std::span(values)));
    }
    void operator()(std::string_view name, std::vector<std::int32_t>& values) override {
        add(name, SliceMemory::Kind::whole, std::as_writable_bytes(std::span(values)));
    }
    void operator()(std::string_view name, std::vector<std::uint32_t>& values) override {
        add(name, SliceMemory::Kind::whole, std::as_writable_bytes(std::span(values)));
    }
    void operator()(std::string_view name, std::uint64_t& value) override {
        add(name, SliceMemory::Kind::whole, std::as_writable_bytes(std::span(&value, 1)));
    }
    void operator()(std::string_view name, double& value) override {
        add(name, SliceMemory::Kind::twice, std::as_writable_bytes(std::span(&value, 1)));
    }
    void enter(std::string_view name) override { path_.emplace_back(name); }
    void leave() override { path_.pop_back(); }

    std::vector<SliceMemory> take() { return std::move(memories_); }

private:
    void add(std::string_view name, SliceMemory::Kind kind, std::span<std::byte> bytes) {
        if (bytes.empty()) {
            return;
        }
        std::string path;
        for (const std::string& part : path_) {
            path += part + '.';
        }
        path += name;
        memories_.emplace_back(std::move(path), kind, bytes);
    }

    std::vector<std::string> path_;
    std::vector<SliceMemory> memories_;
};

}  // namespace memprop::learning
