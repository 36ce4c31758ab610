/* model/template/value.h -- the values that templates compute with: Python's, as far as dbt
 * projects use them.
 *
 * A value is 16 bytes and passed by value. What it points to (text, lists, dicts...) lives in a
 * tarn_heap, an arena with a limit: nothing is freed one by one, all of it ends when the heap is
 * reset or freed. Heaps may outlive each other: values of a long-lived heap (the project's graph,
 * vars) may be put into containers of a short-lived one (a render), never the other way round;
 * tarn_value_copy moves a value to a longer-lived heap. A template cannot change a container that
 * belongs to another heap than its render's (it gets an error), so shared values are safe to read
 * from many threads; hand out a tarn_value_copy where templates are expected to append.
 *
 * Text is UTF-8, not NUL-terminated; lengths and indexes that templates see count code points. */
#ifndef TARN_MODEL_TEMPLATE_VALUE_H
#define TARN_MODEL_TEMPLATE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

enum tarn_value_kind {
    TARN_VALUE_UNDEFINED,
    TARN_VALUE_NONE,
    TARN_VALUE_BOOL,
    TARN_VALUE_INT,
    TARN_VALUE_FLOAT,
    TARN_VALUE_STRING,
    TARN_VALUE_LIST,
    TARN_VALUE_TUPLE,
    TARN_VALUE_DICT, /* keeps insertion order */
    TARN_VALUE_SET,  /* keeps insertion order, unlike Python's */
    TARN_VALUE_RANGE,
    TARN_VALUE_VIEW,     /* dict.keys(), .values(), .items() */
    TARN_VALUE_ITERATOR, /* what lazy filters (map, select) and zip give: one pass, no length */
    TARN_VALUE_NAMESPACE,
    TARN_VALUE_FUNCTION, /* a C callback */
    TARN_VALUE_METHOD,   /* a built-in method bound to its value */
    TARN_VALUE_MACRO,
    TARN_VALUE_OBJECT,  /* anything with a struct tarn_object_type */
    TARN_VALUE_MISSING, /* internal: a variable that has no value yet; never handed out */
};

struct tarn_list;
struct tarn_dict;
struct tarn_range;
struct tarn_view;
struct tarn_iterator;
struct tarn_undefined;
struct tarn_function;
struct tarn_method;
struct tarn_macro;
struct tarn_object;

struct tarn_value {
    uint8_t kind;
    uint32_t len; /* STRING: bytes */
    union {
        bool boolean;
        int64_t integer;
        double real;
        const char *chars;
        struct tarn_list *list; /* LIST, TUPLE */
        struct tarn_dict *dict; /* DICT, SET, NAMESPACE */
        struct tarn_range *range;
        struct tarn_view *view;
        struct tarn_iterator *iterator;
        const struct tarn_undefined *undefined; /* may be NULL */
        struct tarn_function *function;
        struct tarn_method *method;
        struct tarn_macro *macro;
        struct tarn_object *object;
    } as;
};

/* --- the heap
 * -----------------------------------------------------------------------------------------------
 */

struct tarn_heap;
/* `max_bytes` is checked while templates run: a render that needs more stops with TOO_LARGE. */
struct tarn_heap *tarn_heap_new(size_t max_bytes);
void tarn_heap_free(struct tarn_heap *heap); /* NULL is fine */
void tarn_heap_reset(struct tarn_heap *heap);
void *tarn_heap_alloc(struct tarn_heap *heap, size_t size_bytes) __attribute__((returns_nonnull));
bool tarn_heap_is_over(const struct tarn_heap *heap);
static inline void tarn_auto_heap_(struct tarn_heap **heap)
{
    tarn_heap_free(*heap);
}
#define TARN_AUTO_HEAP __attribute__((cleanup(tarn_auto_heap_)))

/* --- making values
 * ------------------------------------------------------------------------------------------ */

