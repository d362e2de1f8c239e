/* A log-linear histogram: 128 steps in each power of two, so values are right within 0.8 %. */
#include "loader.h"

static unsigned bucket_of(u64 value) {
  if (value < 128) return (unsigned)value;
  int exponent = 63 - __builtin_clzll(value);
  return ((unsigned)(exponent - 6) << 7) + (unsigned)((value >> (exponent - 7)) & 127);
}

static u64 middle_of(unsigned bucket) {
  if (bucket < 128) return bucket;
  int exponent = (int)(bucket >> 7) + 6;
  return ((u64)(128 + (bucket & 127)) << (exponent - 7)) + ((1ull << (exponent - 7)) >> 1);
}

void histogram_add(Histogram *histogram, u64 nanoseconds) {
  histogram->buckets[bucket_of(nanoseconds)]++;
  histogram->count++;
  if (nanoseconds > histogram->max) histogram->max = nanoseconds;
}

double histogram_percentile_us(const Histogram *histogram, double percent) {
  if (!histogram->count) return 0;
  u64 wanted = (u64)(percent / 100 * (double)histogram->count + 0.5), seen = 0;
  if (wanted < 1) wanted = 1;
  for (unsigned i = 0; i < BUCKETS; i++)
    if ((seen += histogram->buckets[i]) >= wanted) {
      u64 value = middle_of(i);
      return (double)(value > histogram->max ? histogram->max : value) / 1000;
    }
  return (double)histogram->max / 1000;
}
