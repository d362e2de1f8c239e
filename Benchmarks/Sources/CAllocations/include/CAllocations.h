#ifndef C_ALLOCATIONS_H
#define C_ALLOCATIONS_H
#include <stdint.h>

/// Blocks of memory that this process asked for so far, on all threads.
uint64_t allocation_count(void);

#endif