#define TARN_NONE ((struct tarn_value){.kind = TARN_VALUE_NONE})
#define TARN_UNDEFINED ((struct tarn_value){.kind = TARN_VALUE_UNDEFINED})
#define TARN_TRUE tarn_value_bool(true)
#define TARN_FALSE tarn_value_bool(false)

static inline struct tarn_value tarn_value_bool(bool value)
{
    return (struct tarn_value){.kind = TARN_VALUE_BOOL, .as.boolean = value};
}
static inline struct tarn_value tarn_value_int(int64_t value)
{
    return (struct tarn_value){.kind = TARN_VALUE_INT, .as.integer = value};
}
static inline struct tarn_value tarn_value_float(double value)
{
    return (struct tarn_value){.kind = TARN_VALUE_FLOAT, .as.real = value};
}
/* The bytes are not copied: they must live as long as the value. */
struct tarn_value tarn_value_text_ref(struct tarn_text text);
struct tarn_value tarn_value_str_ref(const char *text); /* NULL gives none */
/* The bytes are copied into the heap. */
struct tarn_value tarn_value_text_copy(struct tarn_heap *heap, struct tarn_text text);
struct tarn_value tarn_value_str(struct tarn_heap *heap, const char *text); /* NULL gives none */
struct tarn_value tarn_value_format(struct tarn_heap *heap, const char *format, ...)
    TARN_PRINTF(2, 3);
struct tarn_value tarn_value_list(struct tarn_heap *heap);
struct tarn_value tarn_value_tuple(struct tarn_heap *heap, const struct tarn_value *items,
                                   size_t count);
struct tarn_value tarn_value_dict(struct tarn_heap *heap);
struct tarn_value tarn_value_set(struct tarn_heap *heap);
struct tarn_value tarn_value_range(struct tarn_heap *heap, int64_t start, int64_t stop,
                                   int64_t step);
/* One pass over the items of a list. */
struct tarn_value tarn_value_iterator(struct tarn_heap *heap, struct tarn_value list);
struct tarn_value tarn_value_namespace(struct tarn_heap *heap);
/* An undefined that knows what was asked for, for the error when it is used. `name` lives as long
 * as the value. */
struct tarn_value tarn_value_undefined(struct tarn_heap *heap, const char *name);
/* Deep copy into `heap` (text included); a value that holds itself, a macro or an iterator fails.
 */
CHECKED enum tarn_status tarn_value_copy(struct tarn_heap *heap, struct tarn_value value,
                                         struct tarn_value *ret_copy, struct tarn_error *err);

/* --- looking at values
 * --------------------------------------------------------------------------------------- */

static inline bool tarn_value_is(struct tarn_value value, enum tarn_value_kind kind)
{
    return value.kind == kind;
}
/* None and undefined. */
static inline bool tarn_value_is_nothing(struct tarn_value value)
{
    return value.kind == TARN_VALUE_NONE || value.kind == TARN_VALUE_UNDEFINED;
}
static inline bool tarn_value_is_string(struct tarn_value value)
{
    return value.kind == TARN_VALUE_STRING;
}
/* Empty for anything that is not a string. */
struct tarn_text tarn_value_text(struct tarn_value value);
/* NUL-terminated copy of a string, or of str(value) for anything else. */
const char *tarn_value_cstr(struct tarn_heap *heap, struct tarn_value value);
bool tarn_value_text_is(struct tarn_value value, const char *literal);
/* Python's type name: "str", "NoneType", "dict", or the object's own. */
const char *tarn_value_type_name(struct tarn_value value);
/* Python's bool(). */
bool tarn_value_truth(struct tarn_value value);
/* Python's ==; never fails. */
bool tarn_value_equal(struct tarn_value a, struct tarn_value b);
/* Python's ordering: -1, 0, 1; INVALID for types that have none ("'<' not supported between...").
 */
CHECKED enum tarn_status tarn_value_compare(struct tarn_value a, struct tarn_value b,
                                            int *ret_order, struct tarn_error *err);
