/* broker/registry/json_schema.h -- a JSON Schema (drafts 4 to 2020-12) as nodes of one kind each.
 *
 * An object that has several kinds of keywords (a type, an enum, an anyOf) is the conjunction of
 * one node for each: COMBINED with "allOf". References are nodes that point at their target, so the
 * graph may have cycles. */
#ifndef TARN_BROKER_REGISTRY_JSON_SCHEMA_H
#define TARN_BROKER_REGISTRY_JSON_SCHEMA_H

#include "broker/registry/schema_int.h"

enum tarn_js_kind {
    TARN_JS_ANY,  /* true or {} */
    TARN_JS_NONE, /* false */
    TARN_JS_STRING,
    TARN_JS_NUMBER,
    TARN_JS_BOOLEAN,
    TARN_JS_NULL,
    TARN_JS_ENUM,
    TARN_JS_CONST,
    TARN_JS_COMBINED,
    TARN_JS_NOT,
    TARN_JS_OBJECT,
    TARN_JS_ARRAY,
    TARN_JS_REFERENCE
};

enum { TARN_JS_NODES_MAX = 50000 };

struct tarn_js;

struct tarn_js_member {
    const char *name; /* or a pattern */
    const struct tarn_js *schema;
};

struct tarn_js {
    enum tarn_js_kind kind;
    const json_t *source; /* the object; its plain keywords are read from here */
    bool is_integer;
    const char *criterion; /* of COMBINED: "allOf", "anyOf", "oneOf" */
    const struct tarn_js **parts;
    size_t part_count;
    const struct tarn_js *inner; /* of NOT and REFERENCE */
    struct tarn_js_member *properties, *patterns, *dependencies;
    size_t property_count, pattern_count, dependency_count;
    bool forbids_more;                 /* additionalProperties or additionalItems is false */
    const struct tarn_js *more;        /* their schema; NULL: none or true */
    const struct tarn_js *unevaluated; /* NULL: the keyword is missing */
    const struct tarn_js *all_items;
    const struct tarn_js **items; /* by place */
    size_t item_count;
};

static inline const struct tarn_js *tarn_js_root(const struct tarn_schema *schema)
{
    return schema->parsed;
}

enum tarn_status tarn_js_parse(struct tarn_schema *schema, struct tarn_text text,
                               const struct tarn_schema_dependency *dependencies, size_t count,
                               bool is_new, struct tarn_error *err);
void tarn_js_check(const struct tarn_schema *reader, const struct tarn_schema *writer,
                   struct tarn_schema_messages *messages);

#endif
