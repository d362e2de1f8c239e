/* Sockets: opening, closing, and writing without ever waiting. */
#include "loader.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

Connection *connections;
int connection_count, epoll_fd, ready_count, opening_count, next_to_open;
Connection **to_reopen; /* slots of connect mode to open again */
int to_reopen_count;

u64 now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (u64)t.tv_sec * 1000000000ull + (u64)t.tv_nsec;
}

/* ------------------------------------------------------------------ writing */
void want_output(Connection *c, bool wants) {
  if (c->wants_out == wants) return;
  c->wants_out = wants;
  struct epoll_event event = {.events = EPOLLIN | (wants ? EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

static void enqueue(Connection *c, const u8 *bytes, size_t count) {
  if (c->out_offset == c->out_count) c->out_offset = c->out_count = 0;
  if (c->out_count + count > c->out_capacity) {
    memmove(c->out, c->out + c->out_offset, c->out_count - c->out_offset);
    c->out_count -= c->out_offset;
    c->out_offset = 0;
    while (c->out_count + count > c->out_capacity) c->out_capacity = c->out_capacity ? c->out_capacity * 2 : 4096;
    c->out = realloc(c->out, c->out_capacity);
  }
  memcpy(c->out + c->out_count, bytes, count);
  c->out_count += (u32)count;
  want_output(c, true);
}

void transmit(Connection *c, const u8 *bytes, size_t count) {
  if (c->fd < 0) return;
  if (c->out_count == c->out_offset) {
    ssize_t sent = send(c->fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno != EAGAIN && errno != ENOTCONN && errno != EINTR) return connection_died(c, true);
      sent = 0;
    }
    bytes += sent;
    count -= (size_t)sent;
  }
  if (count) enqueue(c, bytes, count);
}

void flush_output(Connection *c) {
  while (c->out_offset < c->out_count) {
    ssize_t sent = send(c->fd, c->out + c->out_offset, c->out_count - c->out_offset, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EAGAIN || errno == EINTR) return;
      return connection_died(c, true);
    }
    c->out_offset += (u32)sent;
  }
  c->out_offset = c->out_count = 0;
  want_output(c, false);
}

void transmit_frame(Connection *c, u8 opcode, const u8 *payload, size_t count) {
  u8 *frame = malloc(count + 14);
  size_t header = put_header(frame, opcode, count);
  mask(frame + header, payload, count);
  transmit(c, frame, header + count);
  free(frame);
}

void transmit_request(Connection *c) {
  const Text *request = request_of(c);
  transmit(c, request->bytes, request->count);
}

/* ------------------------------------------------------- opening and closing */
/* More sockets than one address has ports, and ports that linger after a close, need more addresses of loopback. */
static void bind_source(Connection *c) {
  static u64 serial;
  if (options.sources <= 1) return;
  int one = 1;
  setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  u32 source = (u32)((options.mode == CONNECT || options.mode == RESUME ? serial++ : c->index) % (u64)options.sources);
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(0x7f000000u + ((1 + source / 250) << 8) + 1 + source % 250);
  if (bind(c->fd, (struct sockaddr *)&address, sizeof address)) die("bind: %s", strerror(errno));
}

static void reset(Connection *c) {
  c->step = c->header_count = c->control_count = 0;
  c->in_payload = c->wants_out = false;
  c->message_opcode = 0;
  c->kept_count = c->out_offset = c->out_count = 0;
  c->message_count = c->rest = c->sent = c->received = c->got = c->acked = 0;
}

void open_connection(Connection *c) {
  reset(c);
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) die("socket: %s (ulimit -n?)", strerror(errno));
  int one = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  bind_source(c);
  struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
  target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  c->opened_ns = now_ns();
  opening_count++;
  c->state = CONNECTING;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  bool failed = connect(c->fd, (struct sockaddr *)&target, sizeof target) && errno != EINPROGRESS;
  /* On loopback the TCP handshake is mostly over by now: the request goes at once. */
  const Text *request = request_of(c);
  if (!failed && send(c->fd, request->bytes, request->count, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)request->count) {
    c->state = UPGRADING;
  } else {
    event.events |= EPOLLOUT;
    c->wants_out = true;
  }
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event)) die("epoll_ctl: %s", strerror(errno));
  if (failed) connection_died(c, true);
}

void open_more(void) {
  while (opening_count < options.ramp && next_to_open < connection_count) open_connection(&connections[next_to_open++]);
}

void close_connection(Connection *c, bool resets) {
  if (c->fd < 0) return;
  if (resets) {
    struct linger now = {1, 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  close(c->fd);
  c->fd = -1;
}

void connection_died(Connection *c, bool is_error) {
  if (c->state == DEAD || c->state == UNUSED) return;
  State was = c->state;
  c->state = DEAD;
  close_connection(c, is_error);
  if (was < READY) opening_count--;
  if (options.mode == CONNECT) {
    if (is_error && is_running) shared->errors++;
    to_reopen[to_reopen_count++] = c;
    return;
  }
  shared->lost++;
  if (was == READY) ready_count--;
  if (!is_running) {
    fprintf(stderr, "wsload: connection %u was lost before the run, in state %d\n", c->index, was);
    atomic_store(&shared->failed, 1);
  }
}
