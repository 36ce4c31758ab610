/* ingest/json_record_test.c -- JSON records, cutting and detection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "ingest/json_record.h"

static char *shown(struct tarn_text text, enum tarn_json_layout layout, size_t piece_bytes)
{
    TARN_BUFFER(out, 1 << 20);
    struct tarn_json_cutter cutter;
    struct tarn_piece piece;
    struct tarn_json_field fields[16];
    tarn_json_cut_from(&cutter, layout, text);
    cutter.piece_bytes = piece_bytes;
    while (tarn_json_cut(&cutter, &piece)) {
        if (piece.bad) {
            tarn_buffer_printf(&out, "%d!%s;", (int)piece.line, piece.bad);
            continue;
        }
        struct tarn_json_reader reader;
        struct tarn_json_record record;
        tarn_json_read(&reader, layout, &piece);
        while (tarn_json_next(&reader, fields, 16, &record)) {
            tarn_buffer_printf(&out, "%d%s", (int)record.line, record.bad ? "!" : ":");
            if (record.bad)
                tarn_buffer_append_str(&out, record.bad);
            for (size_t i = 0; i < record.count && !record.bad; i++) {
                char copy[512];
                size_t len = tarn_json_unescape(fields[i].value, copy);
                tarn_buffer_printf(
                    &out, fields[i].kind == TARN_JSON_KIND_STRING ? "%.*s=<%.*s>" : "%.*s=[%.*s]",
                    TARN_TEXT_ARGS(fields[i].key), (int)len, copy);
            }
            tarn_buffer_append_char(&out, ';');
        }
    }
    tarn_buffer_append_char(&out, 0);
    return tarn_buffer_take(&out);
}

static void expect(const char *text, enum tarn_json_layout layout, const char *wanted)
{
    static const size_t sizes[] = {1, 2, 7, 64, TARN_PIECE_BYTES};
    for (size_t i = 0; i < TARN_COUNT(sizes); i++) {
        char *got = shown(tarn_text_of(text), layout, sizes[i]);
        assert_string_equal(got, wanted);
        free(got);
    }
}

static void lines(void **state)
{
    (void)state;
    expect("{\"a\": 1, \"b\": \"x\"}\n\n{\"a\": null}\r\n", TARN_JSON_LINES,
           "1:a=[1]b=<x>;3:a=[null];");
    expect("{\"a\": [1, {\"b\": \"]}\"}]}", TARN_JSON_LINES, "1:a=[[1, {\"b\": \"]}\"}]];");
    expect("{\"a\": \"\\u00e9\\n\\\"\\ud83d\\ude00\"}", TARN_JSON_LINES,
           "1:a=<\xc3\xa9\n\"\xf0\x9f\x98\x80>;");
    expect("{}\n{\"a\":true}\n", TARN_JSON_LINES, "1:;2:a=[true];");
    expect("{\"a\": 1\n{\"a\": 2}\n", TARN_JSON_LINES,
           "1!the record ends inside an object or array;2:a=[2];");
    expect("{\"a\": 01}\n[1]\n5\n{\"a\":1} x\n{\"a\":.5}\n", TARN_JSON_LINES,
           "1!not a JSON value;2!the record is not a JSON object;3!the record is not a JSON object;"
           "4!there is more behind the record's closing '}';5!not a JSON value;");
    expect("{\"a\": \"\xff\"}\n", TARN_JSON_LINES, "1!the text is not valid UTF-8;");
    expect("{\"a\": [1,]}\n{\"a\": {\"b\" 1}}\n{\"a\":tru}\n{a:1}\n", TARN_JSON_LINES,
           "1!not a JSON value;2!':' was expected behind a key;3!not a JSON value;"
           "4!a key in quotes was expected;");
    expect("{\"a\": [], \"b\": {}, \"c\": [[], {}]}\n", TARN_JSON_LINES,
           "1:a=[[]]b=[{}]c=[[[], {}]];");
}

static void arrays(void **state)
{
    (void)state;
    expect("[]", TARN_JSON_ARRAY, "");
    expect(" [\n {\"a\": 1},\n {\"a\": \"},{\"}\n]\n", TARN_JSON_ARRAY, "1:a=[1];2:a=<},{>;");
    expect("[{\"a\":1},{\"a\":2", TARN_JSON_ARRAY, "1:a=[1];2!the file ends inside a record;");
    expect("[{\"a\":1}", TARN_JSON_ARRAY,
           "1:a=[1];2!the array is not closed: the file is cut off;");
    expect("[{\"a\":1}, {\"a\":}, {\"a\":3}]", TARN_JSON_ARRAY,
           "1:a=[1];2!not a JSON value;3:a=[3];");
    expect("[{\"a\":1}] []", TARN_JSON_ARRAY, "1:a=[1];2!text behind the array;");
    expect("[1, \"x,y\"]", TARN_JSON_ARRAY,
           "1!the record is not a JSON object;2!the record is not a JSON object;");
    expect("[{\"a\":1} junk, {\"a\":2}]", TARN_JSON_ARRAY,
           "1!there is more behind the record's closing '}';2:a=[2];");
}

static void sequences(void **state)
{
    (void)state;
    expect("{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n", TARN_JSON_SEQUENCE, "1:a=[1];4:a=[2];");
    expect("{\"a\":1}{\"a\":2}", TARN_JSON_SEQUENCE, "1:a=[1];1:a=[2];");
    expect("{\"a\":1}\n{\"a\":", TARN_JSON_SEQUENCE, "1:a=[1];2!the file ends inside a record;");
}

static void detection(void **state)
{
    (void)state;
    assert_int_equal(tarn_json_detect(TARN_TEXT(" [ {} ]")), TARN_JSON_ARRAY);
    assert_int_equal(tarn_json_detect(TARN_TEXT("{\"a\":1}\n{\"a\":2}\n")), TARN_JSON_LINES);
    assert_int_equal(tarn_json_detect(TARN_TEXT("{\n\"a\":1\n}")), TARN_JSON_SEQUENCE);
}

static void deep(void **state)
{
    (void)state;
    char text[4096] = "{\"a\":";
    memset(text + 5, '[', 1000);
    memset(text + 1005, ']', 1000);
    text[2005] = '}';
    text[2006] = 0;
    expect(text, TARN_JSON_LINES, "1!nested deeper than 256 levels;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),     cmocka_unit_test(arrays), cmocka_unit_test(sequences),
        cmocka_unit_test(detection), cmocka_unit_test(deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
