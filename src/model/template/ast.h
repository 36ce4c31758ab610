/* model/template/ast.h -- a template as a tree, with every name already bound to where it will
 * stand at run time.
 *
 * Code units are what jinja2 compiles to Python functions: the source itself, macros, call blocks,
 * bodies of recursive loops. A unit has a frame of slots per call; a name is a slot of its own unit
 * or, `hops` units further out, of an enclosing one. Names that are nowhere assigned are looked up
 * in the run's context when they are read. */
#ifndef TARN_MODEL_TEMPLATE_AST_H
#define TARN_MODEL_TEMPLATE_AST_H

#include "model/template/template.h"
#include "model/template/value_int.h"

enum node_kind {
    NODE_CONST,
    NODE_NAME,
    NODE_LIST,
    NODE_TUPLE,
    NODE_DICT,
    NODE_BINARY,
    NODE_AND,
    NODE_OR,
    NODE_NOT,
    NODE_NEGATE,
    NODE_PLUS,
    NODE_COMPARE,
    NODE_CONCAT,
    NODE_CONDITION,
    NODE_ATTRIBUTE,
    NODE_SUBSCRIPT,
    NODE_SLICE,
    NODE_CALL,
    NODE_FILTER,
    NODE_TEST,
    NODE_NAMESPACE_REF, /* ns.name as an assignment target */
    NODE_LAST_EXPRESSION = NODE_NAMESPACE_REF,
    NODE_OUTPUT,
    NODE_FOR,
    NODE_IF,
    NODE_MACRO,
    NODE_CALL_BLOCK,
    NODE_FILTER_BLOCK,
    NODE_WITH,
    NODE_SET,
    NODE_SET_BLOCK,
    NODE_DO,
    NODE_BREAK,
    NODE_CONTINUE,
    NODE_TEXT_BLOCK, /* docs, snapshot: nothing to render */
    NODE_KIND_COUNT,
};

struct node;
struct node_list {
    struct node **items;
    size_t count;
};

enum compare_op {
    COMPARE_EQ,
    COMPARE_NE,
    COMPARE_LT,
    COMPARE_LE,
    COMPARE_GT,
    COMPARE_GE,
    COMPARE_IN,
    COMPARE_NOT_IN
};

enum name_use { NAME_LOAD, NAME_STORE, NAME_PARAM };

/* Where a name stands. */
struct slot_ref {
    bool is_global; /* looked up in the context by name */
    uint8_t hops;
    uint32_t slot;
};

/* What happens to a slot when its scope is entered. */
enum load_kind { LOAD_PARAMETER, LOAD_RESOLVE, LOAD_ALIAS, LOAD_UNDEFINED };
struct scope_load {
    enum load_kind kind;
    uint32_t slot;
    struct slot_ref alias;
    struct tarn_value name; /* RESOLVE */
};
struct scope_loads {
    struct scope_load *items;
    size_t count;
};

struct call_args {
    struct node_list args;
    struct tarn_text *keywords; /* names of kwargs */
    struct node_list kwargs;
    struct node *star;        /* *expression or NULL */
    struct node *double_star; /* **expression or NULL */
};

struct filter;
struct test;

struct macro_code {
    struct tarn_text name;     /* what the template calls it; empty for call blocks */
    struct node_list params;   /* NAME nodes */
    struct node_list defaults; /* for the last of them */
    struct node_list body;
    struct scope_loads loads;
    uint32_t slot_count;
    bool uses_caller; /* beyond an explicit parameter of that name */
    bool uses_kwargs;
    bool uses_varargs;
    uint32_t caller_slot;
    uint32_t kwargs_slot;
    uint32_t varargs_slot;
    const struct tarn_template *tmpl;
    uint32_t line;
    uint32_t column;
};

struct for_code {
    struct node *target;
    struct node *test_target; /* the same names, in slots of the test's own */
    struct node *iter;
    struct node *test; /* or NULL */
    struct node_list body;
    struct node_list else_body;
    bool is_recursive;
    bool uses_loop;
    uint32_t loop_slot;
    struct scope_loads loads;
    struct scope_loads test_loads;
    struct scope_loads else_loads;
    uint32_t slot_count; /* recursive: the body is a unit */
};

struct if_branch {
    struct node *test; /* NULL for else */
    struct node_list body;
};

struct node {
    uint8_t kind;
    uint16_t height; /* of the tree below, so that recursion over it is bounded */
    uint32_t line;
    uint32_t column;
    union {
        struct tarn_value constant;
        struct {
            struct tarn_value text;
            struct slot_ref ref;
            uint8_t use;
        } name;
        struct node_list list; /* LIST, TUPLE, CONCAT, OUTPUT */
        struct {
            struct node_list keys;
            struct node_list values;
        } dict;
        struct {
            struct node *left;
            struct node *right;
            uint8_t op;       /* enum tarn_binary_op */
        } binary;             /* BINARY, AND, OR */
        struct node *operand; /* NOT, NEGATE, PLUS, DO */
        struct {
            struct node *first;
            struct node_list others;
            uint8_t *ops;
        } compare;
        struct {
            struct node *test;
            struct node *yes;
            struct node *no; /* or NULL */
        } condition;
        struct {
            struct node *object;
            struct tarn_value name;
        } attribute;
        struct {
            struct node *object;
            struct node *index; /* may be a SLICE */
        } subscript;
        struct {
            struct node *start; /* each or NULL */
            struct node *stop;
            struct node *step;
        } slice;
        struct {
            struct node *callee;
            struct call_args args;
        } call;
        struct {
            struct node *object; /* NULL in filter blocks: what was captured */
            struct tarn_text name;
            const struct filter
                *filter; /* NULL when there is no such filter: an error when it runs */
            struct call_args args;
        } filter;
        struct {
            struct node *object;
            struct tarn_text name;
            const struct test *test;
            struct call_args args;
        } test;
        struct {
            struct tarn_value name;
            struct slot_ref ref;
            struct tarn_value attribute;
        } namespace_ref;
        struct for_code *for_;
        struct {
            struct if_branch *branches; /* if, elif..., else */
            size_t count;
        } if_;
        struct {
            struct macro_code *code;
            struct slot_ref ref;
            bool is_hidden; /* defined without binding its name */
        } macro;
        struct {
            struct node *call;
            struct macro_code *code;
        } call_block;
        struct {
            struct node *filter;
            struct node_list body;
            struct scope_loads loads;
        } filter_block;
        struct {
            struct node_list targets;
            struct node_list values;
            struct node_list body;
            struct scope_loads loads;
        } with;
        struct {
            struct node *target;
            struct node *value;
        } set;
        struct {
            struct node *target;
            struct node *filter; /* or NULL */
            struct node_list body;
            struct scope_loads loads;
        } set_block;
    } as;
};

struct block_list {
    struct tarn_template_block *items;
    struct macro_code **codes; /* NULL for docs and snapshots */
    size_t count;
    size_t cap;
};

struct tarn_template {
    struct tarn_heap *heap; /* owns everything below */
    const char *name;
    struct tarn_text source;
    struct node_list body;
    struct scope_loads loads;
    uint32_t slot_count;
    bool hide_macros;
    struct block_list blocks;
};

/* Calls `visit` for every direct child of a node. */
void node_each_child(struct node *node, void (*visit)(void *userdata, struct node *child),
                     void *userdata);

#endif
