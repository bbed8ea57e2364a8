#include "crossbar/base/text_file.hpp"

#include "crossbar/base/error.hpp"
#include "crossbar/base/input_file.hpp"

namespace memprop {

std::string read_text_file(std::string_view field, const std::string& file) {
    try {
        require_regular_file(file,
                             "a regular file");  // it is read again for every array, as a pipe cannot be
        return read_input(file);
    } catch (const InputError& error) {
        throw InputError(fmt::format("{} = {}", field, error.what()));
    }
}

}  // namespace memprop
