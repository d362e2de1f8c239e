/* Messages from templates: frames that are built once and patched for each message. */
#include "loader.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const u8 KEY[4] = {0x37, 0xfa, 0x21, 0x3d};
/* A marker is six fixed digits and a number of ten: text, and a JSON number below 2^53 too. */
static const char PREFIX[] = "900000";
enum { PREFIX_COUNT = 6 };

void mask(u8 *target, const u8 *source, size_t count) {
  for (size_t i = 0; i < count; i++) target[i] = source[i] ^ KEY[i & 3];
}

static void write_marker(char *target, u64 number) {
  memcpy(target, PREFIX, PREFIX_COUNT);
  for (int i = MARKER - 1; i >= PREFIX_COUNT; i--, number /= 10) target[i] = (char)('0' + number % 10);
}

static u8 escaped_byte(const char **text) {
  char c = *++*text;
  switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'x':
      if ((*text)[1] && (*text)[2]) {
        char hex[3] = {(*text)[1], (*text)[2], 0};
        *text += 2;
        return (u8)strtol(hex, NULL, 16);
      }
      return 'x';
    default: return (u8)c;
  }
}

Text unescaped(const char *text) {
  Text result = {malloc(strlen(text) + 1), 0};
  for (; *text; text++) result.bytes[result.count++] = *text == '\\' && text[1] ? escaped_byte(&text) : (u8)*text;
  return result;
}

/* Lines of `text`, each a step. */
static void split_steps(Text *steps, int *count, const char *text) {
  for (*count = 0; text; (*count)++) {
    if (*count == MAX_STEPS) die("a script has at most %d steps", MAX_STEPS);
    const char *end = strchr(text, '\n');
    char *line = end ? strndup(text, (size_t)(end - text)) : strdup(text);
    steps[*count] = unescaped(line);
    free(line);
    text = end ? end + 1 : NULL;
  }
}

void parse_script(Script *script, const char *hello, const char *wait) {
  int messages, waits;
  memset(script, 0, sizeof *script);
  split_steps(script->message, &messages, hello && *hello ? hello : NULL);
  split_steps(script->wait, &waits, wait && *wait ? wait : NULL);
  script->step_count = messages > waits ? messages : waits;
}

size_t put_header(u8 *header, u8 opcode, size_t length) {
  size_t n = 0;
  header[n++] = 0x80 | opcode;
  int length_bytes = length < 126 ? 0 : length < 65536 ? 2 : 8;
  header[n++] = 0x80 | (length_bytes == 0 ? (u8)length : length_bytes == 2 ? 126 : 127);
  for (int i = length_bytes - 1; i >= 0; i--) header[n++] = (u8)((u64)length >> (8 * i));
  memcpy(header + n, KEY, 4);
  return n + 4;
}

static void add_slot(u32 *slots, int *count, size_t offset, char name) {
  if (*count == MAX_SLOTS) die("at most %d times %%%c in a template", MAX_SLOTS, name);
  slots[(*count)++] = (u32)offset;
}

static void shift_slots(u32 *slots, int count, size_t from, size_t by) {
  for (int i = 0; i < count; i++)
    if (slots[i] >= from) slots[i] += (u32)by;
}

/* Writes the payload without its padding; `padding` becomes the place for that. */
static size_t expand(Text template, u32 index, Frame *frame, u8 *payload, size_t *padding) {
  size_t n = 0;
  for (size_t i = 0; i < template.count; i++) {
    if (template.bytes[i] != '%' || i + 1 == template.count) {
      payload[n++] = template.bytes[i];
      continue;
    }
    u8 name = template.bytes[++i];
    switch (name) {
      case 'i': n += (size_t)sprintf((char *)payload + n, "%u", index); break;
      case 't':
        add_slot(frame->markers, &frame->marker_count, n, 't');
        write_marker((char *)payload + n, 0);
        n += MARKER;
        break;
      case 'n':
      case 'a':
        if (name == 'n') add_slot(frame->numbers, &frame->number_count, n, 'n');
        else add_slot(frame->acks, &frame->ack_count, n, 'a');
        memset(payload + n, '0', COUNT_WIDTH);
        n += COUNT_WIDTH;
        break;
      case 'p': *padding = n; break;
      case '%': payload[n++] = '%'; break;
      default: payload[n++] = '%', payload[n++] = name;
    }
  }
  return n;
}

