#include "hw_models/bus/bus_target.hpp"

namespace memprop::hw::bus {

std::string_view text(BusStatus status) {
    switch (status) {
        case BusStatus::ok:
            return "ok";
        case BusStatus::address_error:
            return "address error";
        case BusStatus::command_error:
            return "command error";
        case BusStatus::burst_error:
            return "burst error";
        case BusStatus::byte_enable_error:
            return "byte enable error";
        case BusStatus::refused:
            return "refused";
    }
    return "";
}

}  // namespace memprop::hw::bus
