#define _GNU_SOURCE
#include "CReadline.h"

#include <wchar.h>

int32_t wsr_column_width(uint32_t scalar) { return wcwidth((wchar_t)scalar); }
