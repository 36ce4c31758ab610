/* model/template/scope.c -- see scope.h.
 *
 * Two steps per scope, outer scopes first. Collecting goes through the statements of one scope in
 * order and notes for each name whether it is read or assigned first; branches of an if share the
 * scope but are noted apart and joined, so that a name assigned in one branch only keeps its outer
 * value elsewhere. Binding then writes slots into the name nodes and opens the inner scopes (loops,
 * macros, set blocks...). Slots are per (level, name) and unit: two loops side by side share the
 * slots of their variables, as they share Python variables in jinja2. */
#include "model/template/scope.h"

#include <stdio.h>

struct entry {
    struct tarn_text name;
    bool is_stored;
    enum load_kind load;
    struct unit *alias_unit; /* ALIAS: where it comes from; NULL: from the context */
    uint32_t alias_slot;
    uint32_t slot;
};

struct ident {
    struct tarn_text name;
    unsigned level;
};

struct unit {
    struct unit *parent;
    struct ident *idents;
    size_t count;
    size_t cap;
};

struct scope {
    struct scope *parent;
    struct unit *unit;
    unsigned level;
    struct entry *entries;
    size_t count;
    size_t cap;
    bool is_soft; /* in an if: unknown filters are an error only when they run */
};

/* Levels of the scopes of loop conditions, which must not share slots with the loop's body. */
enum { TEST_LEVEL = 1000000 };

struct binder {
    struct tarn_template *tmpl;
    struct tarn_arena *arena; /* for scopes; gone after binding */
    struct tarn_error *err;
    bool failed;
    struct scope *scope; /* where names are collected or bound */
};

static void collect(void *userdata, struct node *node);
static void bind(void *userdata, struct node *node);

static void fail(struct binder *binder, uint32_t line, uint32_t column, const char *what)
{
    if (!binder->failed)
        (void)tarn_fail(binder->err, TARN_INVALID, "%s:%u:%u: %s", binder->tmpl->name, line, column,
                        what); /* remembered in failed */
    binder->failed = true;
}

/* --- scopes
 * ---------------------------------------------------------------------------------------------------------
 */

static struct entry *own_entry(struct scope *scope, struct tarn_text name)
{
    for (size_t i = 0; i < scope->count; i++)
        if (tarn_text_equal(scope->entries[i].name, name))
            return &scope->entries[i];
    return NULL;
}

static struct entry *find_entry(struct scope *scope, struct tarn_text name,
                                struct scope **ret_scope)
{
    for (; scope; scope = scope->parent) {
        struct entry *entry = own_entry(scope, name);
        if (entry) {
            *ret_scope = scope;
            return entry;
        }
    }
    return NULL;
}

static uint32_t slot_for(struct binder *binder, struct scope *scope, struct tarn_text name)
{
    struct unit *unit = scope->unit;
    for (size_t i = 0; i < unit->count; i++)
        if (unit->idents[i].level == scope->level && tarn_text_equal(unit->idents[i].name, name))
            return (uint32_t)i;
    if (unit->count == unit->cap) {
        size_t cap = unit->cap ? unit->cap * 2 : 8;
        struct ident *idents = tarn_arena_array(binder->arena, cap, sizeof *idents);
        if (unit->count > 0)
            memcpy(idents, unit->idents, unit->count * sizeof *idents);
        unit->idents = idents;
        unit->cap = cap;
    }
    unit->idents[unit->count] = (struct ident){name, scope->level};
    return (uint32_t)unit->count++;
}

static struct entry *add_entry(struct binder *binder, struct scope *scope, struct entry entry)
{
    if (scope->count == scope->cap) {
        size_t cap = scope->cap ? scope->cap * 2 : 8;
        struct entry *entries = tarn_arena_array(binder->arena, cap, sizeof *entries);
        if (scope->count > 0)
            memcpy(entries, scope->entries, scope->count * sizeof *entries);
        scope->entries = entries;
        scope->cap = cap;
    }
    entry.slot = UINT32_MAX;
    scope->entries[scope->count] = entry;
    return &scope->entries[scope->count++];
}

static struct scope *new_scope(struct binder *binder, struct scope *parent, struct unit *unit)
{
    struct scope *scope = tarn_arena_alloc(binder->arena, sizeof *scope);
    scope->parent = parent;
    scope->unit = unit;
    scope->level = parent ? parent->level + 1 : 0;
    return scope;
}

static struct unit *new_unit(struct binder *binder, struct unit *parent)
{
    struct unit *unit = tarn_arena_alloc(binder->arena, sizeof *unit);
    unit->parent = parent;
    return unit;
}

