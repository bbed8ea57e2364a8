#include "host_runtime/nir/kind.hpp"

#include "host_runtime/files/sealed_file.hpp"
#include "host_runtime/hdf5/decode.hpp"
#include "host_runtime/hdf5/h5.hpp"

namespace memprop::host::nir {

bool is_checkpoint(const std::filesystem::path& file) {
    if (has_seal(file)) {
        return true;
    }
    bool result = false;  // one of an older version is still known for what it was
    h5::decode_in_child(
        file, {},
        [&](const h5::Sink& sink) {
            const h5::File in = h5::File::open(file);
            sink(in.is_dataset("/format") && !in.exists("/node") ? "checkpoint" : "");
        },
        [&](std::span<const char> bytes) { result = !bytes.empty(); });
    return result;
}

}  // namespace memprop::host::nir
