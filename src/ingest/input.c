/* ingest/input.c -- see input.h. */
#include "ingest/input.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "ingest/unpack.h"

enum { PIECE_BYTES = 1 << 18, BOM_BYTES = 3 };

static enum tarn_status map_descriptor(int fd, const char *path, struct tarn_input *input,
                                       struct tarn_error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return tarn_fail_errno(err, "reading %s", path);
    if (!S_ISREG(info.st_mode))
        return tarn_fail(err, TARN_INVALID, "reading %s: it is not a regular file", path);
    input->map_len = (size_t)info.st_size;
    input->text = (struct tarn_text){"", 0};
    if (info.st_size == 0)
        return TARN_OK;
    void *map = mmap(NULL, input->map_len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return tarn_fail_errno(err, "mapping %s", path);
    (void)madvise(map, input->map_len, MADV_SEQUENTIAL); /* only advice */
    input->map = map;
    input->text = (struct tarn_text){map, input->map_len};
    return TARN_OK;
}

static enum tarn_status temporary_file(const char *directory, int *ret_fd, struct tarn_error *err)
{
    TARN_AUTO_FREE char *path = tarn_format("%s/tarn-input-XXXXXX", directory);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return tarn_fail_errno(err, "making a temporary file in %s", directory);
    (void)unlink(path); /* at worst the name stays behind in the temporary folder */
    *ret_fd = fd;
    return TARN_OK;
}

/* Frees the old mapping and takes the temporary file's instead. */
static enum tarn_status adopt(int fd, const char *path, struct tarn_input *input,
                              struct tarn_error *err)
{
    struct tarn_input fresh = {.file_bytes = input->file_bytes, .unpacked = input->unpacked};
    TARN_TRY(map_descriptor(fd, path, &fresh, err));
    tarn_input_close(input);
    *input = fresh;
    return TARN_OK;
}

static enum tarn_status unpack(enum tarn_packing packing, const char *path,
                               const char *spill_directory, struct tarn_input *input,
                               struct tarn_error *err)
{
    int fd;
    TARN_TRY(temporary_file(spill_directory, &fd, err));
    enum tarn_status status = tarn_unpack(packing, input->text, fd, path, err);
    input->unpacked = true;
    if (status == TARN_OK)
        status = adopt(fd, path, input, err);
    close(fd);
    return status;
}

/* ---- other encodings
 * ------------------------------------------------------------------------------------------- */

/* Unicode 15, D91; an unpaired surrogate becomes U+FFFD. Returns the bytes used. */
static size_t take_utf16(const unsigned char *p, size_t left, bool big_endian, uint32_t *ret)
{
    unsigned high = big_endian ? 0 : 1, low = 1 - high;
    uint32_t c = (uint32_t)p[high] << 8 | p[low];
    *ret = c;
    if (c < 0xd800 || c > 0xdfff)
        return 2;
    *ret = 0xfffd;
    if (c > 0xdbff || left < 4)
        return 2;
    uint32_t d = (uint32_t)p[2 + high] << 8 | p[2 + low];
    if (d < 0xdc00 || d > 0xdfff)
        return 2;
    *ret = 0x10000 + ((c - 0xd800) << 10) + (d - 0xdc00);
    return 4;
}

/* Unicode of Windows-1252's bytes from 0x80; 0: the code of that number (WHATWG, "windows-1252").
 */
static uint32_t of_windows_1252(unsigned char byte)
{
    static const uint16_t special[32] = {
        0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
        0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
        0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};
    uint32_t found = byte >= 0x80 && byte < 0xA0 ? special[byte - 0x80] : 0;
    return found ? found : byte;
}

static enum tarn_status convert(const char *path, enum tarn_encoding encoding, bool big_endian,
                                const char *spill_directory, struct tarn_input *input,
                                struct tarn_error *err)
{
    const unsigned char *p = (const unsigned char *)input->text.data;
    size_t len = input->text.len, used = 0;
    if (encoding == TARN_ENCODING_UTF16 && len % 2 != 0)
        return tarn_fail(
            err, TARN_INVALID,
            "UTF-16 text has an even number of bytes, this file has %zu: it is cut off", len);
    int fd;
    TARN_TRY(temporary_file(spill_directory, &fd, err));
    TARN_AUTO_FREE char *out = tarn_alloc(PIECE_BYTES);
    enum tarn_status status = TARN_OK;
    while (used < len && status == TARN_OK) {
        size_t filled = 0;
        while (used < len && filled < PIECE_BYTES - 4) {
            uint32_t c = of_windows_1252(p[used]);
            used += encoding == TARN_ENCODING_LATIN1
                        ? 1
                        : take_utf16(p + used, len - used, big_endian, &c);
            filled += tarn_utf8_encode(c, out + filled);
        }
        status = tarn_unpack_write(fd, out, filled, path, err);
    }
    if (status == TARN_OK)
        status = adopt(fd, path, input, err);
    close(fd);
    return status;
}

/* UTF-16 without a mark: text in Latin letters has a zero in every other byte. */
static bool looks_like_utf16(struct tarn_text text, bool *ret_big_endian)
{
    enum { SAMPLE = 4096 };
    size_t len = text.len < SAMPLE ? text.len & ~(size_t)1 : SAMPLE, zeros[2] = {0, 0};
    for (size_t i = 0; i < len; i++)
        zeros[i & 1] += text.data[i] == 0;
    *ret_big_endian = zeros[0] > zeros[1];
    size_t most = zeros[*ret_big_endian ? 0 : 1], least = zeros[*ret_big_endian ? 1 : 0];
    return len >= 4 && most * 10 >= len / 2 * 8 && least * 50 <= len;
}

/* Text with bytes beyond ASCII of which none is part of a UTF-8 sequence. */
static bool looks_like_latin1(struct tarn_text text)
{
    enum { SAMPLE = 4 << 20 };
    bool found = false;
    for (size_t i = 0; i < text.len && i < SAMPLE; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < ' ' && !strchr("\t\n\v\f\r", c))
            return false; /* binary */
        if (c == 0 || c == 0x7F)
            return false;
        if (c < 0x80)
            continue;
        size_t left = text.len - i;
        if (tarn_utf8_valid_prefix((struct tarn_text){text.data + i, left < 4 ? left : 4}) > 0)
            return false;
        found = true;
    }
    return found;
}

