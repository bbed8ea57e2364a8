// An update scheme turns the weight changes that learning asks for into programming pulses. It knows
// the weight one pulse is assumed to change, and nothing else of devices.
//
// To add one: derive from UpdateScheme in an own file and add a line to the table in scheme.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "crossbar/array/synapse_array.hpp"
#include "crossbar/base/random.hpp"
#include "crossbar/base/state_archive.hpp"
#include "learning/config/config.hpp"

namespace memprop::learning {

/// What a scheme is told about the array it serves.
struct SchemeContext {
    std::size_t synapses = 0;
    float weight_step = 0;   ///< eps_W = weight scale * epsilon / N: change of a weight by one SET pulse
    std::uint64_t seed = 0;  ///< and `array`: keys of the scheme's own draws
    std::uint8_t array = 0;
    /// What an array of the scheme's own is made like.
    crossbar::CrossbarConfig crossbar{};
    crossbar::SynapseArrayShape shape{};
    crossbar::RefreshLimits refresh_limits{};
    float weight_per_us = 0;
    double tick_seconds = 0;
};

class FastArray;

class UpdateScheme {
public:
    virtual ~UpdateScheme() = default;

    /// delta_weight[i]: change asked for at synapse i. Sets pulses[i]: positive for SET pulses on G+,
    /// negative for G-. `event` counts the updates of the run. Returns false if nothing is to be written.
    virtual bool plan(std::span<const float> delta_weight, std::uint32_t event,
                      std::span<std::int16_t> pulses) = 0;

    /// Device time of the plans that follow; schemes without devices of their own need none.
    virtual void advance(std::int32_t /*tick*/) {}

    /// The devices that the scheme has beside those of the weights, or null.
    virtual const crossbar::SynapseArray* array() const { return nullptr; }

    /// The array of these devices, for hardware that charges what is done to it.
    virtual FastArray* fast_array() { return nullptr; }
    /// Digital numbers that the scheme works on per synapse of a row that it transfers from there.
    virtual std::uint32_t numbers_per_transfer() const { return 1; }

    /// What a checkpoint has to hold; schemes without memory have nothing.
    virtual void serialize(StateArchive&) {}
};

struct SchemeKind {
    std::string_view name;
    std::string_view description;
    /// Null for `vanilla`, whose weights are numbers and need no pulses.
    std::unique_ptr<UpdateScheme> (*make)(const UpdateConfig&, const SchemeContext&);
    /// The keys of `update` that only some schemes have and this one reads.
    std::span<const std::string_view> keys{};
    bool has_array = false;  ///< the scheme has devices of its own
};

/// All update schemes, by name.
std::span<const SchemeKind> scheme_kinds();

/// Throws InputError naming `field` and the schemes there are.
const SchemeKind& find_scheme_kind(std::string_view field, std::string_view name);

}  // namespace memprop::learning
