#include "crossbar/base/text_file.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "crossbar/base/error.hpp"

namespace memprop {

std::string read_text_file(std::string_view field, const std::string& file) {
    std::error_code none;
    std::ifstream stream(file, std::ios::binary);
    if (!stream || std::filesystem::is_directory(file, none)) {  // streams open directories
        throw InputError(field, file, "cannot be read");
    }
    return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace memprop
