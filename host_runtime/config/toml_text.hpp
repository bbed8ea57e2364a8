// What TOML says of texts and keys, where the parser does not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace memprop::host {

/// `text` as a TOML string: quotes, backslashes and control characters (DEL is one) escaped.
std::string toml_string(std::string_view text);

/// `name` as one part of a key: as it is, or in quotes.
std::string toml_key(std::string_view name);

/// The parts of a dotted key, which may stand in quotes: population."my neurons".size. No parts if it is
/// none.
std::vector<std::string> split_key(std::string_view key);

/// Throws InputError naming `source` and the line of a dotted key of more than eight parts: the parser nests
/// as deep as keys are, and a deep nest overflows the stack. Keys of an experiment have at most three parts.
void refuse_deep_keys(std::string_view toml, std::string_view source);

}  // namespace memprop::host
