/* The parent: it starts the child, samples the server when the measured window begins and ends, and reports. */
#include "loader.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

Shared *shared;

static const u64 SECOND = 1000000000ull;

/* The server at one moment. */
typedef struct {
  u64 at, core_busy, core_all, counter;
  double cpu_s;
} Sample;

static Sample sample(void) {
  Sample now = {.at = now_ns(), .cpu_s = server_cpu_s(), .counter = counter_value()};
  if (options.server_cpu >= 0) core_ticks(options.server_cpu, &now.core_busy, &now.core_all);
  return now;
}

static bool wait_until_ready(void) {
  u64 limit = now_ns() + (u64)(options.setup_s + 5) * SECOND;
  while (!atomic_load(&shared->ready)) {
    if (atomic_load(&shared->failed) || now_ns() > limit) {
      atomic_store(&shared->failed, 1);
      return false;
    }
    usleep(2000);
  }
  return true;
}

static void measure_traffic(Sample *first, Sample *last) {
  usleep((useconds_t)options.settle_ms * 1000);
  u64 start = now_ns() + 20000000;
  atomic_store(&shared->start_ns, start);
  sleep_until(start + (u64)(options.warmup_s * 1e9));
  *first = sample();
  sleep_until(start + (u64)((options.warmup_s + options.duration_s) * 1e9));
  *last = sample();
}

static void print_memory(const char *prefix, Memory before, Memory after) {
  double each = 1024.0 / options.connections;
  printf(",\"%srss_per_conn\":%.0f,\"%spss_per_conn\":%.0f,\"%suss_per_conn\":%.0f", prefix, (after.rss_kib - before.rss_kib) * each,
         prefix, (after.pss_kib - before.pss_kib) * each, prefix, (after.private_kib - before.private_kib) * each);
}

static void measure_idle(Memory before) {
  usleep((useconds_t)options.settle_ms * 1000);
  Sample first = sample();
  sleep_until(first.at + (u64)(options.wait_s * 1e9));
  Sample last = sample();
  printf(",\"rss_start_kib\":%.0f,\"idle_cpu_pct\":%.2f", before.rss_kib,
         (last.cpu_s - first.cpu_s) / ((double)(last.at - first.at) / 1e9) * 100);
  print_memory("", before, server_memory());
  if (options.touches) {
    atomic_store(&shared->phase, 1);
    u64 limit = now_ns() + 60 * SECOND;
    while (!atomic_load(&shared->touched) && now_ns() < limit) usleep(5000);
    sleep_until(now_ns() + (u64)(options.wait_s * 1e9));
    print_memory("touched_", before, server_memory());
  }
  atomic_store(&shared->phase, 2);
}

static void print_latency(void) {
  static const double PERCENTS[] = {50, 90, 99, 99.9};
  static const char *const NAMES[] = {"p50", "p90", "p99", "p999"};
  for (int i = 0; i < 4; i++) printf(",\"%s_us\":%.1f", NAMES[i], histogram_percentile_us(&shared->latency, PERCENTS[i]));
  printf(",\"max_us\":%.1f", (double)shared->latency.max / 1e3);
}

static void print_traffic(Sample first, Sample last) {
  double wall = (double)(last.at - first.at) / 1e9, cpu = last.cpu_s - first.cpu_s, messages = (double)shared->messages;
  printf(",\"messages\":%" PRIu64 ",\"per_s\":%.1f,\"mb_per_s\":%.1f", shared->messages, messages / options.duration_s,
         (double)shared->bytes / options.duration_s / 1e6);
  if (options.mode == FANOUT)
    printf(",\"published\":%" PRIu64 ",\"last_p50_us\":%.1f,\"last_p99_us\":%.1f,\"incomplete\":%" PRIu64, shared->published,
           histogram_percentile_us(&shared->last, 50), histogram_percentile_us(&shared->last, 99), shared->incomplete);
  printf(",\"loader_cpu_pct\":%.1f", (double)shared->loader_cpu_ns / 1e9 / options.duration_s * 100);
  if (options.pid_count)
    printf(",\"server_cpu_pct\":%.1f,\"per_cpu_s\":%.1f", cpu / wall * 100, cpu > 0 ? messages / (cpu / wall * options.duration_s) : 0);
  if (options.counter) printf(",\"counted_per_message\":%.4f", messages > 0 ? (double)(last.counter - first.counter) / messages : 0);
  if (last.core_all > first.core_all)
    printf(",\"server_core_busy_pct\":%.1f", 100.0 * (double)(last.core_busy - first.core_busy) / (double)(last.core_all - first.core_all));
}

static void print_storms(void) {
  double messages = (double)shared->messages;
  printf(",\"messages\":%" PRIu64 ",\"per_s\":%.1f,\"per_cpu_s\":%.1f,\"last_p50_us\":%.1f,\"last_p99_us\":%.1f", shared->messages,
         shared->storm_wall_s > 0 ? messages / shared->storm_wall_s : 0,
         shared->storm_server_cpu_s > 0 ? messages / shared->storm_server_cpu_s : 0, histogram_percentile_us(&shared->last, 50),
         histogram_percentile_us(&shared->last, 99));
}

int main(int argc, char **argv) {
  parse_options(argc, argv);
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  if (!getrlimit(RLIMIT_NOFILE, &files)) files.rlim_cur = files.rlim_max, setrlimit(RLIMIT_NOFILE, &files);
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) die("no memory");
  Memory before = server_memory();
  pid_t child = fork();
  if (child < 0) die("fork failed");
  if (!child) run_child();

  u64 begin = now_ns();
  bool is_ready = wait_until_ready();
  Sample first = {0}, last = {0};
  printf("{\"mode\":\"%s\",\"conns\":%d,\"depth\":%d,\"setup_s\":%.3f", options.mode_name, options.connections,
         options.mode == FANOUT ? options.in_flight : options.depth, (double)(now_ns() - begin) / 1e9);
  if (is_ready && options.mode == IDLE) measure_idle(before);
  else if (is_ready && options.mode != RESUME) measure_traffic(&first, &last);
  int status = 0;
  waitpid(child, &status, 0);
  bool ok = is_ready && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (options.mode == RESUME) print_storms();
  else if (ok && options.mode != IDLE) print_traffic(first, last);
  print_latency();
  printf(",\"ok\":%s,\"errors\":%" PRIu64 ",\"order_errors\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"unanswered\":%" PRIu64 "}\n",
         ok ? "true" : "false", shared->errors, shared->order_errors, shared->lost, shared->unanswered);
  return ok ? 0 : 1;
}