/* True when the name is read from the context wherever this entry is meant. */
static bool entry_is_global(const struct entry *entry)
{
    return entry->load == LOAD_RESOLVE && !entry->is_stored;
}

static void set_alias(struct binder *binder, struct scope *scope, struct entry *entry)
{
    struct scope *outer_scope = NULL;
    struct entry *outer =
        scope->parent ? find_entry(scope->parent, entry->name, &outer_scope) : NULL;
    if (!outer || entry_is_global(outer)) {
        entry->load = LOAD_RESOLVE;
        return;
    }
    entry->load = LOAD_ALIAS;
    entry->alias_unit = outer_scope->unit;
    entry->alias_slot = slot_for(binder, outer_scope, outer->name);
}

static void load_name(struct binder *binder, struct tarn_text name)
{
    struct scope *found;
    if (!find_entry(binder->scope, name, &found))
        add_entry(binder, binder->scope, (struct entry){.name = name, .load = LOAD_RESOLVE});
}

static void store_name(struct binder *binder, struct tarn_text name)
{
    struct scope *scope = binder->scope, *found;
    struct entry *entry = own_entry(scope, name);
    if (!entry) {
        entry = add_entry(binder, scope, (struct entry){.name = name, .load = LOAD_UNDEFINED});
        if (scope->parent && find_entry(scope->parent, name, &found))
            set_alias(binder, scope, entry);
    }
    entry->is_stored = true;
}

static struct entry *declare_parameter(struct binder *binder, struct tarn_text name)
{
    struct entry *entry = own_entry(binder->scope, name);
    if (!entry)
        entry = add_entry(binder, binder->scope, (struct entry){.name = name});
    entry->load = LOAD_PARAMETER;
    entry->is_stored = true;
    return entry;
}

/* --- collecting
 * -------------------------------------------------------------------------------------------------------
 */

static struct scope *copy_scope(struct binder *binder, const struct scope *scope)
{
    struct scope *copy = tarn_arena_alloc(binder->arena, sizeof *copy);
    *copy = *scope;
    copy->cap = scope->count;
    copy->entries = tarn_arena_array(binder->arena, scope->count + 1, sizeof *copy->entries);
    if (scope->count > 0)
        memcpy(copy->entries, scope->entries, scope->count * sizeof *copy->entries);
    return copy;
}

static bool is_stored(struct scope *scope, struct tarn_text name)
{
    const struct entry *entry = own_entry(scope, name);
    return entry && entry->is_stored;
}

/* Joins what the branches of an if did into the scope: a name that only branches assign keeps,
 * where they do not run, what it had outside. */
static void join_branches(struct binder *binder, struct scope *scope,
                          struct scope *const branches[3])
{
    struct scope *before = copy_scope(binder, scope);
    for (int b = 0; b < 3; b++)
        for (size_t i = 0; i < branches[b]->count; i++) {
            const struct entry *from = &branches[b]->entries[i];
            struct entry *into = own_entry(scope, from->name);
            if (!into)
                into = add_entry(binder, scope, *from);
            bool stored = into->is_stored || from->is_stored;
            *into = *from;
            into->is_stored = stored;
        }
    for (size_t i = 0; i < scope->count; i++)
        if (scope->entries[i].is_stored && !is_stored(before, scope->entries[i].name))
            set_alias(binder, scope, &scope->entries[i]);
}

static void collect_list(struct binder *binder, const struct node_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        collect(binder, list->items[i]);
}

static void collect_branches(struct binder *binder, const struct if_branch *branches, size_t count,
                             bool is_elif)
{
    struct scope *original = binder->scope;
    struct scope *after[3];
    if (branches[0].test)
        collect(binder, branches[0].test);
    for (int b = 0; b < 3; b++)
        after[b] = copy_scope(binder, original);
    binder->scope = after[0];
    collect_list(binder, &branches[0].body);
    if (!is_elif) {
        size_t elif_end = count > 1 && !branches[count - 1].test ? count - 1 : count;
        binder->scope = after[1];
        for (size_t i = 1; i < elif_end; i++)
            collect_branches(binder, &branches[i], 1, true);
        binder->scope = after[2];
        if (elif_end < count)
            collect_list(binder, &branches[count - 1].body);
    }
    binder->scope = original;
    join_branches(binder, original, after);
}

static void collect_name(struct binder *binder, const struct node *node)
{
    struct tarn_text name = tarn_value_text(node->as.name.text);
    if (node->as.name.use == NAME_PARAM)
        declare_parameter(binder, name);
    else if (node->as.name.use == NAME_STORE)
        store_name(binder, name);
    else
        load_name(binder, name);
}

