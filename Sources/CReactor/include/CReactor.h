#ifndef CREACTOR_H
#define CREACTOR_H

// What Swift's own C modules leave out of Linux: epoll, eventfd, accept4, and io_uring without a library. The functions of
// the ring that are called for every operation are inline.

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include "Ring.h"

/// Gives the pages that lie whole in `bytes` back to the system: what stands in them is lost.
void reactor_forget(void *bytes, size_t count);

// Negative errno on failure, as all functions here.
int reactor_accept(int descriptor);
// As recv(2) and send(2) without waiting, without what glibc does around them for threads that may be cancelled: ours
// are not, and it is done for each message.
ssize_t reactor_receive(int descriptor, void *bytes, size_t count);
ssize_t reactor_send(int descriptor, const void *bytes, size_t count);
int reactor_set_integer(int descriptor, int level, int option, int value);

// 15 bytes at most.
void reactor_name_thread(const char *name);

// malloc_trim(3), which Swift's module of the C library lacks.
void reactor_trim_memory(void);

// Gives back the free end of the calling thread's arena.
void reactor_trim_thread(void);

// mallinfo2(3): bytes that were freed, whether or not the system has them back.
size_t reactor_unused_memory(void);

#endif
