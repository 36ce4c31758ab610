/* ingest/landing.c -- see landing.h. */
#include "ingest/landing.h"

#include <ctype.h>
#include <errno.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

static const char *const format_names[] = {"csv", "json", "ndjson", "parquet", "unknown"};

const char *tarn_format_name(enum tarn_format format)
{
    return format_names[format];
}

enum tarn_format tarn_format_parse(const char *text)
{
    for (int i = 0; i < TARN_FORMAT_UNKNOWN; i++)
        if (strcmp(text, format_names[i]) == 0)
            return (enum tarn_format)i;
    return TARN_FORMAT_UNKNOWN;
}

enum tarn_format tarn_format_of_name(const char *name)
{
    static const struct {
        const char *suffix;
        enum tarn_format format;
    } endings[] = {
        {".csv", TARN_FORMAT_CSV},      {".tsv", TARN_FORMAT_CSV},
        {".txt", TARN_FORMAT_CSV},      {".psv", TARN_FORMAT_CSV},
        {".json", TARN_FORMAT_JSON},    {".ndjson", TARN_FORMAT_NDJSON},
        {".jsonl", TARN_FORMAT_NDJSON}, {".parquet", TARN_FORMAT_PARQUET},
        {".pq", TARN_FORMAT_PARQUET},
    };
    char lower[512];
    size_t len = 0;
    for (; name[len] && len < sizeof lower - 1; len++)
        lower[len] = (char)tolower((unsigned char)name[len]);
    lower[len] = 0;
    struct tarn_text text = {lower, len};
    if (tarn_text_ends(text, ".gz"))
        text.len -= 3;
    else if (tarn_text_ends(text, ".zst"))
        text.len -= 4;
    for (size_t i = 0; i < TARN_COUNT(endings); i++)
        if (tarn_text_ends(text, endings[i].suffix))
            return endings[i].format;
    return TARN_FORMAT_UNKNOWN;
}

char *tarn_entity_name(struct tarn_text text, struct tarn_arena *arena)
{
    char *name = tarn_arena_alloc(arena, text.len + 2);
    size_t len = 0, valid = tarn_utf8_valid_prefix(text); /* no name has other bytes */
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (isalnum(c) || (c >= 0x80 && i < valid))
            name[len++] = (char)tolower(c);
        else if (len > 0 && name[len - 1] != '_')
            name[len++] = '_';
    }
    while (len > 0 && name[len - 1] == '_')
        len--;
    name[len] = 0;
    return len > 0 ? name : tarn_arena_strdup(arena, "data");
}

/* The name without its endings: orders.csv.gz gives orders. */
static struct tarn_text stem(const char *name)
{
    const char *dot = strchr(name + (name[0] == '.'), '.');
    return (struct tarn_text){name, dot ? (size_t)(dot - name) : strlen(name)};
}

/* Takes the parts of the path below landing/ apart; *ret_day stays as it is without a date. */
static void read_path(struct tarn_landing_file *file, int64_t *ret_day, struct tarn_arena *arena)
{
    enum { PARTS = 8, DATE_LEN = 10 };
    const int64_t day_us = INT64_C(86400000000);
    struct tarn_text rest = tarn_text_of(file->name), parts[PARTS];
    size_t count = 0;
    while (count < PARTS && tarn_text_split(&rest, '/', &parts[count]))
        count++;
    const struct tarn_text own = tarn_text_of(tarn_path_name(file->name));
    size_t folders = count > 0 ? count - 1 : 0;
    int64_t time_us;
    if (folders > 0 && parts[folders - 1].len == DATE_LEN &&
        tarn_time_parse(parts[folders - 1], &time_us)) {
        *ret_day = time_us / day_us - (time_us % day_us < 0);
        folders--;
    }
    struct tarn_text entity = folders >= 2 ? parts[1] : folders == 1 ? parts[0] : stem(own.data);
    file->source = folders >= 2 ? tarn_arena_strndup(arena, parts[0].data, parts[0].len) : "files";
    file->entity = tarn_entity_name(entity, arena);
}

struct tarn_landing_file *tarn_landing_file_of(const char *root, const char *name,
                                               const struct tarn_declarations *declarations,
                                               struct tarn_arena *arena)
{
    const int64_t day_us = INT64_C(86400000000);
    struct tarn_landing_file *file = tarn_arena_alloc(arena, sizeof *file);
    struct stat info = {0};
    file->path = tarn_arena_format(arena, "%s/%s", root, name);
    file->name = tarn_arena_strdup(arena, name);
    if (stat(file->path, &info) != 0)
        info = (struct stat){0}; /* opening it will say what is wrong */
    file->size_bytes = info.st_size;
    file->modified_us = info.st_mtim.tv_sec * INT64_C(1000000) + info.st_mtim.tv_nsec / 1000;
    file->arrived_day = file->modified_us / day_us;
    read_path(file, &file->arrived_day, arena);
    file->declared = tarn_declarations_find(declarations, file->source, file->entity);
    file->format = tarn_format_of_name(name);
    if (file->declared && file->declared->format != TARN_FORMAT_UNKNOWN)
        file->format = file->declared->format;
    return file;
}

static int by_arrival(const void *a, const void *b)
{
    const struct tarn_landing_file *x = *(struct tarn_landing_file *const *)a,
                                   *y = *(struct tarn_landing_file *const *)b;
    if (x->arrived_day != y->arrived_day)
        return x->arrived_day < y->arrived_day ? -1 : 1;
    return strcmp(x->name, y->name);
}

enum tarn_status tarn_landing_list(const char *root, const struct tarn_declarations *declarations,
                                   struct tarn_arena *arena, struct tarn_landing_list *ret,
                                   struct tarn_error *err)
{
    struct tarn_file_list list;
    TARN_TRY(tarn_directory_list(root, "", arena, &list, err));
    ret->files = tarn_arena_array(arena, list.count + 1, sizeof(struct tarn_landing_file *));
    ret->count = list.count;
    for (size_t i = 0; i < list.count; i++)
        ret->files[i] =
            tarn_landing_file_of(root, list.paths[i] + strlen(root) + 1, declarations, arena);
    qsort(ret->files, ret->count, sizeof *ret->files, by_arrival);
    return TARN_OK;
}
