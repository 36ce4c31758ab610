/* ingest/csv_test.c -- records, cutting and detection of CSV. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "ingest/csv.h"

static const struct tarn_csv_dialect plain = {',', '"', '\n', false};

/* Everything in the text as "line:[field][field]", bad records as "line!reason". */
static char *shown(struct tarn_text text, struct tarn_csv_dialect dialect, size_t piece_bytes)
{
    TARN_BUFFER(out, 1 << 22);
    struct tarn_csv_cutter cutter = {dialect, text, 1, piece_bytes};
    struct tarn_piece piece;
    struct tarn_csv_field fields[64];
    const char *expected = text.data;
    while (tarn_csv_cut(&cutter, &piece)) {
        assert_ptr_equal(piece.text.data, expected); /* no gaps */
        assert_true(piece.text.len > 0);
        expected += piece.text.len;
        if (piece.bad) {
            tarn_buffer_printf(&out, "%d!%s;", (int)piece.line, piece.bad);
            continue;
        }
        struct tarn_csv_reader reader;
        struct tarn_csv_record record;
        tarn_csv_read(&reader, &dialect, &piece);
        while (tarn_csv_next(&reader, fields, 64, &record)) {
            tarn_buffer_printf(&out, "%d%s", (int)record.line, record.bad ? "!" : ":");
            if (record.bad)
                tarn_buffer_append_str(&out, record.bad);
            for (size_t i = 0; i < record.count && i < 64 && !record.bad; i++) {
                char copy[4096];
                size_t len = tarn_csv_unescape(&fields[i], fields[i].escaped ? '"' : 0, copy);
                tarn_buffer_printf(&out, fields[i].quoted ? "<%.*s>" : "[%.*s]", (int)len, copy);
            }
            tarn_buffer_append_char(&out, ';');
        }
        assert_ptr_equal(reader.at, expected);
    }
    assert_ptr_equal(expected, text.data + text.len);
    tarn_buffer_append_char(&out, 0);
    return tarn_buffer_take(&out);
}

static void expect(const char *text, const char *wanted)
{
    for (size_t piece = 0; piece < 20; piece++) {
        char *got = shown(tarn_text_of(text), plain, piece);
        assert_string_equal(got, wanted);
        free(got);
    }
}

static void records(void **state)
{
    (void)state;
    expect("", "");
    expect("a,b\n1,2\n", "1:[a][b];2:[1][2];");
    expect("a,b\r\n1,2\r\n", "1:[a][b];2:[1][2];");
    expect("a,b\n1,2", "1:[a][b];2:[1][2];");
    expect(",\n,,\n", "1:[][];2:[][][];");
    expect("\"a\"\"b\",\"\",c\n", "1:<a\"b><>[c];");
    expect("\"two\nlines\",x\nnext,y\n", "1:<two\nlines>[x];3:[next][y];");
    expect("\"a\"\r\nb\n", "1:<a>;2:[b];");
    expect("5\" disk,\"6\"\" disk\"\n", "1:[5\" disk]<6\" disk>;");
    expect("a\n\nb\n", "1:[a];2:[];3:[b];");
    expect("\"last\"", "1:<last>;");
}

static void damaged(void **state)
{
    (void)state;
    expect("a,\"cut o", "1!a quoted field is never closed;");
    expect("1,x\n2,\"never closed\n3,z\n", "1:[1][x];2!a quoted field is never closed;3:[3][z];");
    expect("1,\"a\" b,c\n2,d,e\n", "1!there is text behind a closing quote;2:[2][d][e];");
    expect("1,\"oops\n2,b\n3,\"fine\"\n",
           "1!a quoted field is not closed on its line, and the next quote closes nothing;2:[2][b];"
           "3:[3]<fine>;");
    expect("a,\xff\nb,\xc3\xab\n", "1!the text is not valid UTF-8;2:[b][\xc3\xab];");
    struct tarn_text nul = TARN_TEXT("a,\0\nb,c\n");
    char *got = shown(nul, plain, 0);
    assert_string_equal(got, "1!there is a zero byte;2:[b][c];");
    free(got);
}

static void bad_byte_is_named(void **state)
{
    (void)state;
    struct tarn_csv_reader reader;
    struct tarn_csv_record record;
    struct tarn_csv_field fields[4];
    tarn_csv_read(&reader, &plain,
                  &(struct tarn_piece){TARN_TEXT("ab,c\xff"
                                                 "d\n"),
                                       1, NULL});
    assert_true(tarn_csv_next(&reader, fields, 4, &record));
    assert_int_equal(record.bad_at, 4);
}

