#include "host_runtime/live/address.hpp"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "crossbar/base/error.hpp"

namespace memprop::host::live {

std::string Address::text() const {
    const bool number6 = host.find(':') != std::string::npos;
    return fmt::format("{}://{}{}{}:{}", tcp ? "tcp" : "udp", number6 ? "[" : "", host, number6 ? "]" : "",
                       port);
}

bool is_address(const std::string& text) {
    return text.starts_with("tcp://") || text.starts_with("udp://");
}

Address parse_address(const std::string& field, const std::string& text) {
    constexpr std::string_view kRule = "must be tcp://HOST:PORT or udp://HOST:PORT, PORT in [0, 65535]";
    const auto refuse = [&] { return InputError(field, text, kRule); };
    if (!is_address(text)) {
        throw refuse();
    }
    std::string_view rest = std::string_view(text).substr(6);
    const std::size_t colon = rest.rfind(':');
    if (colon == std::string_view::npos) {
        throw refuse();
    }
    Address address;
    address.tcp = text.starts_with("tcp");
    std::string_view host = rest.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    const std::string_view port = rest.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (host.empty() || port.empty() || error != std::errc() || end != port.data() + port.size()) {
        throw refuse();
    }
    address.host = host;
    return address;
}

}  // namespace memprop::host::live
