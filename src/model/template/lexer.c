/* model/template/lexer.c -- see lexer.h. One pass; the state is the kind of tag we are in and its
 * open brackets. */
#include "model/template/lexer.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "model/template/string_literal.h"
#include "model/template/template.h"
#include "model/template/utf8.h"

struct lexer {
    const struct lexer_source *source;
    struct tarn_text text;
    struct tarn_heap *heap;
    struct token_list *tokens;
    struct tarn_error *err;
    size_t position;
    size_t counted; /* line and line_start are true for this offset */
    uint32_t line;
    size_t line_start;
    char open[TARN_TEMPLATE_NESTING_MAX]; /* closing brackets that are awaited */
    size_t open_count;
};

static const struct {
    const char *text;
    enum token_type type;
} operators[] = {
    /* longest first */
    {"//", TOKEN_FLOORDIV}, {"**", TOKEN_POW},      {"==", TOKEN_EQ},    {"!=", TOKEN_NE},
    {">=", TOKEN_GE},       {"<=", TOKEN_LE},       {"+", TOKEN_ADD},    {"-", TOKEN_SUB},
    {"/", TOKEN_DIV},       {"*", TOKEN_MUL},       {"%", TOKEN_MOD},    {"~", TOKEN_TILDE},
    {"[", TOKEN_LBRACKET},  {"]", TOKEN_RBRACKET},  {"(", TOKEN_LPAREN}, {")", TOKEN_RPAREN},
    {"{", TOKEN_LBRACE},    {"}", TOKEN_RBRACE},    {">", TOKEN_GT},     {"<", TOKEN_LT},
    {"=", TOKEN_ASSIGN},    {".", TOKEN_DOT},       {":", TOKEN_COLON},  {"|", TOKEN_PIPE},
    {",", TOKEN_COMMA},     {";", TOKEN_SEMICOLON},
};

const char *token_type_text(enum token_type type)
{
    static const char *const names[TOKEN_TYPE_COUNT] = {
        [TOKEN_EOF] = "end of template",
        [TOKEN_DATA] = "template data / text",
        [TOKEN_VARIABLE_BEGIN] = "begin of print statement",
        [TOKEN_VARIABLE_END] = "end of print statement",
        [TOKEN_BLOCK_BEGIN] = "begin of statement block",
        [TOKEN_BLOCK_END] = "end of statement block",
        [TOKEN_NAME] = "name",
        [TOKEN_STRING] = "string",
        [TOKEN_INTEGER] = "integer",
        [TOKEN_FLOAT] = "float",
    };
    if (names[type])
        return names[type];
    for (size_t i = 0; i < TARN_COUNT(operators); i++)
        if (operators[i].type == type)
            return operators[i].text;
    return "?";
}

/* Offsets only grow from call to call. */
static void count_lines(struct lexer *lexer, size_t offset)
{
    const char *newline;
    while (lexer->counted < offset &&
           (newline = memchr(lexer->text.data + lexer->counted, '\n', offset - lexer->counted))) {
        lexer->line++;
        lexer->line_start = lexer->counted = (size_t)(newline - lexer->text.data) + 1;
    }
    if (lexer->counted < offset)
        lexer->counted = offset;
}

static enum tarn_status fail_at(struct lexer *lexer, size_t offset, const char *what)
{
    count_lines(lexer, offset);
    return tarn_fail(lexer->err, TARN_INVALID, "%s:%u:%zu: %s", lexer->source->name, lexer->line,
                     offset - lexer->line_start + 1, what);
}

static struct token *add_token(struct lexer *lexer, enum token_type type, size_t start, size_t end)
{
    struct token_list *list = lexer->tokens;
    TARN_RESERVE(list->items, list->cap, list->count + 1);
    count_lines(lexer, start);
    list->items[list->count] = (struct token){
        .type = type,
        .line = lexer->line,
        .column = (uint32_t)(start - lexer->line_start + 1),
        .start = start,
        .end = end,
        .text = {lexer->text.data + start, end - start},
    };
    return &list->items[list->count++];
}

