/* ingest/input.h -- a landing file as bytes in memory: mapped, unpacked, brought to UTF-8.
 *
 * A plain UTF-8 file is mapped as it is. A gzip or zstd file is unpacked, and UTF-16 or Latin-1
 * converted, into an unnamed temporary file that is mapped instead, so that memory stays bounded
 * whatever the size. The bytes stay where they are until tarn_input_close: rows are handed to
 * DuckDB as pointers into them. Landing files are never changed, which is what makes mapping them
 * sound. */
#ifndef TARN_INGEST_INPUT_H
#define TARN_INGEST_INPUT_H

#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

enum tarn_encoding {
    TARN_ENCODING_DETECT, /* a byte order mark or the pattern of zero bytes; otherwise UTF-8 */
    TARN_ENCODING_UTF8,
    TARN_ENCODING_UTF16,  /* byte order by its mark, little endian without one */
    TARN_ENCODING_LATIN1, /* Windows-1252, which has letters where Latin-1 has control codes */
    TARN_ENCODING_GUESS,  /* as DETECT, and LATIN1 when nothing beyond ASCII can be UTF-8 */
};

struct tarn_input {
    struct tarn_text text; /* without a byte order mark */
    void *map;             /* the whole mapping; NULL for an empty file */
    size_t map_len;
    uint64_t file_bytes; /* size on disk */
    bool unpacked;       /* was gzip or zstd */
};

/* `spill_directory` is where unpacked files go. INVALID when the content cannot be what it claims
 * to be (a damaged archive, odd UTF-16): the caller rejects the file; other errors are the
 * machine's. */
CHECKED enum tarn_status tarn_input_open(const char *path, enum tarn_encoding encoding,
                                         const char *spill_directory, struct tarn_input *ret_input,
                                         struct tarn_error *err);
void tarn_input_close(struct tarn_input *input); /* zeroed is fine */
/* Lets the kernel take back the memory of the whole mapping; it is read again when touched. */
void tarn_input_forget(const struct tarn_input *input);

#endif
