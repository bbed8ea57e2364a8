// A training sample allocates nothing per step: counted by replacing the global operator new.
#include <doctest/doctest.h>

#include <cstdlib>
#include <new>

#include "learning/trainer.hpp"

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) {
        return memory;
    }
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

using namespace memprop::learning;

TEST_CASE("a training sample of 1000 steps allocates at most a few times") {
    for (const char* scheme : {"vanilla", "mixed_precision", "multi_device", "batch_accumulate"}) {
        CAPTURE(scheme);
        ExperimentConfig config;
        config.update.scheme = scheme;
        Trainer trainer(config);
        for (int i = 0; i < 3; ++i) {
            trainer.train_sample();
        }
        const std::size_t before = allocations;
        for (int i = 0; i < 30; ++i) {
            trainer.train_sample();
        }
        // History of epochs and the buffers of three refreshes; nothing that grows with the 30 000 steps.
        CHECK(allocations - before < 300);
    }
}
