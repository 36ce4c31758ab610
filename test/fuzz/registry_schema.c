/* test/fuzz/registry_schema.c -- schemas of any kind in the three formats: what is taken reads its
 * own values, is stored in a form that is taken again and does not change, and comparing ends. */
#include <assert.h>

#include "broker/registry/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tarn_schema *parse(enum tarn_schema_type type, struct tarn_text text)
{
    struct tarn_error err;
    struct tarn_schema *schema = NULL;
    return tarn_schema_parse(type, text, NULL, 0, true, &schema, &err) == TARN_OK ? schema : NULL;
}

static void check_stored(const struct tarn_schema *schema, struct tarn_text text)
{
    struct tarn_schema *again = parse(tarn_schema_type(schema), text);
    assert(again && "what is stored can be read");
    assert(tarn_text_equal(tarn_schema_text(again), text));
    tarn_schema_unref(again);
}

/* The first byte chooses the format; a zero byte separates two schemas to compare. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    enum tarn_schema_type type = (enum tarn_schema_type)(data[0] % 3);
    TARN_AUTO_FREE char *copy = tarn_alloc(size); /* of this size, so that overruns are seen */
    memcpy(copy, data + 1, size - 1);
    struct tarn_text rest = {copy, size - 1}, first = {NULL, 0};
    (void)tarn_text_split(&rest, 0, &first);
    struct tarn_schema *schema = parse(type, first);
    if (!schema)
        return 0;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_schema_messages messages = {.arena = arena};
    assert(tarn_schema_can_read(schema, schema, &messages));
    check_stored(schema, tarn_schema_text(schema));
    struct tarn_schema *other = rest.data ? parse(type, rest) : NULL;
    if (other) {
        (void)tarn_schema_can_read(schema, other, &messages);
        (void)tarn_schema_can_read(other, schema, &messages);
    }
    tarn_schema_unref(other);
    tarn_schema_unref(schema);
    return 0;
}