static bool at(const struct lexer *lexer, size_t offset, const char *literal)
{
    size_t len = strlen(literal);
    return offset + len <= lexer->text.len && memcmp(lexer->text.data + offset, literal, len) == 0;
}

static size_t skip_space(const struct lexer *lexer, size_t offset)
{
    while (offset < lexer->text.len) {
        size_t next = offset;
        if (!char_is_space(utf8_next(lexer->text, &next)))
            break;
        offset = next;
    }
    return offset;
}

static size_t trim_end(const struct lexer *lexer, size_t start, size_t end)
{
    while (end > start) {
        size_t before = end - 1;
        while (before > start && ((unsigned char)lexer->text.data[before] & 0xc0) == 0x80)
            before--;
        size_t next = before;
        if (!char_is_space(utf8_next(lexer->text, &next)))
            break;
        end = before;
    }
    return end;
}

static bool is_word(struct tarn_text text, size_t offset, size_t *ret_next)
{
    unsigned char first = (unsigned char)text.data[offset];
    *ret_next = offset + 1;
    if (first < 0x80)
        return first == '_' || isalnum(first);
    *ret_next = offset;
    uint32_t c = utf8_next(text, ret_next);
    return char_is_alpha(c) || char_is_digit(c);
}

/* "{%", an optional sign, space, `word`, space, an optional sign and "%}", as raw and endraw are
 * written. Sets where it ends (behind the space that '-' eats) and the sign behind the brace. */
static bool at_bare_tag(const struct lexer *lexer, size_t offset, const char *word, size_t *ret_end,
                        char *ret_sign)
{
    if (!at(lexer, offset, "{%"))
        return false;
    offset += 2;
    char sign = offset < lexer->text.len ? lexer->text.data[offset] : '\0';
    *ret_sign = sign == '-' || sign == '+' ? sign : '\0';
    offset = skip_space(lexer, offset + (*ret_sign ? 1 : 0));
    if (!at(lexer, offset, word))
        return false;
    offset = skip_space(lexer, offset + strlen(word));
    if (at(lexer, offset, "%}"))
        *ret_end = offset + 2;
    else if (at(lexer, offset, "+%}"))
        *ret_end = offset + 3;
    else if (at(lexer, offset, "-%}"))
        *ret_end = skip_space(lexer, offset + 3);
    else
        return false;
    return true;
}

static void add_data(struct lexer *lexer, size_t start, size_t end, bool trim)
{
    if (trim)
        end = trim_end(lexer, start, end);
    if (end > start)
        add_token(lexer, TOKEN_DATA, start, end);
}

/* Everything up to the bare tag `end_word`, untouched. */
static enum tarn_status read_raw(struct lexer *lexer, const char *end_word, size_t *ret_tag_start,
                                 size_t *ret_tag_end)
{
    size_t start = lexer->position;
    for (size_t i = start; i + 1 < lexer->text.len; i++) {
        char sign;
        if (!at_bare_tag(lexer, i, end_word, ret_tag_end, &sign))
            continue;
        add_data(lexer, start, i, sign == '-');
        *ret_tag_start = i;
        lexer->position = *ret_tag_end;
        return TARN_OK;
    }
    char what[80];
    (void)snprintf(what, sizeof what, "Missing end of %s directive",
                   end_word + 3); /* short words */
    return fail_at(lexer, start, what);
}

static enum tarn_status read_comment(struct lexer *lexer, size_t start)
{
    size_t body = start + 2;
    if (body < lexer->text.len && strchr("-+", lexer->text.data[body]) && lexer->text.data[body])
        body++;
    const char *end = body <= lexer->text.len
                          ? memmem(lexer->text.data + body, lexer->text.len - body, "#}", 2)
                          : NULL;
    if (!end)
        return fail_at(lexer, start, "Missing end of comment tag");
    size_t offset = (size_t)(end - lexer->text.data);
    lexer->position = offset + 2;
    if (offset > body && lexer->text.data[offset - 1] == '-')
        lexer->position = skip_space(lexer, lexer->position);
    return TARN_OK;
}

