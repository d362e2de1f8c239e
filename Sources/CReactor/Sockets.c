#define _GNU_SOURCE
#include "CReactor.h"

#include <pthread.h>

int reactor_accept(int descriptor) {
  int accepted;
  do {
    accepted = accept4(descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (accepted < 0 && errno == EINTR);
  return accepted < 0 ? -errno : accepted;
}

int reactor_set_integer(int descriptor, int level, int option, int value) {
  return setsockopt(descriptor, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

void reactor_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