/* What a statement does to the names of the scope it stands in; inner scopes are not looked into.
 */
static void collect(void *userdata, struct node *node)
{
    struct binder *binder = userdata;
    switch ((int)node->kind) {
    case NODE_NAME:
        collect_name(binder, node);
        break;
    case NODE_NAMESPACE_REF:
        load_name(binder, tarn_value_text(node->as.namespace_ref.name));
        break;
    case NODE_IF:
        collect_branches(binder, node->as.if_.branches, node->as.if_.count, false);
        break;
    case NODE_MACRO:
        if (!node->as.macro.is_hidden)
            store_name(binder, node->as.macro.code->name);
        break;
    case NODE_SET:
        collect(binder, node->as.set.value);
        collect(binder, node->as.set.target);
        break;
    case NODE_SET_BLOCK:
        collect(binder, node->as.set_block.target);
        break;
    case NODE_FOR:
        collect(binder, node->as.for_->iter);
        break;
    case NODE_CALL_BLOCK:
        collect(binder, node->as.call_block.call);
        break;
    case NODE_FILTER_BLOCK:
        collect(binder, node->as.filter_block.filter);
        break;
    case NODE_WITH:
        collect_list(binder, &node->as.with.values);
        break;
    default:
        node_each_child(node, collect, binder);
        break;
    }
}

/* A for target declares its names whatever their use. */
static void collect_target(struct binder *binder, const struct node *target)
{
    if (target->kind == NODE_NAME)
        declare_parameter(binder, tarn_value_text(target->as.name.text));
    for (size_t i = 0; target->kind == NODE_TUPLE && i < target->as.list.count; i++)
        collect_target(binder, target->as.list.items[i]);
}

/* --- which special names a body reads
 * ------------------------------------------------------------------------------------ */

struct special_names {
    const char *names[3];
    bool is_closed[3]; /* assigned before it was read */
    bool is_read[3];
};

static void find_special(void *userdata, struct node *node)
{
    struct special_names *special = userdata;
    if (node->kind != NODE_NAME) {
        node_each_child(node, find_special, special);
        return;
    }
    for (int i = 0; i < 3; i++) {
        if (!special->names[i] ||
            !tarn_text_is(tarn_value_text(node->as.name.text), special->names[i]))
            continue;
        if (node->as.name.use == NAME_LOAD && !special->is_closed[i])
            special->is_read[i] = true;
        else
            special->is_closed[i] = true;
    }
}

static void find_special_in(struct special_names *special, const struct node_list *body)
{
    for (size_t i = 0; i < body->count; i++)
        find_special(special, body->items[i]);
}

struct loop_assignment {
    struct node *node;
};

static void find_loop_assignment(void *userdata, struct node *node)
{
    struct loop_assignment *found = userdata;
    if (node->kind == NODE_NAME && node->as.name.use == NAME_STORE &&
        tarn_text_is(tarn_value_text(node->as.name.text), "loop"))
        found->node = node;
    node_each_child(node, find_loop_assignment, found);
}

/* --- binding
 * ----------------------------------------------------------------------------------------------------------
 */

static unsigned count_hops(const struct unit *from, const struct unit *to)
{
    unsigned hops = 0;
    for (; from != to; from = from->parent)
        hops++;
    return hops;
}

static struct slot_ref ref_to(struct binder *binder, const struct node *node, struct unit *unit,
                              uint32_t slot)
{
    unsigned hops = count_hops(binder->scope->unit, unit);
    if (hops > UINT8_MAX)
        fail(binder, node->line, node->column, "macros are nested too deep");
    return (struct slot_ref){.hops = (uint8_t)hops, .slot = slot};
}

static struct slot_ref bind_name(struct binder *binder, const struct node *node,
                                 struct tarn_text name)
{
    struct scope *found;
    struct entry *entry = find_entry(binder->scope, name, &found);
    if (!entry || entry_is_global(entry))
        return (struct slot_ref){.is_global = true};
    return ref_to(binder, node, found->unit, slot_for(binder, found, name));
}

/* What to do on entering the scope, from what was collected. */
static struct scope_loads make_loads(struct binder *binder, struct scope *scope)
{
    struct scope_loads loads = {0};
    loads.items = tarn_heap_alloc(binder->tmpl->heap, (scope->count + 1) * sizeof *loads.items);
    for (size_t i = 0; i < scope->count; i++) {
        const struct entry *entry = &scope->entries[i];
        if (entry_is_global(entry))
            continue;
        struct scope_load load = {.kind = entry->load,
                                  .slot = slot_for(binder, scope, entry->name)};
        if (entry->load == LOAD_ALIAS) {
            load.alias.hops = (uint8_t)count_hops(scope->unit, entry->alias_unit);
            load.alias.slot = entry->alias_slot;
        } else if (entry->load == LOAD_RESOLVE) {
            load.name = tarn_value_text_ref(entry->name);
        }
        loads.items[loads.count++] = load;
    }
    return loads;
}

