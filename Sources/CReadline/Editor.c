#include "CReadline.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

static bool started;
static bool shown;
static char *taken;
static int32_t outcome;

/* -- The terminal after a crash ------------------------------------------------------------------------------- */

static struct termios original;
static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};
enum { CRASHES = sizeof crashes / sizeof *crashes };
static struct sigaction before[CRASHES];

/* Only functions that are safe in a signal handler. The signal comes again with the handler that was there before. */
static void crashed(int signal) {
  static const char paste_off[] = "\033[?2004l\n";
  tcsetattr(STDIN_FILENO, TCSANOW, &original);
  ssize_t ignored = write(STDOUT_FILENO, paste_off, sizeof paste_off - 1);
  (void)ignored;
  for (unsigned i = 0; i < CRASHES; i++) sigaction(crashes[i], &before[i], NULL);
  raise(signal);
}

static void guard_terminal(void) {
  if (tcgetattr(STDIN_FILENO, &original) != 0) return;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = crashed;
  action.sa_flags = SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (unsigned i = 0; i < CRASHES; i++) sigaction(crashes[i], &action, &before[i]);
}

static void unguard_terminal(void) {
  for (unsigned i = 0; i < CRASHES; i++) sigaction(crashes[i], &before[i], NULL);
}

/* -- Completion ----------------------------------------------------------------------------------------------- */

enum { MAX_CANDIDATES = 1000 };
static wsr_completer completer;
static void *completer_context;
static char *candidates[MAX_CANDIDATES];
static int candidate_count;
static int candidate_next;

void wsr_add_candidate(const char *text) {
  if (candidate_count == MAX_CANDIDATES) return;
  char *copy = strdup(text);
  if (copy != NULL) candidates[candidate_count++] = copy;
}

void wsr_set_completion_suffix(char suffix) {
  rl_completion_append_character = suffix;
  rl_completion_suppress_append = suffix == 0;
}

/* Readline frees what it is given, and asks until there is no more. */
static char *next_candidate(const char *text, int state) {
  (void)text;
  if (state == 0) candidate_next = 0;
  return candidate_next < candidate_count ? candidates[candidate_next++] : NULL;
}

static bool continues;

void wsr_editor_continues(bool json) { continues = json; }

/* In JSON a word is a key or a value. Elsewhere it ends at white space: a room may be called chat:lobby. */
static char *word_breaks(void) {
  static char spaces[] = " \t\n", json[] = " \t\n{}[],:=";
  int depth = continues;
  bool in_string = false;
  for (int at = 0; at < rl_point; at++) {
    char byte = rl_line_buffer[at];
    if (in_string && byte == '\\') at++;
    else if (byte == '"') in_string = !in_string;
    else if (!in_string && (byte == '{' || byte == '[')) depth++;
    else if (!in_string && (byte == '}' || byte == ']')) depth--;
  }
  return depth > 0 ? json : spaces;
}

static char **complete(const char *text, int start, int end) {
  rl_attempted_completion_over = 1;
  candidate_count = 0;
  wsr_set_completion_suffix(' ');
  completer(completer_context, rl_line_buffer, start, end);
  return rl_completion_matches(text, next_candidate);
}

/* -- The edited line ------------------------------------------------------------------------------------------ */

static void take(char *line) {
  shown = false;
  if (line == NULL) {
    outcome = WSR_END;
    return;
  }
  free(taken);
  taken = line;
  outcome = WSR_LINE;
  /* The next line begins without a prompt: the command that was given comes first. */
  rl_set_prompt("");
}

void wsr_editor_start(wsr_completer with, void *context) {
  completer = with;
  completer_context = context;
  rl_readline_name = "wscore";
  rl_catch_signals = 0;
  rl_catch_sigwinch = 0;
  rl_attempted_completion_function = complete;
  rl_completion_word_break_hook = word_breaks;
  rl_completion_query_items = 200;
  rl_instream = stdin;
  rl_outstream = stdout;
  guard_terminal();
  rl_callback_handler_install("", take);
  started = true;
  shown = false;
}

void wsr_editor_stop(void) {
  if (!started) return;
  started = false;
  shown = false;
  rl_callback_handler_remove();
  fflush(stdout);
  unguard_terminal();
}

bool wsr_editor_is_searching(void) {
  return RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_NUMERICARG | RL_STATE_COMPLETING |
                    RL_STATE_METANEXT | RL_STATE_MULTIKEY | RL_STATE_CHARSEARCH | RL_STATE_VIMOTION);
}

bool wsr_editor_show(const char *prompt) {
  bool changes = !wsr_editor_is_searching();
  if (!started || shown) return false;
  shown = true;
  if (changes) rl_set_prompt(prompt);
  rl_on_new_line();
  rl_redisplay();
  return changes;
}

void wsr_editor_hide(void) {
  if (!started || !shown) return;
  shown = false;
  rl_clear_visible_line();
  fflush(stdout);
}

int32_t wsr_editor_read(void) {
  outcome = WSR_NOTHING;
  if (started) rl_callback_read_char();
  return outcome;
}

char *wsr_editor_take_line(void) {
  char *line = taken;
  taken = NULL;
  return line;
}

bool wsr_editor_cancel_line(void) {
  if (!started) return false;
  rl_callback_sigcleanup();
  bool was_empty = rl_end == 0;
  if (shown) {
    rl_point = rl_end;
    rl_redisplay();
    fputs("^C\n", stdout);
    fflush(stdout);
    shown = false;
  }
  rl_free_line_state();
  rl_replace_line("", 1);
  using_history();
  return !was_empty;
}

void wsr_editor_resize(void) {
  if (started) rl_resize_terminal();
}

void wsr_editor_suspend(void) {
  wsr_editor_hide();
  if (started) (*rl_deprep_term_function)();
  fflush(stdout);
  struct sigaction stop, ours;
  memset(&stop, 0, sizeof stop);
  stop.sa_handler = SIG_DFL;
  sigemptyset(&stop.sa_mask);
  sigaction(SIGTSTP, &stop, &ours);
  kill(getpid(), SIGTSTP);
  sigaction(SIGTSTP, &ours, NULL);
}

void wsr_editor_resume(void) {
  if (!started) return;
  shown = false;
  fputc('\r', stdout);
  fflush(stdout);
  (*rl_prep_term_function)(1);
}

/* -- History -------------------------------------------------------------------------------------------------- */

static char *history_path;

void wsr_history_open(const char *path, int32_t entries) {
  free(history_path);
  history_path = strdup(path);
  /* With times between the entries an entry of several lines is read back as one. */
  history_comment_char = '#';
  history_write_timestamps = 1;
  using_history();
  stifle_history(entries);
  history_truncate_file(path, entries);
  read_history(path);
}

void wsr_history_add(const char *entry) {
  add_history(entry);
  /* The next line was begun before the entry came: its search must begin behind it. */
  using_history();
  if (history_path != NULL) append_history(1, history_path);
}

const char *wsr_history_entry(int32_t back) {
  HIST_ENTRY *entry = history_get(history_base + history_length - 1 - back);
  return entry == NULL ? NULL : entry->line;
}
