#include "hw_models/chip/neuron_registers.hpp"

#include <bit>
#include <cmath>

namespace memprop::hw::chip {
namespace {

using Parameters = learning::NetworkParameters<float>;

// Visits every parameter in the order of its word. A visitor gives false for a word it does not accept.
template <class Numbers, class Visitor>
void visit(Numbers& p, Visitor&& visitor) {
    visitor.number(p.alpha);
    visitor.number(p.input_gain);
    visitor.number(p.threshold);
    visitor.number(p.dampening);
    visitor.number(p.kappa);
    visitor.number(p.readout_gain);
    visitor.whole(p.silent_steps, 0x7FFF'FFFFU);
    visitor.whole(p.reset, static_cast<std::uint32_t>(learning::kResetNames.size() - 1));
    visitor.whole(p.fires_at_threshold, 1U);
    visitor.number(p.reset_value);
    visitor.number(p.rho);
    visitor.whole(p.pseudo.kind, static_cast<std::uint32_t>(learning::kPseudoDerivativeNames.size() - 1));
    visitor.number(p.pseudo.height);
    visitor.number(p.pseudo.slope);
    for (auto& edge : p.pseudo.edges) {
        visitor.number(edge);
    }
    for (auto& value : p.pseudo.values) {
        visitor.number(value);
    }
    visitor.whole(p.readout_delay, 1U);
    visitor.whole(p.keeps_state, 1U);
    visitor.whole(p.loss, static_cast<std::uint32_t>(learning::kLossNames.size() - 1));
    visitor.whole(p.plain_lif, 1U);
}

struct Writer {
    std::vector<std::uint32_t> words;

    void number(float value) { words.push_back(std::bit_cast<std::uint32_t>(value)); }
    template <class T>
    void whole(T value, std::uint32_t) {
        words.push_back(static_cast<std::uint32_t>(value));
    }
};

struct Setter {
    std::uint32_t index, word;
    std::uint32_t at = 0;
    bool done = false;

    void number(float& value) {
        const auto given = std::bit_cast<float>(word);
        if (at++ == index && std::isfinite(given)) {
            value = given;
            done = true;
        }
    }
    template <class T>
    void whole(T& value, std::uint32_t most) {
        if (at++ == index && word <= most) {
            value = static_cast<T>(word);
            done = true;
        }
    }
};

}  // namespace

std::vector<std::uint32_t> neuron_parameter_words(const Parameters& parameters) {
    Writer writer;
    visit(parameters, writer);
    return writer.words;
}

bool set_neuron_parameter(Parameters& parameters, std::uint32_t index, std::uint32_t word) {
    Setter setter{.index = index, .word = word};
    visit(parameters, setter);
    return setter.done;
}

}  // namespace memprop::hw::chip
