// A few threads that run numbered jobs. What a job computes must not depend on which thread runs it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace memprop::learning {

class ThreadPool {
public:
    /// `threads` in all, the caller's among them. Throws RunError if the system does not give them.
    explicit ThreadPool(std::size_t threads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    std::size_t threads() const { return helpers_.size() + 1; }

    /// Calls job(i) for i < count, at most threads() at a time, and waits for all. The first exception of
    /// the lowest job is thrown again here.
    void run(std::size_t count, const std::function<void(std::size_t)>& job);

private:
    void stop();
    void help();
    void work(std::unique_lock<std::mutex>& lock);

    std::vector<std::thread> helpers_;
    std::mutex mutex_;
    std::condition_variable wake_, done_;
    const std::function<void(std::size_t)>* job_ = nullptr;
    std::size_t next_ = 0, count_ = 0, running_ = 0;
    std::vector<std::exception_ptr> errors_;
    bool stop_ = false;
};

}  // namespace memprop::learning
