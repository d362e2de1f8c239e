#ifndef REFERENCE_ZLIB_H
#define REFERENCE_ZLIB_H
#include <stddef.h>

/* Raw inflate, message by message, as zlib's manual shows it. */
typedef struct reference_inflater reference_inflater;

reference_inflater *reference_inflater_create(int window_bits);
void reference_inflater_destroy(reference_inflater *inflater);
/* Nothing that came before is referred to any more. */
void reference_inflater_forget(reference_inflater *inflater);

/* Appends at most `capacity` bytes to `output`. Returns how many the message holds, capacity + 1 if there are more, or
   -1 if it is no compressed message. `input` is given without the four bytes that every message lacks. */
long reference_inflate(
  reference_inflater *inflater, const unsigned char *input, size_t count, unsigned char *output, size_t capacity);
#endif
