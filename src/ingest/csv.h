/* ingest/csv.h -- CSV (RFC 4180 and its common deviations) in two steps that agree on where a
 * record ends.
 *
 * The cutter walks the quotes of a file and cuts it into pieces of whole records, so that threads
 * can read one file together; the reader takes a piece apart into fields. Grammar: a quote opens a
 * quoted field only as the field's first byte; inside, "" is a quote; anywhere else a quote is an
 * ordinary character. Records end at `newline`; a CR before it belongs to it. A quoted field that
 * is never closed, or that closes in front of other text some lines later, sets aside its first
 * physical line alone, and reading goes on with the next line. */
#ifndef TARN_INGEST_CSV_H
#define TARN_INGEST_CSV_H

#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

enum {
    TARN_RECORD_BYTES_MAX = 16 << 20, /* a longer record is set aside */
    TARN_CSV_COLUMNS_MAX = 4096,
    TARN_PIECE_BYTES = 1 << 18, /* what the cutters aim at: fits in a core's second-level cache */
};

struct tarn_csv_dialect {
    char delimiter;
    char quote;
    char newline; /* '\n', or '\r' for a file that has no other */
    bool header;  /* the first record names the columns */
};

/* A stretch of a file: whole records, or one that cannot be read (`bad` says why). */
struct tarn_piece {
    struct tarn_text text;
    int64_t line;    /* of its first byte, from 1; array elements: the element's number */
    const char *bad; /* NULL: whole records */
};

struct tarn_csv_cutter {
    struct tarn_csv_dialect dialect;
    struct tarn_text text; /* what is left */
    int64_t line;          /* of its first byte; start with 1 */
    size_t piece_bytes;    /* 0: TARN_PIECE_BYTES */
};

/* The next piece, of about `piece_bytes`; false at the end. Pieces follow each other without
 * gaps. */
bool tarn_csv_cut(struct tarn_csv_cutter *cutter, struct tarn_piece *ret_piece);

struct tarn_csv_field {
    const char *data; /* into the piece; without the outer quotes */
    uint32_t len;
    bool quoted;
    bool escaped; /* holds doubled quotes: tarn_csv_unescape */
};

struct tarn_csv_reader {
    struct tarn_csv_dialect dialect;
    const char *at, *end; /* what is left of the piece */
    const char *block;    /* start of the 64 bytes whose marks are in `marks` */
    uint64_t marks;
    int64_t line;    /* of the next record */
    bool check_utf8; /* the piece has bytes beyond ASCII */
    bool check_nul;  /* the piece has zero bytes */
};

struct tarn_csv_record {
    struct tarn_text raw; /* with quotes, without the line end */
    int64_t line;
    size_t count;    /* fields there are, also those that did not fit */
    const char *bad; /* NULL, or why the record cannot be read */
    int64_t bad_at;  /* byte of the record (from 0) where it goes wrong; -1: nowhere special */
    bool blank;      /* an empty line */
};

void tarn_csv_read(struct tarn_csv_reader *reader, const struct tarn_csv_dialect *dialect,
                   const struct tarn_piece *piece);
/* The next record with up to `max` of its fields; false at the end of the piece. */
bool tarn_csv_next(struct tarn_csv_reader *reader, struct tarn_csv_field *fields, size_t max,
                   struct tarn_csv_record *ret_record);
/* Undoubles quotes into `out` (field->len bytes are enough); returns the length. */
size_t tarn_csv_unescape(const struct tarn_csv_field *field, char quote, char *out);

/* Delimiter, line end and header of text that nobody described, from its first records. `wanted`
 * (0: any) fixes the delimiter. */
struct tarn_csv_dialect tarn_csv_detect(struct tarn_text text, char wanted);

/* Why the text cannot be lines of text at all ("it is a PNG image"), or NULL. */
const char *tarn_text_is_binary(struct tarn_text text);

/* Marks of one pass over the bytes. */
void tarn_text_marks(struct tarn_text text, bool *ret_beyond_ascii, bool *ret_nul);
int64_t tarn_text_count(struct tarn_text text, char wanted);

#endif
