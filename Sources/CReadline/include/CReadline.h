/* The terminal's side of `wscore client`: GNU readline's callback interface, signals and a wake-up descriptor.
   Swift refuses readline's globals, so they are touched here only. One thread uses the editor's functions;
   `wsr_wakeup_signal` may be called from any. */
#ifndef WSCORE_CREADLINE_H
#define WSCORE_CREADLINE_H

#include <stdbool.h>
#include <stdint.h>

/* wcwidth(3), which Swift's Glibc leaves out: -1 for what the locale cannot print. */
int32_t wsr_column_width(uint32_t scalar);

/* Signals that were caught, one bit each. */
enum {
  WSR_INTERRUPT = 1u << 0, /* SIGINT */
  WSR_TERMINATE = 1u << 1, /* SIGTERM */
  WSR_HANGUP = 1u << 2,    /* SIGHUP */
  WSR_RESIZE = 1u << 3,    /* SIGWINCH */
  WSR_SUSPEND = 1u << 4,   /* SIGTSTP */
  WSR_CONTINUE = 1u << 5,  /* SIGCONT */
};

/* An eventfd that does not block; -1 and errno on failure. */
int wsr_wakeup_create(void);
void wsr_wakeup_signal(int descriptor);
void wsr_wakeup_clear(int descriptor);

/* Catches the signals above; each sets its bit and signals `descriptor`. SIGPIPE is ignored. */
void wsr_signals_install(int descriptor);
/* The bits since the last call. */
uint32_t wsr_signals_take(void);

/* What a key did. */
enum { WSR_NOTHING, WSR_LINE, WSR_END };

/* Asked for candidates of the word line[start..<end]: answers with wsr_add_candidate before it returns. */
typedef void (*wsr_completer)(void *context, const char *line, int32_t start, int32_t end);

/* Both standard streams must be terminals. The terminal's settings are kept and come back even after a crash. */
void wsr_editor_start(wsr_completer completer, void *context);
/* Restores the terminal. May be called twice. */
void wsr_editor_stop(void);
void wsr_add_candidate(const char *text);
/* Whether the line goes on with JSON that one before it opened. */
void wsr_editor_continues(bool json);
/* What follows a completed word; 0 for nothing. Holds for the completion under way. */
void wsr_set_completion_suffix(char suffix);

/* Shows the prompt and what is being edited. Invisible parts stand between \001 and \002. False if the prompt was left
   as it is: while a search or an argument is being typed it belongs to readline. */
bool wsr_editor_show(const char *prompt);
/* Whether a search or an argument is being typed. */
bool wsr_editor_is_searching(void);
/* Takes prompt and line off the screen, so that other output can be written. */
void wsr_editor_hide(void);
/* Takes what the keyboard has: WSR_LINE when a line is complete; then the editor is hidden. */
int32_t wsr_editor_read(void);
/* The completed line, to be given to free(). */
char *wsr_editor_take_line(void);
/* Ctrl-C: gives the line up. True if there was anything on it. */
bool wsr_editor_cancel_line(void);
void wsr_editor_resize(void);
/* Ctrl-Z: hides the line, gives the terminal back and stops the process. Continued, it is told so by SIGCONT. */
void wsr_editor_suspend(void);
/* Takes the terminal again after SIGCONT; nothing is shown then. */
void wsr_editor_resume(void);

/* Reads the history of `path` and keeps it at `entries` at most. */
void wsr_history_open(const char *path, int32_t entries);
/* Adds an entry, which may have several lines, and appends it to the file of wsr_history_open. */
void wsr_history_add(const char *entry);
/* The entry `back` places from the newest (0), or NULL; not to be freed. */
const char *wsr_history_entry(int32_t back);

#endif
