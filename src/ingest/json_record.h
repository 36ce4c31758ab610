/* ingest/json_record.h -- JSON records (RFC 8259) without building a tree: where each record ends,
 * and the top-level keys of an object with their values as they stand in the file.
 *
 * As for CSV there are two steps. The cutter finds whole records by lines or by counting brackets;
 * the reader checks each record strictly. A record that is no valid JSON object is set aside and
 * reading goes on behind it. Nesting is limited to TARN_JSON_NESTING_MAX. */
#ifndef TARN_INGEST_JSON_RECORD_H
#define TARN_INGEST_JSON_RECORD_H

#include "ingest/csv.h"

enum { TARN_JSON_NESTING_MAX = 256, TARN_JSON_KEYS_MAX = 4096 };

enum tarn_json_layout {
    TARN_JSON_LINES,    /* one record per line */
    TARN_JSON_ARRAY,    /* [record, record]; a record's number is its index + 1 */
    TARN_JSON_SEQUENCE, /* records behind each other, over any number of lines */
};

/* What a file in format `json` is like: an array, or lines or a sequence of objects. */
enum tarn_json_layout tarn_json_detect(struct tarn_text text);

struct tarn_json_cutter {
    enum tarn_json_layout layout;
    struct tarn_text text; /* what is left */
    int64_t line;
    bool started;       /* the array's [ is behind us */
    bool ended;         /* its ] too */
    size_t piece_bytes; /* TARN_PIECE_BYTES unless changed */
};
void tarn_json_cut_from(struct tarn_json_cutter *cutter, enum tarn_json_layout layout,
                        struct tarn_text text);
/* The next piece, of about `piece_bytes`; false at the end. */
bool tarn_json_cut(struct tarn_json_cutter *cutter, struct tarn_piece *ret_piece);

enum tarn_json_kind {
    TARN_JSON_KIND_STRING,
    TARN_JSON_KIND_NUMBER,
    TARN_JSON_KIND_BOOLEAN,
    TARN_JSON_KIND_NULL,
    TARN_JSON_KIND_OBJECT,
    TARN_JSON_KIND_ARRAY,
};
struct tarn_json_field {
    struct tarn_text key;   /* without quotes */
    struct tarn_text value; /* strings without quotes, everything else as it stands */
    enum tarn_json_kind kind;
    bool key_escaped, value_escaped; /* \ inside: tarn_json_unescape */
};

struct tarn_json_reader {
    enum tarn_json_layout layout;
    const char *at, *end;
    int64_t line;
    bool check_utf8;
};
struct tarn_json_record {
    struct tarn_text raw;
    int64_t line;
    size_t count;    /* fields there are; duplicates count, the last one is the value */
    const char *bad; /* NULL, or why the record cannot be read */
    int64_t bad_at;  /* byte of the record where it goes wrong */
};
void tarn_json_read(struct tarn_json_reader *reader, enum tarn_json_layout layout,
                    const struct tarn_piece *piece);
/* The next record with up to `max` of its fields; false at the end of the piece. Blank lines are no
 * records. */
bool tarn_json_next(struct tarn_json_reader *reader, struct tarn_json_field *fields, size_t max,
                    struct tarn_json_record *ret_record);

/* Checks one record strictly and finds its fields. */
void tarn_json_parse(struct tarn_text text, struct tarn_json_field *fields, size_t max,
                     struct tarn_json_record *record);
/* Resolves escapes of a string's inside into `out` (text.len bytes are enough); returns the length.
 * An unpaired surrogate becomes U+FFFD. */
size_t tarn_json_unescape(struct tarn_text text, char *out);

#endif