/* len(); false for values that have none. */
bool tarn_value_length(struct tarn_value value, size_t *ret_length);
/* Python's str() and repr(), appended. */
void tarn_value_print(struct tarn_value value, struct tarn_buffer *out);
void tarn_value_print_repr(struct tarn_value value, struct tarn_buffer *out);
/* str() as a string value (a string is returned as it is). */
struct tarn_value tarn_value_to_string(struct tarn_heap *heap, struct tarn_value value);

/* --- lists, tuples
 * ------------------------------------------------------------------------------------------- */

size_t tarn_list_count(struct tarn_value list);
struct tarn_value tarn_list_at(struct tarn_value list, size_t index); /* index < count */
void tarn_list_append(struct tarn_value list, struct tarn_value item);
void tarn_list_set(struct tarn_value list, size_t index, struct tarn_value item);
/* Any iterable (string, dict keys, view, range, iterator, object) as a new list. */
CHECKED enum tarn_status tarn_value_to_list(struct tarn_heap *heap, struct tarn_value value,
                                            struct tarn_value *ret_list, struct tarn_error *err);

/* --- dicts, sets, namespaces
 * --------------------------------------------------------------------------------- */

size_t tarn_dict_count(struct tarn_value dict);
/* The i-th pair in insertion order; i < count. A dict must not be changed between calls of a walk.
 */
void tarn_dict_at(struct tarn_value dict, size_t index, struct tarn_value *ret_key,
                  struct tarn_value *ret_value);
/* The value, or undefined when there is none. Keys may be any hashable value (1, 1.0 and True are
 * equal). */
struct tarn_value tarn_dict_get(struct tarn_value dict, struct tarn_value key);
struct tarn_value tarn_dict_get_str(struct tarn_value dict, const char *key);
struct tarn_value tarn_dict_get_text(struct tarn_value dict, struct tarn_text key);
bool tarn_dict_find(struct tarn_value dict, struct tarn_value key, struct tarn_value *ret_value);
void tarn_dict_put(struct tarn_value dict, struct tarn_value key, struct tarn_value value);
/* `key` must live as long as the dict (a literal, or text of the same heap). */
void tarn_dict_put_str(struct tarn_value dict, const char *key, struct tarn_value value);
bool tarn_dict_remove(struct tarn_value dict, struct tarn_value key);
/* False for lists, dicts and sets, which cannot be keys. */
bool tarn_value_is_hashable(struct tarn_value value);

/* --- functions
 * ------------------------------------------------------------------------------------------------
 */

struct tarn_template_run;
struct tarn_named_value {
    struct tarn_text name;
    struct tarn_value value;
};
/* One call as the callee sees it. */
struct tarn_call {
    struct tarn_template_run *run; /* NULL outside a render */
    struct tarn_heap *heap;        /* where results go */
    void *userdata;                /* the function's or the object's */
    const char *name;              /* what the template calls it, for messages */
    const struct tarn_value *args;
    size_t arg_count;
    const struct tarn_named_value *kwargs;
    size_t kwarg_count;
};
/* `*ret` is none when the callee does not set it. The error text needs no position: the engine adds
 * "file:line:column" of the call and the macro stack. */
typedef enum tarn_status tarn_function_fn(struct tarn_call *call, struct tarn_value *ret,
                                          struct tarn_error *err);
/* `name` lives as long as the value. */
struct tarn_value tarn_value_function(struct tarn_heap *heap, const char *name,
                                      tarn_function_fn *fn, void *userdata);

/* Binds positional and keyword arguments to `names` (ended by NULL) as Python would: `required` of
 * them must be given, the others stay undefined in ret_values. INVALID with Python's wording for
 * too many, unknown, missing or doubled arguments. A name that starts with '*' ends the positional
 * ones and gets the rest as a tuple; one that starts with
 * "**" gets the other keywords as a dict. */
