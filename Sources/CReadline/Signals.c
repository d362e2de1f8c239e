#include "CReadline.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static atomic_uint caught;
static atomic_int wakeup = -1;

int wsr_wakeup_create(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

void wsr_wakeup_signal(int descriptor) {
  uint64_t one = 1;
  /* Full is signalled already, so a refusal changes nothing. */
  ssize_t ignored = write(descriptor, &one, sizeof one);
  (void)ignored;
}

void wsr_wakeup_clear(int descriptor) {
  uint64_t count;
  ssize_t ignored = read(descriptor, &count, sizeof count);
  (void)ignored;
}

static unsigned bit(int signal) {
  switch (signal) {
  case SIGINT: return WSR_INTERRUPT;
  case SIGTERM: return WSR_TERMINATE;
  case SIGHUP: return WSR_HANGUP;
  case SIGWINCH: return WSR_RESIZE;
  case SIGTSTP: return WSR_SUSPEND;
  default: return WSR_CONTINUE;
  }
}

static void note(int signal) {
  int saved = errno;
  atomic_fetch_or(&caught, bit(signal));
  wsr_wakeup_signal(atomic_load(&wakeup));
  errno = saved;
}

void wsr_signals_install(int descriptor) {
  static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP, SIGCONT};
  atomic_store(&wakeup, descriptor);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
    struct sigaction old;
    /* What was ignored for us stays ignored: nohup, and background jobs of a shell without job control. */
    if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN) continue;
    sigaction(signals[i], &action, NULL);
  }
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, NULL);
}

uint32_t wsr_signals_take(void) { return atomic_exchange(&caught, 0); }
