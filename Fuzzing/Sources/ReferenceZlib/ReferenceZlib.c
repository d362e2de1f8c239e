#include "ReferenceZlib.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define WINDOW 32768

struct reference_inflater {
  z_stream stream;
  /* What was decompressed last, kept by hand: a final block ends zlib's stream, and the next one begins with it. */
  unsigned char history[WINDOW];
  size_t history_count;
  int window_bits;
};

reference_inflater *reference_inflater_create(int window_bits) {
  reference_inflater *inflater = calloc(1, sizeof *inflater);
  inflater->window_bits = window_bits;
  if (inflateInit2(&inflater->stream, -window_bits) != Z_OK) abort();
  return inflater;
}

void reference_inflater_destroy(reference_inflater *inflater) {
  inflateEnd(&inflater->stream);
  free(inflater);
}

void reference_inflater_forget(reference_inflater *inflater) {
  inflater->history_count = 0;
  inflateReset(&inflater->stream);
}

static void remember(reference_inflater *inflater, unsigned char byte) {
  if (inflater->history_count == WINDOW) {
    memmove(inflater->history, inflater->history + 1, WINDOW - 1);
    inflater->history_count--;
  }
  inflater->history[inflater->history_count++] = byte;
}

/* A new stream that may refer to what came before it. */
static void restart(reference_inflater *inflater) {
  size_t size = (size_t)1 << inflater->window_bits;
  size_t count = inflater->history_count < size ? inflater->history_count : size;
  inflateReset(&inflater->stream);
  if (count > 0) {
    inflateSetDictionary(&inflater->stream, inflater->history + inflater->history_count - count, (uInt)count);
  }
}

long reference_inflate(
  reference_inflater *inflater, const unsigned char *input, size_t count, unsigned char *output, size_t capacity) {
  unsigned char *all = malloc(count + 4);
  memcpy(all, input, count);
  memcpy(all + count, "\x00\x00\xff\xff", 4);
  z_stream *stream = &inflater->stream;
  stream->next_in = all;
  stream->avail_in = (uInt)(count + 4);
  long total = 0;
  for (;;) {
    /* A byte at a time: slow, and nothing can go wrong with it. */
    unsigned char byte;
    stream->next_out = &byte;
    stream->avail_out = 1;
    int status = inflate(stream, Z_SYNC_FLUSH);
    if (stream->avail_out == 0) {
      if ((size_t)total == capacity) {
        total = (long)capacity + 1;
        break;
      }
      output[total++] = byte;
      remember(inflater, byte);
    }
    if (status == Z_STREAM_END) {
      restart(inflater);
      if (stream->avail_in == 0) break;
    } else if (status == Z_OK || status == Z_BUF_ERROR) {
      if (stream->avail_in == 0 && stream->avail_out > 0) break;
    } else {
      total = -1;
      break;
    }
  }
  free(all);
  return total;
}
