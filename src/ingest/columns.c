/* ingest/columns.c -- see columns.h. Open addressing over a table twice the number of columns. */
#include "ingest/columns.h"

#include <strings.h>

static const char *const own_names[] = {"_file",      "_line",       "_load_id",
                                        "_loaded_at", "_arrived_on", "_rescued"};

static bool same(struct tarn_text a, struct tarn_text b)
{
    return a.len == b.len && strncasecmp(a.data, b.data, a.len) == 0;
}

bool tarn_column_is_own(struct tarn_text name)
{
    for (size_t i = 0; i < TARN_COUNT(own_names); i++)
        if (same(name, tarn_text_of(own_names[i])))
            return true;
    return false;
}

/* FNV-1a over ASCII lower case. */
static uint64_t hash(struct tarn_text key)
{
    uint64_t value = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < key.len; i++) {
        unsigned char c = (unsigned char)key.data[i];
        value = (value ^ (c >= 'A' && c <= 'Z' ? c | 0x20U : c)) * 0x100000001b3ULL;
    }
    return value ^ value >> 32;
}

void tarn_columns_init(struct tarn_columns *columns, struct tarn_arena *arena)
{
    *columns = (struct tarn_columns){.arena = arena};
}

void tarn_columns_release(struct tarn_columns *columns)
{
    free(columns->items);
    free(columns->table);
    *columns = (struct tarn_columns){0};
}

static size_t slot_of(const struct tarn_columns *columns, struct tarn_text key)
{
    size_t slot = hash(key) & (columns->table_size - 1);
    while (columns->table[slot] && !same(columns->items[columns->table[slot] - 1].key, key))
        slot = (slot + 1) & (columns->table_size - 1);
    return slot;
}

int tarn_columns_find(const struct tarn_columns *columns, struct tarn_text key)
{
    if (columns->table_size == 0)
        return -1;
    return (int)columns->table[slot_of(columns, key)] - 1;
}

static void grow(struct tarn_columns *columns)
{
    free(columns->table);
    columns->table_size = columns->table_size ? columns->table_size * 2 : 64;
    columns->table = tarn_alloc_array(columns->table_size, sizeof *columns->table);
    for (size_t i = 0; i < columns->count; i++)
        columns->table[slot_of(columns, columns->items[i].key)] = (uint32_t)i + 1;
}

int tarn_columns_add(struct tarn_columns *columns, struct tarn_text key)
{
    int found = tarn_columns_find(columns, key);
    if (found >= 0)
        return found;
    if ((columns->count + 1) * 2 > columns->table_size)
        grow(columns);
    TARN_RESERVE(columns->items, columns->cap, columns->count + 1);
    struct tarn_scan_column *column = &columns->items[columns->count];
    *column = (struct tarn_scan_column){0};
    column->name = tarn_arena_strndup(columns->arena, key.data, key.len);
    column->key = (struct tarn_text){column->name, key.len};
    if (tarn_column_is_own(key))
        column->name = tarn_arena_format(columns->arena, "%s_2", column->name);
    columns->table[slot_of(columns, key)] = (uint32_t)columns->count + 1;
    return (int)columns->count++;
}
