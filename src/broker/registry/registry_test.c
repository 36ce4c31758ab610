/* broker/registry/registry_test.c -- the registry on a store in memory: versions, ids, deletion,
 * modes, references, and that a replay of the records gives the same registry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "broker/registry/registry_int.h"

enum { RECORDS_MAX = 200 };

/* A topic in memory. `fail_at`: the n-th append from now fails. */
struct memory {
    char *keys[RECORDS_MAX], *values[RECORDS_MAX];
    size_t count, replayed;
    int fail_at;
};

static enum tarn_status append(void *context, struct tarn_text key, struct tarn_text value,
                               struct tarn_error *err)
{
    struct memory *memory = context;
    if (memory->fail_at && --memory->fail_at == 0)
        return tarn_fail(err, TARN_IO, "the disk is full");
    memory->keys[memory->count] = tarn_strndup(key.data, key.len);
    memory->values[memory->count] = value.data ? tarn_strndup(value.data, value.len) : NULL;
    memory->replayed = ++memory->count;
    return TARN_OK;
}

static enum tarn_status replay(void *context,
                               void (*apply)(void *, struct tarn_text, struct tarn_text),
                               void *registry, struct tarn_error *err)
{
    (void)err;
    struct memory *memory = context;
    for (; memory->replayed < memory->count; memory->replayed++)
        apply(registry, tarn_text_of(memory->keys[memory->replayed]),
              tarn_text_of(memory->values[memory->replayed]));
    return TARN_OK;
}

struct fixture {
    struct memory memory;
    struct tarn_registry *registry;
    struct tarn_arena *arena;
    struct tarn_registry_problem problem;
};

static void open_registry(struct fixture *fixture)
{
    struct tarn_error err;
    const struct tarn_registry_store store = {append, replay, NULL, &fixture->memory};
    fixture->memory.replayed = 0;
    fixture->registry = tarn_registry_open(&store);
    assert_int_equal(tarn_registry_load(fixture->registry, &err), TARN_OK);
}

