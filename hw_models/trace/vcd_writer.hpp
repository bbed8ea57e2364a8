// Waveforms of models in plain C++ as a value change dump (IEEE 1364-2005, clause 18), which gtkwave and
// other viewers read: unsigned variables in scopes, times in cycles of one clock. Only changes are written.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace memprop::hw::trace {

class VcdWriter {
public:
    enum class Variable : std::uint32_t {};
    /// Takes the text piece by piece.
    using Sink = std::function<void(std::string_view)>;

    /// Times are written in picoseconds, or in femtoseconds if a cycle is no whole number of picoseconds.
    /// Throws InputError for a cycle shorter than a femtosecond.
    VcdWriter(Sink sink, double clock_period_ns);

    /// Before begin(). `scope`: names separated by dots, made by scope_name(); variables of a scope are added
    /// one after the other. 1 to 64 bits; the variable is 0 until set.
    Variable add(std::string_view scope, std::string_view name, unsigned bits = 1);
    /// Writes the declarations, and the values as they are, for the beginning of `cycle`.
    void begin(std::uint64_t cycle);
    /// From the beginning of `cycle` on, which is none before that of the last call.
    void set(Variable variable, std::uint64_t value, std::uint64_t cycle) {
        const auto index = static_cast<std::size_t>(variable);
        if (values_[index] != value) {
            values_[index] = value;
            change(index, cycle);
        }
    }
    /// The end of the waveforms: writes all that has not been written yet.
    void finish(std::uint64_t cycle);

    /// A name as one scope: what viewers do not take in a name becomes '_'.
    static std::string scope_name(std::string_view name);

private:
    struct Declared {
        std::string scope, name;
        unsigned bits;
    };
    void change(std::size_t index, std::uint64_t cycle);
    void write_time(std::uint64_t cycle);
    void write_value(std::size_t index);
    void write_declarations();

    Sink sink_;
    double units_per_cycle_;
    bool in_picoseconds_, begun_ = false;
    std::uint64_t cycle_ = 0;
    std::vector<Declared> declared_;
    std::vector<std::string> codes_;
    std::vector<std::uint64_t> values_;
    std::string text_;
};

}  // namespace memprop::hw::trace
