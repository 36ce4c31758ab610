/* test/fuzz/timezone.c -- TZif files and POSIX rules; offsets of what is taken stay within a day.
 */
#include <assert.h>
#include <string.h>

#include "schedule/timezone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_up(const struct tarn_timezone *zone)
{
    for (int64_t instant = -4000000000; instant < 6000000000; instant += 99999999) {
        (void)tarn_timezone_offset(zone, instant);
        (void)tarn_timezone_instant(zone, instant);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_error err;
    const struct tarn_timezone *zone;
    struct tarn_text bytes = {(const char *)data, size};
    if (tarn_timezone_from_bytes(bytes, "fuzz", arena, &zone, &err) == TARN_OK)
        look_up(zone);
    char *rule = tarn_arena_strndup(arena, bytes.data, bytes.len);
    if (tarn_timezone_from_rule(rule, arena, &zone, &err) == TARN_OK)
        look_up(zone);
    return 0;
}
