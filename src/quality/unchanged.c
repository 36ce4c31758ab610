/* quality/unchanged.c -- whether an earlier run has answered the same question already.
 *
 * A run is determined by its suites, the versions of Tarn and DuckDB, the tables it reads (the
 * lake's pointers, which never return to an old value) and the records of loads; what it leaves are
 * results and quarantine tables. When all of that is as an earlier successful run had it and left
 * it, that run's results stand. Suites that look at the clock or at files are always checked. */
#include <string.h>

#include "base/hash.h"
#include "quality/runner.h"
#include "store/load.h"

enum { WORDS_MAX_BYTES = 64 << 20 };

/* Everything that the node says, with its shape: names of tables stand anywhere in it. */
static void append_words(const struct tarn_yaml *node, struct tarn_buffer *words)
{
    if (!node)
        return;
    if (node->text)
        tarn_buffer_printf(words, "%s%s\n", node->quoted ? "'" : "", node->text);
    if (node->kind != TARN_YAML_LIST && node->kind != TARN_YAML_MAP)
        return;
    tarn_buffer_append_str(words, "[\n");
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == TARN_YAML_MAP)
            append_words(node->keys[i], words);
        append_words(node->items[i], words);
    }
    tarn_buffer_append_str(words, "]\n");
}

static void append_suite(const struct tarn_suite *suite, struct tarn_buffer *words)
{
    tarn_buffer_printf(words, "%s\n%s\n%s\n%s\n%d\n", suite->name, suite->ns, suite->table,
                       suite->layer, suite->quarantine);
    for (size_t i = 0; i < suite->key_count; i++)
        tarn_buffer_printf(words, "%s\n", suite->key[i]);
    append_words(suite->node, words);
}

static enum tarn_status append_loads(const struct tarn_quality *quality, struct tarn_arena *arena,
                                     struct tarn_buffer *words, struct tarn_error *err)
{
    struct tarn_load *loads;
    size_t count;
    TARN_TRY(tarn_load_list(quality->state, arena, &loads, &count, err));
    for (size_t i = 0; i < count; i++)
        tarn_buffer_printf(words, "%s %lld %lld\n", loads[i].entity, (long long)loads[i].rows,
                           (long long)loads[i].rejected);
    tarn_buffer_append_str(words, "rejected_rows\n");
    return TARN_OK;
}

enum tarn_status tarn_quality_words(const struct tarn_quality *quality,
                                    const struct tarn_quality_report *report, bool landing,
                                    struct tarn_arena *arena, const char **ret_words,
                                    struct tarn_error *err)
{
    TARN_BUFFER(words, WORDS_MAX_BYTES);
    for (size_t i = 0; i < report->suite_count; i++)
        append_suite(report->suites[i].suite, &words);
    for (size_t i = 0; i < report->reconcile_count; i++)
        append_words(report->reconciles[i].reconcile->node, &words);
    if (landing)
        TARN_TRY(append_loads(quality, arena, &words, err));
    TARN_TRY(tarn_buffer_check(&words, "the text of the suites", err));
    *ret_words = tarn_arena_strdup(arena, tarn_buffer_str(&words));
    return TARN_OK;
}

/* Whether the answer depends on the tables alone. */
static bool is_repeatable(const struct tarn_quality_report *report, const char *words)
{
    static const char *const signs[] = {
        "now(",  "current_date", "current_time", "today(",  "localtime", "transaction_timestamp",
        "age(",  "random(",      "uuid(",        "getenv(", "nextval(",  "read_",
        "glob(", ".csv",         ".json",        ".parquet"};
    for (size_t i = 0; i < TARN_COUNT(signs); i++)
        if (strcasestr(words, signs[i]))
            return false;
    for (size_t i = 0; i < report->suite_count; i++)
        for (size_t k = 0; k < report->suites[i].suite->expectation_count; k++)
            if (report->suites[i].suite->expectations[k].type->dimension ==
                TARN_DIMENSION_FRESHNESS)
                return false;
    return true;
}

enum tarn_status tarn_quality_fingerprint(const struct tarn_quality *quality,
                                          const struct tarn_quality_report *report,
                                          const char *words, struct tarn_arena *arena,
                                          const char **ret_fingerprint, struct tarn_error *err)
{
    char hex[TARN_SHA256_HEX_BYTES];
    const char *state;
    TARN_BUFFER(text, WORDS_MAX_BYTES);
    *ret_fingerprint = NULL;
    if (!quality->lake || !quality->state || !is_repeatable(report, words))
        return TARN_OK;
    TARN_TRY(tarn_lake_state_of(quality->lake, words, TARN_QUARANTINE_NAMESPACE, true, arena,
                                &state, err));
    tarn_buffer_printf(&text, "%s %s\n%s\n%s", TARN_VERSION, tarn_engine_library_version(), words,
                       state);
    TARN_TRY(tarn_buffer_check(&text, "the text of the suites", err));
    *ret_fingerprint = tarn_arena_strdup(arena, tarn_sha256_hex(tarn_buffer_text(&text), hex));
    return TARN_OK;
}

/* The quarantine tables as they are now. */
static enum tarn_status output_of(const struct tarn_quality *quality, const char *words,
                                  struct tarn_arena *arena, const char **ret_output,
                                  struct tarn_error *err)
{
    char hex[TARN_SHA256_HEX_BYTES];
    const char *state;
    TARN_TRY(tarn_lake_state_of(quality->lake, words, TARN_QUARANTINE_NAMESPACE, false, arena,
                                &state, err));
    *ret_output = tarn_arena_strdup(arena, tarn_sha256_hex(tarn_text_of(state), hex));
    return TARN_OK;
}

enum tarn_status tarn_quality_earlier(const struct tarn_quality *quality, const char *words,
                                      const char *fingerprint, struct tarn_arena *arena,
                                      struct tarn_stored_input **ret, struct tarn_error *err)
{
    const char *output;
    TARN_TRY(output_of(quality, words, arena, &output, err));
    return tarn_quality_find_input(quality->state, fingerprint, output, arena, ret, err);
}

enum tarn_status tarn_quality_input(const struct tarn_quality *quality,
                                    const struct tarn_quality_report *report, const char *words,
                                    const char *fingerprint, struct tarn_arena *arena,
                                    struct tarn_stored_input *ret, struct tarn_error *err)
{
    *ret = (struct tarn_stored_input){.run_id = report->run_id,
                                      .fingerprint = fingerprint,
                                      .tables = (int64_t)report->score_count};
    for (size_t i = 0; i < report->suite_count; i++) {
        ret->checks += (int64_t)report->suites[i].count;
        ret->records += report->suites[i].quarantine_records;
    }
    return output_of(quality, words, arena, &ret->output, err);
}
