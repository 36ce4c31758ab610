/* model/compile.c -- see compile.h. */
#include "model/compile.h"

#include <stdio.h>
#include <strings.h>

#include "base/file.h"
#include "model/generic_test.h"

enum { SQL_BYTES_MAX = 64 << 20 };

/* Ephemeral models in the order in which they must stand: parents first. */
struct cte_list {
    struct tarn_model_nodes nodes;
    struct tarn_buffer sql;
    unsigned depth;
};

static enum tarn_status render_body(struct tarn_model_context *context,
                                    struct tarn_model_node *node, struct tarn_buffer *out,
                                    struct tarn_error *err)
{
    tarn_model_context_begin(context, node, true);
    if (node->is_generic)
        return tarn_model_test_render(context, node, out, err);
    if (!node->tmpl) {
        tarn_buffer_append_text(out, node->raw_code);
        return tarn_buffer_check(out, node->original_path, err);
    }
    return tarn_template_render(context->run, node->tmpl, out, err);
}

static bool has_node(const struct tarn_model_nodes *nodes, const struct tarn_model_node *node)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (nodes->items[i] == node)
            return true;
    return false;
}

/* A statement that a table is made of must not end in a semicolon. */
static struct tarn_text without_semicolon(struct tarn_text sql)
{
    while (sql.len && strchr("; \t\r\n", sql.data[sql.len - 1]))
        sql.len--;
    return sql;
}

/* Compiles an ephemeral model and, before it, those that it refers to. The graph has no cycles, so
 * this ends. */
static enum tarn_status add_cte(struct cte_list *list, const struct tarn_model_context *context,
                                struct tarn_model_node *node, struct tarn_error *err)
{
    if (has_node(&list->nodes, node))
        return TARN_OK;
    struct tarn_model_context inner;
    TARN_BUFFER(body, SQL_BYTES_MAX);
    tarn_model_context_init(&inner, context->project, context->world);
    inner.batch = context->batch;
    inner.empty = context->empty;
    enum tarn_status status = render_body(&inner, node, &body, err);
    for (size_t i = 0; status == TARN_OK && i < inner.ctes.count; i++)
        status = add_cte(list, context, inner.ctes.items[i], err);
    tarn_model_context_release(&inner);
    if (status != TARN_OK)
        return status;
    tarn_model_nodes_add(&list->nodes, node);
    tarn_buffer_printf(&list->sql, "%s__dbt__cte__%s as (\n", list->sql.len ? ", " : "",
                       node->name);
    tarn_buffer_append_text(&list->sql, without_semicolon(tarn_buffer_text(&body)));
    tarn_buffer_append_str(&list->sql, "\n)");
    return tarn_buffer_check(&list->sql, "the SQL of ephemeral models", err);
}

/* Where the statement's first word starts, behind white space and comments. */
static size_t skip_to_word(struct tarn_text sql)
{
    size_t at = 0;
    while (at < sql.len) {
        if (strchr(" \t\r\n", sql.data[at])) {
            at++;
        } else if (sql.len - at > 1 && sql.data[at] == '-' && sql.data[at + 1] == '-') {
            while (at < sql.len && sql.data[at] != '\n')
                at++;
        } else if (sql.len - at > 1 && sql.data[at] == '/' && sql.data[at + 1] == '*') {
            at += 2;
            while (at + 1 < sql.len && !(sql.data[at] == '*' && sql.data[at + 1] == '/'))
                at++;
            at = at + 2 < sql.len ? at + 2 : sql.len;
        } else {
            break;
        }
    }
    return at;
}

static bool word_at(struct tarn_text sql, size_t at, const char *word)
{
    size_t len = strlen(word);
    return sql.len - at > len && strncasecmp(sql.data + at, word, len) == 0 &&
           strchr(" \t\r\n", sql.data[at + len]);
}