static size_t digits_end(const struct lexer *lexer, size_t offset)
{
    struct tarn_text text = lexer->text;
    while (offset < text.len && isdigit((unsigned char)text.data[offset])) {
        offset++;
        if (offset + 1 < text.len && text.data[offset] == '_' &&
            isdigit((unsigned char)text.data[offset + 1]))
            offset++;
    }
    return offset;
}

static bool is_digit_at(const struct lexer *lexer, size_t offset)
{
    return offset < lexer->text.len && isdigit((unsigned char)lexer->text.data[offset]);
}

/* Where a float that starts here ends; 0 when it is none. */
static size_t float_end(const struct lexer *lexer, size_t start)
{
    struct tarn_text text = lexer->text;
    if (start > 0 && text.data[start - 1] == '.')
        return 0;
    size_t end = digits_end(lexer, start);
    size_t found = 0;
    if (end < text.len && text.data[end] == '.' && is_digit_at(lexer, end + 1)) {
        end = digits_end(lexer, end + 1);
        found = end;
    }
    if (end < text.len && (text.data[end] == 'e' || text.data[end] == 'E')) {
        size_t exponent = end + 1;
        if (exponent < text.len && (text.data[exponent] == '+' || text.data[exponent] == '-'))
            exponent++;
        if (is_digit_at(lexer, exponent))
            found = digits_end(lexer, exponent);
    }
    return found;
}

static bool is_base_digit(char c, int base)
{
    if (base == 16)
        return isxdigit((unsigned char)c) != 0;
    return c >= '0' && c < '0' + base;
}

static size_t integer_end(const struct lexer *lexer, size_t start, int *ret_base)
{
    struct tarn_text text = lexer->text;
    char mark = start + 1 < text.len ? (char)tolower((unsigned char)text.data[start + 1]) : '\0';
    *ret_base = text.data[start] != '0' ? 10
                : mark == 'x'           ? 16
                : mark == 'o'           ? 8
                : mark == 'b'           ? 2
                                        : 10;
    if (*ret_base == 10 && text.data[start] != '0')
        return digits_end(lexer, start);
    size_t end = start + 1;
    if (*ret_base == 10) {
        while (end < text.len &&
               (text.data[end] == '0' ||
                (text.data[end] == '_' && end + 1 < text.len && text.data[end + 1] == '0')))
            end++;
        return end;
    }
    end = start + 2;
    while (end < text.len && (is_base_digit(text.data[end], *ret_base) ||
                              (text.data[end] == '_' && end + 1 < text.len &&
                               is_base_digit(text.data[end + 1], *ret_base))))
        end++;
    if (end > start + 2)
        return end;
    *ret_base = 10;
    return start + 1;
}

static void copy_without_underscores(struct tarn_text text, char *out, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len && len + 1 < size; i++)
        if (text.data[i] != '_')
            out[len++] = text.data[i];
    out[len] = '\0';
}

static enum tarn_status read_number(struct lexer *lexer)
{
    size_t start = lexer->position;
    char digits[400];
    size_t end = float_end(lexer, start);
    bool is_float = end != 0;
    int base = 10;
    if (!is_float)
        end = integer_end(lexer, start, &base);
    if (end - start >= sizeof digits)
        return fail_at(lexer, start, "the number is too long");
    struct token *token = add_token(lexer, is_float ? TOKEN_FLOAT : TOKEN_INTEGER, start, end);
    lexer->position = end;
    copy_without_underscores(token->text, digits, sizeof digits);
    if (is_float) {
        token->value = tarn_value_float(strtod(digits, NULL));
        return TARN_OK;
    }
    errno = 0;
    long long value = strtoll(base == 10 ? digits : digits + 2, NULL, base);
    if (errno)
        return fail_at(lexer, start, "the integer does not fit into 64 bits");
    token->value = tarn_value_int(value);
    return TARN_OK;
}

