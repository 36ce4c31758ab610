/* broker/registry/proto_text.c -- tokens of .proto files, and the form they are stored in. */
#include "broker/registry/proto.h"

static bool is_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static enum tarn_status skip_comment(struct tarn_pb_lexer *lexer, struct tarn_error *err)
{
    if (lexer->at[1] == '/') {
        while (lexer->at < lexer->end && *lexer->at != '\n')
            lexer->at++;
        return TARN_OK;
    }
    int start = lexer->line;
    for (lexer->at += 2; lexer->end - lexer->at >= 2; lexer->at++) {
        lexer->line += *lexer->at == '\n';
        if (lexer->at[0] != '*' || lexer->at[1] != '/')
            continue;
        lexer->at += 2;
        return TARN_OK;
    }
    return tarn_fail(err, TARN_INVALID, "line %d: a comment that does not end", start);
}

static enum tarn_status skip_space(struct tarn_pb_lexer *lexer, struct tarn_error *err)
{
    while (lexer->at < lexer->end) {
        char c = *lexer->at;
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v') {
            lexer->line += c == '\n';
            lexer->at++;
        } else if (c == '/' && lexer->end - lexer->at > 1 &&
                   (lexer->at[1] == '/' || lexer->at[1] == '*')) {
            TARN_TRY(skip_comment(lexer, err));
        } else {
            break;
        }
    }
    return TARN_OK;
}

static enum tarn_status read_quoted(struct tarn_pb_lexer *lexer, struct tarn_pb_token *token,
                                    struct tarn_error *err)
{
    const char *start = lexer->at, quote = *lexer->at++;
    while (lexer->at < lexer->end && *lexer->at != quote && *lexer->at != '\n')
        lexer->at += *lexer->at == '\\' && lexer->end - lexer->at > 1 ? 2 : 1;
    if (lexer->at >= lexer->end || *lexer->at != quote)
        return tarn_fail(err, TARN_INVALID, "line %d: a text that does not end", lexer->line);
    lexer->at++;
    token->kind = TARN_PB_TEXT;
    token->text = (struct tarn_text){start, (size_t)(lexer->at - start)};
    return TARN_OK;
}

enum tarn_status tarn_pb_next(struct tarn_pb_lexer *lexer, struct tarn_pb_token *ret_token,
                              struct tarn_error *err)
{
    TARN_TRY(skip_space(lexer, err));
    struct tarn_pb_token token = {.kind = TARN_PB_END, .text = {"", 0}, .line = lexer->line};
    const char *start = lexer->at;
    if (start < lexer->end && (*start == '"' || *start == '\'')) {
        TARN_TRY(read_quoted(lexer, &token, err));
    } else if (start < lexer->end && is_word(*start)) {
        bool is_number = *start >= '0' && *start <= '9';
        while (lexer->at < lexer->end && (is_word(*lexer->at) || (is_number && *lexer->at == '.')))
            lexer->at++;
        token.kind = is_number ? TARN_PB_NUMBER : TARN_PB_NAME;
        token.text = (struct tarn_text){start, (size_t)(lexer->at - start)};
    } else if (start < lexer->end) {
        if (*start <= 0x20 || *start >= 0x7f)
            return tarn_fail(err, TARN_INVALID, "line %d: an unexpected character", lexer->line);
        lexer->at++;
        token.kind = TARN_PB_SYMBOL;
        token.text = (struct tarn_text){start, 1};
    }
    *ret_token = token;
    return TARN_OK;
}

static bool is_symbol(const struct tarn_pb_token *token, const char *symbols)
{
    return token->kind == TARN_PB_SYMBOL && strchr(symbols, *token->text.data);
}

/* Whether a space stands between two tokens of one statement. */
static bool are_apart(const struct tarn_pb_token *left, const struct tarn_pb_token *right)
{
    if (left->kind == TARN_PB_END || is_symbol(left, "([<.-") || is_symbol(right, ")]>,;.:"))
        return false;
    if (is_symbol(right, "<") && tarn_text_is(left->text, "map"))
        return false;
    return true;
}

enum tarn_status tarn_pb_format(struct tarn_text text, struct tarn_buffer *out,
                                struct tarn_error *err)
{
    struct tarn_pb_lexer lexer = {text.data, text.data + text.len, 1};
    struct tarn_pb_token left = {.kind = TARN_PB_END}, token;
    int depth = 0;
    bool starts = true;
    for (;;) {
        TARN_TRY(tarn_pb_next(&lexer, &token, err));
        if (token.kind == TARN_PB_END)
            break;
        bool closes = is_symbol(&token, "}");
        depth -= closes && depth > 0;
        if (starts) {
            static const char *const blocks[] = {"message", "enum", "service", "extend"};
            for (size_t i = 0; depth == 0 && out->len && i < TARN_COUNT(blocks); i++)
                if (tarn_text_is(token.text, blocks[i]))
                    tarn_buffer_append_char(out, '\n');
            for (int i = 0; i < depth && i < TARN_SCHEMA_DEPTH_MAX; i++)
                tarn_buffer_append_str(out, "  ");
        } else if (are_apart(&left, &token)) {
            tarn_buffer_append_char(out, ' ');
        }
        tarn_buffer_append_text(out, token.text);
        starts = is_symbol(&token, ";{}");
        depth += is_symbol(&token, "{");
        if (starts)
            tarn_buffer_append_char(out, '\n');
        left = token;
    }
    return tarn_buffer_check(out, "a schema", err);
}
