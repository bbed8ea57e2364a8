// Which program made a result.
#pragma once

#include <string_view>

namespace memprop::host {

/// The project's version and a hash of the sources, e.g. "0.1.0+3f2a9c0d1e5b7788". Two builds with the
/// same version compute the same numbers.
std::string_view version();

}  // namespace memprop::host
