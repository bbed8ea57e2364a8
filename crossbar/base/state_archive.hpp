// One description of an object's state serves writing and reading checkpoints: `serialize` names every
// member once, and the archive behind it either takes the value or replaces it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace memprop {

class StateArchive {
public:
    virtual ~StateArchive() = default;

    virtual void operator()(std::string_view name, std::vector<float>& values) = 0;
    virtual void operator()(std::string_view name, std::vector<double>& values) = 0;
    virtual void operator()(std::string_view name, std::vector<std::int32_t>& values) = 0;
    virtual void operator()(std::string_view name, std::vector<std::uint32_t>& values) = 0;
    virtual void operator()(std::string_view name, std::uint64_t& value) = 0;
    virtual void operator()(std::string_view name, double& value) = 0;

    /// Names that follow belong to `name` until the matching `leave`.
    virtual void enter(std::string_view name) = 0;
    virtual void leave() = 0;

    /// Whether a value can be given to or had from the archive: false where a file has none of that name.
    virtual bool holds(std::string_view) const { return true; }
};

}  // namespace memprop
