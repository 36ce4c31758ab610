/* source/synthetic/words.c -- see words.h. */
#include "source/synthetic/words.h"

#include <stdint.h>

#include "source/synthetic/format.h"
#include "synthetic_words.h"

static const struct {
    const char *name;
    const char *text;
} builtin[] = {
    {"first_names", first_names_txt}, {"last_names", last_names_txt},     {"streets", streets_txt},
    {"cities", cities_txt},           {"adjectives", adjectives_txt},     {"nouns", nouns_txt},
    {"companies", companies_txt},     {"mail_domains", mail_domains_txt},
};

const char *const tarn_words_builtin_names[] = {"first_names", "last_names",   "streets",
                                                "cities",      "adjectives",   "nouns",
                                                "companies",   "mail_domains", NULL};

const char *tarn_words_builtin(const char *name)
{
    for (size_t i = 0; i < TARN_COUNT(builtin); i++)
        if (tarn_text_is(tarn_text_of(name), builtin[i].name))
            return builtin[i].text;
    return NULL;
}

struct reading {
    struct tarn_words *words;
    struct tarn_words_section *section;
    size_t item_cap;
    size_t weight_cap;
    double *weights;
    struct tarn_arena *arena;
};

static enum tarn_status finish_section(struct reading *r, struct tarn_error *err)
{
    struct tarn_words_section *section = r->section;
    if (!section)
        return TARN_OK;
    if (section->count == 0)
        return tarn_fail(err, TARN_CONFIG, "%s: the section [%.*s] has no words", r->words->name,
                         TARN_TEXT_ARGS(section->key));
    tarn_alias_init(&section->alias, r->weights, section->count, r->arena);
    struct tarn_text *items = tarn_arena_array(r->arena, section->count, sizeof *items);
    memcpy(items, section->items, section->count * sizeof *items);
    free(section->items);
    section->items = items;
    r->item_cap = 0;
    return TARN_OK;
}

static void start_section(struct reading *r, struct tarn_text key)
{
    r->section = &r->words->sections[r->words->count++];
    *r->section = (struct tarn_words_section){.key = key};
}

static enum tarn_status read_word(struct reading *r, struct tarn_text line, int number,
                                  struct tarn_error *err)
{
    struct tarn_text word, rest = line;
    tarn_text_split(&rest, '\t', &word);
    double weight = 1;
    if (rest.len > 0 && (!tarn_text_to_double(tarn_text_trim(rest), &weight) || !(weight >= 0)))
        return tarn_fail(err, TARN_CONFIG,
                         "%s:%d: '%.*s' behind the tab must be a weight, 0 or more", r->words->name,
                         number, TARN_TEXT_ARGS(rest));
    if (tarn_utf8_valid_prefix(word) != word.len)
        return tarn_fail(err, TARN_CONFIG, "%s:%d: the word is not UTF-8", r->words->name, number);
    if (!r->section)
        start_section(r, TARN_TEXT(""));
    size_t at = r->section->count++;
    TARN_RESERVE(r->section->items, r->item_cap, at + 1);
    TARN_RESERVE(r->weights, r->weight_cap, at + 1);
    r->section->items[at] = word;
    r->weights[at] = weight;
    r->words->plain = r->words->plain && tarn_text_is_plain(word);
    return TARN_OK;
}

static size_t section_limit(struct tarn_text text)
{
    size_t count = 1;
    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == '[';
    return count;
}

enum tarn_status tarn_words_parse(struct tarn_text text, const char *name, struct tarn_arena *arena,
                                  struct tarn_words *ret_words, struct tarn_error *err)
{
    struct tarn_words words = {.name = name, .plain = true};
    words.sections = tarn_arena_array(arena, section_limit(text), sizeof *words.sections);
    struct reading r = {.words = &words, .arena = arena};
    struct tarn_text rest = text, line;
    enum tarn_status status = TARN_OK;
    for (int number = 1; status == TARN_OK && rest.len > 0; number++) {
        tarn_text_split(&rest, '\n', &line);
        while (line.len > 0 && (line.data[line.len - 1] == '\r' || line.data[line.len - 1] == ' '))
            line.len--;
        if (line.len == 0 || line.data[0] == '#')
            continue;
        if (line.data[0] == '[' && line.data[line.len - 1] == ']') {
            status = finish_section(&r, err);
            start_section(&r, (struct tarn_text){line.data + 1, line.len - 2});
        } else {
            status = read_word(&r, line, number, err);
        }
    }
    if (status == TARN_OK)
        status = finish_section(&r, err);
    free(r.weights);
    if (status == TARN_OK && words.count == 0)
        return tarn_fail(err, TARN_CONFIG, "%s: there are no words in it", name);
    if (status == TARN_OK)
        *ret_words = words;
    return status;
}

const struct tarn_words_section *tarn_words_section(const struct tarn_words *words,
                                                    struct tarn_text key)
{
    const struct tarn_words_section *otherwise = &words->sections[0];
    for (size_t i = 0; i < words->count; i++) {
        if (tarn_text_equal(words->sections[i].key, key))
            return &words->sections[i];
        if (words->sections[i].key.len == 0)
            otherwise = &words->sections[i];
    }
    return otherwise;
}
