// In place of the C library's: Debian's is built for one thread, and has one errno. What writes it here is asked for nothing
// but whether it failed.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

extern int errno;
#define errno errno

#ifdef __cplusplus
}
#endif