void tarn_model_inject_ctes(struct tarn_text sql, struct tarn_text ctes, struct tarn_buffer *out)
{
    size_t at = skip_to_word(sql);
    if (word_at(sql, at, "with")) {
        at += 5;
        size_t next = at + skip_to_word((struct tarn_text){sql.data + at, sql.len - at});
        if (word_at(sql, next, "recursive"))
            at = next + 10;
        tarn_buffer_append(out, sql.data, at);
        tarn_buffer_append_text(out, ctes);
        tarn_buffer_append_str(out, ", ");
    } else {
        tarn_buffer_append(out, sql.data, at);
        tarn_buffer_append_str(out, "with ");
        tarn_buffer_append_text(out, ctes);
        tarn_buffer_append_str(out, "\n");
    }
    tarn_buffer_append(out, sql.data + at, sql.len - at);
}

enum tarn_status tarn_model_compile(struct tarn_model_context *context,
                                    struct tarn_model_node *node, const char **ret_sql,
                                    struct tarn_error *err)
{
    TARN_BUFFER(body, SQL_BYTES_MAX);
    TARN_BUFFER(whole, SQL_BYTES_MAX);
    TARN_TRY(render_body(context, node, &body, err));
    struct tarn_text sql = tarn_buffer_text(&body);
    struct cte_list list = {.sql = {.max_bytes = SQL_BYTES_MAX}};
    enum tarn_status status = TARN_OK;
    for (size_t i = 0; status == TARN_OK && i < context->ctes.count; i++)
        status = add_cte(&list, context, context->ctes.items[i], err);
    if (status == TARN_OK && list.nodes.count > 0) {
        tarn_model_inject_ctes(sql, tarn_buffer_text(&list.sql), &whole);
        sql = tarn_buffer_text(&whole);
        status = tarn_buffer_check(&whole, node->original_path, err);
    }
    sql = without_semicolon(sql);
    if (status == TARN_OK)
        *ret_sql = tarn_arena_strndup(context->arena, sql.data, sql.len);
    tarn_buffer_release(&list.sql);
    free(list.nodes.items);
    return status;
}

const char *tarn_model_target_file(const struct tarn_model_project *project,
                                   const struct tarn_model_node *node, const char *folder,
                                   struct tarn_arena *arena)
{
    const char *slash = project->target_path[0] == '/' ? "" : "/";
    const char *root = *slash ? project->directory : "";
    const char *extension = tarn_path_extension(node->original_path);
    bool is_yaml = strcmp(extension, ".yml") == 0 || strcmp(extension, ".yaml") == 0;
    if (is_yaml && node->kind == TARN_NODE_SNAPSHOT)
        return tarn_arena_format(arena, "%s%s%s/%s/%s/%s/%s.sql", root, slash, project->target_path,
                                 folder, node->package->name, node->original_path, node->name);
    if (node->is_generic || node->kind == TARN_NODE_UNIT_TEST)
        return tarn_arena_format(arena, "%s%s%s/%s/%s/%s/%s.sql", root, slash, project->target_path,
                                 folder, node->package->name, node->original_path,
                                 node->file_key_name);
    return tarn_arena_format(arena, "%s%s%s/%s/%s/%s", root, slash, project->target_path, folder,
                             node->package->name, node->original_path);
}

enum tarn_status tarn_model_write_target(const char *path, struct tarn_text text,
                                         struct tarn_error *err)
{
    /* not tarn_file_replace: what stands here can be made again and need not survive a crash */
    FILE *file = fopen(path, "wb");
    if (!file) {
        TARN_AUTO_FREE char *folder = tarn_strndup(path, (size_t)(tarn_path_name(path) - path));
        TARN_TRY(tarn_directory_make(folder, err));
        file = fopen(path, "wb");
    }
    if (!file)
        return tarn_fail_errno(err, "writing %s", path);
    bool ok = fwrite(text.len ? text.data : "", 1, text.len, file) == text.len;
    if (fclose(file) != 0 || !ok)
        return tarn_fail_errno(err, "writing %s", path);
    return TARN_OK;
}
