/* broker/log/bytes.h -- numbers in record batches (big-endian, zigzag varints) and in our own files
 * (little-endian). Private to broker/log. */
#ifndef TARN_BROKER_LOG_BYTES_H
#define TARN_BROKER_LOG_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BYTES_GETTER(name, type, convert)                                                          \
    static inline type name(const void *at)                                                        \
    {                                                                                              \
        type value;                                                                                \
        memcpy(&value, at, sizeof value);                                                          \
        return convert(value);                                                                     \
    }
#define BYTES_PUTTER(name, type, convert)                                                          \
    static inline void name(void *at, type value)                                                  \
    {                                                                                              \
        value = convert(value);                                                                    \
        memcpy(at, &value, sizeof value);                                                          \
    }
BYTES_GETTER(be16_get, uint16_t, be16toh)
BYTES_GETTER(be32_get, uint32_t, be32toh)
BYTES_GETTER(be64_get, uint64_t, be64toh)
BYTES_PUTTER(be16_put, uint16_t, htobe16)
BYTES_PUTTER(be32_put, uint32_t, htobe32)
BYTES_PUTTER(be64_put, uint64_t, htobe64)
BYTES_GETTER(le16_get, uint16_t, le16toh)
BYTES_GETTER(le32_get, uint32_t, le32toh)
BYTES_GETTER(le64_get, uint64_t, le64toh)
BYTES_PUTTER(le16_put, uint16_t, htole16)
BYTES_PUTTER(le32_put, uint32_t, htole32)
BYTES_PUTTER(le64_put, uint64_t, htole64)

/* A zigzag varint of at most 10 bytes at *at, which moves behind it; false when it does not end
 * before `end`. */
static inline bool varint_get(const uint8_t **at, const uint8_t *end, int64_t *ret_value)
{
    const uint8_t *in = *at;
    if (in < end && *in < 0x80) {
        *ret_value = (int64_t)(*in >> 1) ^ -(int64_t)(*in & 1);
        *at = in + 1;
        return true;
    }
    if (end - in >= 2 && in[1] < 0x80) { /* most lengths and offsets */
        uint32_t two = (uint32_t)(in[0] & 0x7f) | (uint32_t)in[1] << 7;
        *ret_value = (int64_t)(two >> 1) ^ -(int64_t)(two & 1);
        *at = in + 2;
        return true;
    }
    uint64_t raw = 0;
    for (unsigned shift = 0; shift < 70 && in < end; shift += 7) {
        uint8_t byte = *in++;
        raw |= (uint64_t)(byte & 0x7f) << (shift < 64 ? shift : 63);
        if (byte < 0x80) {
            *ret_value = (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1);
            *at = in;
            return true;
        }
    }
    return false;
}

enum { VARINT_MAX_BYTES = 10 };
/* Returns the length. */
static inline size_t varint_put(uint8_t *out, int64_t value)
{
    uint64_t raw = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    size_t len = 0;
    while (raw >= 0x80) {
        out[len++] = (uint8_t)(raw | 0x80);
        raw >>= 7;
    }
    out[len++] = (uint8_t)raw;
    return len;
}

#endif