static void bind_list(struct binder *binder, const struct node_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        bind(binder, list->items[i]);
}

static void check_special_caller(struct binder *binder, const struct macro_code *code,
                                 size_t position)
{
    size_t first_default = code->params.count - code->defaults.count;
    if (position < first_default)
        fail(binder, code->line, code->column,
             "When defining macros or call blocks the special \"caller\" argument must be omitted "
             "or be given "
             "a default.");
}

/* Declares caller, kwargs and varargs when the body reads them and the signature does not have
 * them. */
static void declare_special(struct binder *binder, struct macro_code *code)
{
    struct special_names special = {.names = {"caller", "kwargs", "varargs"}};
    find_special_in(&special, &code->body);
    bool *const uses[] = {&code->uses_caller, &code->uses_kwargs, &code->uses_varargs};
    uint32_t *const slots[] = {&code->caller_slot, &code->kwargs_slot, &code->varargs_slot};
    for (int s = 0; s < 3; s++) {
        struct tarn_text name = tarn_text_of(special.names[s]);
        bool is_explicit = false;
        for (size_t i = 0; i < code->params.count; i++) {
            if (!tarn_text_equal(tarn_value_text(code->params.items[i]->as.name.text), name))
                continue;
            is_explicit = true;
            if (s == 0 && special.is_read[0])
                check_special_caller(binder, code, i);
        }
        if (!special.is_read[s] || is_explicit)
            continue;
        *uses[s] = true;
        declare_parameter(binder, name);
        *slots[s] = slot_for(binder, binder->scope, name);
    }
}

static void bind_macro(struct binder *binder, struct macro_code *code)
{
    struct scope *outer = binder->scope;
    struct unit *unit = new_unit(binder, outer->unit);
    binder->scope = new_scope(binder, outer, unit);
    collect_list(binder, &code->params);
    collect_list(binder, &code->defaults);
    collect_list(binder, &code->body);
    declare_special(binder, code);
    code->loads = make_loads(binder, binder->scope);
    bind_list(binder, &code->params);
    bind_list(binder, &code->defaults);
    bind_list(binder, &code->body);
    code->slot_count = (uint32_t)unit->count;
    binder->scope = outer;
}

static void bind_for_test(struct binder *binder, struct for_code *code, struct scope *outer,
                          struct unit *unit)
{
    binder->scope = new_scope(binder, outer, unit);
    binder->scope->level += TEST_LEVEL;
    collect_target(binder, code->test_target);
    collect(binder, code->test);
    code->test_loads = make_loads(binder, binder->scope);
    bind(binder, code->test_target);
    bind(binder, code->test);
}

static void bind_for(struct binder *binder, const struct node *node)
{
    struct for_code *code = node->as.for_;
    struct scope *outer = binder->scope;
    bind(binder, code->iter);
    struct unit *unit = code->is_recursive ? new_unit(binder, outer->unit) : outer->unit;
    struct special_names special = {.names = {"loop"}};
    find_special_in(&special, &code->body);
    code->uses_loop = code->is_recursive || special.is_read[0];
    struct loop_assignment assignment = {0};
    node_each_child((struct node *)node, find_loop_assignment, &assignment);
    if (assignment.node)
        fail(binder, assignment.node->line, assignment.node->column,
             "Can't assign to special loop variable in for-loop target");
    if (code->test)
        bind_for_test(binder, code, outer, unit);
    binder->scope = new_scope(binder, outer, unit);
    if (code->uses_loop) {
        declare_parameter(binder, TARN_TEXT("loop"));
        code->loop_slot = slot_for(binder, binder->scope, TARN_TEXT("loop"));
    }
    collect_target(binder, code->target);
    collect_list(binder, &code->body);
    code->loads = make_loads(binder, binder->scope);
    bind(binder, code->target);
    bind_list(binder, &code->body);
    if (code->else_body.count > 0) {
        binder->scope = new_scope(binder, outer, unit);
        collect_list(binder, &code->else_body);
        code->else_loads = make_loads(binder, binder->scope);
        bind_list(binder, &code->else_body);
    }
    code->slot_count = (uint32_t)unit->count;
    binder->scope = outer;
}

