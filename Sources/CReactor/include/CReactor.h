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

/// Begins to connect a new TCP socket, which does not block, from `local` unless that is null; its port is chosen when the
/// peer is known, so that one address has all ports for each peer. The descriptor, or a negative errno. Once there is room
/// to write it is connected, or not: `reactor_take_fault` tells.
int reactor_connect(const struct sockaddr *peer, socklen_t peer_length, const struct sockaddr *local, socklen_t local_length);
/// The errno with which a socket failed and that nobody was told yet, 0 if there is none.
int reactor_take_fault(int descriptor);
/// Closing it will throw away what is under way, and tell the peer so (RST).
int reactor_cut_on_close(int descriptor);

// 15 bytes at most.
void reactor_name_thread(const char *name);

// malloc_trim(3), which Swift's module of the C library lacks.
void reactor_trim_memory(void);

// Gives back the free end of the calling thread's arena.
void reactor_trim_thread(void);

// mallinfo2(3): bytes that were freed, whether or not the system has them back.
size_t reactor_unused_memory(void);

#endif
