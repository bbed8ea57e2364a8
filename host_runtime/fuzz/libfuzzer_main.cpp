// One libFuzzer program per target; MEMPROP_FUZZ_TARGET is its name.
#include <cstddef>
#include <cstdint>

#include "host_runtime/fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    for (const auto& target : memprop::host::fuzz::targets()) {
        if (target.name == MEMPROP_FUZZ_TARGET) {
            target.run({reinterpret_cast<const char*>(data), size});
        }
    }
    return 0;
}
