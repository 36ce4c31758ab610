/* broker/handler/stored_config.c -- see stored_config.h.
 *
 * Journal: key "config/<resource>", value: version i8 = 1, count i32, then name and value as
 * strings each (Kafka's wire form). */
#include "broker/handler/stored_config.h"

#include "broker/log/journal.h"
#include "broker/log/log.h"
#include "broker/protocol/wire.h"

enum { VALUE_VERSION = 1, VALUE_MAX_BYTES = 1 << 20 };

static struct tarn_text key_of(struct tarn_arena *arena, struct tarn_text resource)
{
    return tarn_text_of(tarn_arena_format(arena, "config/%.*s", TARN_TEXT_ARGS(resource)));
}

static int compare_text(struct tarn_text a, struct tarn_text b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.data, b.data, len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static size_t place_of(const struct tarn_stored_config *config, struct tarn_text name,
                       bool *ret_found)
{
    size_t at = 0;
    int order = 1;
    while (at < config->count && (order = compare_text(name, config->pairs[at].name)) > 0)
        at++;
    *ret_found = at < config->count && order == 0;
    return at;
}

struct tarn_text tarn_stored_config_get(const struct tarn_stored_config *config,
                                        struct tarn_text name)
{
    bool found;
    size_t at = place_of(config, name, &found);
    return found ? config->pairs[at].value : (struct tarn_text){NULL, 0};
}

static void grow(struct tarn_stored_config *config, struct tarn_arena *arena)
{
    if (config->count < config->cap)
        return;
    config->cap = config->cap ? config->cap * 2 : 8;
    struct tarn_config_pair *pairs = tarn_arena_array(arena, config->cap, sizeof *pairs);
    if (config->count)
        memcpy(pairs, config->pairs, config->count * sizeof *pairs);
    config->pairs = pairs;
}

void tarn_stored_config_set(struct tarn_stored_config *config, struct tarn_arena *arena,
                            struct tarn_text name, struct tarn_text value)
{
    bool found;
    size_t at = place_of(config, name, &found);
    struct tarn_config_pair *pair = config->pairs + at;
    if (found && value.data) {
        pair->value = value;
    } else if (found) {
        config->count--;
        memmove(pair, pair + 1, (config->count - at) * sizeof *pair);
    } else if (value.data) {
        grow(config, arena);
        pair = config->pairs + at;
        memmove(pair + 1, pair, (config->count - at) * sizeof *pair);
        *pair = (struct tarn_config_pair){name, value};
        config->count++;
    }
}

/* The journal's bytes move with the next commit, so texts are copied. */
static struct tarn_text copy(struct tarn_arena *arena, struct tarn_text text)
{
    return (struct tarn_text){tarn_arena_strndup(arena, text.data, text.len), text.len};
}

enum tarn_status tarn_stored_config_read(struct tarn_log *log, struct tarn_text resource,
                                         struct tarn_arena *arena,
                                         struct tarn_stored_config *ret_config,
                                         struct tarn_error *err)
{
    struct tarn_stored_config config = {NULL, 0, 0};
    struct tarn_text value = tarn_journal_get(log, key_of(arena, resource));
    struct tarn_wire_reader reader;
    if (!value.data) {
        *ret_config = config;
        return TARN_OK;
    }
    tarn_wire_reader_init(&reader, value);
    if (tarn_wire_read_int8(&reader) != VALUE_VERSION)
        tarn_wire_fail(&reader, "a version that this release does not know");
    int32_t count = tarn_wire_read_count(&reader, 4);
    for (int32_t i = 0; i < count && !reader.fault; i++) {
        struct tarn_text name = tarn_wire_read_string(&reader);
        struct tarn_text text = tarn_wire_read_string(&reader);
        if (name.data && text.data)
            tarn_stored_config_set(&config, arena, copy(arena, name), copy(arena, text));
    }
    TARN_TRY(tarn_wire_reader_check(&reader, "a configuration of the journal", err));
    *ret_config = config;
    return TARN_OK;
}

enum tarn_status tarn_stored_config_write(struct tarn_log *log, struct tarn_text resource,
                                          const struct tarn_stored_config *config,
                                          struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    TARN_AUTO(tarn_wire_writer_release) struct tarn_wire_writer out;
    tarn_wire_writer_init(&out, VALUE_MAX_BYTES);
    tarn_wire_write_int8(&out, VALUE_VERSION);
    tarn_wire_write_count(&out, (int32_t)config->count);
    for (size_t i = 0; i < config->count; i++) {
        tarn_wire_write_string(&out, config->pairs[i].name);
        tarn_wire_write_string(&out, config->pairs[i].value);
    }
    TARN_TRY(tarn_wire_writer_check(&out, "a configuration", err));
    char *value = tarn_arena_alloc(arena, out.len);
    tarn_wire_writer_copy(&out, value);

    uint64_t position;
    struct tarn_commit *commit = tarn_commit_begin(log);
    if (config->count > 0)
        tarn_commit_put(commit, key_of(arena, resource), (struct tarn_text){value, out.len});
    else
        tarn_commit_delete(commit, key_of(arena, resource));
    return tarn_commit_write(commit, &position, err);
}
