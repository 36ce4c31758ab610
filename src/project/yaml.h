/* project/yaml.h -- YAML 1.1 as PyYAML reads it, as a tree that remembers where everything stood.
 *
 * Every getter that fails names file:line, what was expected and, for a key, the nearest valid one.
 * Nodes live in the arena that the document was read into. Scalars are resolved by PyYAML's rules
 * (yes/no/on/off, octal, dates stay text, merge keys `<<`, anchors; a duplicate key: the last
 * wins). */
#ifndef TARN_PROJECT_YAML_H
#define TARN_PROJECT_YAML_H

#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

const char *tarn_yaml_library_version(void); /* "0.2.5" */

enum tarn_yaml_kind {
    TARN_YAML_NULL,
    TARN_YAML_BOOL,
    TARN_YAML_INT,
    TARN_YAML_FLOAT,
    TARN_YAML_STRING,
    TARN_YAML_LIST,
    TARN_YAML_MAP,
};

struct tarn_yaml {
    enum tarn_yaml_kind kind;
    const char *file; /* as given to the reader */
    int line;         /* from 1 */
    int column;       /* from 1 */
    bool quoted;      /* a quoted or block scalar: always a STRING */
    bool boolean;
    int64_t integer;
    double real;
    const char *text; /* scalars: as written (quotes and escapes resolved); lists and maps: NULL */
    size_t text_len;
    size_t count;                   /* items of a list, entries of a map */
    const struct tarn_yaml **items; /* values, in order */
    const struct tarn_yaml **keys;  /* map: key nodes (scalars), same order */
};

/* Reads one file (limit 64 MiB, depth 128). An empty file gives a NULL node. CONFIG with
 * file:line:column on bad YAML. */
CHECKED enum tarn_status tarn_yaml_read(const char *path, struct tarn_arena *arena,
                                        const struct tarn_yaml **ret_root, struct tarn_error *err);
/* The same from memory; `name` stands in errors; lines count from `first_line`. */
CHECKED enum tarn_status tarn_yaml_parse(struct tarn_text text, const char *name, int first_line,
                                         struct tarn_arena *arena,
                                         const struct tarn_yaml **ret_root, struct tarn_error *err);

const char *tarn_yaml_kind_name(enum tarn_yaml_kind kind); /* "a map", "a list", "text", ... */
/* The entry of a map, NULL when there is none or the node is NULL or no map. */
const struct tarn_yaml *tarn_yaml_get(const struct tarn_yaml *map, const char *key);
const char *tarn_yaml_key(const struct tarn_yaml *map, size_t index);

/* CONFIG "file:line: ..." for a node. */
enum tarn_status tarn_yaml_fail(const struct tarn_yaml *node, struct tarn_error *err,
                                const char *format, ...) TARN_PRINTF(3, 4);
/* CONFIG unless the node is a map whose keys are all among `keys` (ended by NULL); names the
 * nearest valid key. `what` is what the map describes ("a source"). */
CHECKED enum tarn_status tarn_yaml_expect_keys(const struct tarn_yaml *map, const char *what,
                                               const char *const *keys, struct tarn_error *err);

/* Typed values of a map's entry. A missing entry leaves *ret as it is (the default); `_required`
 * ones fail instead. */
CHECKED enum tarn_status tarn_yaml_str(const struct tarn_yaml *map, const char *key,
                                       const char **ret, struct tarn_error *err);
CHECKED enum tarn_status tarn_yaml_str_required(const struct tarn_yaml *map, const char *key,
                                                const char **ret, struct tarn_error *err);
CHECKED enum tarn_status tarn_yaml_int(const struct tarn_yaml *map, const char *key, int64_t min,
                                       int64_t max, int64_t *ret, struct tarn_error *err);
CHECKED enum tarn_status tarn_yaml_double(const struct tarn_yaml *map, const char *key, double min,
                                          double max, double *ret, struct tarn_error *err);
CHECKED enum tarn_status tarn_yaml_bool(const struct tarn_yaml *map, const char *key, bool *ret,
                                        struct tarn_error *err);
/* *ret is NULL when missing. */
CHECKED enum tarn_status tarn_yaml_list(const struct tarn_yaml *map, const char *key,
                                        const struct tarn_yaml **ret, struct tarn_error *err);
CHECKED enum tarn_status tarn_yaml_map(const struct tarn_yaml *map, const char *key,
                                       const struct tarn_yaml **ret, struct tarn_error *err);
/* One of `choices` (ended by NULL) by index. */
CHECKED enum tarn_status tarn_yaml_choice(const struct tarn_yaml *map, const char *key,
                                          const char *const *choices, int *ret,
                                          struct tarn_error *err);

#endif
