/* lake/plan.c -- which data files a scan needs: pruning by partition summaries, partition values
 * and column bounds (Iceberg spec, "Scan Planning"), see lake_int.h.
 *
 * A file is left out only when its metadata proves that no row can match; anything unknown keeps
 * it. */
#include <string.h>

#include "lake/lake_int.h"

void lake_compile_filters(const struct tarn_iceberg_schema *schema,
                          const struct tarn_lake_filter *filters, size_t count,
                          struct tarn_arena *arena, struct lake_predicate **ret_predicates,
                          size_t *ret_count)
{
    struct lake_predicate *predicates = tarn_arena_array(arena, count, sizeof *predicates);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        struct lake_predicate *p = &predicates[used];
        bool valueless = filters[i].op == TARN_LAKE_IS_NULL || filters[i].op == TARN_LAKE_NOT_NULL;
        p->field = tarn_iceberg_field_find(schema, filters[i].column);
        p->op = filters[i].op;
        if (!p->field || tarn_iceberg_is_nested(p->field->type))
            continue;
        if (!valueless && (!filters[i].literal ||
                           !tarn_bound_encode(p->field->type, tarn_text_of(filters[i].literal),
                                              arena, &p->literal)))
            continue;
        used++;
    }
    *ret_predicates = predicates;
    *ret_count = used;
}

/* Whether some value between the bounds (data NULL: open) can satisfy `op literal`. */
static bool range_may_match(const struct tarn_iceberg_type *type, struct tarn_text lower,
                            struct tarn_text upper, enum tarn_lake_op op, struct tarn_text literal)
{
    bool known_low = false, known_high = false;
    int low = lower.data ? tarn_bound_compare(type, lower, literal, &known_low) : 0;
    int high = upper.data ? tarn_bound_compare(type, upper, literal, &known_high) : 0;
    switch (op) {
    case TARN_LAKE_EQ:
        return !(known_low && low > 0) && !(known_high && high < 0);
    case TARN_LAKE_LT:
        return !(known_low && low >= 0);
    case TARN_LAKE_LE:
        return !(known_low && low > 0);
    case TARN_LAKE_GT:
        return !(known_high && high <= 0);
    case TARN_LAKE_GE:
        return !(known_high && high < 0);
    case TARN_LAKE_IS_NULL:
    case TARN_LAKE_NOT_NULL:
        break;
    }
    return true;
}

/* The predicate as it reads on a partition field: day(ts) <= day(literal) for ts < literal. False:
 * no use. */
static bool project(const struct tarn_spec_field *f, const struct lake_predicate *p,
                    struct tarn_arena *arena, enum tarn_lake_op *ret_op,
                    struct tarn_text *ret_literal)
{
    *ret_op = p->op;
    if (f->source_id != p->field->id || !f->result)
        return false;
    if (p->op == TARN_LAKE_IS_NULL || p->op == TARN_LAKE_NOT_NULL)
        return f->transform.kind != TARN_TRANSFORM_VOID;
    if (p->op != TARN_LAKE_EQ && !tarn_transform_is_monotonic(f->transform))
        return false;
    if (!tarn_transform_apply(f->transform, p->field->type, p->literal, arena, ret_literal))
        return false;
    if (f->transform.kind != TARN_TRANSFORM_IDENTITY && p->op == TARN_LAKE_LT)
        *ret_op = TARN_LAKE_LE; /* the literal's own partition can hold smaller values */
    if (f->transform.kind != TARN_TRANSFORM_IDENTITY && p->op == TARN_LAKE_GT)
        *ret_op = TARN_LAKE_GE;
    return true;
}

static bool summary_may_match(const struct tarn_field_summary *summary,
                              const struct tarn_spec_field *f, const struct lake_predicate *p,
                              struct tarn_arena *arena)
{
    enum tarn_lake_op op;
    struct tarn_text literal;
    if (!project(f, p, arena, &op, &literal))
        return true;
    if (op == TARN_LAKE_IS_NULL)
        return summary->contains_null;
    if (op == TARN_LAKE_NOT_NULL)
        return true;
    return range_may_match(f->result, summary->lower, summary->upper, op, literal);
}

bool lake_manifest_may_match(const struct tarn_manifest_file *manifest,
                             const struct tarn_spec *spec, const struct lake_predicate *predicates,
                             size_t count, struct tarn_arena *arena)
{
    size_t fields = spec && manifest->partition_count == spec->field_count ? spec->field_count : 0;
    for (size_t i = 0; i < count; i++)
        for (size_t f = 0; f < fields; f++)
            if (!summary_may_match(&manifest->partitions[f], &spec->fields[f], &predicates[i],
                                   arena))
                return false;
    return true;
}

