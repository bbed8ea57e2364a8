// What `serve` keeps running: one time step at a time, events in, words out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host_runtime/live/spif.hpp"

namespace memprop::host::live {

class LiveNetwork {
public:
    LiveNetwork() = default;
    LiveNetwork(const LiveNetwork&) = delete;
    LiveNetwork& operator=(const LiveNetwork&) = delete;
    virtual ~LiveNetwork() = default;

    /// One step; several events at one input add up. `targets` are the y of target words of this step.
    /// Appends what the outputs have to say.
    virtual void step(std::span<const std::uint32_t> inputs, std::span<const std::uint16_t> targets,
                      std::vector<Word>& out) = 0;
    virtual std::uint64_t steps_done() const = 0;

    virtual bool learns() const { return false; }
    /// The largest y of a target word, plus 1.
    virtual std::uint32_t target_count() const { return 0; }

    /// A peer has gone: a good time to write what was learned.
    virtual void pause() {}
};

}  // namespace memprop::host::live
