/* base/hash.h -- content hashes and random identifiers. */
#ifndef TARN_BASE_HASH_H
#define TARN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

enum { TARN_SHA256_HEX_BYTES = 65, TARN_UUID_BYTES = 37 };

/* Lower-case hex SHA-256 of the bytes (FIPS 180-4); returns `out`. */
char *tarn_sha256_hex(struct tarn_text bytes, char out[TARN_SHA256_HEX_BYTES]);
/* The same over a whole file, read in pieces. */
CHECKED enum tarn_status tarn_sha256_file(const char *path, char out[TARN_SHA256_HEX_BYTES],
                                          struct tarn_error *err);
/* Fast 64-bit hash for tables in memory (FNV-1a with a final mix); never stored on disk. */
uint64_t tarn_hash64(struct tarn_text bytes);
/* MurmurHash3 x86 32-bit with seed 0, which Iceberg's bucket partitions are made with (spec,
 * Appendix B); of a number the fewest big-endian bytes that hold it, as it hashes decimals. */
uint32_t tarn_murmur3(struct tarn_text bytes);
uint32_t tarn_murmur3_int128(__int128 value);
/* Cryptographically random bytes from the kernel. */
void tarn_random_bytes(void *out, size_t len);
/* Random UUID, version 4 (RFC 9562), lower case; returns `out`. */
char *tarn_uuid(char out[TARN_UUID_BYTES]);

#endif
