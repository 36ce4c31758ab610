/* test/fuzz/csv.c -- CSV text of any kind: pieces tile it, every record lies inside it, and the
 * size of the pieces changes nothing. */
#include <assert.h>

#include "base/hash.h"
#include "base/memory.h"
#include "ingest/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS = 16 };

static void check_fields(const struct tarn_csv_record *record, const struct tarn_csv_field *fields,
                         char quote)
{
    const char *at = record->raw.data, *end = at + record->raw.len;
    for (size_t i = 0; i < record->count && i < FIELDS; i++) {
        assert(fields[i].data >= at && fields[i].data + fields[i].len <= end);
        at = fields[i].data + fields[i].len;
        TARN_AUTO_FREE char *copy = tarn_alloc((size_t)fields[i].len + 1);
        if (fields[i].escaped)
            assert(tarn_csv_unescape(&fields[i], quote, copy) < fields[i].len);
    }
}

/* A number that stands for all records of the text. */
static uint64_t read_all(struct tarn_text text, struct tarn_csv_dialect dialect, size_t piece_bytes)
{
    struct tarn_csv_cutter cutter = {dialect, text, 1, piece_bytes};
    struct tarn_csv_field fields[FIELDS];
    struct tarn_piece piece;
    const char *expected = text.data;
    uint64_t sum = 0;
    while (tarn_csv_cut(&cutter, &piece)) {
        struct tarn_csv_reader reader;
        struct tarn_csv_record record;
        assert(piece.text.data == expected && piece.text.len > 0);
        expected += piece.text.len;
        if (piece.bad) {
            sum += tarn_hash64(piece.text) * (uint64_t)piece.line;
            continue;
        }
        tarn_csv_read(&reader, &dialect, &piece);
        while (tarn_csv_next(&reader, fields, FIELDS, &record)) {
            if (!record.bad)
                check_fields(&record, fields, dialect.quote);
            sum += (tarn_hash64(record.raw) + record.count) * (uint64_t)record.line;
        }
        assert(reader.at == expected);
    }
    assert(expected == text.data + text.len);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    /* a copy of exactly this size, so that reading beyond it is seen */
    struct tarn_text text = {(const char *)data + 1, size - 1};
    (void)tarn_text_is_binary(text);
    struct tarn_csv_dialect dialect = tarn_csv_detect(text, data[0] & 1 ? ';' : 0);
    assert(read_all(text, dialect, 0) == read_all(text, dialect, (size_t)data[0] + 1));
    return 0;
}
