/* test/fuzz/http_uri.c -- request targets of any kind: decoded text is never longer than what came,
 * encoding brings it back, and matching stays inside the bytes. */
#include <assert.h>

#include "http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const patterns[] = {"/", "/{a}", "/a/{b}/c/{d}", "/a/{rest...}"};
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    TARN_AUTO_FREE char *copy = tarn_alloc(size + 1); /* of this size, so that overruns are seen */
    memcpy(copy, data, size);
    struct tarn_text text = {copy, size}, decoded, again;
    struct tarn_http_param *params, taken[TARN_HTTP_PATH_PARAMS_MAX];
    size_t count;
    if (tarn_http_decode(text, false, arena, &decoded)) {
        assert(decoded.len <= size);
        bool back = tarn_http_decode(tarn_http_encode(decoded, arena), true, arena, &again);
        assert(back == (memchr(decoded.data, 0, decoded.len) == NULL));
        assert(!back || tarn_text_equal(decoded, again));
    }
    if (tarn_http_query_parse(text, arena, &params, &count))
        for (size_t i = 0; i < count; i++)
            assert(params[i].name.len + params[i].value.len <= size);
    for (size_t i = 0; i < TARN_COUNT(patterns); i++)
        if (tarn_http_path_match(patterns[i], text, arena, taken, &count) == TARN_HTTP_MATCH)
            assert(count <= TARN_HTTP_PATH_PARAMS_MAX);
    return 0;
}
