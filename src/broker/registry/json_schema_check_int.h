/* broker/registry/json_schema_check_int.h -- private to the compatibility check of JSON Schemas:
 * what json_schema_check.c and json_schema_content.c share. */
#ifndef TARN_BROKER_REGISTRY_JSON_SCHEMA_CHECK_INT_H
#define TARN_BROKER_REGISTRY_JSON_SCHEMA_CHECK_INT_H

#include "broker/registry/json_schema.h"

struct tarn_js_pair; /* of nodes that were compared */

struct tarn_js_check_state {
    struct tarn_schema_messages *messages;
    bool is_silent;
    struct tarn_arena *arena;
    struct tarn_js_pair *pairs;
    size_t pair_count, pair_cap;
    int depth;
};

/* Compares any two nodes; false when a difference is incompatible. */
bool tarn_js_compare(struct tarn_js_check_state *check, const struct tarn_js *old,
                     const struct tarn_js *fresh, const char *path);
/* One incompatible difference; always false. */
bool tarn_js_differ(struct tarn_js_check_state *check, const char *name, const char *path);
/* The path with a step more. */
const char *tarn_js_below(struct tarn_js_check_state *check, const char *path, const char *step);
/* The path of an item: "<path>/<step>/<index>". */
const char *tarn_js_place(struct tarn_js_check_state *check, const char *path, const char *step,
                          size_t index);
/* As it stands in the source; NULL when it does not. */
const json_t *tarn_js_keyword(const struct tarn_js *node, const char *name);
/* Whether everything in `wanted` stands in `array`. */
bool tarn_js_has_all(const json_t *array, const json_t *wanted);
/* An upper or lower limit that came, or became tighter. `stem` is MAX_LENGTH and so on. */
bool tarn_js_compare_limit(struct tarn_js_check_state *check, const struct tarn_js *old,
                           const struct tarn_js *fresh, const char *name, const char *stem,
                           bool is_upper, const char *path);

/* ---- json_schema_content.c ---- */

bool tarn_js_compare_objects(struct tarn_js_check_state *check, const struct tarn_js *old,
                             const struct tarn_js *fresh, const char *path);
bool tarn_js_compare_arrays(struct tarn_js_check_state *check, const struct tarn_js *old,
                            const struct tarn_js *fresh, const char *path);

#endif
