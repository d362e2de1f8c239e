/* What comes: the answer to the upgrade, then frames, in whatever pieces. */
#include "loader.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { RECEIVE_BYTES = 512 * 1024 };
static u8 receive_buffer[RECEIVE_BYTES];
static Text subscriber_request, publisher_request;
u32 keep_max = 8192; /* bytes of a message in pieces that are kept; the rest is counted only */

/* ------------------------------------------------------------------- upgrade */
static Text make_request(const char *path) {
  Text request = {malloc(4096), 0};
  request.count = (size_t)snprintf(
      (char *)request.bytes, 4096,
      "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
      path, options.port);
  for (int i = 0; i < options.header_count; i++)
    request.count += (size_t)snprintf((char *)request.bytes + request.count, 4096 - request.count, "%s\r\n", options.headers[i]);
  if (request.count > 4093) die("the request is too long");
  memcpy(request.bytes + request.count, "\r\n", 2);
  request.count += 2;
  return request;
}

void prepare_requests(void) {
  subscriber_request = make_request(options.path);
  publisher_request = make_request(options.publisher_path ? options.publisher_path : options.path);
}

const Text *request_of(const Connection *c) { return c->is_publisher ? &publisher_request : &subscriber_request; }

static void keep(Connection *c, const u8 *bytes, size_t count) {
  if (c->kept_count >= keep_max) return;
  if (c->kept_count + count > keep_max) count = keep_max - c->kept_count;
  if (c->kept_count + count > c->kept_capacity) {
    while (c->kept_count + count > c->kept_capacity) c->kept_capacity = c->kept_capacity ? c->kept_capacity * 2 : 1024;
    c->kept = realloc(c->kept, c->kept_capacity);
  }
  memcpy(c->kept + c->kept_count, bytes, count);
  c->kept_count += (u32)count;
}

static bool reads_frames(const Connection *c) { return c->state >= GREETING && c->state <= CLOSING; }

/* --------------------------------------------------------------------- frames */
static size_t header_length(const u8 *header) {
  u8 length = header[1] & 127;
  return 2 + (length == 126 ? 2u : length == 127 ? 8u : 0u);
}

static u64 payload_length(const u8 *header) {
  u64 length = header[1] & 127, value = 0;
  if (length < 126) return length;
  for (size_t i = 2; i < header_length(header); i++) value = value << 8 | header[i];
  return value;
}

/* The header, from the input or from what an earlier read brought of it; NULL while it is incomplete. */
static const u8 *take_header(Connection *c, u8 **bytes, size_t *count) {
  if (!c->header_count && *count >= 2 && *count >= header_length(*bytes)) {
    const u8 *header = *bytes;
    *bytes += header_length(header);
    *count -= header_length(header);
    return header;
  }
  while (*count) {
    c->header[c->header_count++] = *(*bytes)++;
    (*count)--;
    if (c->header_count >= 2 && c->header_count >= header_length(c->header)) {
      c->header_count = 0;
      return c->header;
    }
  }
  return NULL;
}

static void begin_frame(Connection *c, const u8 *header) {
  if ((header[0] & 0x70) || (header[1] & 0x80)) { /* a reserved bit, or a server that masks */
    shared->errors++;
    return connection_died(c, true);
  }
  c->is_final = header[0] >> 7;
  c->opcode = header[0] & 15;
  c->rest = payload_length(header);
  c->in_payload = true;
  if (c->opcode == 1 || c->opcode == 2) {
    c->message_opcode = c->opcode;
    c->message_count = 0;
    c->kept_count = 0;
  }
}

static void end_control(Connection *c, const u8 *payload, size_t count) {
  c->in_payload = false;
  if (c->opcode == 9) return transmit_frame(c, 10, payload, count);
  if (c->opcode != 8) return;
  bool is_answer = c->state == CLOSING;
  if (!is_answer) transmit_frame(c, 8, payload, count >= 2 ? 2 : 0);
  connection_died(c, !is_answer);
}

