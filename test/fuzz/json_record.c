/* test/fuzz/json_record.c -- JSON text of any kind in every layout: fields lie inside their record,
 * and what is taken as a record jansson takes too. */
#include <assert.h>
#include <jansson.h>

#include "base/memory.h"
#include "ingest/json_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS = 16 };

static bool jansson_takes(struct tarn_text raw)
{
    json_error_t error;
    json_t *value = json_loadb(raw.data, raw.len, JSON_ALLOW_NUL, &error);
    /* jansson alone refuses numbers beyond its range, unpaired surrogates and NUL in keys */
    bool takes = value != NULL || json_error_code(&error) == json_error_numeric_overflow ||
                 json_error_code(&error) == json_error_invalid_utf8 ||
                 json_error_code(&error) == json_error_null_byte_in_key ||
                 memmem(raw.data, raw.len, "\\u", 2) != NULL;
    json_decref(value);
    return takes;
}

static void check(const struct tarn_json_record *record, const struct tarn_json_field *fields)
{
    const char *start = record->raw.data, *end = start + record->raw.len;
    for (size_t i = 0; i < record->count && i < FIELDS; i++) {
        const struct tarn_text value = fields[i].value;
        assert(fields[i].key.data > start && value.data > fields[i].key.data);
        assert(value.data + value.len <= end);
        TARN_AUTO_FREE char *copy = tarn_alloc(value.len + 1);
        assert(tarn_json_unescape(value, copy) <= value.len);
    }
    assert(jansson_takes(record->raw));
}

static size_t read_all(struct tarn_text text, enum tarn_json_layout layout, size_t piece_bytes)
{
    struct tarn_json_cutter cutter;
    struct tarn_piece piece;
    struct tarn_json_field fields[FIELDS];
    size_t count = 0;
    tarn_json_cut_from(&cutter, layout, text);
    cutter.piece_bytes = piece_bytes;
    while (tarn_json_cut(&cutter, &piece)) {
        struct tarn_json_reader reader;
        struct tarn_json_record record;
        assert(piece.text.data >= text.data &&
               piece.text.data + piece.text.len <= text.data + text.len);
        if (piece.bad)
            continue;
        tarn_json_read(&reader, layout, &piece);
        while (tarn_json_next(&reader, fields, FIELDS, &record)) {
            if (!record.bad)
                check(&record, fields);
            count += !record.bad;
        }
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_text text = {(const char *)data, size};
    (void)tarn_json_detect(text);
    for (int layout = TARN_JSON_LINES; layout <= TARN_JSON_SEQUENCE; layout++) {
        size_t whole = read_all(text, (enum tarn_json_layout)layout, TARN_PIECE_BYTES);
        assert(whole == read_all(text, (enum tarn_json_layout)layout, 1 + size % 50));
    }
    return 0;
}
