/* broker/log/journal.c -- the map in memory: a skip list in order of key bytes. The levels of a key
 * are drawn from a hash of it, so a list depends on what is in it alone. */
#include "base/hash.h"
#include "broker/log/log_int.h"

enum { LEVELS_MAX = 16 };

struct node {
    char *value;
    size_t value_len;
    size_t key_len;
    unsigned level_count;
    struct node *next[]; /* level_count pointers, then the key */
};

struct journal {
    size_t count, bytes;
    struct node *first[LEVELS_MAX];
};

static char *node_key(const struct node *node)
{
    return (char *)(uintptr_t)(node->next + node->level_count);
}

static int compare(const struct node *node, struct tarn_text key)
{
    size_t len = node->key_len < key.len ? node->key_len : key.len;
    int order = len ? memcmp(node_key(node), key.data, len) : 0;
    return order ? order : (node->key_len > key.len) - (node->key_len < key.len);
}

/* The first node at or behind the key; before[i] is the link that leads past it on level i. */
static struct node *seek(struct journal *journal, struct tarn_text key,
                         struct node **before[LEVELS_MAX])
{
    struct node **links = journal->first;
    for (int level = LEVELS_MAX - 1; level >= 0; level--) {
        while (links[level] && compare(links[level], key) < 0)
            links = links[level]->next;
        before[level] = &links[level];
    }
    return *before[0];
}

struct journal *journal_new(void)
{
    return tarn_alloc(sizeof(struct journal));
}

static void node_free(struct node *node)
{
    free(node->value);
    free(node);
}

void journal_free(struct journal *journal)
{
    if (!journal)
        return;
    for (struct node *node = journal->first[0]; node;) {
        struct node *next = node->next[0];
        node_free(node);
        node = next;
    }
    free(journal);
}

static unsigned draw_levels(struct tarn_text key)
{
    uint64_t bits = tarn_hash64(key);
    unsigned levels = 1;
    while (levels < LEVELS_MAX && (bits & 3) == 0) {
        levels++;
        bits >>= 2;
    }
    return levels;
}

void journal_put(struct journal *journal, struct tarn_text key, struct tarn_text value)
{
    struct node **before[LEVELS_MAX];
    struct node *node = seek(journal, key, before);
    if (!node || compare(node, key) != 0) {
        unsigned levels = draw_levels(key);
        node = tarn_alloc(sizeof *node + levels * sizeof(struct node *) + key.len);
        node->level_count = levels;
        node->key_len = key.len;
        memcpy(node_key(node), key.data, key.len);
        for (unsigned i = 0; i < levels; i++) {
            node->next[i] = *before[i];
            *before[i] = node;
        }
        journal->count++;
        journal->bytes += key.len + 16;
    }
    journal->bytes += value.len - node->value_len;
    if (node->value_len != value.len || !node->value)
        node->value = tarn_realloc_array(node->value, value.len, 1);
    if (value.len > 0)
        memcpy(node->value, value.data, value.len);
    node->value_len = value.len;
}

void journal_remove(struct journal *journal, struct tarn_text key)
{
    struct node **before[LEVELS_MAX];
    struct node *node = seek(journal, key, before);
    if (!node || compare(node, key) != 0)
        return;
    for (unsigned i = 0; i < node->level_count; i++)
        *before[i] = node->next[i];
    journal->count--;
    journal->bytes -= node->key_len + node->value_len + 16;
    node_free(node);
}

size_t journal_bytes(const struct journal *journal)
{
    return journal->bytes;
}

struct tarn_text tarn_journal_get(struct tarn_log *log, struct tarn_text key)
{
    struct node **before[LEVELS_MAX];
    struct node *node = seek(log->journal, key, before);
    if (!node || compare(node, key) != 0)
        return (struct tarn_text){0};
    return (struct tarn_text){node->value, node->value_len};
}

void journal_each(struct journal *journal, struct tarn_text prefix,
                  bool (*callback)(void *context, struct tarn_text key, struct tarn_text value),
                  void *context)
{
    struct node **before[LEVELS_MAX];
    for (struct node *node = seek(journal, prefix, before); node; node = node->next[0]) {
        if (node->key_len < prefix.len ||
            (prefix.len > 0 && memcmp(node_key(node), prefix.data, prefix.len) != 0))
            return;
        struct tarn_text key = {node_key(node), node->key_len};
        if (!callback(context, key, (struct tarn_text){node->value, node->value_len}))
            return;
    }
}

void tarn_journal_each(struct tarn_log *log, struct tarn_text prefix,
                       bool (*callback)(void *context, struct tarn_text key,
                                        struct tarn_text value),
                       void *context)
{
    journal_each(log->journal, prefix, callback, context);
}

size_t tarn_journal_count(struct tarn_log *log)
{
    return log->journal->count;
}
