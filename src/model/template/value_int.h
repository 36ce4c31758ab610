/* model/template/value_int.h -- what stands behind the pointers of a value; for the files of this
 * folder only. */
#ifndef TARN_MODEL_TEMPLATE_VALUE_INT_H
#define TARN_MODEL_TEMPLATE_VALUE_INT_H

#include "model/template/value.h"

struct tarn_heap {
    struct tarn_arena *arena;
    size_t used_bytes;
    size_t max_bytes;
};

struct tarn_list {
    struct tarn_heap
        *heap; /* grows here; a template may change it only when this is its own heap */
    struct tarn_value *items;
    size_t count;
    size_t cap;
    bool is_group; /* what groupby gives: a pair with the attributes grouper and list */
};

struct dict_entry {
    struct tarn_value key;
    struct tarn_value value;
    uint64_t hash;
};

struct tarn_dict {
    struct tarn_heap *heap;
    struct dict_entry *entries; /* dense, in insertion order */
    size_t count;
    size_t cap;
    uint32_t *index; /* open addressing, entry number + 1; NULL while the dict is small */
    size_t index_size;
};

struct tarn_range {
    int64_t start;
    int64_t stop;
    int64_t step;
    int64_t count;
};

enum view_kind { VIEW_KEYS, VIEW_VALUES, VIEW_ITEMS };
struct tarn_view {
    enum view_kind kind;
    struct tarn_value dict;
};

/* `next` sets *ret and leaves *ret_done false, or sets *ret_done. Makers embed this at the start of
 * their own struct. */
struct tarn_iterator {
    const char *type_name; /* "generator", "zip"... */
    enum tarn_status (*next)(struct tarn_iterator *iterator, struct tarn_value *ret, bool *ret_done,
                             struct tarn_error *err);
    struct tarn_heap *heap;
    struct tarn_template_run *run;
};

enum undefined_kind { UNDEFINED_NAME, UNDEFINED_ATTRIBUTE, UNDEFINED_HINT };
struct tarn_undefined {
    enum undefined_kind kind;
    struct tarn_value owner; /* ATTRIBUTE: what was asked */
    struct tarn_value name;  /* NAME, ATTRIBUTE: for what; HINT: the whole message */
};

struct tarn_function {
    const char *name;
    tarn_function_fn *fn;
    void *userdata;
};

/* A built-in method: `call->userdata` points to the receiver's struct tarn_value. */
struct method {
    const char *name;
    tarn_function_fn *fn;
};
struct tarn_method {
    struct tarn_value receiver;
    const struct method *method;
};

/* The head of a function, method, filter or test that templates call. */
#define CALLABLE(name)                                                                             \
    static enum tarn_status name(struct tarn_call *call, struct tarn_value *ret,                   \
                                 struct tarn_error *err)

struct tarn_object {
    const struct tarn_object_type *type;
    void *data;
};

/* --- walking any iterable
 * ---------------------------------------------------------------------------------------- */

/* Walks lists and dicts as they are now: items appended during the walk are seen, as in Python. */
struct walk {
    struct tarn_value value;
    size_t position;
    size_t first_count;
    struct tarn_heap *heap;
};
/* INVALID "'int' object is not iterable". */
CHECKED enum tarn_status walk_begin(struct walk *walk, struct tarn_heap *heap,
                                    struct tarn_value value, struct tarn_error *err);
CHECKED enum tarn_status walk_next(struct walk *walk, struct tarn_value *ret, bool *ret_done,
                                   struct tarn_error *err);
bool value_is_iterable(struct tarn_value value);
/* iter(value): an iterator value that shares the position. */
CHECKED enum tarn_status value_iterator(struct tarn_heap *heap, struct tarn_value value,
                                        struct tarn_value *ret, struct tarn_error *err);

/* --- pieces shared by the value files
 * ------------------------------------------------------------------------------ */

uint64_t value_hash(struct tarn_value value);
struct tarn_list *list_new(struct tarn_heap *heap, size_t cap);
struct tarn_value list_value(struct tarn_list *list);
struct tarn_value tuple_value(struct tarn_list *list);
void list_insert(struct tarn_list *list, size_t index, struct tarn_value item);
void list_remove(struct tarn_list *list, size_t index);
/* dict.update(): from a mapping, or from pairs. */
CHECKED enum tarn_status dict_update(struct tarn_heap *heap, struct tarn_value dict,
                                     struct tarn_value from, struct tarn_error *err);
void dict_clear(struct tarn_dict *dict);
struct tarn_value undefined_attribute(struct tarn_heap *heap, struct tarn_value owner,
                                      struct tarn_value name);
struct tarn_value undefined_hint(struct tarn_heap *heap, const char *format, ...) TARN_PRINTF(2, 3);
/* INVALID with the undefined's own message ("'foo' is undefined"). */
enum tarn_status fail_undefined(struct tarn_value undefined, struct tarn_error *err);
/* True for bool, int and float. */
bool value_is_number(struct tarn_value value);
double value_real(struct tarn_value number);
/* What tarn_value_compare gives when one side is NaN: neither less, equal nor greater. */
enum { ORDER_NONE = 2 };
/* True for int and bool. */
bool value_to_int64(struct tarn_value value, int64_t *ret);
/* Shortest text that reads back the same, as Python's repr(float). */
enum { FLOAT_TEXT_BYTES = 40 };
size_t float_text(double value, char out[FLOAT_TEXT_BYTES]);
void print_string_repr(struct tarn_text text, struct tarn_buffer *out);
/* The buffer's text, copied into the heap. */
struct tarn_value buffer_value(struct tarn_heap *heap, const struct tarn_buffer *buffer);

#endif
