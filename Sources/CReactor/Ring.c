#define _GNU_SOURCE
#include "Ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int setup(unsigned entries, struct io_uring_params *parameters) {
  int descriptor = (int)syscall(__NR_io_uring_setup, entries, parameters);
  return descriptor < 0 ? -errno : descriptor;
}

static int registers(int descriptor, unsigned operation, void *argument, unsigned count) {
  return syscall(__NR_io_uring_register, descriptor, operation, argument, count) < 0 ? -errno : 0;
}

static void *map(size_t byte_count, int descriptor, off_t offset) {
  int flags = descriptor < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED | MAP_POPULATE;
  void *memory = mmap(0, byte_count, PROT_READ | PROT_WRITE, flags, descriptor, offset);
  return memory == MAP_FAILED ? 0 : memory;
}

static int map_queues(struct reactor_ring *ring, const struct io_uring_params *p) {
  size_t sq = p->sq_off.array + p->sq_entries * sizeof(unsigned);
  size_t cq = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
  ring->ring_byte_count = sq > cq ? sq : cq;
  ring->sqe_byte_count = p->sq_entries * sizeof(struct io_uring_sqe);
  uint8_t *memory = map(ring->ring_byte_count, ring->descriptor, IORING_OFF_SQ_RING);
  if (!memory) return -errno;
  ring->ring_memory = memory;
  ring->sqes = map(ring->sqe_byte_count, ring->descriptor, IORING_OFF_SQES);
  if (!ring->sqes) return -errno;
  ring->sq_entries = p->sq_entries;
  ring->sq_mask = *(unsigned *)(memory + p->sq_off.ring_mask);
  ring->sq_head_shared = (unsigned *)(memory + p->sq_off.head);
  ring->sq_tail_shared = (unsigned *)(memory + p->sq_off.tail);
  ring->sq_flags = (unsigned *)(memory + p->sq_off.flags);
  ring->cq_mask = *(unsigned *)(memory + p->cq_off.ring_mask);
  ring->cq_head_shared = (unsigned *)(memory + p->cq_off.head);
  ring->cq_tail_shared = (unsigned *)(memory + p->cq_off.tail);
  ring->cqes = (struct io_uring_cqe *)(memory + p->cq_off.cqes);
  // Operations are submitted in the order of their places.
  unsigned *array = (unsigned *)(memory + p->sq_off.array);
  for (unsigned index = 0; index < p->sq_entries; index++) array[index] = index;
  return 0;
}

static size_t buffer_ring_byte_count(const struct reactor_ring *ring) {
  return ring->buffer_count * sizeof(struct io_uring_buf);
}

static int add_buffers(struct reactor_ring *ring) {
  ring->buffers = map(buffer_ring_byte_count(ring), -1, 0);
  ring->buffer_bytes = map((size_t)ring->buffer_count * ring->buffer_size, -1, 0);
  if (!ring->buffers || !ring->buffer_bytes) return -ENOMEM;
  struct io_uring_buf_reg registration = {
      .ring_addr = (uint64_t)(uintptr_t)ring->buffers, .ring_entries = ring->buffer_count, .bgid = 0};
  int fault = registers(ring->descriptor, IORING_REGISTER_PBUF_RING, &registration, 1);
  if (fault < 0) return fault;
  for (unsigned index = 0; index < ring->buffer_count; index++) reactor_ring_give_back(ring, index);
  return 0;
}

/* Told by Linux 6.10 and later (IORING_FEAT_RECVSEND_BUNDLE), and not yet in all headers. */
static const unsigned FEATURE_OF_6_10 = 1u << 14;

/* A place for each file that will be named by its place. Where there is none, files are named by their descriptors.
   Before Linux 6.4 a file that was taken out of a place could stay open for a second, and its peer heard of its end so
   late; no feature tells of 6.4. */
static int add_file_places(struct reactor_ring *ring, unsigned wanted, unsigned features) {
  if (!(features & FEATURE_OF_6_10)) return 0;
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -errno;
  struct io_uring_rsrc_register registration = {
      .nr = limit.rlim_cur < wanted ? (unsigned)limit.rlim_cur : wanted, .flags = IORING_RSRC_REGISTER_SPARSE};
  if (registration.nr == 0) return 0;
  ring->file_numbers = map(ring->sq_entries * sizeof(int32_t), -1, 0);
  if (!ring->file_numbers) return -ENOMEM;
  if (registers(ring->descriptor, IORING_REGISTER_FILES2, &registration, sizeof registration) == 0)
    ring->file_place_count = registration.nr;
  return 0;
}

int reactor_ring_open(
    struct reactor_ring *ring, unsigned entries, unsigned buffer_count, unsigned buffer_size, unsigned file_place_count) {
  memset(ring, 0, sizeof *ring);
  ring->buffer_count = buffer_count;
  ring->buffer_size = buffer_size;
  struct io_uring_params parameters = {
      .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED |
               IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
      .cq_entries = entries * 4};
  ring->descriptor = setup(entries, &parameters);
  if (ring->descriptor < 0) return ring->descriptor;
  unsigned needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP;
  int fault = (parameters.features & needed) == needed ? map_queues(ring, &parameters) : -EOPNOTSUPP;
  if (fault == 0) fault = add_buffers(ring);
  if (fault == 0) fault = add_file_places(ring, file_place_count, parameters.features);
  if (fault < 0) reactor_ring_close(ring);
  return fault;
}

int reactor_ring_enable(struct reactor_ring *ring) {
  return registers(ring->descriptor, IORING_REGISTER_ENABLE_RINGS, 0, 0);
}

void reactor_ring_close(struct reactor_ring *ring) {
  if (ring->descriptor >= 0) close(ring->descriptor);
  if (ring->ring_memory) munmap(ring->ring_memory, ring->ring_byte_count);
  if (ring->sqes) munmap(ring->sqes, ring->sqe_byte_count);
  if (ring->file_numbers) munmap(ring->file_numbers, ring->sq_entries * sizeof(int32_t));
  if (ring->buffers) munmap(ring->buffers, buffer_ring_byte_count(ring));
  if (ring->buffer_bytes) munmap(ring->buffer_bytes, (size_t)ring->buffer_count * ring->buffer_size);
  memset(ring, 0, sizeof *ring);
  ring->descriptor = -1;
}

int reactor_ring_enter(struct reactor_ring *ring, unsigned wanted, int64_t nanoseconds) {
  struct __kernel_timespec time = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  struct io_uring_getevents_arg argument = {.ts = nanoseconds < 0 ? 0 : (uint64_t)(uintptr_t)&time};
  __atomic_store_n(ring->sq_tail_shared, ring->sq_tail, __ATOMIC_RELEASE);
  // Also without waiting: completions that the kernel has put off are posted by this.
  unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
  long submitted = syscall(
      __NR_io_uring_enter, ring->descriptor, reactor_ring_prepared(ring), wanted, flags, &argument, sizeof argument);
  if (submitted < 0) return -errno;
  ring->sq_submitted += (unsigned)submitted;
  return (int)submitted;
}
