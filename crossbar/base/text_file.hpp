// Whole text files that a configuration names.
#pragma once

#include <string>
#include <string_view>

namespace memprop {

/// Throws InputError naming `field` and the file if it is not a file that can be read.
std::string read_text_file(std::string_view field, const std::string& file);

}  // namespace memprop