static void take_control(Connection *c, u8 *bytes, size_t count) {
  if (c->rest + c->control_count > 125) return connection_died(c, true);
  memcpy(c->control + c->control_count, bytes, count);
  c->control_count += (u8)count;
  c->rest -= count;
  if (c->rest) return;
  size_t whole = c->control_count;
  c->control_count = 0;
  end_control(c, c->control, whole);
}

static void take_data(Connection *c, u8 *bytes, size_t count, u64 at) {
  /* A message that came in one piece is looked at where it lies. */
  if (c->is_final && c->opcode && !c->message_count && count == c->rest) {
    c->in_payload = false;
    return on_message(c, bytes, count, count, at);
  }
  keep(c, bytes, count);
  c->message_count += count;
  c->rest -= count;
  if (c->rest) return;
  c->in_payload = false;
  if (!c->is_final) return;
  u32 kept = c->kept_count;
  c->kept_count = 0;
  on_message(c, c->kept, kept, c->message_count, at);
}

static void feed(Connection *c, u8 *bytes, size_t count, u64 at) {
  while (reads_frames(c)) {
    if (!c->in_payload) {
      const u8 *header = take_header(c, &bytes, &count);
      if (!header) return;
      begin_frame(c, header);
      if (!reads_frames(c)) return;
    }
    size_t piece = count < c->rest ? count : (size_t)c->rest;
    if (!piece && c->rest) return;
    u8 *from = bytes;
    bytes += piece;
    count -= piece;
    if (c->opcode >= 8) take_control(c, from, piece);
    else take_data(c, from, piece, at);
  }
}

static void take_answer(Connection *c, u8 *bytes, size_t count, u64 at) {
  keep(c, bytes, count);
  u8 *end = memmem(c->kept, c->kept_count, "\r\n\r\n", 4);
  if (!end) {
    if (c->kept_count >= keep_max) connection_died(c, true);
    return;
  }
  size_t head = (size_t)(end + 4 - c->kept), rest = c->kept_count - head;
  if (memcmp(c->kept, "HTTP/1.1 101", 12) || !memmem(c->kept, head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28)) {
    static bool is_shown;
    if (!is_shown) fprintf(stderr, "wsload: not an upgrade: %.*s\n", (int)(head < 300 ? head : 300), c->kept);
    is_shown = true;
    return connection_died(c, true);
  }
  u8 *copy = malloc(rest + 1);
  memcpy(copy, c->kept + head, rest);
  c->kept_count = 0;
  c->state = GREETING;
  greet(c);
  feed(c, copy, rest, at);
  free(copy);
}

/* -------------------------------------------------------------------- reading */
static void end_connect(Connection *c) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error) return connection_died(c, true);
  c->state = UPGRADING;
  want_output(c, false);
  transmit_request(c);
}

/* The rest of a long message that nobody looks at is dropped in the kernel instead of being copied here. */
static bool drops_rest(Connection *c) {
  if (!c->in_payload || c->opcode >= 8 || c->rest <= 16384 || c->kept_count < keep_max) return false;
  ssize_t count = recv(c->fd, receive_buffer, c->rest - 1 < 1u << 24 ? (size_t)(c->rest - 1) : 1u << 24, MSG_TRUNC | MSG_DONTWAIT);
  if (count <= 0) return false;
  c->rest -= (u64)count;
  c->message_count += (u64)count;
  shared->bytes += (u64)count;
  return true;
}

void read_connection(Connection *c, u32 events) {
  if (c->fd < 0) return;
  if (c->state == CONNECTING && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) return end_connect(c);
  if (events & EPOLLOUT) flush_output(c);
  if (c->fd < 0 || !(events & (EPOLLIN | EPOLLERR | EPOLLHUP)) || drops_rest(c)) return;
  ssize_t count = recv(c->fd, receive_buffer, RECEIVE_BYTES, MSG_DONTWAIT);
  if (count > 0) {
    u64 at = now_ns();
    shared->bytes += (u64)count;
    if (c->state == UPGRADING) take_answer(c, receive_buffer, (size_t)count, at);
    else feed(c, receive_buffer, (size_t)count, at);
  } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    connection_died(c, c->state != CLOSING);
  }
}
