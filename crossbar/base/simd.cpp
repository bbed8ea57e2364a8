#include "crossbar/base/simd.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwy/targets.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "crossbar/base/error.hpp"

namespace memprop {
namespace {

struct LevelTarget {
    SimdLevel level;
    std::string_view name;
    std::int64_t target;  // Highway's bit; better targets have lower bits
};

// The target that every processor of the architecture can run is our scalar level.
constexpr std::array<LevelTarget, 4> kLevels{{{SimdLevel::scalar, "scalar", HWY_STATIC_TARGET},
                                              {SimdLevel::sse4, "sse4", HWY_SSE4},
                                              {SimdLevel::avx2, "avx2", HWY_AVX2},
                                              {SimdLevel::avx512, "avx512", HWY_AVX3}}};

std::int64_t cpu_targets() {
    static const std::int64_t targets = hwy::SupportedTargets();  // before any level is disabled
    return targets;
}

std::vector<std::string_view> available_names() {
    std::vector<std::string_view> names;
    for (const SimdLevel level : available_simd_levels()) {
        names.push_back(to_string(level));
    }
    return names;
}

}  // namespace

std::string_view to_string(SimdLevel level) {
    return kLevels[static_cast<std::size_t>(level)].name;
}

std::vector<SimdLevel> available_simd_levels() {
    std::vector<SimdLevel> levels;
    for (const LevelTarget& entry : kLevels) {
        if (entry.level == SimdLevel::scalar || (cpu_targets() & entry.target & HWY_TARGETS) != 0) {
            levels.push_back(entry.level);
        }
    }
    return levels;
}

void set_simd_level(SimdLevel level) {
    const auto levels = available_simd_levels();
    if (std::find(levels.begin(), levels.end(), level) == levels.end()) {
        throw InputError("SIMD level", to_string(level),
                         fmt::format("this processor has {}", fmt::join(available_names(), ", ")));
    }
    std::int64_t wanted = 0;
    for (const LevelTarget& entry : kLevels) {
        if (entry.level <= level) {
            wanted |= entry.target;
        }
    }
    hwy::DisableTargets(0);
    hwy::DisableTargets(~wanted);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

void apply_simd_environment() {
    const char* value = std::getenv("MEMPROP_SIMD");
    if (value == nullptr || *value == '\0') {
        return;
    }
    for (const LevelTarget& entry : kLevels) {
        if (entry.name == value) {
            const auto levels = available_simd_levels();
            if (std::find(levels.begin(), levels.end(), entry.level) != levels.end()) {
                set_simd_level(entry.level);
                return;
            }
        }
    }
    throw InputError("MEMPROP_SIMD", value,
                     fmt::format("this machine has {}", fmt::join(available_names(), ", ")));
}

}  // namespace memprop
