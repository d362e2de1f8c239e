#include "loader.h"
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Options options = {.connections = 100, .pad = -1, .depth = 1, .ramp = 128, .in_flight = 1, .settle_ms = 300, .setup_s = 60,
                   .duration_s = 3, .warmup_s = 1, .wait_s = 2, .storms = 1, .path = "/", .cpu = -1, .server_cpu = -1,
                   .sequence_base = 1};

static const char HELP[] =
    "wsload MODE --port P [options]      MODE: echo | connect | idle | fanout | resume\n"
    " to       127.0.0.1 --port P --path /x --header 'K: V' (repeatable) --srcs S (source addresses to rotate over)\n"
    " how much --conns N --size BYTES --binary --duration S --warmup S --ramp N (handshakes at once) --setup-timeout S\n"
    "          --settle MS (quiet before the start)\n"
    " measured --pid LIST (the server's processes) --server-cpu N --counter FILE (a number in shared memory that the\n"
    "          server counts up) --cpu N (where the loader runs)\n"
    " script   --hello MSG       sent by each connection after the upgrade; lines are steps\n"
    "          --hello-wait STR  a line for each step: wait for a frame that contains it\n"
    "          --send MSG        the message (default %t%p); --pad K: %p is K bytes, else fills up to --size\n"
    "          --auto IN=OUT     answer a frame that is IN with OUT (repeatable)\n"
    "          --ack MSG --ack-every K: sends MSG after K messages\n"
    "          %i connection, %t marker of 16 digits, %n number of the message from --seq-base (1), %a messages received\n"
    "          plus --ack-base (0), %p padding; escapes \\r \\t \\xHH\n"
    " echo     --depth D messages under way on each connection; --verify the payloads\n"
    " connect  --conns C at once, each closed and opened again\n"
    " idle     --wait S; --touch K echoes on each connection, then measured again\n"
    " fanout   --conns N subscribers and a publisher; --inflight W --pub-path --pub-hello --pub-hello-wait\n"
    " resume   --conns N sessions of wscore; --storms K times all of them lose their connection and come back\n"
    " --count-all  a frame may hold several messages: count each marker (echo, fanout)\n";

void die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("wsload: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

static _Noreturn void show_help(int status) {
  fputs(HELP, status ? stderr : stdout);
  exit(status);
}

enum { HEADER = 256, AUTO, PID, BINARY, VERIFY, COUNT_ALL, ASK_HELP, TEXT, WHOLE, LONG, REAL };

/* An option that is only stored. */
typedef struct {
  const char *name;
  int kind;
  void *target;
} Simple;

static const Simple SIMPLE[] = {
    {"port", WHOLE, &options.port}, {"conns", WHOLE, &options.connections}, {"size", WHOLE, &options.size},
    {"pad", WHOLE, &options.pad}, {"depth", WHOLE, &options.depth}, {"ramp", WHOLE, &options.ramp},
    {"inflight", WHOLE, &options.in_flight}, {"srcs", WHOLE, &options.sources}, {"touch", WHOLE, &options.touches},
    {"settle", WHOLE, &options.settle_ms}, {"setup-timeout", WHOLE, &options.setup_s}, {"storms", WHOLE, &options.storms},
    {"ack-every", WHOLE, &options.ack_every}, {"cpu", WHOLE, &options.cpu}, {"server-cpu", WHOLE, &options.server_cpu},
    {"seq-base", LONG, &options.sequence_base}, {"ack-base", LONG, &options.ack_base},
    {"duration", REAL, &options.duration_s}, {"warmup", REAL, &options.warmup_s}, {"wait", REAL, &options.wait_s},
    {"path", TEXT, &options.path}, {"hello", TEXT, &options.hello}, {"hello-wait", TEXT, &options.hello_wait},
    {"send", TEXT, &options.send}, {"ack", TEXT, &options.ack}, {"counter", TEXT, &options.counter},
    {"pub-path", TEXT, &options.publisher_path}, {"pub-hello", TEXT, &options.publisher_hello},
    {"pub-hello-wait", TEXT, &options.publisher_hello_wait}};
enum { SIMPLE_COUNT = sizeof SIMPLE / sizeof *SIMPLE };

static const struct option SPECIAL[] = {
    {"header", 1, 0, HEADER}, {"auto", 1, 0, AUTO}, {"pid", 1, 0, PID}, {"binary", 0, 0, BINARY},
    {"verify", 0, 0, VERIFY}, {"count-all", 0, 0, COUNT_ALL}, {"help", 0, 0, ASK_HELP}};
enum { SPECIAL_COUNT = sizeof SPECIAL / sizeof *SPECIAL };

static double number(const char *name, const char *text) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end) die("--%s wants a number and got \"%s\"", name, text);
  return value;
}

