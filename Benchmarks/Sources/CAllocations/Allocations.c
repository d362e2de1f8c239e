/* Counts allocations: linked into the micro benchmarks, and preloaded (LD_PRELOAD) into a server that is measured.
 *
 * The functions below stand before those of the C library for every shared library of the process, the Swift runtime's
 * among them, and go on to them under glibc's own names. free() stays what it is: the blocks are glibc's.
 */
#include "CAllocations.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static _Atomic uint64_t own;
static _Atomic uint64_t *counter = &own;

uint64_t allocation_count(void) { return atomic_load(counter); }

/* Where another process wants to read along, the counter is in a file that both have in memory. */
__attribute__((constructor)) static void share_counter(void) {
  const char *path = getenv("WSCORE_ALLOCATION_COUNTER");
  if (!path) return;
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) _exit(78);
  void *page = mmap(NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (page == MAP_FAILED) _exit(78);
  close(file);
  counter = page;
}

static void count(void) { atomic_fetch_add_explicit(counter, 1, memory_order_relaxed); }

void *malloc(size_t size) {
  count();
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  count();
  return __libc_calloc(number, size);
}

void *realloc(void *block, size_t size) {
  count();
  return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **block, size_t alignment, size_t size) {
  void *made = memalign(alignment, size);
  if (!made) return ENOMEM;
  *block = made;
  return 0;
}