CHECKED enum tarn_status tarn_call_bind(struct tarn_call *call, const char *const *names,
                                        size_t required, struct tarn_value *ret_values,
                                        struct tarn_error *err);
/* One argument by position or keyword; undefined when not given. */
struct tarn_value tarn_call_arg(const struct tarn_call *call, size_t position, const char *name);

/* --- objects
 * --------------------------------------------------------------------------------------------------
 */

enum tarn_binary_op {
    TARN_OP_ADD,
    TARN_OP_SUB,
    TARN_OP_MUL,
    TARN_OP_DIV,
    TARN_OP_FLOORDIV,
    TARN_OP_MOD,
    TARN_OP_POW,
};

/* A kind of object: a constant in the owner's file. Every function may be NULL. `self` is the
 * object's data. get: attribute or string subscript; false when there is none (the template sees
 * undefined). method: looked up when `get` found nothing: a table ended by {NULL}; userdata of the
 * call is `self`. */
struct tarn_object_method {
    const char *name;
    tarn_function_fn *fn;
};
struct tarn_object_type {
    const char *name; /* Python's type name, for messages and repr */
    bool (*get)(struct tarn_heap *heap, void *self, struct tarn_text name, struct tarn_value *ret);
    const struct tarn_object_method *methods;
    tarn_function_fn *call;                                  /* call->userdata is self */
    void (*print)(void *self, struct tarn_buffer *out);      /* str(); default "<name>" */
    void (*print_repr)(void *self, struct tarn_buffer *out); /* default: print */
    bool (*truth)(void *self);                               /* default true */
    bool (*length)(void *self, size_t *ret_length);
    /* A list of what iterating gives; makes the object iterable. */
    struct tarn_value (*iterate)(struct tarn_heap *heap, void *self);
    bool (*contains)(void *self, struct tarn_value item);
    /* Subscript by anything that is not found by `get`. */
    bool (*get_item)(struct tarn_heap *heap, void *self, struct tarn_value key,
                     struct tarn_value *ret);
    bool (*equal)(void *self, struct tarn_value other); /* default: the same object */
    uint64_t (*hash)(void *self);                       /* needed with `equal` for use as a key */
    bool (*compare)(void *self, struct tarn_value other, int *ret_order);
    /* Arithmetic with this object on either side; false when not supported. */
    bool (*binary)(struct tarn_heap *heap, enum tarn_binary_op op, struct tarn_value left,
                   struct tarn_value right, struct tarn_value *ret);
    bool is_mapping; /* for the `mapping` test and **expansion; then get_item and iterate (keys)
                        must exist */
};
struct tarn_value tarn_value_object(struct tarn_heap *heap, const struct tarn_object_type *type,
                                    void *self);
/* The data when `value` is an object of this type, otherwise NULL. */
void *tarn_value_object_data(struct tarn_value value, const struct tarn_object_type *type);

/* value.name or value['name'] from C (dict key, attribute, method); undefined when there is none.
 */
struct tarn_value tarn_value_get_attr(struct tarn_heap *heap, struct tarn_value value,
                                      struct tarn_text name);

/* --- JSON
 * ------------------------------------------------------------------------------------------------------
 */

/* json.loads; keeps the order of keys. INVALID names line and column. */
CHECKED enum tarn_status tarn_value_from_json(struct tarn_heap *heap, struct tarn_text json,
                                              struct tarn_value *ret_value, struct tarn_error *err);
struct tarn_value_json_options {
    int indent; /* 0: one line with ", " and ": " as json.dumps */
    bool sort_keys;
    bool html_safe; /* as jinja2's tojson: < > & ' as \u003c... */
};
/* json.dumps (non-ASCII as \uXXXX); INVALID for values JSON cannot hold. */
CHECKED enum tarn_status tarn_value_to_json(struct tarn_value value,
                                            const struct tarn_value_json_options *options,
                                            struct tarn_buffer *out, struct tarn_error *err);

#endif
