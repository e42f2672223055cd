// What lwIP wants to know of the compiler and platform.
#pragma once
#include <assert.h>
#define LWIP_PLATFORM_DIAG(x)
#define LWIP_PLATFORM_ASSERT(x) do { assert(0); } while (0)
#define LWIP_NO_CTYPE_H 1
