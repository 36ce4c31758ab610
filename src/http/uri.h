/* http/uri.h -- the pieces of a request target: percent-encoding, query parameters, path templates.
 *
 * Bytes from outside: everything is bounds-checked and nothing is assumed about the characters. A
 * segment is split off before it is decoded, so that a name may hold an encoded slash (RFC 3986).
 */
#ifndef TARN_HTTP_URI_H
#define TARN_HTTP_URI_H

#include "base/memory.h"
#include "base/text.h"

struct tarn_http_param {
    struct tarn_text name, value;
};

enum { TARN_HTTP_QUERY_PARAMS_MAX = 64, TARN_HTTP_PATH_PARAMS_MAX = 8 };

/* Decodes %XX, and '+' as a space when `plus_is_space` (queries). False for a '%' that no two hex
 * digits follow and for %00; the text is then untouched. */
bool tarn_http_decode(struct tarn_text text, bool plus_is_space, struct tarn_arena *arena,
                      struct tarn_text *ret_text);

/* "a=1&b=&c" as params, in order, decoded. False when one cannot be decoded or there are more than
 * TARN_HTTP_QUERY_PARAMS_MAX. */
bool tarn_http_query_parse(struct tarn_text query, struct tarn_arena *arena,
                           struct tarn_http_param **ret_params, size_t *ret_count);

enum tarn_http_match { TARN_HTTP_NO_MATCH, TARN_HTTP_MATCH, TARN_HTTP_BAD_PATH };

/* Whether `path` (raw, without the query) fits `pattern` ("/subjects/{subject}/versions"), and the
 * decoded values of its names. A name takes one segment that is not empty; a pattern that ends in
 * a name with three dots ("/assets/{path...}") takes the rest, slashes included. BAD_PATH: it fits
 * but cannot be decoded. */
enum tarn_http_match tarn_http_path_match(const char *pattern, struct tarn_text path,
                                          struct tarn_arena *arena,
                                          struct tarn_http_param params[TARN_HTTP_PATH_PARAMS_MAX],
                                          size_t *ret_count);

/* Percent-encodes everything but unreserved characters, for links in replies. */
struct tarn_text tarn_http_encode(struct tarn_text text, struct tarn_arena *arena);

#endif
