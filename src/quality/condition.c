/* quality/condition.c -- see condition.h. One pass over the text; quoted parts are taken whole. */
#include "quality/condition.h"

#include <ctype.h>
#include <string.h>

#include "base/buffer.h"
#include "engine/session.h"

enum { CONDITION_MAX_BYTES = 1 << 20 };

static bool is_sql(const char *parser)
{
    return !parser || strcmp(parser, "spark") == 0 || strcmp(parser, "sqlalchemy") == 0 ||
           strcmp(parser, "sql") == 0;
}

/* The length of a quoted part with both quotes; up to the end when it is not closed. */
static size_t quoted_len(const char *at)
{
    const char *end = strchr(at + 1, *at);
    return end ? (size_t)(end - at) + 1 : strlen(at);
}

static struct tarn_text inside(const char *at, size_t len)
{
    return (struct tarn_text){at + 1, len > 2 ? len - 2 : 0};
}

/* col("x"): appends "x" and returns how much was read; 0 when it is something else. */
static size_t take_column(const char *at, struct tarn_buffer *out)
{
    if (strncmp(at, "col(", 4) != 0 || (at[4] != '"' && at[4] != '\''))
        return 0;
    size_t len = quoted_len(at + 4);
    if (at[4 + len] != ')')
        return 0;
    struct tarn_text name = inside(at + 4, len);
    TARN_AUTO_FREE char *text = tarn_strndup(name.data, name.len);
    tarn_sql_identifier(out, text);
    return 4 + len + 1;
}

static size_t take_token(const char *at, struct tarn_buffer *out)
{
    static const struct {
        const char *from, *to;
    } tokens[] = {
        {"==", "="},
        {"&&", " AND "},
        {"||", " OR "},
        {"&", " AND "},
        {"|", " OR "},
        {".notNull()", " IS NOT NULL"},
        {".notnull()", " IS NOT NULL"},
        {".isNull()", " IS NULL"},
        {".isnull()", " IS NULL"},
        {"!=", "<>"},
    };
    for (size_t i = 0; i < TARN_COUNT(tokens); i++)
        if (strncmp(at, tokens[i].from, strlen(tokens[i].from)) == 0) {
            tarn_buffer_append_str(out, tokens[i].to);
            return strlen(tokens[i].from);
        }
    return 0;
}

const char *tarn_condition_sql(struct tarn_arena *arena, const char *condition, const char *parser)
{
    if (is_sql(parser))
        return condition;
    TARN_BUFFER(out, CONDITION_MAX_BYTES);
    bool in_word = false;
    for (const char *at = condition; *at;) {
        size_t used = in_word ? 0 : take_column(at, &out);
        if (used == 0 && (*at == '"' || *at == '\'')) {
            used = quoted_len(at);
            tarn_sql_literal(&out, inside(at, used));
        } else if (used == 0 && *at == '`') { /* pandas' quoted column */
            used = quoted_len(at);
            struct tarn_text name = inside(at, used);
            TARN_AUTO_FREE char *text = tarn_strndup(name.data, name.len);
            tarn_sql_identifier(&out, text);
        } else if (used == 0) {
            used = take_token(at, &out);
        }
        if (used == 0) {
            tarn_buffer_append_char(&out, *at);
            used = 1;
        }
        in_word = isalnum((unsigned char)at[used - 1]) || at[used - 1] == '_';
        at += used;
    }
    return tarn_arena_strdup(arena, tarn_buffer_str(&out));
}
