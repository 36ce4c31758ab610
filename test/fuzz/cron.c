/* test/fuzz/cron.c -- cron expressions; what is taken must have a next run that lies ahead. */
#include <assert.h>

#include "schedule/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const rules[] = {"UTC0", "CET-1CEST,M3.5.0,M10.5.0/3",
                                        "AEST-10AEDT,M10.1.0,M4.1.0/3"};
    if (size < 9)
        return 0;
    int64_t after;
    memcpy(&after, data, sizeof after);
    after = after % 4000000000; /* 1843 to 2096 */
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_error err;
    struct tarn_cron cron;
    const struct tarn_timezone *zone;
    enum tarn_status status =
        tarn_timezone_from_rule(rules[data[8] % TARN_COUNT(rules)], arena, &zone, &err);
    assert(status == TARN_OK);
    char *text = tarn_arena_strndup(arena, (const char *)data + 9, size - 9);
    if (tarn_cron_parse(text, &cron, &err) == TARN_OK)
        assert(tarn_cron_next(&cron, zone, after) > after);
    return 0;
}