/* A scope for `body` inside the current one; `first` is collected and bound in it too (NULL:
 * nothing). */
static struct scope_loads bind_inner(struct binder *binder, const struct node_list *body,
                                     struct node *first)
{
    struct scope *outer = binder->scope;
    binder->scope = new_scope(binder, outer, outer->unit);
    collect_list(binder, body);
    if (first)
        collect(binder, first);
    struct scope_loads loads = make_loads(binder, binder->scope);
    bind_list(binder, body);
    if (first)
        bind(binder, first);
    binder->scope = outer;
    return loads;
}

static void bind_with(struct binder *binder, struct node *node)
{
    struct scope *outer = binder->scope;
    bind_list(binder, &node->as.with.values);
    binder->scope = new_scope(binder, outer, outer->unit);
    for (size_t i = 0; i < node->as.with.targets.count; i++)
        collect_target(binder, node->as.with.targets.items[i]);
    collect_list(binder, &node->as.with.body);
    node->as.with.loads = make_loads(binder, binder->scope);
    bind_list(binder, &node->as.with.targets);
    bind_list(binder, &node->as.with.body);
    binder->scope = outer;
}

static void check_known(struct binder *binder, const struct node *node, bool is_known,
                        const char *what, struct tarn_text name)
{
    char text[200];
    if (is_known || binder->scope->is_soft)
        return;
    (void)snprintf(text, sizeof text, "No %s named '%.*s'.", what,
                   TARN_TEXT_ARGS(name)); /* may be cut off */
    fail(binder, node->line, node->column, text);
}

/* Binds the children with unknown filters allowed, as inside an if. */
static void bind_softly(struct binder *binder, struct node *node)
{
    bool was_soft = binder->scope->is_soft;
    binder->scope->is_soft = true;
    node_each_child(node, bind, binder);
    binder->scope->is_soft = was_soft;
}

static void bind_expression(struct binder *binder, struct node *node)
{
    if (node->kind == NODE_NAME) {
        node->as.name.ref = bind_name(binder, node, tarn_value_text(node->as.name.text));
    } else if (node->kind == NODE_NAMESPACE_REF) {
        node->as.namespace_ref.ref =
            bind_name(binder, node, tarn_value_text(node->as.namespace_ref.name));
    } else if (node->kind == NODE_CONDITION) {
        bind_softly(binder, node);
    } else {
        if (node->kind == NODE_FILTER)
            check_known(binder, node, node->as.filter.filter != NULL, "filter",
                        node->as.filter.name);
        else if (node->kind == NODE_TEST)
            check_known(binder, node, node->as.test.test != NULL, "test", node->as.test.name);
        node_each_child(node, bind, binder);
    }
}

static void bind(void *userdata, struct node *node)
{
    struct binder *binder = userdata;
    if (node->kind <= NODE_LAST_EXPRESSION) {
        bind_expression(binder, node);
        return;
    }
    switch ((int)node->kind) {
    case NODE_FOR:
        bind_for(binder, node);
        break;
    case NODE_IF:
        bind_softly(binder, node);
        break;
    case NODE_MACRO:
        bind_macro(binder, node->as.macro.code);
        if (!node->as.macro.is_hidden)
            node->as.macro.ref = bind_name(binder, node, node->as.macro.code->name);
        break;
    case NODE_CALL_BLOCK:
        bind_macro(binder, node->as.call_block.code);
        bind(binder, node->as.call_block.call);
        break;
    case NODE_FILTER_BLOCK:
        node->as.filter_block.loads =
            bind_inner(binder, &node->as.filter_block.body, node->as.filter_block.filter);
        break;
    case NODE_SET_BLOCK:
        node->as.set_block.loads =
            bind_inner(binder, &node->as.set_block.body, node->as.set_block.filter);
        bind(binder, node->as.set_block.target);
        break;
    case NODE_WITH:
        bind_with(binder, node);
        break;
    default:
        node_each_child(node, bind, binder);
        break;
    }
}

enum tarn_status scope_bind(struct tarn_template *tmpl, struct tarn_error *err)
{
    struct binder binder = {.tmpl = tmpl, .arena = tarn_arena_new(), .err = err};
    struct unit *unit = new_unit(&binder, NULL);
    binder.scope = new_scope(&binder, NULL, unit);
    collect_list(&binder, &tmpl->body);
    tmpl->loads = make_loads(&binder, binder.scope);
    bind_list(&binder, &tmpl->body);
    tmpl->slot_count = (uint32_t)unit->count;
    tarn_arena_free(binder.arena);
    return binder.failed ? TARN_INVALID : TARN_OK;
}
