/* The child that does the work: it connects, waits for the start, and runs one mode. */
#include "loader.h"
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static const u64 SECOND = 1000000000ull;
static const double STALL_S = 8;

static u64 own_cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (u64)t.tv_sec * SECOND + (u64)t.tv_nsec;
}

static void prepare_process(void) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_TIMERSLACK, 1);
  if (options.cpu >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(options.cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
  }
  /* Nothing that hangs outlives its run by long. */
  alarm((unsigned)(options.setup_s * (1 + options.storms) + options.duration_s + options.warmup_s + options.wait_s * 3) + 60);
}

static void prepare_connections(void) {
  bool publishes = options.mode == FANOUT;
  connection_count = options.connections + publishes;
  connections = calloc((size_t)connection_count, sizeof *connections);
  to_reopen = malloc(sizeof *to_reopen * (size_t)(2 * connection_count + 2));
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < connection_count; i++) {
    connections[i].fd = -1;
    connections[i].index = (u32)i;
  }
  if (publishes) {
    publisher = &connections[options.connections];
    publisher->is_publisher = true;
  }
}

static void connect_all(void) {
  u64 deadline = now_ns() + (u64)options.setup_s * SECOND;
  open_more();
  while (ready_count < connection_count) {
    poll_once(10000000);
    open_more();
    if (!atomic_load(&shared->failed) && now_ns() <= deadline) continue;
    fprintf(stderr, "wsload: %d of %d connections are ready\n", ready_count, connection_count);
    atomic_store(&shared->failed, 1);
    _exit(1);
  }
}

/* ------------------------------------------------------------------------ idle */
static void touch(void) {
  is_running = true;
  for (int round = 0; round < options.touches; round++) {
    u64 wanted = shared->messages;
    for (int i = 0; i < connection_count; i++) {
      if (connections[i].state != READY) continue;
      send_messages(&connections[i], 1, now_ns());
      wanted++;
      if (i % 64 == 63) poll_once(0);
    }
    u64 until = now_ns() + 20 * SECOND;
    while (shared->messages < wanted && now_ns() < until) poll_once(5000000);
    shared->unanswered += wanted - shared->messages;
  }
  atomic_store(&shared->touched, 1);
}

static void run_idle(void) {
  window_end = UINT64_MAX;
  while (atomic_load(&shared->phase) < 2) {
    if (atomic_load(&shared->phase) == 1 && !atomic_load(&shared->touched)) touch();
    poll_once(20000000);
  }
}

/* ------------------------------------------------------- echo, connect, fanout */
static void wait_for_start(void) {
  u64 start;
  while (!(start = atomic_load(&shared->start_ns))) {
    poll_once(1000000);
    if (atomic_load(&shared->failed)) _exit(1);
  }
  window_start = start + (u64)(options.warmup_s * 1e9);
  window_end = window_start + (u64)(options.duration_s * 1e9);
  while (now_ns() < start) poll_once(100000);
}

static void start_work(void) {
  is_running = true;
  shared->bytes = shared->order_errors = shared->errors = 0;
  last_progress = now_ns();
  for (int i = 0; i < connection_count; i++) {
    if (options.mode == CONNECT) open_connection(&connections[i]);
    if (options.mode == ECHO) send_messages(&connections[i], options.depth, now_ns());
  }
}

static void reopen(void) {
  int count = to_reopen_count;
  for (int i = 0; i < count; i++) open_connection(to_reopen[i]); /* a failure is put behind */
  to_reopen_count -= count;
  for (int i = 0; i < to_reopen_count; i++) to_reopen[i] = to_reopen[i + count];
}

static bool is_stuck(u64 now) {
  if (options.mode == CONNECT) return false;
  if (ready_count && now < last_progress + (u64)(STALL_S * 1e9)) return false;
  fprintf(stderr, "wsload: %s\n", ready_count ? "no reply for 8 s" : "every connection is lost");
  shared->errors++;
  return true;
}

static void run_traffic(void) {
  bool is_measuring = false;
  u64 now, cpu = own_cpu_ns();
  wait_for_start();
  start_work();
  while ((now = now_ns()) < window_end && !is_stuck(now)) {
    if (!is_measuring && now >= window_start) {
      is_measuring = true;
      cpu = own_cpu_ns();
      shared->bytes = shared->published = 0;
    }
    if (options.mode == FANOUT)
      while (publish_count - completed_count < (u64)options.in_flight) publish(now_ns());
    u64 wait = (is_measuring ? window_end : window_start) - now;
    poll_once(wait < 50000000 ? wait : 50000000);
    if (to_reopen_count) reopen();
  }
  shared->loader_cpu_ns = own_cpu_ns() - cpu;
  shared->incomplete = publish_count - completed_count;
}

void run_child(void) {
  prepare_process();
  prepare_connections();
  prepare_behaviour(connection_count);
  prepare_requests();
  if (options.mode != CONNECT) connect_all();
  atomic_store(&shared->ready, 1);
  if (options.mode == IDLE) run_idle();
  else if (options.mode == RESUME) run_storms();
  else run_traffic();
  is_running = false;
  for (int i = 0; i < connection_count; i++) close_connection(&connections[i], true);
  _exit(0);
}
