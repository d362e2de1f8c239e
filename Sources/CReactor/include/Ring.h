#ifndef CREACTOR_RING_H
#define CREACTOR_RING_H

// io_uring(7) without a library: a ring that one thread submits to, with a ring of buffers for what is received.

#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reactor_ring {
  int descriptor;
  unsigned sq_mask, sq_entries, sq_tail, sq_submitted;
  unsigned cq_mask;
  unsigned *sq_head_shared, *sq_tail_shared, *sq_flags;
  unsigned *cq_head_shared, *cq_tail_shared;
  struct io_uring_sqe *sqes;
  struct io_uring_cqe *cqes;
  struct io_uring_buf_ring *buffers;
  uint8_t *buffer_bytes;
  unsigned buffer_count, buffer_size;
  uint16_t buffer_tail;
  /* Places for files of which the ring keeps hold, so that an operation need not look its descriptor up. */
  unsigned file_place_count;
  /* For each operation the descriptor that it puts into a place. */
  int32_t *file_numbers;
  void *ring_memory;
  size_t ring_byte_count, sqe_byte_count;
};

// Negative errno on failure. The ring takes no operations before `reactor_ring_enable`, which the thread calls that is
// to use it. It has at most `file_place_count` places for files, and no more than the process may have files; none on a
// kernel that gives none, or that keeps a file open for a while when it is taken out.
int reactor_ring_open(
    struct reactor_ring *ring, unsigned entries, unsigned buffer_count, unsigned buffer_size, unsigned file_place_count);
int reactor_ring_enable(struct reactor_ring *ring);
void reactor_ring_close(struct reactor_ring *ring);

// Submits what was prepared and waits for `wanted` completions, for so many nanoseconds at most (negative: for ever).
int reactor_ring_enter(struct reactor_ring *ring, unsigned wanted, int64_t nanoseconds);

// Null if the queue is full: submit, and ask again.
static inline struct io_uring_sqe *reactor_ring_operation(struct reactor_ring *ring) {
  unsigned head = __atomic_load_n(ring->sq_head_shared, __ATOMIC_ACQUIRE);
  if (ring->sq_tail - head >= ring->sq_entries) return 0;
  struct io_uring_sqe *sqe = &ring->sqes[ring->sq_tail & ring->sq_mask];
  ring->sq_tail += 1;
  *sqe = (struct io_uring_sqe){0};
  return sqe;
}

static inline unsigned reactor_ring_prepared(const struct reactor_ring *ring) {
  return ring->sq_tail - ring->sq_submitted;
}

/// Whether the kernel holds completions back for which its queue has no place: the next `reactor_ring_enter` brings them.
static inline bool reactor_ring_has_overflow(const struct reactor_ring *ring) {
  return __atomic_load_n(ring->sq_flags, __ATOMIC_RELAXED) & IORING_SQ_CQ_OVERFLOW;
}

static inline void reactor_ring_receive(struct io_uring_sqe *sqe, int descriptor, uint64_t name) {
  sqe->opcode = IORING_OP_RECV;
  sqe->fd = descriptor;
  sqe->ioprio = IORING_RECV_MULTISHOT;
  sqe->flags = IOSQE_BUFFER_SELECT;
  sqe->buf_group = 0;
  sqe->user_data = name;
}

// A file by its descriptor, or by its place if the ring keeps hold of it.
struct reactor_file {
  int number;
  bool is_place;
};

// Completes only if not all bytes were taken: then with how many were, or the error.
static inline void reactor_ring_send(
    struct io_uring_sqe *sqe, struct reactor_file file, const void *bytes, unsigned count, int flags, uint64_t name) {
  sqe->opcode = IORING_OP_SEND;
  sqe->fd = file.number;
  sqe->flags = IOSQE_CQE_SKIP_SUCCESS | (file.is_place ? IOSQE_FIXED_FILE : 0);
  sqe->addr = (uint64_t)(uintptr_t)bytes;
  sqe->len = count;
  sqe->msg_flags = (unsigned)flags;
  sqe->user_data = name;
}

