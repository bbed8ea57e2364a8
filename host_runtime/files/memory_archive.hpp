// Checkpoint state kept in memory: what MemoryWriter has taken, MemoryReader gives back in the same order.
#pragma once

#include <any>
#include <cstddef>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/state_archive.hpp"

namespace memprop::host {

class MemoryWriter final : public StateArchive {
public:
    void operator()(std::string_view, std::vector<float>& values) override { items_.emplace_back(values); }
    void operator()(std::string_view, std::vector<double>& values) override { items_.emplace_back(values); }
    void operator()(std::string_view, std::vector<std::int32_t>& values) override {
        items_.emplace_back(values);
    }
    void operator()(std::string_view, std::vector<std::uint32_t>& values) override {
        items_.emplace_back(values);
    }
    void operator()(std::string_view, std::uint64_t& value) override { items_.emplace_back(value); }
    void operator()(std::string_view, double& value) override { items_.emplace_back(value); }
    void enter(std::string_view) override {}
    void leave() override {}

    const std::vector<std::any>& items() const { return items_; }

private:
    std::vector<std::any> items_;
};

/// Into an object of the same kind and sizes; anything else is an InputError.
class MemoryReader final : public StateArchive {
public:
    explicit MemoryReader(const std::vector<std::any>& items) : items_(items) {}

    void operator()(std::string_view name, std::vector<float>& values) override { read(name, values); }
    void operator()(std::string_view name, std::vector<double>& values) override { read(name, values); }
    void operator()(std::string_view name, std::vector<std::int32_t>& values) override { read(name, values); }
    void operator()(std::string_view name, std::vector<std::uint32_t>& values) override {
        read(name, values);
    }
    void operator()(std::string_view name, std::uint64_t& value) override { read(name, value); }
    void operator()(std::string_view name, double& value) override { read(name, value); }
    void enter(std::string_view) override {}
    void leave() override {}

private:
    template <class T>
    void read(std::string_view name, T& value) {
        const T* stored = next_ < items_.size() ? std::any_cast<T>(&items_[next_]) : nullptr;
        if (stored == nullptr) {
            throw InputError(fmt::format("the state of another network: {} is missing", name));
        }
        if constexpr (requires { value.size(); }) {
            if (!value.empty() && value.size() != stored->size()) {
                throw InputError(fmt::format("the state of another network: {} has {} values, {} are needed",
                                             name, stored->size(), value.size()));
            }
        }
        value = *stored;
        ++next_;
    }

    const std::vector<std::any>& items_;
    std::size_t next_ = 0;
};

}  // namespace memprop::host
