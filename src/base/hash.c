/* base/hash.c -- see hash.h. SHA-256 is OpenSSL's. */
#include "base/hash.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/memory.h"

static char *to_hex(const unsigned char *digest, unsigned len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < len; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[2 * len] = 0;
    return out;
}

char *tarn_sha256_hex(struct tarn_text bytes, char out[TARN_SHA256_HEX_BYTES])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    EVP_Digest(bytes.data, bytes.len, digest, &len, EVP_sha256(), NULL);
    return to_hex(digest, len, out);
}

static enum tarn_status digest_descriptor(int fd, const char *path, EVP_MD_CTX *context,
                                          struct tarn_error *err)
{
    enum { PIECE_BYTES = 1 << 18 };
    TARN_AUTO_FREE unsigned char *piece = tarn_alloc(PIECE_BYTES);
    for (;;) {
        ssize_t got = read(fd, piece, PIECE_BYTES);
        if (got < 0)
            return tarn_fail_errno(err, "reading %s", path);
        if (got == 0)
            return TARN_OK;
        EVP_DigestUpdate(context, piece, (size_t)got);
    }
}

enum tarn_status tarn_sha256_file(const char *path, char out[TARN_SHA256_HEX_BYTES],
                                  struct tarn_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tarn_fail_errno(err, "opening %s", path);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    enum tarn_status status = digest_descriptor(fd, path, context, err);
    if (status == TARN_OK) {
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned len = 0;
        EVP_DigestFinal_ex(context, digest, &len);
        to_hex(digest, len, out);
    }
    EVP_MD_CTX_free(context);
    close(fd);
    return status;
}

uint64_t tarn_hash64(struct tarn_text bytes)
{
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ (unsigned char)bytes.data[i]) * 0x100000001b3ULL;
    hash ^= hash >> 32;
    hash *= 0x9e3779b97f4a7c15ULL;
    return hash ^ (hash >> 29);
}

void tarn_random_bytes(void *out, size_t len)
{
    char *at = out;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got <= 0)
            continue; /* only EINTR is possible with these flags */
        at += got;
        len -= (size_t)got;
    }
}

char *tarn_uuid(char out[TARN_UUID_BYTES])
{
    unsigned char b[16];
    tarn_random_bytes(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    char hex[33];
    to_hex(b, 16, hex);
    snprintf(out, TARN_UUID_BYTES, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
    return out;
}

/* ---- MurmurHash3 */

static uint32_t rotate(uint32_t x, int by)
{
    return x << by | x >> (32 - by);
}

static uint32_t scramble(uint32_t k)
{
    return rotate(k * 0xcc9e2d51u, 15) * 0x1b873593u;
}

uint32_t tarn_murmur3(struct tarn_text bytes)
{
    uint32_t hash = 0, k;
    size_t at = 0;
    for (; at + 4 <= bytes.len; at += 4) {
        memcpy(&k, bytes.data + at, 4);
        hash = rotate(hash ^ scramble(k), 13) * 5 + 0xe6546b64u;
    }
    k = 0;
    for (size_t i = bytes.len; i > at; i--)
        k = k << 8 | (unsigned char)bytes.data[i - 1];
    hash ^= scramble(k);
    hash ^= (uint32_t)bytes.len;
    hash = (hash ^ hash >> 16) * 0x85ebca6bu;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
    return hash ^ hash >> 16;
}

uint32_t tarn_murmur3_int128(__int128 value)
{
    char bytes[sizeof value];
    size_t first = 0;
    for (size_t i = 0; i < sizeof value; i++)
        bytes[i] = (char)(value >> (8 * (sizeof value - 1 - i)));
    while (first + 1 < sizeof value && ((bytes[first] == 0 && bytes[first + 1] >= 0) ||
                                        (bytes[first] == (char)-1 && bytes[first + 1] < 0)))
        first++;
    return tarn_murmur3((struct tarn_text){bytes + first, sizeof value - first});
}
