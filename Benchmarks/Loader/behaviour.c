/* What connections say, and what their answers mean. */
#include "loader.h"
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum { SCRATCH = 256 * 1024 };
static Script subscriber_script, publisher_script;
static Text send_template, ack_template, auto_in[MAX_AUTOS], auto_out[MAX_AUTOS];
static bool has_marker, has_index;
static Frame common; /* the frame to send where it does not depend on the connection */
static u8 *scratch;
static u32 ring_mask;
static int replies_due; /* replies that this read brought: answered with one send() */

bool is_running;
u64 window_start, window_end, last_progress, publish_count, completed_count;
Connection *publisher;
static u32 delivery_count[RING];
static u64 published_at[RING];

u8 text_opcode(void) { return options.binary ? 2 : 1; }

/* ---------------------------------------------------------------- preparation */
static void prepare_autos(void) {
  for (int i = 0; i < options.auto_count; i++) {
    char *equals = strchr(options.autos[i], '=');
    if (!equals) die("--auto IN=OUT");
    char *in = strndup(options.autos[i], (size_t)(equals - options.autos[i]));
    auto_in[i] = unescaped(in);
    auto_out[i] = unescaped(equals + 1);
    free(in);
  }
}

static void prepare_messages(void) {
  send_template = unescaped(options.send ? options.send : options.size >= MARKER ? "%t%p" : "%p");
  has_index = memmem(send_template.bytes, send_template.count, "%i", 2) != NULL;
  has_marker = memmem(send_template.bytes, send_template.count, "%t", 2) != NULL;
  if (options.mode == FANOUT && !has_marker) die("fanout needs %%t in --send");
  if (options.ack) ack_template = unescaped(options.ack);
  common = build_frame(send_template, 0, options.size, options.pad);
  if (options.counts_all) keep_max = 1 << 20;
  if (options.verify && keep_max < common.payload_count + 64) keep_max = common.payload_count + 64;
  scratch = malloc(SCRATCH + (size_t)common.count + 64);
}

void prepare_behaviour(int count) {
  prepare_messages();
  prepare_autos();
  parse_script(&subscriber_script, options.hello, options.hello_wait);
  if (options.publisher_hello || options.publisher_hello_wait)
    parse_script(&publisher_script, options.publisher_hello, options.publisher_hello_wait);
  else publisher_script = subscriber_script;
  u32 ring = 1;
  while (ring < (u32)options.depth + 1) ring <<= 1;
  ring_mask = ring - 1;
  for (int i = 0; i < count; i++) {
    connections[i].sent_at = malloc(sizeof(u64) * ring);
    if (has_index) connections[i].own = build_frame(send_template, connections[i].index, options.size, options.pad);
  }
}

/* --------------------------------------------------------------------- sending */
static const Frame *frame_of(const Connection *c) { return c->own.bytes ? &c->own : &common; }

void send_messages(Connection *c, int count, u64 at) {
  const Frame *frame = frame_of(c);
  while (count > 0 && c->state == READY) {
    size_t filled = 0;
    do {
      memcpy(scratch + filled, frame->bytes, frame->count);
      c->sent_at[c->sent & ring_mask] = at;
      patch(frame, scratch + filled, c->sent, c->sent, c->got);
      c->sent++;
      filled += frame->count;
    } while (--count > 0 && filled + frame->count <= SCRATCH);
    transmit(c, scratch, filled);
  }
}

void publish(u64 at) {
  u64 number = publish_count++;
  delivery_count[number % RING] = 0;
  published_at[number % RING] = at;
  const Frame *frame = frame_of(publisher);
  memcpy(scratch, frame->bytes, frame->count);
  patch(frame, scratch, number, number, publisher->got);
  transmit(publisher, scratch, frame->count);
  shared->published++;
}

static void send_template_once(Connection *c, Text template, u64 ack) {
  Frame frame = build_frame(template, c->index, 0, 0);
  patch(&frame, frame.bytes, 0, 0, ack);
  transmit(c, frame.bytes, frame.count);
  free(frame.bytes);
}

/* -------------------------------------------------------------------- greeting */
static void become_ready(Connection *c) {
  c->state = READY;
  opening_count--;
  if (options.mode != CONNECT) {
    ready_count++;
    if (!is_running) open_more();
    return;
  }
  u64 at = now_ns();
  if (is_running && at >= window_start && at < window_end) {
    shared->messages++;
    histogram_add(&shared->latency, at - c->opened_ns);
  }
  c->state = CLOSING;
  const u8 normal[2] = {3, 232};
  transmit_frame(c, 8, normal, 2);
}