static void long_records(void **state)
{
    (void)state;
    size_t len = (size_t)TARN_RECORD_BYTES_MAX + 100;
    char *text = tarn_alloc(len + 32);
    memcpy(text, "a,b\n", 4);
    memset(text + 4, 'x', len);
    memcpy(text + 4 + len, "\nc,d\n", 6);
    struct tarn_csv_cutter cutter = {plain, tarn_text_of(text), 1, 0};
    struct tarn_piece piece;
    assert_true(tarn_csv_cut(&cutter, &piece));
    assert_int_equal(piece.text.len, 4);
    assert_true(tarn_csv_cut(&cutter, &piece));
    assert_string_equal(piece.bad, "the record is longer than 16 MiB");
    assert_int_equal(piece.text.len, len + 1);
    assert_true(tarn_csv_cut(&cutter, &piece));
    assert_null(piece.bad);
    assert_int_equal(piece.line, 3);
    assert_false(tarn_csv_cut(&cutter, &piece));
    free(text);
}

/* Text of any kind is cut and read to the same records whatever the size of the pieces. */
static void pieces_do_not_matter(void **state)
{
    (void)state;
    static const char alphabet[] = "ab,,\"\"\n\n\r1";
    uint64_t seed = 1;
    for (int round = 0; round < 3000; round++) {
        char text[200];
        size_t len = (size_t)(round % 190);
        for (size_t i = 0; i < len; i++) {
            seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
            text[i] = alphabet[(seed >> 33) % (sizeof alphabet - 1)];
        }
        struct tarn_text all = {text, len};
        char *whole = shown(all, plain, 0), *small = shown(all, plain, 1 + (size_t)round % 70);
        assert_string_equal(whole, small);
        free(whole);
        free(small);
    }
}

static void detection(void **state)
{
    (void)state;
    struct tarn_csv_dialect d = tarn_csv_detect(TARN_TEXT("id;name\n1;Anna, Berta\n2;Carl\n"), 0);
    assert_int_equal(d.delimiter, ';');
    assert_true(d.header);
    assert_int_equal(tarn_csv_detect(TARN_TEXT("a\tb\n1\t2\n"), 0).delimiter, '\t');
    assert_int_equal(tarn_csv_detect(TARN_TEXT("a|b\n1|2\n"), 0).delimiter, '|');
    assert_int_equal(tarn_csv_detect(TARN_TEXT("only\nx\n"), 0).delimiter, ',');
    assert_false(tarn_csv_detect(TARN_TEXT("1,2\n3,4\n"), 0).header);
    assert_true(tarn_csv_detect(TARN_TEXT("a,a,\n3,b,\n"), 0).header);
    assert_false(tarn_csv_detect(TARN_TEXT("a,a\nb,c\n"), 0).header);
    assert_false(tarn_csv_detect(TARN_TEXT("a,\nb,\n"), 0).header);
    assert_false(tarn_csv_detect(TARN_TEXT(",\n1,2\n"), 0).header);
    d = tarn_csv_detect(TARN_TEXT("a,b\r1,2\r"), 0);
    assert_int_equal(d.newline, '\r');
    char *got = shown(TARN_TEXT("a,b\r1,2\r"), d, 0);
    assert_string_equal(got, "1:[a][b];2:[1][2];");
    free(got);
}

static void counting(void **state)
{
    (void)state;
    char text[10000];
    for (size_t len = 0; len < sizeof text; len += len < 100 ? 1 : 977) {
        int64_t lines = 0;
        for (size_t i = 0; i < len; i++) {
            text[i] = i % 3 == 0 || i % 7 == 0 || len > 5000 ? '\n' : 'x';
            lines += text[i] == '\n';
        }
        assert_int_equal(tarn_text_count((struct tarn_text){text, len}, '\n'), lines);
    }
}

static void binary(void **state)
{
    (void)state;
    assert_null(tarn_text_is_binary(TARN_TEXT("a,b\n1,2\n")));
    assert_null(tarn_text_is_binary(TARN_TEXT("Zo\xc3\xab,M\xc3\xbcller\n")));
    assert_null(tarn_text_is_binary(TARN_TEXT("one bad byte \xff in a line of text\n")));
    assert_string_equal(tarn_text_is_binary(TARN_TEXT("\x89PNG\r\n")), "it is a PNG image");
    char junk[1000];
    for (size_t i = 0; i < sizeof junk; i++)
        junk[i] = (char)(i * 167 + (i >> 3) * 31);
    assert_non_null(tarn_text_is_binary((struct tarn_text){junk, sizeof junk}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records),
        cmocka_unit_test(damaged),
        cmocka_unit_test(bad_byte_is_named),
        cmocka_unit_test(long_records),
        cmocka_unit_test(pieces_do_not_matter),
        cmocka_unit_test(detection),
        cmocka_unit_test(binary),
        cmocka_unit_test(counting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
