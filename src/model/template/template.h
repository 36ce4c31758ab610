/* model/template/template.h -- Jinja templates as dbt uses them: jinja2 3.1 semantics plus dbt's
 * own tags.
 *
 *   tarn_template_parse("models/a.sql", source, NULL, &template, &err)     once; immutable, shared
 * by threads run = tarn_template_run_new(&options)                                  one thread, one
 * node; owns a heap tarn_template_run_set(run, "target", target) tarn_template_render(run,
 * template, &out, &err)
 *
 * Names are looked up in the template's own scopes, then in the run's names
 * (tarn_template_run_set), then through options.resolve (for dbt: macros by name, found only when
 * asked for), then among the built-in globals (range, dict, namespace, cycler, joiner, return),
 * then among the template's own macros when it was parsed with hide_macros. `return(x)` leaves the
 * innermost named macro, whose call then gives x itself instead of text.
 *
 * Errors read "models/a.sql:12:5: 'foo' is undefined ...", then one "in macro m (file:line)" line
 * for each open call. */
#ifndef TARN_MODEL_TEMPLATE_TEMPLATE_H
#define TARN_MODEL_TEMPLATE_TEMPLATE_H

#include "base/buffer.h"
#include "base/error.h"
#include "model/template/value.h"

/* What a hostile or mistaken template may cost; each is an error that names the limit. */
enum {
    TARN_TEMPLATE_SOURCE_BYTES_MAX = 16 * 1024 * 1024,
    TARN_TEMPLATE_NESTING_MAX = 200,        /* of blocks and of brackets in one source */
    TARN_TEMPLATE_MACRO_DEPTH_MAX = 200,    /* calls within calls */
    TARN_TEMPLATE_RANGE_MAX = 100000,       /* as jinja2's sandbox */
    TARN_TEMPLATE_STEPS_MAX = 20 * 1000000, /* statements and expressions in one run */
    TARN_TEMPLATE_OUTPUT_BYTES_MAX = 64 * 1024 * 1024,
    TARN_TEMPLATE_HEAP_BYTES_MAX = 256 * 1024 * 1024,
    TARN_TEMPLATE_TEXT_BYTES_MAX = 32 * 1024 * 1024, /* one string made by * or a filter */
};

/* --- parsing
 * --------------------------------------------------------------------------------------------------
 */

struct tarn_template;

struct tarn_template_options {
    /* dbt's rule: a bare macro name means the context's macro (so that a project can override it),
     * and the template's own one only when the context has none. False is jinja2's: the template's
     * own. */
    bool hide_macros;
    unsigned first_line; /* line number of the source's first line; 0 means 1 */
};

/* `name` ("models/a.sql") stands in messages. `options` may be NULL. Free with tarn_template_free.
 */
CHECKED enum tarn_status tarn_template_parse(const char *name, struct tarn_text source,
                                             const struct tarn_template_options *options,
                                             struct tarn_template **ret_template,
                                             struct tarn_error *err);
/* One expression without braces ("var('x') + 1"), for tarn_template_render_native. */
CHECKED enum tarn_status tarn_template_parse_expression(const char *name, struct tarn_text source,
                                                        struct tarn_template **ret_template,
                                                        struct tarn_error *err);
/* NULL is fine. Values may point into the source (literals, macros): free it after the runs that
 * used it are reset. */
void tarn_template_free(struct tarn_template *tmpl);
const char *tarn_template_name(const struct tarn_template *tmpl);
/* False when the text has none of {{ {% {# : rendering it would give it back (dbt does not touch
 * such text). */
bool tarn_template_has_tags(struct tarn_text source);

enum tarn_template_block_kind {
    TARN_BLOCK_MACRO,
    TARN_BLOCK_TEST,            /* {% test name(model) %}: callable as "test_name" */
    TARN_BLOCK_MATERIALIZATION, /* callable as "materialization_name_adapter" */
    TARN_BLOCK_SNAPSHOT, /* not rendered where it stands: parse `body` as a template of its own */
    TARN_BLOCK_DOCS,     /* the same; the body is text */
};
struct tarn_template_argument {
    const char *name;
    const char
        *default_source; /* NULL when it has none; the source text of the expression otherwise */
};
struct tarn_template_block {
    enum tarn_template_block_kind kind;
    const char *name;       /* as written */
    const char *macro_name; /* what it is called by: "test_x", "materialization_x_default",
                               otherwise the name */
    const char *adapter;    /* MATERIALIZATION: 'default' when not given, otherwise NULL */
    const struct tarn_template_argument *arguments;
    size_t argument_count;
    const char *const *supported_languages; /* MATERIALIZATION; {"sql"} when not given */
    size_t supported_language_count;
    struct tarn_text source; /* from the opening tag to the end of the closing one */
    struct tarn_text body;   /* between the tags */
    unsigned line;           /* of the opening tag */
    unsigned body_line;      /* where the body starts */
};
/* The blocks at the top level of the source, in order. */
size_t tarn_template_block_count(const struct tarn_template *tmpl);
const struct tarn_template_block *tarn_template_block_at(const struct tarn_template *tmpl,
                                                         size_t index);
const struct tarn_template_block *tarn_template_block_find(const struct tarn_template *tmpl,
                                                           const char *macro_name);

