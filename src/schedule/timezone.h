/* schedule/timezone.h -- time zones from the system's TZif files, without touching the process's
 * TZ.
 *
 * Source: RFC 9636 (TZif) and POSIX.1 TZ strings for the footer that holds from the last listed
 * change on. A zone is immutable and may be shared between threads. */
#ifndef TARN_SCHEDULE_TIMEZONE_H
#define TARN_SCHEDULE_TIMEZONE_H

#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

struct tarn_timezone;

/* "Europe/Berlin", "UTC". CONFIG when the system does not know the name. Lives in the arena. */
CHECKED enum tarn_status tarn_timezone_open(const char *name, struct tarn_arena *arena,
                                            const struct tarn_timezone **ret_zone,
                                            struct tarn_error *err);
/* The same from a TZif file's bytes. CORRUPT when they are none. */
CHECKED enum tarn_status tarn_timezone_from_bytes(struct tarn_text bytes, const char *name,
                                                  struct tarn_arena *arena,
                                                  const struct tarn_timezone **ret_zone,
                                                  struct tarn_error *err);

/* Seconds east of UTC at an instant (seconds since 1970). */
int64_t tarn_timezone_offset(const struct tarn_timezone *zone, int64_t instant_s);

/* The instant of a local time given as seconds since 1970-01-01 00:00 on the zone's clocks. A time
 * that is there twice: the first; one that is left out: the instant at which the clocks jump. */
int64_t tarn_timezone_instant(const struct tarn_timezone *zone, int64_t local_s);

/* For tests: a zone that is only a POSIX rule, e.g. "CET-1CEST,M3.5.0,M10.5.0/3". */
CHECKED enum tarn_status tarn_timezone_from_rule(const char *rule, struct tarn_arena *arena,
                                                 const struct tarn_timezone **ret_zone,
                                                 struct tarn_error *err);

#endif