/* %i the connection's index, %t marker, %n number of the message, %a messages received, %p padding: `pad` bytes, or as
 * many as make the message `size` bytes long. */
Frame build_frame(Text template, u32 index, int size, int pad) {
  size_t capacity = template.count * 12 + 64 + (size_t)(size > 0 ? size : 0) + (size_t)(pad > 0 ? pad : 0);
  u8 *payload = malloc(capacity);
  Frame frame = {0};
  size_t padding = (size_t)-1, n = expand(template, index, &frame, payload, &padding);
  long wanted = pad >= 0 ? pad : (long)size - (long)n;
  if (padding != (size_t)-1 && wanted > 0) {
    memmove(payload + padding + wanted, payload + padding, n - padding);
    memset(payload + padding, 'x', (size_t)wanted);
    n += (size_t)wanted;
    shift_slots(frame.markers, frame.marker_count, padding, (size_t)wanted);
    shift_slots(frame.numbers, frame.number_count, padding, (size_t)wanted);
    shift_slots(frame.acks, frame.ack_count, padding, (size_t)wanted);
  }
  frame.bytes = malloc(n + 14);
  frame.header_count = (u32)put_header(frame.bytes, text_opcode(), n);
  mask(frame.bytes + frame.header_count, payload, n);
  frame.payload_count = (u32)n;
  frame.count = frame.header_count + (u32)n;
  free(payload);
  return frame;
}

static void put_masked(const Frame *frame, u8 *at, u32 offset, const char *text, u32 count) {
  u8 *target = at + frame->header_count + offset;
  for (u32 i = 0; i < count; i++) target[i] = (u8)text[i] ^ KEY[(offset + i) & 3];
}

/* A JSON number with blanks in front, so that its width does not change. */
static void put_counts(const Frame *frame, u8 *at, const u32 *slots, int count, u64 value) {
  if (!count) return;
  char digits[COUNT_WIDTH];
  for (int i = COUNT_WIDTH - 1; i >= 0; i--, value /= 10)
    digits[i] = value || i == COUNT_WIDTH - 1 ? (char)('0' + value % 10) : ' ';
  for (int i = 0; i < count; i++) put_masked(frame, at, slots[i], digits, COUNT_WIDTH);
}

void patch(const Frame *frame, u8 *at, u64 marker, u64 number, u64 ack) {
  put_counts(frame, at, frame->numbers, frame->number_count, number + (u64)options.sequence_base);
  put_counts(frame, at, frame->acks, frame->ack_count, ack + (u64)options.ack_base);
  if (!frame->marker_count) return;
  char digits[MARKER];
  write_marker(digits, marker);
  for (int i = 0; i < frame->marker_count; i++) put_masked(frame, at, frame->markers[i], digits, MARKER);
}

u8 *find_marker(u8 *bytes, size_t count, u64 *number) {
  u8 *end = bytes + count;
  while (end - bytes >= MARKER) {
    u8 *found = memchr(bytes, PREFIX[0], (size_t)(end - bytes) - MARKER + 1);
    if (!found) return NULL;
    bytes = found + 1;
    if (memcmp(found, PREFIX, PREFIX_COUNT)) continue;
    u64 value = 0;
    int i = PREFIX_COUNT;
    for (; i < MARKER && found[i] >= '0' && found[i] <= '9'; i++) value = value * 10 + (u64)(found[i] - '0');
    if (i < MARKER) continue;
    *number = value;
    return found;
  }
  return NULL;
}

bool is_payload(const Frame *frame, u64 marker, const u8 *bytes, size_t count) {
  if (count != frame->payload_count) return false;
  char digits[MARKER];
  write_marker(digits, marker);
  for (u32 i = 0; i < frame->payload_count; i++) {
    u8 wanted = frame->bytes[frame->header_count + i] ^ KEY[i & 3];
    for (int k = 0; k < frame->marker_count; k++)
      if (i >= frame->markers[k] && i < frame->markers[k] + MARKER) wanted = (u8)digits[i - frame->markers[k]];
    if (bytes[i] != wanted) return false;
  }
  return true;
}