static inline void reactor_ring_poll(
    struct io_uring_sqe *sqe, int descriptor, unsigned events, bool again, uint64_t name) {
  sqe->opcode = IORING_OP_POLL_ADD;
  sqe->fd = descriptor;
  sqe->poll32_events = events;
  sqe->len = again ? IORING_POLL_ADD_MULTI : 0;
  sqe->user_data = name;
}

static inline void reactor_ring_cancel(struct io_uring_sqe *sqe, uint64_t cancelled, uint64_t name) {
  sqe->opcode = IORING_OP_ASYNC_CANCEL;
  sqe->fd = -1;
  sqe->addr = cancelled;
  sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
  sqe->user_data = name;
}

// Puts a file into an empty place below `file_place_count`: the operations behind this one may name it so. Completes only
// if it could not be done; then they fail with EBADF.
static inline void reactor_ring_hold_file(
    struct reactor_ring *ring, struct io_uring_sqe *sqe, int descriptor, unsigned place, uint64_t name) {
  // Read when the operation is submitted, and its own until then.
  int32_t *number = &ring->file_numbers[sqe - ring->sqes];
  *number = descriptor;
  sqe->opcode = IORING_OP_FILES_UPDATE;
  sqe->fd = -1;
  sqe->addr = (uint64_t)(uintptr_t)number;
  sqe->len = 1;
  sqe->off = place;
  sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
  sqe->user_data = name;
}

// Lets go of the file in a place; its descriptor stays open. Completes only if it could not be done.
static inline void reactor_ring_drop_file(struct io_uring_sqe *sqe, unsigned place, uint64_t name) {
  sqe->opcode = IORING_OP_CLOSE;
  sqe->file_index = place + 1;
  sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
  sqe->user_data = name;
}

static inline void reactor_ring_close_file(struct io_uring_sqe *sqe, int descriptor, uint64_t name) {
  sqe->opcode = IORING_OP_CLOSE;
  sqe->fd = descriptor;
  sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
  sqe->user_data = name;
}

struct reactor_completion {
  uint64_t name;
  int32_t result;
  uint32_t flags;
};

// Takes the next completion; false if there is none.
static inline bool reactor_ring_next(struct reactor_ring *ring, struct reactor_completion *completion) {
  unsigned head = *ring->cq_head_shared;
  if (head == __atomic_load_n(ring->cq_tail_shared, __ATOMIC_ACQUIRE)) return false;
  const struct io_uring_cqe *cqe = &ring->cqes[head & ring->cq_mask];
  completion->name = cqe->user_data;
  completion->result = cqe->res;
  completion->flags = cqe->flags;
  __atomic_store_n(ring->cq_head_shared, head + 1, __ATOMIC_RELEASE);
  return true;
}

static inline bool reactor_ring_is_full(const struct reactor_ring *ring) {
  return ring->sq_tail - __atomic_load_n(ring->sq_head_shared, __ATOMIC_ACQUIRE) >= ring->sq_entries;
}

// The number of the buffer that was used; -1 if none was.
static inline int reactor_completion_buffer(struct reactor_completion completion) {
  return completion.flags & IORING_CQE_F_BUFFER ? (int)(completion.flags >> IORING_CQE_BUFFER_SHIFT) : -1;
}

// Whether the operation will complete again.
static inline bool reactor_completion_goes_on(struct reactor_completion completion) {
  return completion.flags & IORING_CQE_F_MORE;
}

static inline uint8_t *reactor_ring_buffer(const struct reactor_ring *ring, unsigned index) {
  return ring->buffer_bytes + (size_t)index * ring->buffer_size;
}

static inline void reactor_ring_give_back(struct reactor_ring *ring, unsigned index) {
  struct io_uring_buf *buffer = &ring->buffers->bufs[ring->buffer_tail & (ring->buffer_count - 1)];
  buffer->addr = (uint64_t)(uintptr_t)reactor_ring_buffer(ring, index);
  buffer->len = ring->buffer_size;
  buffer->bid = (uint16_t)index;
  ring->buffer_tail += 1;
  __atomic_store_n(&ring->buffers->tail, ring->buffer_tail, __ATOMIC_RELEASE);
}

#endif
