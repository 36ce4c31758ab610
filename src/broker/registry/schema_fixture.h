/* broker/registry/schema_fixture.h -- pairs of schemas and what their comparison has to say, for
 * the tests of each format. */
#ifndef TARN_BROKER_REGISTRY_SCHEMA_FIXTURE_H
#define TARN_BROKER_REGISTRY_SCHEMA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "broker/registry/schema.h"

struct schema_pair {
    const char *fresh, *old;
    const char *kind; /* of the first message; NULL: fresh can read what old wrote */
};

static inline struct tarn_schema *parse_schema(enum tarn_schema_type type, const char *text)
{
    struct tarn_error err;
    struct tarn_schema *schema = NULL;
    if (tarn_schema_parse(type, tarn_text_of(text), NULL, 0, true, &schema, &err) != TARN_OK)
        fail_msg("%s: %s", text, err.text);
    return schema;
}

/* Messages start with {errorType:"KIND". */
static inline void compare_pair(enum tarn_schema_type type, const struct schema_pair *pair)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_schema_messages messages = {.arena = arena};
    struct tarn_schema *fresh = parse_schema(type, pair->fresh);
    struct tarn_schema *old = parse_schema(type, pair->old);
    bool fine = tarn_schema_can_read(fresh, old, &messages);
    const char *start = fine ? NULL : tarn_arena_format(arena, "{errorType:\"%s\"", pair->kind);
    if (fine != (pair->kind == NULL) ||
        (!fine && !tarn_text_starts(tarn_text_of(messages.items[0]), start)))
        fail_msg("%s after %s: %s", pair->fresh, pair->old, fine ? "taken" : messages.items[0]);
    tarn_schema_unref(fresh);
    tarn_schema_unref(old);
}

#endif
