// What TOML says of texts and keys, where the parser does not.
#pragma once

#include <string>
#include <string_view>

namespace memprop::host {

/// `text` as a TOML string: quotes, backslashes and control characters (DEL is one) escaped.
std::string toml_string(std::string_view text);

/// Throws InputError naming `source` and the line of a dotted key of more than eight parts: the parser nests
/// as deep as keys are, and a deep nest overflows the stack. Keys of an experiment have at most three parts.
void refuse_deep_keys(std::string_view toml, std::string_view source);

}  // namespace memprop::host