static int set_up(void **state)
{
    struct fixture *fixture = tarn_alloc(sizeof *fixture);
    fixture->arena = tarn_arena_new();
    open_registry(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tarn_registry_close(fixture->registry);
    for (size_t i = 0; i < fixture->memory.count; i++) {
        free(fixture->memory.keys[i]);
        free(fixture->memory.values[i]);
    }
    tarn_arena_free(fixture->arena);
    free(fixture);
    return 0;
}

static int add(struct fixture *f, const char *subject, const char *text)
{
    const struct tarn_registry_request request = {.text = tarn_text_of(text), .id = -1};
    struct tarn_registry_result result;
    if (!tarn_registry_add(f->registry, subject, &request, false, false, f->arena, &result,
                           &f->problem))
        return -f->problem.code;
    tarn_registry_result_release(&result);
    return result.id;
}

static int version_of(struct fixture *f, const char *subject, const char *text)
{
    const struct tarn_registry_request request = {.text = tarn_text_of(text), .id = -1};
    struct tarn_registry_result result;
    if (!tarn_registry_lookup(f->registry, subject, &request, false, false, f->arena, &result,
                              &f->problem))
        return -f->problem.code;
    tarn_registry_result_release(&result);
    return result.version;
}

static int delete_version(struct fixture *f, const char *subject, int32_t version, bool permanent)
{
    int32_t deleted;
    if (!tarn_registry_delete_version(f->registry, subject, version, permanent, f->arena, &deleted,
                                      &f->problem))
        return -f->problem.code;
    return deleted;
}

static int delete_subject(struct fixture *f, const char *subject, bool permanent)
{
    int32_t *versions;
    size_t count;
    if (!tarn_registry_delete_subject(f->registry, subject, permanent, f->arena, &versions, &count,
                                      &f->problem))
        return -f->problem.code;
    return (int)count;
}

static int set_level(struct fixture *f, const char *subject, const char *level)
{
    json_t *request = json_pack("{s:s}", "compatibility", level), *config = NULL;
    bool fine =
        tarn_registry_put_config(f->registry, subject, request, f->arena, &config, &f->problem);
    json_decref(request);
    json_decref(config);
    return fine ? 0 : -f->problem.code;
}

static int set_mode(struct fixture *f, const char *subject, const char *mode, bool forced)
{
    return tarn_registry_put_mode(f->registry, subject, mode, forced, f->arena, &f->problem)
               ? 0
               : -f->problem.code;
}

#define A "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"}]}"
#define AB                                                                                         \
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"},"           \
    "{\"name\":\"b\",\"type\":\"int\",\"default\":0}]}"
#define AC                                                                                         \
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"},"           \
    "{\"name\":\"c\",\"type\":\"int\"}]}"

static void gives_ids(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(add(f, "s-value", A), 1);
    assert_int_equal(add(f, "s-value", " " A " "), 1); /* the same: nothing is written */
    assert_int_equal(f->memory.count, 1);
    assert_string_equal(f->memory.keys[0], "{\"keytype\":\"SCHEMA\",\"subject\":\"s-value\","
                                           "\"version\":1,\"magic\":1}");
    assert_int_equal(add(f, "s-value", AB), 2);
    assert_int_equal(add(f, "other", AB), 2); /* one id for one schema */
    assert_int_equal(version_of(f, "s-value", AB), 2);
    assert_int_equal(version_of(f, "s-value", AC), -40403);
    assert_int_equal(version_of(f, "nobody", A), -40401);
    assert_int_equal(add(f, "s-value", "\"nonsense\""), -42201);
    assert_int_equal(add(f, "s-value", " "), 2); /* empty: the newest */
    assert_int_equal(add(f, "new", ""), -42201);
}

static void keeps_compatible(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(add(f, "s", A), 1);
    assert_int_equal(add(f, "s", AC), -40901);
    assert_non_null(strstr(f->problem.message, "READER_FIELD_MISSING_DEFAULT_VALUE"));
    assert_non_null(strstr(f->problem.message, "in the new schema has no default value and is "
                                               "missing in the old schema"));
    assert_non_null(strstr(f->problem.message, "{oldSchemaVersion: 1}, {oldSchema: '" A "'}, "
                                               "{validateFields: 'false', compatibility: "
                                               "'BACKWARD'}]"));
    assert_int_equal(set_level(f, "s", "forward"), 0);
    assert_int_equal(add(f, "s", AC), 2);
    assert_int_equal(set_level(f, "s", "sideways"), -42203);
    assert_int_equal(set_level(f, "", "NONE"), 0);
    assert_int_equal(add(f, "s", "\"int\""), -40901); /* the subject's own level counts */
    assert_int_equal(add(f, "t", A), 1);
    assert_int_equal(add(f, "t", "\"int\""), 3);
    assert_int_equal(set_level(f, "t", "BACKWARD_TRANSITIVE"), 0);
    assert_int_equal(add(f, "t", "\"long\""), -40901); /* fits version 2, not version 1 */
    assert_int_equal(set_level(f, "t", "BACKWARD"), 0);
    assert_int_equal(add(f, "t", "\"long\""), 4);
}

static void deletes_in_two_steps(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(add(f, "s", A), 1);
    assert_int_equal(add(f, "s", AB), 2);
    assert_int_equal(delete_version(f, "s", 1, true), -40407);
    assert_int_equal(delete_version(f, "s", 1, false), 1);
    assert_int_equal(delete_version(f, "s", 1, false), -40406);
    assert_int_equal(delete_version(f, "s", 9, false), -40402);
    assert_int_equal(delete_version(f, "x", 1, false), -40401);
    assert_int_equal(version_of(f, "s", A), -40403);
    assert_int_equal(add(f, "s", A), 1); /* the same id under the next number */
    assert_int_equal(version_of(f, "s", A), 3);
    assert_int_equal(delete_subject(f, "s", true), -40405);
    assert_int_equal(delete_subject(f, "s", false), 2);
    assert_int_equal(delete_subject(f, "s", false), -40404);
    assert_int_equal(delete_subject(f, "s", true), 2);
    assert_int_equal(delete_subject(f, "s", true), -40401);
    assert_int_equal(add(f, "s", AC), 3); /* ids are not used twice */
    assert_int_equal(version_of(f, "s", AC), 1);
}

static void obeys_modes(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(add(f, "s", A), 1);
    assert_int_equal(set_mode(f, "s", "readonly", false), 0);
    assert_int_equal(add(f, "s", AB), -42205);
    assert_int_equal(delete_subject(f, "s", false), -42205);
    assert_int_equal(set_mode(f, "s", "asleep", false), -42204);
    assert_int_equal(set_mode(f, "s", "IMPORT", false), -42205); /* it has versions */
    assert_int_equal(set_mode(f, "s", "IMPORT", true), 0);
    assert_int_equal(add(f, "s", AB), -42205); /* without an id */
    struct tarn_registry_request request = {.text = TARN_TEXT(AB), .id = 70, .version = 7};
    struct tarn_registry_result result;
    assert_true(tarn_registry_add(f->registry, "s", &request, false, false, f->arena, &result,
                                  &f->problem));
    assert_true(result.id == 70 && result.version == 7);
    tarn_registry_result_release(&result);
    request.text = TARN_TEXT(AC);
    request.version = 8;
    assert_false(tarn_registry_add(f->registry, "s", &request, false, false, f->arena, &result,
                                   &f->problem));
    assert_int_equal(f->problem.code, 42205);
    assert_int_equal(set_mode(f, "s", "READWRITE", false), 0);
    assert_int_equal(add(f, "t", AC), 71);
    assert_int_equal(set_mode(f, "", "READONLY_OVERRIDE", false), 0);
    assert_int_equal(add(f, "s", AC), -42205);
}

static void follows_references(void **state)
{
    struct fixture *f = *state;
    json_t *references = json_pack("[{s:s,s:s,s:i}]", "name", "R", "subject", "s", "version", 1);
    struct tarn_registry_request request = {.text =
                                                TARN_TEXT("{\"type\":\"array\",\"items\":\"R\"}"),
                                            .id = -1,
                                            .references = references};
    struct tarn_registry_result result;
    assert_false(tarn_registry_add(f->registry, "list", &request, false, false, f->arena, &result,
                                   &f->problem));
    assert_int_equal(f->problem.code, 42201);
    assert_non_null(strstr(f->problem.message, "No schema reference found for subject \"s\""));
    assert_int_equal(add(f, "s", A), 1);
    assert_true(tarn_registry_add(f->registry, "list", &request, false, false, f->arena, &result,
                                  &f->problem));
    assert_true(tarn_text_is(result.text, "{\"type\":\"array\",\"items\":\"R\"}"));
    tarn_registry_result_release(&result);
    /* written out it is the same schema */
    assert_int_equal(version_of(f, "list", "{\"type\":\"array\",\"items\":" A "}"), 1);
    assert_int_equal(delete_version(f, "s", 1, false), -42206);
    assert_int_equal(delete_subject(f, "s", false), -42206);
    struct tarn_schema *schema;
    struct tarn_error err;
    assert_int_equal(tarn_registry_schema(f->registry, 2, &schema, &err), TARN_OK);
    assert_string_equal(tarn_schema_resolved_text(schema).data,
                        "{\"type\":\"array\",\"items\":" A "}");
    tarn_schema_unref(schema);
    assert_int_equal(delete_subject(f, "list", false), 1);
    assert_int_equal(delete_version(f, "s", 1, false), 1);
    json_decref(references);
}

static void checks_at_produce_time(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(add(f, "t-value", A), 1);
    assert_int_equal(add(f, "t-key", "\"int\""), 2);
    struct tarn_text topic = TARN_TEXT("t");
    assert_true(
        tarn_registry_accepts(f->registry, topic, false, (struct tarn_text){"\0\0\0\0\1x", 6}));
    assert_true(
        tarn_registry_accepts(f->registry, topic, true, (struct tarn_text){"\0\0\0\0\2x", 6}));
    assert_true(tarn_registry_accepts(f->registry, topic, false, (struct tarn_text){NULL, 0}));
    assert_false(
        tarn_registry_accepts(f->registry, topic, false, (struct tarn_text){"\0\0\0\0\2x", 6}));
    assert_false(tarn_registry_accepts(f->registry, topic, false, TARN_TEXT("{}")));
    assert_false(tarn_registry_accepts(f->registry, topic, false, TARN_TEXT("")));
}

static void replays(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(add(f, "s", A), 1);
    assert_int_equal(add(f, ":.ctx:s", AB), 2);
    assert_int_equal(add(f, "s", AB), 2);
    assert_int_equal(delete_version(f, "s", 1, false), 1);
    assert_int_equal(add(f, "gone", A), 1);
    assert_int_equal(delete_subject(f, "gone", false), 1);
    assert_int_equal(set_level(f, "s", "FULL"), 0);
    assert_int_equal(set_mode(f, "s", "READONLY", false), 0);
    tarn_registry_close(f->registry);
    open_registry(f);
    assert_int_equal(add(f, "s", AC), -42205);
    assert_int_equal(set_mode(f, "s", "READWRITE", false), 0);
    assert_int_equal(version_of(f, "s", A), -40403);
    assert_int_equal(version_of(f, "s", AB), 2);
    assert_int_equal(version_of(f, ":.ctx:s", AB), 1);
    assert_int_equal(add(f, "s", AC), -40901);
    assert_non_null(strstr(f->problem.message, "'FULL'"));
    assert_int_equal(delete_subject(f, "gone", false), -40404);
    assert_int_equal(f->registry->context_count, 1);
    assert_int_equal(add(f, "n", AC), 3);
}

/* A write that fails changes nothing that can be seen. */
static void survives_failing_writes(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(add(f, "s", A), 1);
    f->memory.fail_at = 1;
    assert_int_equal(add(f, "s", AB), -50001);
    assert_non_null(strstr(f->problem.message, "the disk is full"));
    assert_int_equal(version_of(f, "s", AB), -40403);
    f->memory.fail_at = 1;
    assert_int_equal(delete_subject(f, "s", false), -50001);
    assert_int_equal(version_of(f, "s", A), 1);
    f->memory.fail_at = 1;
    assert_int_equal(set_level(f, "s", "NONE"), -50001);
    assert_int_equal(add(f, "s", AC), -40901);
    assert_int_equal(add(f, "s", AB), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(gives_ids),   TEST(keeps_compatible),       TEST(deletes_in_two_steps),
        TEST(obeys_modes), TEST(follows_references),     TEST(checks_at_produce_time),
        TEST(replays),     TEST(survives_failing_writes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
