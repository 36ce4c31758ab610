/* source/synthetic/words.h -- word lists: names, streets, cities, adjectives.
 *
 * A list is text: one word a line, optionally followed by a tab and a weight; "[key]" starts a
 * section that holds the words for that key (a country, a category), '#' a comment. Words before
 * the first section belong to the key "". */
#ifndef TARN_SOURCE_SYNTHETIC_WORDS_H
#define TARN_SOURCE_SYNTHETIC_WORDS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"
#include "source/synthetic/alias.h"

struct tarn_words_section {
    struct tarn_text key;
    size_t count;
    struct tarn_text *items;
    struct tarn_alias alias;
};

struct tarn_words {
    const char *name;
    size_t count;
    struct tarn_words_section *sections;
    bool plain; /* no word needs quoting in CSV or escaping in JSON */
};

/* `text` must live as long as the list. CONFIG names file:line. */
CHECKED enum tarn_status tarn_words_parse(struct tarn_text text, const char *name,
                                          struct tarn_arena *arena, struct tarn_words *ret_words,
                                          struct tarn_error *err);
/* The lists that come with the program ("first_names", ...); NULL when there is none of that name.
 */
const char *tarn_words_builtin(const char *name);
extern const char *const tarn_words_builtin_names[]; /* ends in NULL */

/* The section of the key, otherwise the one of "", otherwise the first. */
const struct tarn_words_section *tarn_words_section(const struct tarn_words *words,
                                                    struct tarn_text key);

#endif