static const Script *script_of(const Connection *c) { return c->is_publisher ? &publisher_script : &subscriber_script; }

/* Sends what the script says, as far as a message that it waits for. */
void greet(Connection *c) {
  if (options.mode == RESUME) return greet_with_session(c);
  const Script *script = script_of(c);
  while (c->step < script->step_count) {
    if (script->message[c->step].count) send_template_once(c, script->message[c->step], 0);
    if (c->state != GREETING || script->wait[c->step].count) return;
    c->step++;
  }
  become_ready(c);
}

static void hear_greeting(Connection *c, u8 *bytes, size_t count) {
  if (options.mode == RESUME) return on_greeting_message(c, bytes, count);
  Text wanted = script_of(c)->wait[c->step];
  if (!wanted.count || !memmem(bytes, count, wanted.bytes, wanted.count)) return;
  c->step++;
  greet(c);
}

/* --------------------------------------------------------------------- hearing */
static void count_received(Connection *c) {
  c->got++;
  if (!options.ack_every || c->got - c->acked < (u64)options.ack_every) return;
  c->acked = c->got;
  send_template_once(c, ack_template, c->got);
}

static void count_message(u64 since, u64 at) {
  last_progress = at;
  if (at < window_start || at >= window_end) return;
  shared->messages++;
  histogram_add(&shared->latency, at > since ? at - since : 0);
}

static void delivered(Connection *c, u64 number, u64 at) {
  count_received(c);
  if (!is_running || c->is_publisher) return;
  if (number != c->received) shared->order_errors++;
  c->received = number + 1;
  u64 since = published_at[number % RING];
  count_message(since, at);
  if (++delivery_count[number % RING] < (u32)options.connections) return;
  completed_count++;
  if (at >= window_start && at < window_end) histogram_add(&shared->last, at > since ? at - since : 0);
}

static void replied(Connection *c, u64 number, u64 at) {
  count_received(c);
  if (number != c->received % 10000000000ull) shared->order_errors++;
  if (c->received >= c->sent) { /* an answer to nothing */
    shared->order_errors++;
    return;
  }
  c->received++;
  count_message(c->sent_at[number & ring_mask], at);
  replies_due++;
}

static bool answer_automatically(Connection *c, const u8 *bytes, size_t count, u64 total) {
  for (int i = 0; i < options.auto_count; i++)
    if (total == auto_in[i].count && count == total && !memcmp(bytes, auto_in[i].bytes, count)) {
      transmit_frame(c, text_opcode(), auto_out[i].bytes, auto_out[i].count);
      return true;
    }
  return false;
}

void on_message(Connection *c, u8 *bytes, size_t count, u64 total, u64 at) {
  if (answer_automatically(c, bytes, count, total)) return;
  if (c->state == GREETING) return hear_greeting(c, bytes, count);
  if (c->state != READY) return;
  void (*heard)(Connection *, u64, u64) = options.mode == FANOUT ? delivered : replied;
  if (!has_marker) {
    if (total != common.payload_count && !options.send) shared->errors++;
    return heard(c, c->received, at);
  }
  u64 number;
  u8 *end = bytes + count, *found = find_marker(bytes, count, &number);
  if (!found) return; /* an acknowledgement, a greeting */
  if (options.verify ? !is_payload(frame_of(c), number, bytes, count) : !options.send && total != common.payload_count)
    shared->errors++;
  heard(c, number, at);
  if (!options.counts_all) return;
  while ((found = find_marker(found + MARKER, (size_t)(end - found - MARKER), &number))) heard(c, number, at);
}

/* ------------------------------------------------------------------------ loop */
int poll_once(u64 timeout_ns) {
  static struct epoll_event events[1024];
  struct timespec timeout = {(time_t)(timeout_ns / 1000000000ull), (long)(timeout_ns % 1000000000ull)};
  int count = epoll_pwait2(epoll_fd, events, 1024, &timeout, NULL);
  for (int i = 0; i < count; i++) {
    Connection *c = events[i].data.ptr;
    replies_due = 0;
    read_connection(c, events[i].events);
    if (!replies_due || !is_running || options.mode != ECHO || c->state != READY) continue;
    u64 at = now_ns();
    if (at < window_end) send_messages(c, replies_due, at);
  }
  return count;
}