static bool partition_may_match(struct tarn_text value, const struct tarn_spec_field *f,
                                const struct lake_predicate *p, struct tarn_arena *arena)
{
    enum tarn_lake_op op;
    struct tarn_text literal;
    if (!project(f, p, arena, &op, &literal))
        return true;
    if (op == TARN_LAKE_IS_NULL)
        return !value.data;
    return value.data &&
           (op == TARN_LAKE_NOT_NULL || range_may_match(f->result, value, value, op, literal));
}

static bool stats_may_match(const struct tarn_column_stats *stats,
                            const struct tarn_data_file *file, const struct lake_predicate *p)
{
    if (p->op == TARN_LAKE_IS_NULL)
        return stats->null_count != 0;
    bool all_null = stats->null_count >= 0 && stats->null_count == file->record_count;
    if (all_null)
        return false;
    /* NaN is above everything in DuckDB and in no bound */
    bool floating =
        p->field->type->kind == TARN_ICEBERG_FLOAT || p->field->type->kind == TARN_ICEBERG_DOUBLE;
    struct tarn_text upper =
        floating && stats->nan_count != 0 ? (struct tarn_text){NULL, 0} : stats->upper;
    return p->op == TARN_LAKE_NOT_NULL ||
           range_may_match(p->field->type, stats->lower, upper, p->op, p->literal);
}

bool lake_file_may_match(const struct tarn_data_file *file, const struct tarn_spec *spec,
                         const struct lake_predicate *predicates, size_t count,
                         struct tarn_arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        const struct lake_predicate *p = &predicates[i];
        for (size_t f = 0; spec && f < file->partition_count; f++)
            if (!partition_may_match(file->partition[f], &spec->fields[f], p, arena))
                return false;
        const struct tarn_column_stats *stats = tarn_data_file_stats(file, p->field->id);
        if (stats && !stats_may_match(stats, file, p))
            return false;
    }
    return true;
}

struct growing {
    const struct tarn_entry **entries;
    size_t count, cap;
};

static void grow(struct growing *list, const struct tarn_entry *entry)
{
    TARN_RESERVE(list->entries, list->cap, list->count + 1);
    list->entries[list->count++] = entry;
}

static const struct tarn_entry **settle(struct growing *list, struct tarn_arena *arena)
{
    const struct tarn_entry **entries = tarn_arena_array(arena, list->count, sizeof *entries);
    if (list->count > 0)
        memcpy(entries, list->entries, list->count * sizeof *entries);
    free(list->entries);
    return entries;
}

static enum tarn_status
plan_manifest(struct lake_scope *scope, const struct tarn_metadata *metadata,
              const struct tarn_manifest_file *manifest, const struct lake_predicate *predicates,
              size_t count, struct growing *files, struct growing *deletes, struct tarn_error *err)
{
    const struct tarn_spec *spec = tarn_metadata_spec(metadata, manifest->spec_id);
    if (!manifest->is_deletes &&
        !lake_manifest_may_match(manifest, spec, predicates, count, scope->arena))
        return TARN_OK;
    const struct tarn_entry *entries;
    size_t entry_count;
    TARN_TRY(lake_load_entries(scope, metadata, manifest, &entries, &entry_count, err));
    for (size_t i = 0; i < entry_count; i++) {
        const struct tarn_entry *entry = &entries[i];
        if (entry->status == TARN_ENTRY_DELETED)
            continue;
        if (entry->file->content != TARN_CONTENT_DATA)
            grow(deletes, entry);
        else if (lake_file_may_match(entry->file, spec, predicates, count, scope->arena))
            grow(files, entry);
    }
    return TARN_OK;
}

enum tarn_status lake_plan_files(struct lake_scope *scope, const struct tarn_metadata *metadata,
                                 const struct tarn_snapshot *snapshot,
                                 const struct lake_predicate *predicates, size_t count,
                                 struct lake_plan *ret_plan, struct tarn_error *err)
{
    const struct tarn_manifest_file *manifests = NULL;
    size_t manifest_count = 0;
    struct growing files = {0}, deletes = {0};
    if (snapshot)
        TARN_TRY(lake_load_manifests(scope, snapshot, &manifests, &manifest_count, err));
    enum tarn_status status = TARN_OK;
    for (size_t i = 0; i < manifest_count && status == TARN_OK; i++)
        status =
            plan_manifest(scope, metadata, &manifests[i], predicates, count, &files, &deletes, err);
    *ret_plan = (struct lake_plan){.file_count = files.count, .delete_count = deletes.count};
    ret_plan->files = settle(&files, scope->arena);
    ret_plan->deletes = settle(&deletes, scope->arena);
    return status;
}
