/* model/template/ast.c -- walking the tree in the order in which jinja2 walks its own. */
#include "model/template/ast.h"

typedef void visit_fn(void *userdata, struct node *child);

static void visit_one(struct node *child, visit_fn *visit, void *userdata)
{
    if (child)
        visit(userdata, child);
}

static void visit_list(const struct node_list *list, visit_fn *visit, void *userdata)
{
    for (size_t i = 0; i < list->count; i++)
        visit(userdata, list->items[i]);
}

static void visit_args(const struct call_args *args, visit_fn *visit, void *userdata)
{
    visit_list(&args->args, visit, userdata);
    visit_list(&args->kwargs, visit, userdata);
    visit_one(args->star, visit, userdata);
    visit_one(args->double_star, visit, userdata);
}

static void visit_macro(const struct macro_code *code, visit_fn *visit, void *userdata)
{
    visit_list(&code->params, visit, userdata);
    visit_list(&code->defaults, visit, userdata);
    visit_list(&code->body, visit, userdata);
}

static void visit_for(const struct for_code *code, visit_fn *visit, void *userdata)
{
    visit_one(code->target, visit, userdata);
    visit_one(code->iter, visit, userdata);
    visit_list(&code->body, visit, userdata);
    visit_list(&code->else_body, visit, userdata);
    visit_one(code->test, visit, userdata);
}

static void visit_statement(struct node *node, visit_fn *visit, void *userdata)
{
    switch ((int)node->kind) {
    case NODE_FOR:
        visit_for(node->as.for_, visit, userdata);
        break;
    case NODE_IF:
        for (size_t i = 0; i < node->as.if_.count; i++) {
            visit_one(node->as.if_.branches[i].test, visit, userdata);
            visit_list(&node->as.if_.branches[i].body, visit, userdata);
        }
        break;
    case NODE_MACRO:
        visit_macro(node->as.macro.code, visit, userdata);
        break;
    case NODE_CALL_BLOCK:
        visit_one(node->as.call_block.call, visit, userdata);
        visit_macro(node->as.call_block.code, visit, userdata);
        break;
    case NODE_FILTER_BLOCK:
        visit_list(&node->as.filter_block.body, visit, userdata);
        visit_one(node->as.filter_block.filter, visit, userdata);
        break;
    case NODE_WITH:
        visit_list(&node->as.with.targets, visit, userdata);
        visit_list(&node->as.with.values, visit, userdata);
        visit_list(&node->as.with.body, visit, userdata);
        break;
    case NODE_SET:
        visit_one(node->as.set.target, visit, userdata);
        visit_one(node->as.set.value, visit, userdata);
        break;
    case NODE_SET_BLOCK:
        visit_one(node->as.set_block.target, visit, userdata);
        visit_one(node->as.set_block.filter, visit, userdata);
        visit_list(&node->as.set_block.body, visit, userdata);
        break;
    default: /* expressions are not statements; break, continue and text blocks have no children */
        break;
    }
}

static void visit_compound(struct node *node, visit_fn *visit, void *userdata)
{
    switch ((int)node->kind) {
    case NODE_CALL:
        visit_one(node->as.call.callee, visit, userdata);
        visit_args(&node->as.call.args, visit, userdata);
        break;
    case NODE_FILTER:
        visit_one(node->as.filter.object, visit, userdata);
        visit_args(&node->as.filter.args, visit, userdata);
        break;
    case NODE_TEST:
        visit_one(node->as.test.object, visit, userdata);
        visit_args(&node->as.test.args, visit, userdata);
        break;
    case NODE_SUBSCRIPT:
        visit_one(node->as.subscript.object, visit, userdata);
        visit_one(node->as.subscript.index, visit, userdata);
        break;
    case NODE_SLICE:
        visit_one(node->as.slice.start, visit, userdata);
        visit_one(node->as.slice.stop, visit, userdata);
        visit_one(node->as.slice.step, visit, userdata);
        break;
    case NODE_CONDITION:
        visit_one(node->as.condition.test, visit, userdata);
        visit_one(node->as.condition.yes, visit, userdata);
        visit_one(node->as.condition.no, visit, userdata);
        break;
    case NODE_COMPARE:
        visit_one(node->as.compare.first, visit, userdata);
        visit_list(&node->as.compare.others, visit, userdata);
        break;
    case NODE_DICT:
        for (size_t i = 0; i < node->as.dict.keys.count; i++) {
            visit_one(node->as.dict.keys.items[i], visit, userdata);
            visit_one(node->as.dict.values.items[i], visit, userdata);
        }
        break;
    default:
        visit_statement(node, visit, userdata);
        break;
    }
}

void node_each_child(struct node *node, visit_fn *visit, void *userdata)
{
    switch ((int)node->kind) {
    case NODE_LIST:
    case NODE_TUPLE:
    case NODE_CONCAT:
    case NODE_OUTPUT:
        visit_list(&node->as.list, visit, userdata);
        break;
    case NODE_BINARY:
    case NODE_AND:
    case NODE_OR:
        visit_one(node->as.binary.left, visit, userdata);
        visit_one(node->as.binary.right, visit, userdata);
        break;
    case NODE_NOT:
    case NODE_NEGATE:
    case NODE_PLUS:
    case NODE_DO:
        visit_one(node->as.operand, visit, userdata);
        break;
    case NODE_ATTRIBUTE:
        visit_one(node->as.attribute.object, visit, userdata);
        break;
    default:
        visit_compound(node, visit, userdata);
        break;
    }
}
