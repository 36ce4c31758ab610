/* broker/registry/subject.c -- subject names: "s" in the default context, ":.c:s" in context ".c".
 */
#include "broker/registry/registry_int.h"

/* Length of ":.c:" at the start, or of all of ":.c"; 0 without a context. */
static size_t context_len(const char *subject)
{
    if (strncmp(subject, ":.", 2) != 0)
        return 0;
    const char *end = strchr(subject + 2, ':');
    return end ? (size_t)(end - subject) + 1 : strlen(subject);
}

const char *tarn_subject_normal(const char *subject, struct tarn_arena *arena)
{
    size_t len = context_len(subject);
    if (strncmp(subject, ":.:", 3) == 0 || strcmp(subject, ":.") == 0)
        return subject + len;
    if (len && subject[len - 1] != ':')
        return tarn_arena_format(arena, "%s:", subject);
    return subject;
}

const char *tarn_subject_context(const char *subject, struct tarn_arena *arena)
{
    size_t len = context_len(subject);
    if (!len)
        return ".";
    return tarn_arena_strndup(arena, subject + 1, len - 1 - (subject[len - 1] == ':'));
}

const char *tarn_subject_bare(const char *subject)
{
    return subject + context_len(subject);
}

const char *tarn_subject_beside(const char *parent, const char *subject, struct tarn_arena *arena)
{
    size_t len = context_len(parent);
    if (!len || context_len(subject))
        return tarn_subject_normal(subject, arena);
    return tarn_arena_format(arena, "%.*s%s", (int)len, parent, subject);
}

bool tarn_subject_is_valid(const char *subject)
{
    for (const unsigned char *c = (const unsigned char *)subject; *c; c++)
        if (*c < 0x20 || *c == 0x7f)
            return false;
    const char *bare = tarn_subject_bare(subject);
    return strcmp(bare, "__GLOBAL") != 0 && strcmp(bare, "__EMPTY") != 0;
}