/* --- static reading, without running
 * -------------------------------------------------------------------------- */

/* Calls `visit` for every call whose callee is a plain or dotted name ("ref", "dbt_utils.star",
 * "config", "adapter.dispatch") in the whole source, macros' bodies included. Arguments that are
 * literals (also lists and dicts of literals) are given as values, others as undefined with
 * `is_literal` false. */
struct tarn_template_static_call {
    struct tarn_text name;
    const struct tarn_value *args;
    size_t arg_count;
    const struct tarn_named_value *kwargs;
    size_t kwarg_count;
    bool is_literal; /* all arguments are */
    unsigned line;
};
void tarn_template_each_call(const struct tarn_template *tmpl, struct tarn_heap *heap,
                             void (*visit)(void *userdata,
                                           const struct tarn_template_static_call *call),
                             void *userdata);

/* --- running
 * ---------------------------------------------------------------------------------------------------
 */

struct tarn_template_run;

/* True and *ret when the context has `name`. Called once per name and run: what it gives is kept.
 */
typedef bool tarn_template_resolve_fn(void *userdata, struct tarn_template_run *run,
                                      struct tarn_text name, struct tarn_value *ret);
struct tarn_template_run_options {
    tarn_template_resolve_fn *resolve; /* may be NULL */
    void *userdata;                    /* for resolve; also tarn_template_run_userdata */
    /* dbt's at parse time: attributes, subscripts and calls of an undefined are undefined.
     * Otherwise jinja2's: an error. */
    bool lenient_undefined;
    uint64_t max_steps;      /* 0: TARN_TEMPLATE_STEPS_MAX */
    size_t max_heap_bytes;   /* 0: TARN_TEMPLATE_HEAP_BYTES_MAX */
    size_t max_output_bytes; /* 0: TARN_TEMPLATE_OUTPUT_BYTES_MAX */
};

/* `options` may be NULL. Not thread-safe: one run, one thread at a time. */
struct tarn_template_run *tarn_template_run_new(const struct tarn_template_run_options *options);
void tarn_template_run_free(struct tarn_template_run *run); /* NULL is fine */
/* Forgets names, values and errors, keeps the memory: for the next node. Values of the run's heap
 * end here. */
void tarn_template_run_reset(struct tarn_template_run *run);
struct tarn_heap *tarn_template_run_heap(struct tarn_template_run *run);
void *tarn_template_run_userdata(const struct tarn_template_run *run);
/* `name` must live as long as the run. */
void tarn_template_run_set(struct tarn_template_run *run, const char *name,
                           struct tarn_value value);
/* A name as a template would see it; undefined when there is none. */
struct tarn_value tarn_template_run_get(struct tarn_template_run *run, const char *name);
/* Macros that are being called right now, innermost last ("depth" of the stack); for dbt's
 * `context` and messages. */
size_t tarn_template_run_depth(const struct tarn_template_run *run);
const char *tarn_template_run_macro_at(const struct tarn_template_run *run, size_t index);

/* Appends the text. Nested renders in one run (from a callback: `render()`, `statement`) are fine.
 */
CHECKED enum tarn_status tarn_template_render(struct tarn_template_run *run,
                                              const struct tarn_template *tmpl,
                                              struct tarn_buffer *out, struct tarn_error *err);
/* dbt's native rendering, for YAML values: one lone {{ expression }} gives its value whatever its
 * type, several parts give a string; | as_native, as_bool, as_number read the text as a Python
 * literal. */
CHECKED enum tarn_status tarn_template_render_native(struct tarn_template_run *run,
                                                     const struct tarn_template *tmpl,
                                                     struct tarn_value *ret_value,
                                                     struct tarn_error *err);
/* The macro as a callable value of this run, without running the rest of its source; false when
 * there is none. For options.resolve. `macro_name` as in struct tarn_template_block. */
bool tarn_template_macro_value(struct tarn_template_run *run, const struct tarn_template *tmpl,
                               const char *macro_name, struct tarn_value *ret);
/* Calls a macro, function, method or callable object. */
CHECKED enum tarn_status tarn_value_call(struct tarn_template_run *run, struct tarn_value callee,
                                         const struct tarn_value *args, size_t arg_count,
                                         const struct tarn_named_value *kwargs, size_t kwarg_count,
                                         struct tarn_value *ret, struct tarn_error *err);
/* tarn_template_macro_value and tarn_value_call in one. NOT_FOUND when there is no such macro. */
CHECKED enum tarn_status
tarn_template_call_macro(struct tarn_template_run *run, const struct tarn_template *tmpl,
                         const char *macro_name, const struct tarn_value *args, size_t arg_count,
                         const struct tarn_named_value *kwargs, size_t kwarg_count,
                         struct tarn_value *ret, struct tarn_error *err);

/* --- modules
 * ----------------------------------------------------------------------------------------------------
 */

/* dbt's `modules`: re, datetime, pytz (utc), itertools. */
struct tarn_value tarn_template_modules(struct tarn_heap *heap);
/* A datetime.datetime of UTC microseconds since 1970; `utc` makes it aware (+00:00), otherwise
 * naive. */
struct tarn_value tarn_value_datetime(struct tarn_heap *heap, int64_t time_us, bool utc);

#endif