static bool has_mark(struct tarn_text text, const char *mark, size_t len)
{
    return text.len >= len && memcmp(text.data, mark, len) == 0;
}

static void skip(struct tarn_text *text, size_t len)
{
    text->data += len;
    text->len -= len;
}

static enum tarn_status to_utf8(const char *path, enum tarn_encoding encoding,
                                const char *spill_directory, struct tarn_input *input,
                                struct tarn_error *err)
{
    bool little = has_mark(input->text, "\xff\xfe", 2), big = has_mark(input->text, "\xfe\xff", 2);
    bool big_guess = false, guess = encoding == TARN_ENCODING_GUESS;
    encoding = guess ? TARN_ENCODING_DETECT : encoding;
    if (encoding == TARN_ENCODING_DETECT && !little && !big &&
        looks_like_utf16(input->text, &big_guess)) {
        encoding = TARN_ENCODING_UTF16;
        big = big_guess;
    } else if (encoding == TARN_ENCODING_DETECT && (little || big)) {
        encoding = TARN_ENCODING_UTF16;
    } else if (guess && looks_like_latin1(input->text)) {
        encoding = TARN_ENCODING_LATIN1;
    }
    if (encoding == TARN_ENCODING_LATIN1)
        return convert(path, encoding, false, spill_directory, input, err);
    if (encoding == TARN_ENCODING_UTF16) {
        if (has_mark(input->text, big ? "\xfe\xff" : "\xff\xfe", 2))
            skip(&input->text, 2);
        return convert(path, encoding, big, spill_directory, input, err);
    }
    if (has_mark(input->text, "\xef\xbb\xbf", BOM_BYTES))
        skip(&input->text, BOM_BYTES);
    return TARN_OK;
}

enum tarn_status tarn_input_open(const char *path, enum tarn_encoding encoding,
                                 const char *spill_directory, struct tarn_input *ret_input,
                                 struct tarn_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tarn_fail_errno(err, "opening %s", path);
    struct tarn_input input = {0};
    enum tarn_status status = map_descriptor(fd, path, &input, err);
    close(fd);
    input.file_bytes = input.map_len;
    enum tarn_packing packing = tarn_packing_of(input.text);
    if (status == TARN_OK && packing != TARN_PACKED_NOT)
        status = unpack(packing, path, spill_directory, &input, err);
    if (status == TARN_OK)
        status = to_utf8(path, encoding, spill_directory, &input, err);
    if (status != TARN_OK) {
        tarn_input_close(&input);
        return status;
    }
    *ret_input = input;
    return TARN_OK;
}

void tarn_input_close(struct tarn_input *input)
{
    if (input->map)
        munmap(input->map, input->map_len);
    input->map = NULL;
    input->map_len = 0;
    input->text = (struct tarn_text){"", 0};
}

void tarn_input_forget(const struct tarn_input *input)
{
    if (input->map)
        (void)madvise(input->map, input->map_len, MADV_DONTNEED); /* only advice */
}
