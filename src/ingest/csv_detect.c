/* ingest/csv_detect.c -- what a CSV file is like when nobody said: delimiter, line end, header; and
 * whether the bytes are text at all. Looks at the first 64 KiB. */
#include <stdio.h>
#include <strings.h>

#include "base/memory.h"
#include "ingest/csv.h"
#include "ingest/infer.h"

enum { SAMPLE_BYTES = 1 << 16, SAMPLE_RECORDS = 60, SAMPLE_FIELDS = 512 };

static struct tarn_text sample_of(struct tarn_text text)
{
    return text.len > SAMPLE_BYTES ? (struct tarn_text){text.data, SAMPLE_BYTES} : text;
}

struct shape {
    size_t columns; /* fields that most records have */
    double share;   /* of the records that have so many */
};

static struct shape shape_of(struct tarn_text sample, const struct tarn_csv_dialect *dialect)
{
    size_t counts[SAMPLE_RECORDS], records = 0;
    struct tarn_csv_reader reader;
    struct tarn_csv_record record;
    struct tarn_csv_field none;
    tarn_csv_read(&reader, dialect, &(struct tarn_piece){.text = sample, .line = 1});
    while (records < SAMPLE_RECORDS && tarn_csv_next(&reader, &none, 0, &record))
        if (!record.blank)
            counts[records++] = record.count;
    if (records > 1 && reader.at >= reader.end && sample.len == SAMPLE_BYTES)
        records--; /* the sample may cut the last one off */
    struct shape best = {0};
    for (size_t i = 0; i < records; i++) {
        size_t same = 0;
        for (size_t j = 0; j < records; j++)
            same += counts[j] == counts[i];
        double share = (double)same / (double)records;
        if (share > best.share || (share == best.share && counts[i] > best.columns))
            best = (struct shape){counts[i], share};
    }
    return best;
}

static bool same_name(const struct tarn_csv_field *a, const struct tarn_csv_field *b)
{
    return a->len == b->len && strncasecmp(a->data, b->data, a->len) == 0;
}

static bool next_record(struct tarn_csv_reader *reader, struct tarn_csv_field *fields,
                        size_t *ret_count)
{
    struct tarn_csv_record record;
    do {
        if (!tarn_csv_next(reader, fields, SAMPLE_FIELDS, &record))
            return false;
    } while (record.blank);
    *ret_count = record.count < SAMPLE_FIELDS ? record.count : SAMPLE_FIELDS;
    return true;
}

static enum tarn_value_class class_of(const struct tarn_csv_field *field)
{
    return tarn_value_classify((struct tarn_text){field->data, field->len}, NULL, NULL);
}

static bool is_repeated(const struct tarn_csv_field *fields, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (same_name(&fields[i], &fields[at]))
            return true;
    return false;
}

/* Names are words: not numbers or dates. When some are empty or repeated, the record below must
 * hold a value that is no word, otherwise both are taken for data. */
static bool has_header(struct tarn_text sample, const struct tarn_csv_dialect *dialect)
{
    struct tarn_csv_reader reader;
    TARN_AUTO_FREE struct tarn_csv_field *fields = tarn_alloc_array(SAMPLE_FIELDS, sizeof *fields);
    size_t count, words = 0;
    bool odd = false;
    tarn_csv_read(&reader, dialect, &(struct tarn_piece){.text = sample, .line = 1});
    if (!next_record(&reader, fields, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (fields[i].len > 0 && class_of(&fields[i]) != TARN_CLASS_TEXT)
            return false;
        words += fields[i].len > 0;
        odd = odd || fields[i].len == 0 || is_repeated(fields, i);
    }
    if (!odd || words == 0)
        return words > 0;
    if (!next_record(&reader, fields, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (fields[i].len > 0 && class_of(&fields[i]) != TARN_CLASS_TEXT)
            return true;
    return false;
}

struct tarn_csv_dialect tarn_csv_detect(struct tarn_text text, char wanted)
{
    static const char candidates[] = {',', ';', '\t', '|'};
    struct tarn_text sample = sample_of(text);
    bool newlines = memchr(sample.data, '\n', sample.len) != NULL;
    bool returns = memchr(sample.data, '\r', sample.len) != NULL;
    struct tarn_csv_dialect best = {wanted ? wanted : ',', '"', !newlines && returns ? '\r' : '\n',
                                    false};
    struct shape best_shape = {0};
    for (size_t i = 0; i < TARN_COUNT(candidates) && !wanted; i++) {
        struct tarn_csv_dialect dialect = best;
        dialect.delimiter = candidates[i];
        struct shape shape = shape_of(sample, &dialect);
        if (shape.columns > 1 &&
            (shape.share > best_shape.share ||
             (shape.share == best_shape.share && shape.columns > best_shape.columns))) {
            best_shape = shape;
            best = dialect;
        }
    }
    best.header = has_header(sample, &best);
    return best;
}

/* ---- text or not
 * ---------------------------------------------------------------------------------------- */

const char *tarn_text_is_binary(struct tarn_text text)
{
    static const struct {
        struct tarn_text magic;
        const char *what;
    } known[] = {
        {TARN_TEXT("\x89PNG"), "it is a PNG image"},
        {TARN_TEXT("\xff\xd8\xff"), "it is a JPEG image"},
        {TARN_TEXT("GIF8"), "it is a GIF image"},
        {TARN_TEXT("%PDF-"), "it is a PDF document"},
        {TARN_TEXT("PK\x03\x04"), "it is a ZIP archive (or an Office document): unpack it, or "
                                  "save the sheet as CSV"},
        {TARN_TEXT("PAR1"), "it is a Parquet file: name it .parquet or declare format: parquet"},
        {TARN_TEXT("SQLite format 3"), "it is a SQLite database"},
        {TARN_TEXT("\x7f"
                   "ELF"),
         "it is a program"},
        {TARN_TEXT("BZh"), "it is packed with bzip2: unpack it, or pack it with gzip or zstd"},
        {TARN_TEXT("\xfd"
                   "7zXZ"),
         "it is packed with xz: unpack it, or pack it with gzip or zstd"},
    };
    for (size_t i = 0; i < TARN_COUNT(known); i++)
        if (text.len >= known[i].magic.len &&
            memcmp(text.data, known[i].magic.data, known[i].magic.len) == 0)
            return known[i].what;
    struct tarn_text sample = sample_of(text);
    size_t odd = 0;
    for (size_t at = 0; at < sample.len;) {
        struct tarn_text rest = {sample.data + at, sample.len - at};
        unsigned char c = (unsigned char)rest.data[0];
        if (c < 0x20 || c == 0x7f) {
            odd += c != '\t' && c != '\n' && c != '\r' && c != '\f';
            at++;
        } else if (c < 0x80) {
            at++;
        } else {
            struct tarn_text character = {rest.data, rest.len < 4 ? rest.len : 4};
            size_t valid = 0;
            for (size_t len = 2; len <= character.len && valid == 0; len++)
                if (tarn_utf8_valid_prefix((struct tarn_text){rest.data, len}) == len)
                    valid = len;
            odd += valid == 0;
            at += valid ? valid : 1;
        }
    }
    /* damaged text has a bad byte here and there; a quarter of them is no text */
    return sample.len > 0 && odd * 4 >= sample.len ? "it is not text in UTF-8: a quarter or more "
                                                     "of its bytes cannot be (binary data, or "
                                                     "another encoding: declare `encoding`)"
                                                   : NULL;
}
