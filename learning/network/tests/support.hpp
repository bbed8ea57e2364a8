// What the tests of networks share: numbers that look random, populations, and state kept in memory.
#pragma once

#include <any>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"
#include "crossbar/base/state_archive.hpp"
#include "learning/network/models/models.hpp"
#include "learning/network/network.hpp"

namespace memprop::network::test {

/// Uniform in [low, high).
inline double draw(std::uint32_t family, std::uint32_t index, double low = -1.0, double high = 1.0) {
    const DrawKey key{.seed = family, .stream = Stream::test};
    return low + (high - low) * static_cast<double>(random_bits(key, index)) / 4294967296.0;
}
inline std::vector<double> draws(std::uint32_t family, std::size_t count, double low = -1.0,
                                 double high = 1.0) {
    std::vector<double> values(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        values[i] = draw(family, i, low, high);
    }
    return values;
}

inline Population population(std::string name, std::uint32_t size, std::string model,
                             std::vector<Parameter> parameters = {}) {
    return {.name = std::move(name),
            .size = size,
            .model = std::move(model),
            .parameters = std::move(parameters),
            .shape = {}};
}

inline Projection projection(std::string name, std::uint32_t from, std::uint32_t to, Numbers weights = {},
                             std::uint32_t delay_steps = 0) {
    Projection p;
    p.name = std::move(name);
    p.from = PopulationId{from};
    p.to = PopulationId{to};
    p.weights = std::move(weights);
    p.delay_steps = delay_steps;
    return p;
}

template <class Real>
Signal<Real> spikes(std::initializer_list<std::uint32_t> index) {
    Signal<Real> signal;
    signal.set_spikes(std::vector<std::uint32_t>(index));
    return signal;
}
template <class Real>
Signal<Real> dense(std::vector<Real> values) {
    Signal<Real> signal;
    signal.form = Signal<Real>::Form::dense;
    signal.dense = std::move(values);
    return signal;
}

/// The message of the InputError that `act` throws; empty if it throws none.
template <class Act>
std::string input_error(Act&& act) {
    try {
        act();
    } catch (const InputError& error) {
        return error.what();
    }
    return {};
}

/// Takes values, or gives them back in the same order after rewind().
class MemoryArchive final : public StateArchive {
public:
    void operator()(std::string_view, std::vector<float>& v) override { pass(v); }
    void operator()(std::string_view, std::vector<double>& v) override { pass(v); }
    void operator()(std::string_view, std::vector<std::int32_t>& v) override { pass(v); }
    void operator()(std::string_view, std::vector<std::uint32_t>& v) override { pass(v); }
    void operator()(std::string_view, std::uint64_t& v) override { pass(v); }
    void operator()(std::string_view, double& v) override { pass(v); }
    void enter(std::string_view) override {}
    void leave() override {}

    void rewind() {
        reading_ = true;
        next_ = 0;
    }

private:
    template <class T>
    void pass(T& value) {
        if (reading_) {
            value = std::any_cast<T>(items_.at(next_++));
        } else {
            items_.emplace_back(value);
        }
    }

    std::vector<std::any> items_;
    bool reading_ = false;
    std::size_t next_ = 0;
};

}  // namespace memprop::network::test
