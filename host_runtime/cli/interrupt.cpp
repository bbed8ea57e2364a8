#include "host_runtime/cli/interrupt.hpp"

#include <csignal>

namespace memprop::host::cli {
namespace {

volatile std::sig_atomic_t arrived = 0;

extern "C" void remember(int signal) {
    if (arrived == 0) {
        arrived = signal;
    }
    if (signal != SIGHUP) {  // a terminal that closes sends it more than once
        std::signal(signal, SIG_DFL);
    }
}

}  // namespace

void catch_interrupts() {
    std::signal(SIGINT, remember);
    std::signal(SIGTERM, remember);
    if (std::signal(SIGHUP, remember) == SIG_IGN) {
        std::signal(SIGHUP, SIG_IGN);  // nohup: the work outlives its terminal
    }
}

int interrupt_signal() {
    return arrived;
}

}  // namespace memprop::host::cli
