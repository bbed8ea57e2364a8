// SIGINT and SIGTERM ask a long command to stop at the next safe point.
#pragma once

namespace memprop::host::cli {

/// Installs the handlers; a second signal ends the process at once.
void catch_interrupts();

/// The signal that has arrived, or 0.
int interrupt_signal();

}  // namespace memprop::host::cli
