/* ingest/spool.h -- records that cannot be read, kept in a temporary file until they are written to
 * bronze.rejected_rows: there may be any number of them. */
#ifndef TARN_INGEST_SPOOL_H
#define TARN_INGEST_SPOOL_H

#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

/* Named limit: bytes of a record that bronze.rejected_rows shows; the file keeps all of it. */
enum { TARN_REJECT_RAW_BYTES = 64 << 10 };

struct tarn_spool;
CHECKED enum tarn_status tarn_spool_open(const char *directory, struct tarn_spool **ret,
                                         struct tarn_error *err);
void tarn_spool_close(struct tarn_spool *spool); /* NULL is fine */
int64_t tarn_spool_count(struct tarn_spool *spool);

struct tarn_reject {
    uint64_t file; /* the caller's number of the file */
    int64_t line;
    struct tarn_text reason;
    struct tarn_text raw;
};
/* Thread-safe. Bytes of `raw` that are no UTF-8, and zero bytes, are kept as \xHH. */
CHECKED enum tarn_status tarn_spool_add(struct tarn_spool *spool, const struct tarn_reject *reject,
                                        struct tarn_error *err);
/* Reads from the start again with tarn_spool_next. */
CHECKED enum tarn_status tarn_spool_rewind(struct tarn_spool *spool, struct tarn_error *err);
/* The next record; texts live until the next call. *ret_more is false at the end. */
CHECKED enum tarn_status tarn_spool_next(struct tarn_spool *spool, struct tarn_reject *ret,
                                         bool *ret_more, struct tarn_error *err);

#endif
