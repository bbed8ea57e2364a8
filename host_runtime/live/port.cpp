#include "host_runtime/live/port.hpp"

#include <fmt/format.h>

#include <system_error>

#include "crossbar/base/error.hpp"
#include "host_runtime/live/port_core.hpp"

namespace memprop::host::live {

bool PortCore::pop(Batch& batch, Clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    if (!readable_.wait_until(lock, deadline, [&] { return !queue_.empty() || finished_; }) ||
        queue_.empty()) {
        return false;
    }
    batch = std::move(queue_.front());
    queue_.pop_front();
    queued_words_ -= batch.words.size();
    if (paused_ && queued_words_ <= limits_.queued_words / 2) {
        paused_ = false;
        asio::post(io_, [this] { resume(); });
    }
    return true;
}

bool PortCore::ended() const {
    const std::lock_guard lock(mutex_);
    return finished_ && queue_.empty();
}

PortCounters PortCore::counters() const {
    const std::lock_guard lock(mutex_);
    return counters_;
}

void PortCore::push(Batch batch) {
    queued_words_ += batch.words.size();
    counters_.received_words += batch.words.size();
    queue_.push_back(std::move(batch));
    readable_.notify_one();
}

void PortCore::start() {
    try {
        thread_ = std::thread([this] { io_.run(); });
    } catch (const std::system_error& error) {
        throw RunError(
            fmt::format("{}: its thread cannot be started: {}", address_.text(), error.code().message()));
    }
}

void PortCore::stop() {
    io_.stop();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void PortCore::refuse(const std::string& reason) const {
    throw InputError(fmt::format("{}: {}", address_.text(), reason));
}

Port::Port(const Address& address, Role role, Limits limits)
    : core_(address.tcp ? make_tcp_port(address, role, limits) : make_udp_port(address, role, limits)) {}
Port::~Port() = default;

const Address& Port::address() const {
    return core_->address();
}
bool Port::pop(Batch& batch, Clock::time_point deadline) {
    return core_->pop(batch, deadline);
}
bool Port::keeps_another_waiting() const {
    return core_->keeps_another_waiting();
}
bool Port::ended() const {
    return core_->ended();
}
void Port::send(std::span<const Word> words, WhenFull when_full, const std::function<bool()>& stopped) {
    core_->send(words, when_full, stopped);
}
void Port::release_peer() {
    core_->release_peer();
}
void Port::flush(std::chrono::milliseconds patience) {
    core_->flush(patience);
}
PortCounters Port::counters() const {
    return core_->counters();
}

}  // namespace memprop::host::live
