// Where live events come from or go to: tcp://HOST:PORT or udp://HOST:PORT.
#pragma once

#include <cstdint>
#include <string>

namespace memprop::host::live {

struct Address {
    bool tcp = true;
    std::string host;  ///< name or number; IPv6 numbers stand in brackets
    std::uint16_t port = 0;

    std::string text() const;
};

/// Whether a source or target is named by an address rather than a file name.
bool is_address(const std::string& text);

/// Throws InputError. Port 0 lets the system choose one for listening.
Address parse_address(const std::string& field, const std::string& text);

}  // namespace memprop::host::live
