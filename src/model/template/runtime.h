/* model/template/runtime.h -- a render in progress; shared by the files that run templates.
 *
 * Output is one buffer: what a macro, a set block or a filter block prints is cut off its end again
 * and becomes a value. Errors are located once, by the innermost node that failed. return() travels
 * as the status CANCELLED with `returning` set, up to the macro it leaves. */
#ifndef TARN_MODEL_TEMPLATE_RUNTIME_H
#define TARN_MODEL_TEMPLATE_RUNTIME_H

#include "model/template/ast.h"

/* The slots of one call of a code unit. */
struct frame {
    struct frame *parent;
    const struct tarn_template *tmpl;
    bool is_detached; /* of a source whose top level was not run: what is missing comes from the
                         context */
    struct tarn_value slots[];
};

struct tarn_macro {
    const struct macro_code *code;
    struct frame *frame; /* where it was defined */
};

struct tarn_template_run {
    struct tarn_heap *heap;
    struct tarn_template_run_options options;
    struct tarn_value names; /* the context; MISSING: known to have no value */
    struct tarn_buffer out;
    struct tarn_error *err;
    uint64_t steps;
    unsigned depth; /* of C calls */
    bool is_located;
    bool returning;
    struct tarn_value return_value;
    enum tarn_status status; /* behind a FLOW_FAIL */
    const struct macro_code *macros[TARN_TEMPLATE_MACRO_DEPTH_MAX];
    size_t macro_count;
    struct tarn_value *native; /* list of what the top level prints, when it is wanted as values */
    unsigned capture_depth;
};

enum flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE, FLOW_FAIL };

/* Deepest nesting of eval and exec calls; a level is a few hundred bytes of stack. */
enum { RUN_DEPTH_MAX = 4000 };

/* --- eval.c
 * --------------------------------------------------------------------------------------------------------
 */

CHECKED enum tarn_status eval(struct tarn_template_run *run, struct frame *frame,
                              const struct node *node, struct tarn_value *ret);
/* Puts "file:line:column: " in front of the error, unless that has been done. */
void run_locate(struct tarn_template_run *run, const struct frame *frame, const struct node *node);
struct tarn_value run_read_slot(struct tarn_template_run *run, struct frame *frame,
                                struct slot_ref ref, struct tarn_value name);
void run_write_slot(struct frame *frame, struct slot_ref ref, struct tarn_value value);
/* The context's value for a name; MISSING when there is none. */
struct tarn_value run_resolve(struct tarn_template_run *run, const struct tarn_template *tmpl,
                              struct tarn_value name);
/* Counts one step; TOO_LARGE when a limit is reached. */
CHECKED enum tarn_status run_step(struct tarn_template_run *run);
struct frame *run_frame(struct tarn_template_run *run, struct frame *parent,
                        const struct tarn_template *tmpl, uint32_t slot_count);
bool node_is_constant(const struct node *node);

/* --- exec.c
 * --------------------------------------------------------------------------------------------------------
 */

enum flow exec_body(struct tarn_template_run *run, struct frame *frame,
                    const struct node_list *body);
void scope_enter(struct tarn_template_run *run, struct frame *frame,
                 const struct scope_loads *loads);
void scope_leave(struct frame *frame, const struct scope_loads *loads);
CHECKED enum tarn_status assign(struct tarn_template_run *run, struct frame *frame,
                                const struct node *target, struct tarn_value value);
enum flow flow_of(struct tarn_template_run *run, enum tarn_status status);
/* What was printed since `mark`, as a string; it is taken out of the output. */
struct tarn_value run_take_output(struct tarn_template_run *run, size_t mark);

/* --- loop.c
 * --------------------------------------------------------------------------------------------------------
 */

enum flow exec_for(struct tarn_template_run *run, struct frame *frame, const struct node *node);
extern const struct tarn_object_type loop_type;
/* loop.index and so on; reading ahead may fail. */
CHECKED enum tarn_status loop_attribute(struct tarn_template_run *run, void *loop,
                                        struct tarn_text name, struct tarn_value *ret,
                                        bool *ret_found);

/* --- call.c
 * --------------------------------------------------------------------------------------------------------
 */

CHECKED enum tarn_status call_value(struct tarn_template_run *run, struct tarn_value callee,
                                    struct tarn_call *call, struct tarn_value *ret);
CHECKED enum tarn_status eval_call(struct tarn_template_run *run, struct frame *frame,
                                   const struct node *node, const struct tarn_value *caller,
                                   struct tarn_value *ret);
CHECKED enum tarn_status eval_filter(struct tarn_template_run *run, struct frame *frame,
                                     const struct node *node, const struct tarn_value *captured,
                                     struct tarn_value *ret);
CHECKED enum tarn_status eval_test(struct tarn_template_run *run, struct frame *frame,
                                   const struct node *node, struct tarn_value *ret);
struct tarn_value macro_value(struct tarn_template_run *run, const struct macro_code *code,
                              struct frame *frame);

/* --- globals.c
 * ------------------------------------------------------------------------------------------------------
 */

/* range, dict, namespace...; false when there is no such global. */
bool global_find(struct tarn_heap *heap, struct tarn_text name, struct tarn_value *ret);

/* --- native.c
 * -------------------------------------------------------------------------------------------------------
 */

/* A string that wants to be read as a Python literal when it is the whole of a native render. */
enum native_marker { MARKER_TEXT, MARKER_NATIVE, MARKER_BOOL, MARKER_NUMBER };
struct tarn_value marker_value(struct tarn_heap *heap, enum native_marker marker,
                               struct tarn_value value);
CHECKED enum tarn_status native_result(struct tarn_template_run *run, struct tarn_value pieces,
                                       struct tarn_value *ret, struct tarn_error *err);

#endif
