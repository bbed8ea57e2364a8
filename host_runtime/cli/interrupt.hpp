// SIGINT, SIGTERM and, unless it was ignored at the start (nohup), SIGHUP ask a long command to stop at the
// next safe point.
#pragma once

namespace memprop::host::cli {

/// Installs the handlers; a second SIGINT or SIGTERM ends the process at once.
void catch_interrupts();

/// The signal that has arrived, or 0.
int interrupt_signal();

}  // namespace memprop::host::cli
