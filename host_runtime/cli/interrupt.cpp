#include "host_runtime/cli/interrupt.hpp"

#include <csignal>

namespace memprop::host::cli {
namespace {

volatile std::sig_atomic_t arrived = 0;

extern "C" void remember(int signal) {
    arrived = signal;
    std::signal(signal, SIG_DFL);
}

}  // namespace

void catch_interrupts() {
    std::signal(SIGINT, remember);
    std::signal(SIGTERM, remember);
}

int interrupt_signal() {
    return arrived;
}

}  // namespace memprop::host::cli
