/* model/template/lexer.h -- template source to tokens, by jinja2's rules.
 *
 * Text outside tags is one DATA token per stretch, already cut by '-' and '+' signs; comments and
 * raw tags leave no token. The whole source is read at once: the parser may look ahead freely. */
#ifndef TARN_MODEL_TEMPLATE_LEXER_H
#define TARN_MODEL_TEMPLATE_LEXER_H

#include "base/error.h"
#include "model/template/value_int.h"

enum token_type {
    TOKEN_EOF,
    TOKEN_DATA,
    TOKEN_VARIABLE_BEGIN,
    TOKEN_VARIABLE_END,
    TOKEN_BLOCK_BEGIN,
    TOKEN_BLOCK_END,
    TOKEN_NAME,
    TOKEN_STRING,
    TOKEN_INTEGER,
    TOKEN_FLOAT,
    TOKEN_ADD,
    TOKEN_SUB,
    TOKEN_MUL,
    TOKEN_DIV,
    TOKEN_FLOORDIV,
    TOKEN_MOD,
    TOKEN_POW,
    TOKEN_TILDE,
    TOKEN_LBRACKET,
    TOKEN_RBRACKET,
    TOKEN_LPAREN,
    TOKEN_RPAREN,
    TOKEN_LBRACE,
    TOKEN_RBRACE,
    TOKEN_EQ,
    TOKEN_NE,
    TOKEN_GT,
    TOKEN_GE,
    TOKEN_LT,
    TOKEN_LE,
    TOKEN_ASSIGN,
    TOKEN_DOT,
    TOKEN_COLON,
    TOKEN_PIPE,
    TOKEN_COMMA,
    TOKEN_SEMICOLON,
    TOKEN_TYPE_COUNT,
};

struct token {
    enum token_type type;
    uint32_t line;
    uint32_t column; /* 1-based, in bytes */
    size_t start;    /* offsets into the source, tag signs included */
    size_t end;
    struct tarn_text text;   /* NAME: the name; DATA: the text to print */
    struct tarn_value value; /* STRING, INTEGER, FLOAT */
};

struct token_list {
    struct token *items;
    size_t count;
    size_t cap;
};

/* What a token of this type is called in messages: "end of print statement". */
const char *token_type_text(enum token_type type);

struct lexer_source {
    const char *name;      /* for messages */
    struct tarn_text text; /* newlines are \n only */
    uint32_t first_line;
    bool is_expression; /* no braces around it */
};
/* Fills *tokens (release with free(tokens->items)); strings go into the heap. INVALID
 * "name:line:column: ...". */
CHECKED enum tarn_status lexer_read(const struct lexer_source *source, struct tarn_heap *heap,
                                    struct token_list *tokens, struct tarn_error *err);

#endif
