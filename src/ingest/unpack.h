/* ingest/unpack.h -- files packed with gzip or zstd, unpacked piece by piece into another file. */
#ifndef TARN_INGEST_UNPACK_H
#define TARN_INGEST_UNPACK_H

#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

/* Named limit: bytes one packed file may unpack to. */
#define TARN_UNPACKED_MAX ((uint64_t)256 << 30)

enum tarn_packing { TARN_PACKED_NOT, TARN_PACKED_GZIP, TARN_PACKED_ZSTD };

/* By the first bytes (RFC 1952, RFC 8878), whatever the file's name says. */
enum tarn_packing tarn_packing_of(struct tarn_text bytes);
/* Writes what `packed` holds to `fd`; several members or frames behind each other are one text.
 * INVALID when it is damaged or unpacks to too much; `path` is only for messages. */
CHECKED enum tarn_status tarn_unpack(enum tarn_packing packing, struct tarn_text packed, int fd,
                                     const char *path, struct tarn_error *err);
/* Writes all of it, however the kernel cuts it. */
CHECKED enum tarn_status tarn_unpack_write(int fd, const void *bytes, size_t len, const char *path,
                                           struct tarn_error *err);

#endif
