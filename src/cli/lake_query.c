/* cli/lake_query.c -- see lake_query.h. */
#include "cli/lake_query.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "base/clock.h"

enum tarn_status tarn_at_parse(const char *text, struct tarn_lake_at *ret, struct tarn_error *err)
{
    enum { DATE_LEN = 10 };
    const int64_t day_us = INT64_C(86400000000);
    struct tarn_text all = tarn_text_of(text);
    int64_t value;
    if (tarn_time_parse(all, &value)) {
        *ret = (struct tarn_lake_at){.time_us = all.len == DATE_LEN ? value + day_us - 1 : value};
        return TARN_OK;
    }
    if (tarn_text_to_int64(all, &value)) {
        *ret = (struct tarn_lake_at){.snapshot_id = value};
        return TARN_OK;
    }
    return tarn_fail(err, TARN_USAGE,
                     "--at takes a time (2026-03-01, 2026-03-01T12:30) or a snapshot id (`tarn "
                     "describe TABLE` lists them), not '%s'",
                     text);
}

/* ---- the tables
 * ----------------------------------------------------------------------------------------- */

static enum tarn_status attach_now(struct tarn_workspace *ws, struct tarn_session *session,
                                   const char *text, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    const char *problems = "";
    if (text)
        TARN_TRY(tarn_lake_attach_mentioned(ws->lake, session, text, arena, &problems, err));
    else
        TARN_TRY(tarn_lake_attach_all(ws->lake, session, arena, &problems, err));
    if (*problems)
        fprintf(stderr, "warning: %s%s", problems,
                tarn_text_ends(tarn_text_of(problems), "\n") ? "" : "\n");
    return TARN_OK;
}

static enum tarn_status attach_then(struct tarn_workspace *ws, struct tarn_session *session,
                                    struct tarn_lake_at at, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_lake_list list;
    struct tarn_lake_attach options = {.at = at};
    TARN_TRY(tarn_lake_list(ws->lake, NULL, arena, &list, err));
    size_t attached = 0;
    struct tarn_error last = {0};
    for (int views = 0; views < 2; views++) { /* views stand on tables */
        for (size_t i = 0; i < list.count; i++) {
            const struct tarn_lake_entry *entry = &list.entries[i];
            if (entry->is_view != (views == 1))
                continue;
            if (tarn_lake_attach(ws->lake, session, entry->ns, entry->name,
                                 entry->is_view ? NULL : &options, &last) == TARN_OK)
                attached++;
        }
    }
    if (attached == 0 && list.count > 0)
        return tarn_fail(err, TARN_NOT_FOUND,
                         "no table has a state at the time or snapshot asked "
                         "for: %s",
                         last.text);
    return TARN_OK;
}

enum tarn_status tarn_lake_query_open(struct tarn_workspace *workspace, struct tarn_lake_at at,
                                      const char *text, struct tarn_session **ret_session,
                                      struct tarn_error *err)
{
    struct tarn_session *session;
    TARN_TRY(tarn_session_open(workspace->engine, &session, err));
    enum tarn_status status = at.snapshot_id || at.time_us
                                  ? attach_then(workspace, session, at, err)
                                  : attach_now(workspace, session, text, err);
    if (status != TARN_OK) {
        tarn_session_close(session);
        return status;
    }
    *ret_session = session;
    return TARN_OK;
}

/* ---- statements
 * ----------------------------------------------------------------------------------------- */

/* Behind the comment, quoted text or dollar quote that starts at p; p itself when none does. */
static const char *skip_quoted(const char *p, const char *end)
{
    const char *start = p;
    if (end - p >= 2 && p[0] == '-' && p[1] == '-') {
        while (p < end && *p != '\n')
            p++;
    } else if (end - p >= 2 && p[0] == '/' && p[1] == '*') {
        for (p += 2; end - p >= 2 && !(p[0] == '*' && p[1] == '/'); p++)
            ;
        p = end - p >= 2 ? p + 2 : end;
    } else if (*p == '\'' || *p == '"') {
        for (p++; p < end && *p != *start; p++)
            ;
        p = p < end ? p + 1 : end;
    } else if (end - p >= 2 && p[0] == '$' && p[1] == '$') {
        for (p += 2; end - p >= 2 && !(p[0] == '$' && p[1] == '$'); p++)
            ;
        p = end - p >= 2 ? p + 2 : end;
    }
    return p;
}

/* Without white space and comments in front. */
static struct tarn_text significant(struct tarn_text text)
{
    for (;;) {
        text = tarn_text_trim(text);
        const char *end = text.data + text.len;
        if (text.len < 2 || !((text.data[0] == '-' && text.data[1] == '-') ||
                              (text.data[0] == '/' && text.data[1] == '*')))
            return text;
        const char *p = skip_quoted(text.data, end);
        text = (struct tarn_text){p, (size_t)(end - p)};
    }
}

bool tarn_sql_next(struct tarn_text *rest, struct tarn_text *ret_statement)
{
    while (rest->len > 0) {
        const char *p = rest->data, *end = p + rest->len;
        while (p < end && *p != ';') {
            const char *behind = skip_quoted(p, end);
            p = behind > p ? behind : p + 1;
        }
        struct tarn_text statement = {rest->data, (size_t)(p - rest->data)};
        p = p < end ? p + 1 : end;
        *rest = (struct tarn_text){p, (size_t)(end - p)};
        *ret_statement = tarn_text_trim(statement);
        if (significant(statement).len > 0)
            return true;
    }
    return false;
}

static bool starts_with_word(struct tarn_text text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && strncasecmp(text.data, word, len) == 0 &&
           (text.len == len || !(isalnum((unsigned char)text.data[len]) || text.data[len] == '_'));
}

enum tarn_status tarn_lake_query_check(struct tarn_text statement, struct tarn_error *err)
{
    static const char *const reading[] = {"SELECT",  "FROM",    "WITH",      "VALUES", "DESCRIBE",
                                          "DESC",    "SHOW",    "SUMMARIZE", "TABLE",  "EXPLAIN",
                                          "PIVOT",   "UNPIVOT", "SET",       "RESET",  "PRAGMA",
                                          "PREPARE", "EXECUTE", "("};
    struct tarn_text text = significant(statement);
    if (text.len > 0 && text.data[0] == '(')
        return TARN_OK;
    for (size_t i = 0; i < TARN_COUNT(reading); i++)
        if (starts_with_word(text, reading[i]))
            return TARN_OK;
    size_t word = 0;
    while (word < text.len && isalpha((unsigned char)text.data[word]))
        word++;
    word = word > 0 ? word : text.len < 20 ? text.len : 20;
    return tarn_fail(err, TARN_USAGE,
                     "'%.*s' begins no query (SELECT, FROM, WITH, ...): `tarn sql` only reads; the "
                     "lake is written by models (`tarn build`) and by `tarn ingest`",
                     (int)word, text.data);
}