static enum tarn_status read_string(struct lexer *lexer)
{
    size_t start = lexer->position;
    char quote = lexer->text.data[start];
    size_t end = start + 1;
    while (end < lexer->text.len && lexer->text.data[end] != quote)
        end += lexer->text.data[end] == '\\' ? 2 : 1;
    if (end >= lexer->text.len) {
        char what[80];
        (void)snprintf(what, sizeof what, "unexpected char %s at %zu; the string has no end",
                       quote == '"' ? "'\"'" : "\"'\"", start); /* fits */
        return fail_at(lexer, start, what);
    }
    struct token *token = add_token(lexer, TOKEN_STRING, start, end + 1);
    struct tarn_text inside = {lexer->text.data + start + 1, end - start - 1};
    const char *problem = string_literal_read(lexer->heap, inside, &token->value);
    lexer->position = end + 1;
    return problem ? fail_at(lexer, start, problem) : TARN_OK;
}

static enum tarn_status track_bracket(struct lexer *lexer, char c)
{
    char what[60];
    const char *closing = c == '(' ? ")" : c == '[' ? "]" : c == '{' ? "}" : NULL;
    if (closing) {
        if (lexer->open_count == TARN_TEMPLATE_NESTING_MAX)
            return fail_at(lexer, lexer->position, "brackets are nested too deep (limit 200)");
        lexer->open[lexer->open_count++] = closing[0];
        return TARN_OK;
    }
    if (c != ')' && c != ']' && c != '}')
        return TARN_OK;
    if (lexer->open_count == 0)
        (void)snprintf(what, sizeof what, "unexpected '%c'", c); /* fits */
    else if (lexer->open[--lexer->open_count] != c)
        (void)snprintf(what, sizeof what, "unexpected '%c', expected '%c'", c,
                       lexer->open[lexer->open_count]); /* fits */
    else
        return TARN_OK;
    return fail_at(lexer, lexer->position, what);
}

static enum tarn_status read_operator(struct lexer *lexer)
{
    for (size_t i = 0; i < TARN_COUNT(operators); i++) {
        if (lexer->text.data[lexer->position] != operators[i].text[0] ||
            !at(lexer, lexer->position, operators[i].text))
            continue;
        size_t len = strlen(operators[i].text);
        if (len == 1)
            TARN_TRY(track_bracket(lexer, operators[i].text[0]));
        add_token(lexer, operators[i].type, lexer->position, lexer->position + len);
        lexer->position += len;
        return TARN_OK;
    }
    char what[80];
    size_t next = lexer->position;
    uint32_t c = utf8_next(lexer->text, &next);
    (void)snprintf(what, sizeof what, "unexpected char %s%.*s%s at %zu", c == '\'' ? "\"" : "'",
                   (int)(next - lexer->position), lexer->text.data + lexer->position,
                   c == '\'' ? "\"" : "'", lexer->position); /* fits */
    return fail_at(lexer, lexer->position, what);
}

static enum tarn_status read_word_or_number(struct lexer *lexer)
{
    char c = lexer->text.data[lexer->position];
    size_t next;
    if (isdigit((unsigned char)c))
        return read_number(lexer);
    if (!is_word(lexer->text, lexer->position, &next))
        return c == '"' || c == '\'' ? read_string(lexer) : read_operator(lexer);
    size_t start = lexer->position;
    while (next < lexer->text.len) {
        size_t behind;
        if (!is_word(lexer->text, next, &behind))
            break;
        next = behind;
    }
    add_token(lexer, TOKEN_NAME, start, next);
    lexer->position = next;
    return TARN_OK;
}

/* The end of the tag we are in, when it is here and no bracket is open. */
static bool read_tag_end(struct lexer *lexer, bool is_block)
{
    size_t start = lexer->position;
    if (lexer->open_count > 0 || !strchr("-+%}", lexer->text.data[start]))
        return false;
    const char *brace = is_block ? "%}" : "}}";
    bool minus = at(lexer, start, "-") && at(lexer, start + 1, brace);
    bool plus = is_block && at(lexer, start, "+") && at(lexer, start + 1, brace);
    if (!minus && !plus && !at(lexer, start, brace))
        return false;
    size_t end = start + (minus || plus ? 3 : 2);
    add_token(lexer, is_block ? TOKEN_BLOCK_END : TOKEN_VARIABLE_END, start, end);
    lexer->position = minus ? skip_space(lexer, end) : end;
    return true;
}

