#include "tests/bench/support/allocation_counter.hpp"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace pushguard::bench {
namespace {

// Per thread, because an atomic addition costs as much as many an allocation and would be measured too.
thread_local std::size_t live = 0;
thread_local std::size_t peak = 0;
thread_local std::size_t allocations = 0;

/// What malloc rounded it to, and the header it keeps before it.
std::size_t footprint(void* block) noexcept {
  return malloc_usable_size(block) + sizeof(std::size_t);
}

void* count_in(void* block) noexcept {
  if (block == nullptr)
    return nullptr;
  live += footprint(block);
  ++allocations;
  peak = std::max(peak, live);
  return block;
}

void count_out(void* block) noexcept {
  if (block != nullptr)
    live -= footprint(block);
  std::free(block);
}

void* allocate(std::size_t size) noexcept {
  return count_in(std::malloc(std::max<std::size_t>(size, 1)));
}

void* allocate_aligned(std::size_t size, std::align_val_t alignment) noexcept {
  const auto unit = static_cast<std::size_t>(alignment);
  return count_in(std::aligned_alloc(unit, (std::max<std::size_t>(size, 1) + unit - 1) / unit * unit));
}

void* or_throw(void* block) {
  if (block == nullptr)
    throw std::bad_alloc();
  return block;
}

}  // namespace

std::size_t live_bytes() noexcept {
  return live;
}

std::size_t peak_bytes() noexcept {
  return peak;
}

void reset_peak() noexcept {
  peak = live;
}

std::size_t allocation_count() noexcept {
  return allocations;
}

}  // namespace pushguard::bench

// The other forms of new and delete end in these.
void* operator new(std::size_t size) {
  return pushguard::bench::or_throw(pushguard::bench::allocate(size));
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return pushguard::bench::or_throw(pushguard::bench::allocate_aligned(size, alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return operator new(size, alignment);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return pushguard::bench::allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return pushguard::bench::allocate(size);
}
void operator delete(void* block) noexcept {
  pushguard::bench::count_out(block);
}
void operator delete[](void* block) noexcept {
  pushguard::bench::count_out(block);
}
void operator delete(void* block, std::size_t) noexcept {
  pushguard::bench::count_out(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  pushguard::bench::count_out(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
  pushguard::bench::count_out(block);
}
void operator delete[](void* block, std::align_val_t) noexcept {
  pushguard::bench::count_out(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
  pushguard::bench::count_out(block);
}
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept {
  pushguard::bench::count_out(block);
}
