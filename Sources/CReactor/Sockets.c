#define _GNU_SOURCE
#include "CReactor.h"

#include <sys/mman.h>
#include <stdint.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int reactor_accept(int descriptor) {
  int accepted;
  do {
    accepted = accept4(descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (accepted < 0 && errno == EINTR);
  return accepted < 0 ? -errno : accepted;
}

void reactor_forget(void *bytes, size_t count) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t start = ((uintptr_t)bytes + page - 1) / page * page, end = ((uintptr_t)bytes + count) / page * page;
  // It fails for locked memory only, which then stays.
  if (end > start) madvise((void *)start, end - start, MADV_DONTNEED);
}

ssize_t reactor_receive(int descriptor, void *bytes, size_t count) {
  long received;
  do {
    received = syscall(__NR_recvfrom, descriptor, bytes, count, MSG_DONTWAIT, 0, 0);
  } while (received < 0 && errno == EINTR);
  return received < 0 ? -errno : received;
}

ssize_t reactor_send(int descriptor, const void *bytes, size_t count) {
  long sent;
  do {
    sent = syscall(__NR_sendto, descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

int reactor_set_integer(int descriptor, int level, int option, int value) {
  return setsockopt(descriptor, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

int reactor_connect(const struct sockaddr *peer, socklen_t peer_length, const struct sockaddr *local, socklen_t local_length) {
  int descriptor = socket(peer->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  int fault = -reactor_set_integer(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  // Refused where it is not known, as for IPv6 on old kernels: then ports run out sooner.
  if (local) reactor_set_integer(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  if (!fault && local && bind(descriptor, local, local_length) < 0) fault = errno;
  // Interrupted, it goes on: connect(2).
  if (!fault && connect(descriptor, peer, peer_length) < 0 && errno != EINPROGRESS && errno != EINTR) fault = errno;
  if (!fault) return descriptor;
  close(descriptor);
  return -fault;
}

int reactor_take_fault(int descriptor) {
  int fault = 0;
  socklen_t length = sizeof fault;
  return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &fault, &length) < 0 ? errno : fault;
}

int reactor_cut_on_close(int descriptor) {
  struct linger cut = {.l_onoff = 1, .l_linger = 0};
  return setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &cut, sizeof cut) < 0 ? -errno : 0;
}

void reactor_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

void reactor_trim_memory(void) { malloc_trim(0); }

// Each thread has an arena, of which malloc_trim gives back what is free between blocks, and not the end. That is
// given back when it has become longer than the allocator's threshold, which rises to twice the largest block that was
// ever mapped by itself (mallopt(3), M_MMAP_THRESHOLD): megabytes. So all of it is taken in blocks, whose bytes are ours
// to forget, and given back.
void reactor_trim_thread(void) {
  // Less than the least block that the allocator maps by itself; and no more of them than an arena's heap has room for.
  enum { block_size = 120 << 10, max_count = (64 << 20) / block_size };
  void *blocks[max_count];
  size_t unused = reactor_unused_memory(), count = 0;
  while (count < max_count && count * block_size < unused && (blocks[count] = malloc(block_size))) {
    reactor_forget(blocks[count], block_size);
    count += 1;
  }
  while (count > 0) free(blocks[--count]);
}

size_t reactor_unused_memory(void) {
#if __GLIBC_PREREQ(2, 33)
  return mallinfo2().fordblks;
#else
  // It counts with 32 bits.
  return (unsigned)mallinfo().fordblks;
#endif
}