static void store(const Simple *option, const char *text) {
  switch (option->kind) {
    case TEXT: *(const char **)option->target = text; break;
    case WHOLE: *(int *)option->target = (int)number(option->name, text); break;
    case LONG: *(long *)option->target = (long)number(option->name, text); break;
    default: *(double *)option->target = number(option->name, text);
  }
}

static void add_pids(char *list) {
  for (char *pid = strtok(list, ","); pid; pid = strtok(NULL, ",")) {
    if (options.pid_count == MAX_PIDS) die("at most %d processes in --pid", MAX_PIDS);
    options.pids[options.pid_count++] = (int)number("pid", pid);
  }
}

static void add_special(int option, char *text) {
  switch (option) {
    case HEADER:
      if (options.header_count == MAX_HEADERS) die("at most %d times --header", MAX_HEADERS);
      options.headers[options.header_count++] = text;
      break;
    case AUTO:
      if (options.auto_count == MAX_AUTOS) die("at most %d times --auto", MAX_AUTOS);
      options.autos[options.auto_count++] = text;
      break;
    case PID: add_pids(text); break;
    case BINARY: options.binary = true; break;
    case VERIFY: options.verify = true; break;
    case COUNT_ALL: options.counts_all = true; break;
    case ASK_HELP: show_help(0);
    default: show_help(2);
  }
}

static void set_mode(const char *name) {
  static const char *const NAMES[] = {"echo", "connect", "idle", "fanout", "resume"};
  for (int i = 0; i < 5; i++)
    if (!strcmp(name, NAMES[i])) {
      options.mode = (Mode)i;
      options.mode_name = NAMES[i];
      return;
    }
  die("no mode \"%s\": it is echo, connect, idle, fanout or resume", name);
}

static void check(void) {
  if (options.port <= 0 || options.port > 65535) die("--port is missing");
  if (options.connections < 1 || options.depth < 1 || options.ramp < 1) die("--conns, --depth and --ramp are at least 1");
  if (options.duration_s > 600 || options.warmup_s > 120 || options.wait_s > 300) die("that takes too long");
  if (options.in_flight < 1 || options.in_flight > RING / 2) die("--inflight is from 1 to %d", RING / 2);
  if (!!options.ack != (options.ack_every > 0)) die("--ack and --ack-every go together");
  if (options.sources) return;
  bool reopens = options.mode == CONNECT || options.mode == RESUME;
  options.sources = reopens ? 200 : 1 + options.connections / 20000;
}

void parse_options(int argc, char **argv) {
  struct option all[SIMPLE_COUNT + SPECIAL_COUNT + 1] = {0};
  for (int i = 0; i < SIMPLE_COUNT; i++) all[i] = (struct option){SIMPLE[i].name, 1, 0, i};
  memcpy(all + SIMPLE_COUNT, SPECIAL, sizeof SPECIAL);
  for (int option; (option = getopt_long(argc, argv, "", all, NULL)) != -1;)
    if (option < SIMPLE_COUNT) store(&SIMPLE[option], optarg);
    else add_special(option, optarg);
  if (optind != argc - 1) show_help(2);
  set_mode(argv[optind]);
  check();
}
