/* wsload: a small, fast WebSocket load generator for Linux; libc only. Benchmarks/README.md says what it measures.
 *
 * One epoll loop in a child process, which is measured; the parent samples the server and prints one line of JSON.
 *
 * What keeps it honest:
 *  - A reply is matched by a marker of 16 digits (%t) with the number of the message on its connection; a wrong number is
 *    counted in order_errors, and --verify compares whole payloads.
 *  - A latency begins when the message was handed to send() and ends when recv() returned its last byte.
 *  - The server's CPU time is that of all its threads, over the measured window only.
 *  - Frames are built before the run, so the mask key does not change; it is not zero, so servers do unmask.
 */
#ifndef LOADER_H
#define LOADER_H
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint8_t u8;

/* ---------------------------------------------------------------- options.c */
typedef enum { ECHO, CONNECT, IDLE, FANOUT, RESUME } Mode;
enum { MAX_STEPS = 16, MAX_PIDS = 16, MAX_HEADERS = 16, MAX_AUTOS = 8 };

typedef struct {
  Mode mode;
  const char *mode_name;
  int port, connections, size, pad, depth, ramp, in_flight, sources, touches, settle_ms, setup_s, ack_every, storms;
  long sequence_base, ack_base;
  double duration_s, warmup_s, wait_s;
  bool binary, verify, counts_all;
  const char *path, *hello, *hello_wait, *publisher_path, *publisher_hello, *publisher_hello_wait, *send, *ack, *counter;
  const char *headers[MAX_HEADERS];
  int header_count;
  const char *autos[MAX_AUTOS];
  int auto_count;
  int pids[MAX_PIDS], pid_count;
  int cpu, server_cpu;
} Options;
extern Options options;

void parse_options(int argc, char **argv);
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* -------------------------------------------------------------- histogram.c */
enum { BUCKETS = 8192 };
typedef struct {
  u64 count, max, buckets[BUCKETS];
} Histogram;
void histogram_add(Histogram *histogram, u64 nanoseconds);
double histogram_percentile_us(const Histogram *histogram, double percent);

/* ------------------------------------------- what child and parent share */
enum { RING = 65536 /* published messages that are followed at once */ };
typedef struct {
  _Atomic int ready, touched, phase, failed;
  _Atomic u64 start_ns;
  /* `last`: to the last subscriber (fanout), or since the whole storm began (resume) */
  Histogram latency, last;
  u64 messages, bytes, errors, order_errors, lost, unanswered, published, incomplete;
  u64 loader_cpu_ns;
  double storm_server_cpu_s, storm_wall_s; /* resume: sums over the storms */
} Shared;
extern Shared *shared;

/* --------------------------------------------------------------- template.c */
enum { MARKER = 16, COUNT_WIDTH = 12, MAX_SLOTS = 4 };
typedef struct {
  u8 *bytes;
  size_t count;
} Text;
/* A masked frame, and where its payload holds what changes from message to message. */
typedef struct {
  u8 *bytes;
  u32 count, payload_count, header_count;
  u32 markers[MAX_SLOTS], numbers[MAX_SLOTS], acks[MAX_SLOTS];
  int marker_count, number_count, ack_count;
} Frame;
typedef struct {
  int step_count;
  Text message[MAX_STEPS], wait[MAX_STEPS];
} Script;

Text unescaped(const char *text);
void parse_script(Script *script, const char *hello, const char *wait);
Frame build_frame(Text template, u32 index, int size, int pad);
size_t put_header(u8 *header, u8 opcode, size_t length);
void mask(u8 *target, const u8 *source, size_t count);
void patch(const Frame *frame, u8 *at, u64 marker, u64 number, u64 ack);
u8 *find_marker(u8 *bytes, size_t count, u64 *number);
bool is_payload(const Frame *frame, u64 marker, const u8 *bytes, size_t count);

/* ------------------------------------------------------------- connection.c */
typedef enum { UNUSED, CONNECTING, UPGRADING, GREETING, READY, CLOSING, DEAD } State;
typedef struct {
  int fd;
  u32 index;
  State state;
  bool is_publisher, wants_out;
  int step; /* of the script */
  /* the frame that is being read */
  bool in_payload, is_final;
  u8 opcode, message_opcode, header_count, control_count, header[14], control[126];
  u64 rest, message_count;
  u8 *kept;
  u32 kept_count, kept_capacity;
  /* what the kernel did not take yet */
  u8 *out;
  u32 out_offset, out_count, out_capacity;
  u64 sent, received, opened_ns, got, acked;
  u64 *sent_at; /* ring */
  Frame own;    /* where the message depends on the connection */
  char *resume; /* the member "resume" of the next hello */
} Connection;

extern Connection *connections;
extern int connection_count, epoll_fd, ready_count, opening_count, next_to_open;
extern Connection **to_reopen;
extern int to_reopen_count;
extern u32 keep_max;

u64 now_ns(void);
void open_connection(Connection *c);
void open_more(void);
void close_connection(Connection *c, bool resets);
void connection_died(Connection *c, bool is_error);
void transmit(Connection *c, const u8 *bytes, size_t count);
void flush_output(Connection *c);
void want_output(Connection *c, bool wants);
void transmit_frame(Connection *c, u8 opcode, const u8 *payload, size_t count);
void transmit_request(Connection *c);

/* ----------------------------------------------------------------- parser.c */
void prepare_requests(void);
const Text *request_of(const Connection *c);
void read_connection(Connection *c, u32 events);

/* -------------------------------------------------------------- behaviour.c */
extern bool is_running;
extern u64 window_start, window_end, last_progress, publish_count, completed_count;
extern Connection *publisher;
void prepare_behaviour(int count);
void greet(Connection *c);
void on_message(Connection *c, u8 *bytes, size_t count, u64 total, u64 at);
void send_messages(Connection *c, int count, u64 at);
void publish(u64 at);
int poll_once(u64 timeout_ns);
u8 text_opcode(void);

/* ----------------------------------------------------------------- resume.c */
void greet_with_session(Connection *c);
void on_greeting_message(Connection *c, u8 *bytes, size_t count);
void run_storms(void);

/* -------------------------------------------------------------------- run.c */
_Noreturn void run_child(void);

/* ---------------------------------------------------------------- samples.c */
typedef struct {
  double rss_kib, pss_kib, private_kib;
} Memory;
double server_cpu_s(void);
Memory server_memory(void);
void core_ticks(int cpu, u64 *busy, u64 *all);
u64 counter_value(void); /* of --counter */
void sleep_until(u64 at_ns);

#endif
