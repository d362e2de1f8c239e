/* Storms: every session loses its connection at once and comes back. The one part that knows wscore's protocol. */
#include "loader.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static u64 storm_start;
static int waiting_count; /* sessions that are not back yet */

void greet_with_session(Connection *c) {
  char hello[512];
  int count = snprintf(hello, sizeof hello, "{\"v\":2,\"type\":\"hello\",\"payload\":{\"versions\":[2]%s}}", c->resume ? c->resume : "");
  transmit_frame(c, text_opcode(), (const u8 *)hello, (size_t)count);
}

/* The text member of a name; these need no unescaping. */
static bool find_text(const u8 *bytes, size_t count, const char *key, char *value, size_t capacity) {
  const u8 *end = bytes + count, *found = memmem(bytes, count, key, strlen(key));
  if (!found) return false;
  found += strlen(key);
  const u8 *quote = memchr(found, '"', (size_t)(end - found));
  if (!quote || (size_t)(quote - found) >= capacity) return false;
  memcpy(value, found, (size_t)(quote - found));
  value[quote - found] = 0;
  return true;
}

static void remember(Connection *c, const u8 *welcome, size_t count) {
  char sid[64], token[128], epoch[64];
  if (!find_text(welcome, count, "\"sid\":\"", sid, sizeof sid) || !find_text(welcome, count, "\"token\":\"", token, sizeof token) ||
      !find_text(welcome, count, "\"epoch\":\"", epoch, sizeof epoch)) {
    shared->errors++;
    return;
  }
  free(c->resume);
  if (asprintf(&c->resume, ",\"resume\":{\"sid\":\"%s\",\"token\":\"%s\",\"epoch\":\"%s\",\"ack\":0}", sid, token, epoch) < 0)
    die("out of memory");
}

void on_greeting_message(Connection *c, u8 *bytes, size_t count) {
  static const char RESUMED[] = "\"resumed\":true", WELCOME[] = "\"type\":\"welcome\"", LIVE[] = "\"type\":\"live\"";
  if (memmem(bytes, count, WELCOME, sizeof WELCOME - 1)) {
    if (storm_start && !memmem(bytes, count, RESUMED, sizeof RESUMED - 1)) shared->errors++;
    return remember(c, bytes, count);
  }
  if (!memmem(bytes, count, LIVE, sizeof LIVE - 1)) return;
  c->state = READY;
  opening_count--;
  ready_count++;
  if (!storm_start) return open_more();
  waiting_count--;
  shared->messages++;
  u64 now = now_ns();
  histogram_add(&shared->latency, now - c->opened_ns);
  histogram_add(&shared->last, now - storm_start);
}

static void run_storm(void) {
  double cpu = server_cpu_s();
  storm_start = now_ns();
  for (int i = 0; i < connection_count; i++) {
    if (connections[i].state != READY) die("connection %d is not ready before a storm", i);
    connections[i].state = UNUSED;
    close_connection(&connections[i], true);
  }
  ready_count = next_to_open = 0;
  waiting_count = connection_count;
  open_more();
  while (waiting_count > 0 && !shared->lost) {
    poll_once(1000000);
    open_more();
    if (now_ns() - storm_start > (u64)options.setup_s * 1000000000ull) die("%d sessions did not come back", waiting_count);
  }
  shared->storm_wall_s += (double)(now_ns() - storm_start) / 1e9;
  shared->storm_server_cpu_s += server_cpu_s() - cpu;
}

void run_storms(void) {
  is_running = true;
  for (int i = 0; i < options.storms && !shared->lost; i++) {
    run_storm();
    /* Between two storms everything comes to rest. */
    u64 until = now_ns() + (u64)options.settle_ms * 1000000ull;
    while (now_ns() < until) poll_once(1000000);
  }
}