static enum tarn_status read_tag(struct lexer *lexer, size_t start, bool is_block)
{
    add_token(lexer, is_block ? TOKEN_BLOCK_BEGIN : TOKEN_VARIABLE_BEGIN, start, start + 2);
    lexer->position = start + 2;
    if (at(lexer, lexer->position, "-") || at(lexer, lexer->position, "+"))
        lexer->position++;
    lexer->open_count = 0;
    for (;;) {
        lexer->position = skip_space(lexer, lexer->position);
        if (lexer->position >= lexer->text.len)
            return TARN_OK; /* the parser says what is missing */
        if (read_tag_end(lexer, is_block))
            return TARN_OK;
        TARN_TRY(read_word_or_number(lexer));
    }
}

/* True when the tag just read was {% docs name %}: its body is text, not a template. */
static bool is_docs_tag(const struct lexer *lexer, size_t first_token)
{
    const struct token *tokens = lexer->tokens->items + first_token;
    size_t count = lexer->tokens->count - first_token;
    return count == 4 && tokens[0].type == TOKEN_BLOCK_BEGIN && tokens[1].type == TOKEN_NAME &&
           tarn_text_is(tokens[1].text, "docs") && tokens[3].type == TOKEN_BLOCK_END;
}

static enum tarn_status read_docs_body(struct lexer *lexer)
{
    size_t start, end;
    TARN_TRY(read_raw(lexer, "enddocs", &start, &end));
    size_t word = start + 2;
    while (!at(lexer, word, "enddocs"))
        word++;
    add_token(lexer, TOKEN_BLOCK_BEGIN, start, start + 2);
    add_token(lexer, TOKEN_NAME, word, word + strlen("enddocs"));
    add_token(lexer, TOKEN_BLOCK_END, word + strlen("enddocs"), end);
    return TARN_OK;
}

static const char *find_tag(struct tarn_text text, size_t from)
{
    const char *at_brace = text.data + from;
    const char *end = text.data + text.len;
    while (at_brace < end && (at_brace = memchr(at_brace, '{', (size_t)(end - at_brace)))) {
        if (at_brace + 1 < end && (at_brace[1] == '{' || at_brace[1] == '%' || at_brace[1] == '#'))
            return at_brace;
        at_brace++;
    }
    return NULL;
}

bool tarn_template_has_tags(struct tarn_text source)
{
    return source.len > 0 && find_tag(source, 0) != NULL;
}

/* One stretch of text and the tag behind it. */
static enum tarn_status read_text_and_tag(struct lexer *lexer)
{
    size_t start = lexer->position;
    const char *tag = find_tag(lexer->text, start);
    if (!tag) {
        add_data(lexer, start, lexer->text.len, false);
        lexer->position = lexer->text.len;
        return TARN_OK;
    }
    size_t offset = (size_t)(tag - lexer->text.data);
    char sign = offset + 2 < lexer->text.len ? tag[2] : '\0';
    add_data(lexer, start, offset, sign == '-');
    size_t end, tag_start;
    if (at_bare_tag(lexer, offset, "raw", &end, &sign)) {
        lexer->position = end;
        return read_raw(lexer, "endraw", &tag_start, &end);
    }
    if (tag[1] == '#')
        return read_comment(lexer, offset);
    size_t first_token = lexer->tokens->count;
    TARN_TRY(read_tag(lexer, offset, tag[1] == '%'));
    return is_docs_tag(lexer, first_token) ? read_docs_body(lexer) : TARN_OK;
}

enum tarn_status lexer_read(const struct lexer_source *source, struct tarn_heap *heap,
                            struct token_list *tokens, struct tarn_error *err)
{
    struct lexer lexer = {
        .source = source,
        .text = source->text,
        .heap = heap,
        .tokens = tokens,
        .err = err,
        .line = source->first_line,
    };
    while (lexer.position < lexer.text.len) {
        if (!source->is_expression) {
            TARN_TRY(read_text_and_tag(&lexer));
            continue;
        }
        lexer.position = skip_space(&lexer, lexer.position);
        if (lexer.position < lexer.text.len)
            TARN_TRY(read_word_or_number(&lexer));
    }
    add_token(&lexer, TOKEN_EOF, lexer.text.len, lexer.text.len);
    return TARN_OK;
}
