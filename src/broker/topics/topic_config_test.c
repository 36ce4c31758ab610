/* Topic configs: defaults, limits, unknown names, and what depends on two of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "broker/topics/topic_config.h"

static void test_defaults_are_kafkas(void **state)
{
    (void)state;
    struct tarn_topic_settings settings;
    assert_int_equal(tarn_topic_settings_make(NULL, &settings, NULL), TARN_OK);
    assert_int_equal(settings.cleanup_policy, TARN_CLEANUP_DELETE);
    assert_int_equal(settings.retention_ms, 604800000);
    assert_int_equal(settings.max_message_bytes, 1048588);
    assert_int_equal(settings.retention_bytes, -1);
    assert_false(settings.log_append_time);
    assert_int_equal(settings.compression_type, TARN_TOPIC_COMPRESSION_PRODUCER);
    for (size_t i = 1; i < tarn_topic_config_count(); i++)
        assert_true(strcmp(tarn_topic_config_at(i - 1)->name, tarn_topic_config_at(i)->name) < 0);
}

static void set_ok(struct tarn_topic_overrides *overrides, const char *name, const char *value)
{
    struct tarn_error err = {0};
    enum tarn_status status =
        tarn_topic_overrides_set(overrides, tarn_text_of(name), tarn_text_of(value), &err);
    assert_string_equal(err.text, "");
    assert_int_equal(status, TARN_OK);
}

static void test_what_is_set_counts(void **state)
{
    (void)state;
    TARN_AUTO(tarn_topic_overrides_release) struct tarn_topic_overrides overrides = {{NULL}};
    struct tarn_topic_settings settings;
    set_ok(&overrides, "cleanup.policy", "compact, delete");
    set_ok(&overrides, "message.timestamp.type", "LogAppendTime");
    set_ok(&overrides, "min.cleanable.dirty.ratio", "0.1");
    set_ok(&overrides, "segment.bytes", "1000");
    set_ok(&overrides, "segment.bytes", NULL);
    assert_int_equal(tarn_topic_settings_make(&overrides, &settings, NULL), TARN_OK);
    assert_int_equal(settings.cleanup_policy, TARN_CLEANUP_COMPACT | TARN_CLEANUP_DELETE);
    assert_true(settings.log_append_time);
    assert_true(settings.min_cleanable_dirty_ratio < 0.11);
    assert_int_equal(settings.segment_bytes, 1073741824);
}

static void test_mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *says;
    } cases[] = {
        {"cleanup.police", "delete", "Unknown topic config name"},
        {"cleanup.policy", "none", "it takes delete, compact"},
        {"retention.ms", "-2", "from -1 to"},
        {"retention.ms", "soon", "whole number"},
        {"preallocate", "yes", "true or false"},
        {"compression.type", "lzo", "zstd"},
        {"min.cleanable.dirty.ratio", "2", "from 0 to 1"},
        {"message.timestamp.type", "createtime", "CreateTime"},
    };
    TARN_AUTO(tarn_topic_overrides_release) struct tarn_topic_overrides overrides = {{NULL}};
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        struct tarn_error err = {0};
        assert_int_equal(tarn_topic_overrides_set(&overrides, tarn_text_of(cases[i].name),
                                                  tarn_text_of(cases[i].value), &err),
                         TARN_INVALID);
        assert_non_null(strstr(err.text, cases[i].says));
    }
    struct tarn_topic_settings settings;
    set_ok(&overrides, "min.compaction.lag.ms", "10");
    set_ok(&overrides, "max.compaction.lag.ms", "5");
    assert_int_equal(tarn_topic_settings_make(&overrides, &settings, NULL), TARN_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_kafkas),
        cmocka_unit_test(test_what_is_set_counts),
        cmocka_unit_test(test_mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
