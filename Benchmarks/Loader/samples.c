/* What the kernel knows of the server. */
#include "loader.h"
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Seconds on a core so far, to the nanosecond; the times of /proc/PID/stat count in hundredths. */
static double thread_cpu_s(int pid, const char *thread) {
  char path[300];
  snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, thread);
  FILE *file = fopen(path, "r");
  u64 nanoseconds = 0;
  if (!file) return 0; /* the thread has ended */
  if (fscanf(file, "%" SCNu64, &nanoseconds) != 1) nanoseconds = 0;
  fclose(file);
  return (double)nanoseconds / 1e9;
}

double server_cpu_s(void) {
  double seconds = 0;
  for (int i = 0; i < options.pid_count; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", options.pids[i]);
    DIR *directory = opendir(path);
    if (!directory) continue; /* the process has ended */
    for (struct dirent *entry; (entry = readdir(directory));)
      if (entry->d_name[0] != '.') seconds += thread_cpu_s(options.pids[i], entry->d_name);
    closedir(directory);
  }
  return seconds;
}

Memory server_memory(void) {
  Memory memory = {0};
  for (int i = 0; i < options.pid_count; i++) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", options.pids[i]);
    FILE *file = fopen(path, "r");
    double kib;
    while (file && fgets(line, sizeof line, file)) {
      if (sscanf(line, "Rss: %lf", &kib) == 1) memory.rss_kib += kib;
      if (sscanf(line, "Pss: %lf", &kib) == 1) memory.pss_kib += kib;
      if (sscanf(line, "Private_Clean: %lf", &kib) == 1 || sscanf(line, "Private_Dirty: %lf", &kib) == 1) memory.private_kib += kib;
    }
    if (file) fclose(file);
  }
  return memory;
}

/* Idle, waiting for a disk, and stolen by the host are not busy. */
void core_ticks(int cpu, u64 *busy, u64 *all) {
  char line[512], tag[16];
  snprintf(tag, sizeof tag, "cpu%d ", cpu);
  *busy = *all = 0;
  FILE *file = fopen("/proc/stat", "r");
  while (file && fgets(line, sizeof line, file)) {
    if (strncmp(line, tag, strlen(tag))) continue;
    char *rest = line + strlen(tag);
    for (int i = 0; i < 8; i++) {
      u64 ticks = strtoull(rest, &rest, 10);
      *all += ticks;
      if (i != 3 && i != 4 && i != 7) *busy += ticks;
    }
  }
  if (file) fclose(file);
}

u64 counter_value(void) {
  static const _Atomic u64 *counter;
  if (!options.counter) return 0;
  if (!counter) {
    int file = open(options.counter, O_RDONLY | O_CLOEXEC);
    void *page = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *counter, PROT_READ, MAP_SHARED, file, 0);
    if (page == MAP_FAILED) die("--counter %s cannot be read", options.counter);
    counter = page;
    close(file);
  }
  return atomic_load(counter);
}

void sleep_until(u64 at_ns) {
  for (u64 now; (now = now_ns()) < at_ns;) {
    struct timespec rest = {(time_t)((at_ns - now) / 1000000000ull), (long)((at_ns - now) % 1000000000ull)};
    nanosleep(&rest, NULL);
  }
}
