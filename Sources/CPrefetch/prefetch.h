#ifndef CPREFETCH_H
#define CPREFETCH_H

// Asking the processor for memory before it is needed, for which Swift has no word.

#include <stddef.h>

/// Asks for the cache lines of bytes that will soon be read or changed. Costs little and does nothing else: any address
/// will do, and nothing waits for it.
static inline void prefetch_bytes(const void *bytes, size_t count) {
  for (size_t offset = 0; offset < count; offset += 64) __builtin_prefetch((const char *)bytes + offset, 1);
  // They may end in one line more than they fill.
  if (count) __builtin_prefetch((const char *)bytes + count - 1, 1);
}

#endif
