/* model/template/heap.c -- the heap of values, and making the simple ones. See value.h. */
#include <assert.h>
#include <stdio.h>

#include "model/template/value_int.h"

struct tarn_heap *tarn_heap_new(size_t max_bytes)
{
    struct tarn_heap *heap = tarn_alloc(sizeof *heap);
    heap->arena = tarn_arena_new();
    heap->max_bytes = max_bytes;
    return heap;
}

void tarn_heap_free(struct tarn_heap *heap)
{
    if (!heap)
        return;
    tarn_arena_free(heap->arena);
    free(heap);
}

void tarn_heap_reset(struct tarn_heap *heap)
{
    tarn_arena_reset(heap->arena);
    heap->used_bytes = 0;
}

void *tarn_heap_alloc(struct tarn_heap *heap, size_t size_bytes)
{
    heap->used_bytes = tarn_size_add(heap->used_bytes, size_bytes);
    return tarn_arena_alloc(heap->arena, size_bytes);
}

bool tarn_heap_is_over(const struct tarn_heap *heap)
{
    return heap->used_bytes > heap->max_bytes;
}

struct tarn_value tarn_value_text_ref(struct tarn_text text)
{
    assert(text.len <= UINT32_MAX);
    return (struct tarn_value){.kind = TARN_VALUE_STRING,
                               .len = (uint32_t)text.len,
                               .as.chars = text.len ? text.data : ""};
}

struct tarn_value tarn_value_str_ref(const char *text)
{
    return text ? tarn_value_text_ref(tarn_text_of(text)) : TARN_NONE;
}

struct tarn_value tarn_value_text_copy(struct tarn_heap *heap, struct tarn_text text)
{
    if (text.len == 0)
        return tarn_value_text_ref(TARN_TEXT(""));
    char *copy = tarn_heap_alloc(heap, tarn_size_add(text.len, 1));
    memcpy(copy, text.data, text.len);
    return tarn_value_text_ref((struct tarn_text){copy, text.len});
}

struct tarn_value tarn_value_str(struct tarn_heap *heap, const char *text)
{
    return text ? tarn_value_text_copy(heap, tarn_text_of(text)) : TARN_NONE;
}

struct tarn_value tarn_value_format(struct tarn_heap *heap, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    size_t size = (size_t)(len < 0 ? 0 : len) + 1;
    char *text = tarn_heap_alloc(heap, size);
    (void)vsnprintf(text, size, format, again); /* measured above */
    va_end(again);
    return tarn_value_text_ref((struct tarn_text){text, size - 1});
}

struct tarn_value buffer_value(struct tarn_heap *heap, const struct tarn_buffer *buffer)
{
    return tarn_value_text_copy(heap, tarn_buffer_text(buffer));
}

struct tarn_value tarn_value_range(struct tarn_heap *heap, int64_t start, int64_t stop,
                                   int64_t step)
{
    struct tarn_range *range = tarn_heap_alloc(heap, sizeof *range);
    *range = (struct tarn_range){start, stop, step, 0};
    __int128 span = step > 0 ? (__int128)stop - start : (__int128)start - stop;
    __int128 stride = step > 0 ? (__int128)step : -(__int128)step;
    if (span > 0 && stride > 0)
        range->count = (int64_t)((span + stride - 1) / stride);
    return (struct tarn_value){.kind = TARN_VALUE_RANGE, .as.range = range};
}

static struct tarn_value undefined_value(struct tarn_heap *heap, struct tarn_undefined undefined)
{
    struct tarn_undefined *copy = tarn_heap_alloc(heap, sizeof *copy);
    *copy = undefined;
    return (struct tarn_value){.kind = TARN_VALUE_UNDEFINED, .as.undefined = copy};
}

struct tarn_value tarn_value_undefined(struct tarn_heap *heap, const char *name)
{
    return undefined_value(
        heap, (struct tarn_undefined){.kind = UNDEFINED_NAME, .name = tarn_value_str_ref(name)});
}

struct tarn_value undefined_attribute(struct tarn_heap *heap, struct tarn_value owner,
                                      struct tarn_value name)
{
    return undefined_value(
        heap, (struct tarn_undefined){.kind = UNDEFINED_ATTRIBUTE, .owner = owner, .name = name});
}

struct tarn_value undefined_hint(struct tarn_heap *heap, const char *format, ...)
{
    char text[500];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* a hint may be cut off */
    va_end(args);
    return undefined_value(
        heap, (struct tarn_undefined){.kind = UNDEFINED_HINT, .name = tarn_value_str(heap, text)});
}

enum tarn_status fail_undefined(struct tarn_value value, struct tarn_error *err)
{
    const struct tarn_undefined *undefined = value.as.undefined;
    if (!undefined)
        return tarn_fail(err, TARN_INVALID, "the value is undefined");
    TARN_BUFFER(name, 2000);
    if (undefined->kind == UNDEFINED_HINT)
        return tarn_fail(err, TARN_INVALID, "%.*s",
                         TARN_TEXT_ARGS(tarn_value_text(undefined->name)));
    tarn_value_print_repr(undefined->name, &name);
    if (undefined->kind == UNDEFINED_NAME)
        return tarn_fail(err, TARN_INVALID, "%s is undefined", tarn_buffer_str(&name));
    bool is_none = undefined->owner.kind == TARN_VALUE_NONE;
    const char *owner = is_none ? "None" : tarn_value_type_name(undefined->owner);
    const char *suffix = is_none ? "" : " object";
    if (tarn_value_is_string(undefined->name))
        return tarn_fail(err, TARN_INVALID, "'%s%s' has no attribute %s", owner, suffix,
                         tarn_buffer_str(&name));
    return tarn_fail(err, TARN_INVALID, "%s%s has no element %s", owner, suffix,
                     tarn_buffer_str(&name));
}

struct tarn_value tarn_value_function(struct tarn_heap *heap, const char *name,
                                      tarn_function_fn *fn, void *userdata)
{
    struct tarn_function *function = tarn_heap_alloc(heap, sizeof *function);
    *function = (struct tarn_function){name, fn, userdata};
    return (struct tarn_value){.kind = TARN_VALUE_FUNCTION, .as.function = function};
}

struct tarn_value tarn_value_object(struct tarn_heap *heap, const struct tarn_object_type *type,
                                    void *self)
{
    struct tarn_object *object = tarn_heap_alloc(heap, sizeof *object);
    *object = (struct tarn_object){type, self};
    return (struct tarn_value){.kind = TARN_VALUE_OBJECT, .as.object = object};
}

void *tarn_value_object_data(struct tarn_value value, const struct tarn_object_type *type)
{
    if (value.kind != TARN_VALUE_OBJECT || value.as.object->type != type)
        return NULL;
    return value.as.object->data;
}
