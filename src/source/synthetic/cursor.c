/* source/synthetic/cursor.c -- the records of a file in order, with faults applied; see write.h. */
#include "base/random.h"
#include "source/synthetic/format.h"
#include "source/synthetic/write.h"

struct tarn_synth_cursor {
    const struct tarn_synth_entity *entity;
    const struct tarn_synth_file *file;
    struct tarn_synth_output *output;
    struct tarn_scratch scratch;
    uint64_t row;  /* next row of the file */
    uint64_t end;  /* behind the last one that is written */
    size_t extra;  /* next copy */
    uint64_t line; /* of the next record */
    size_t column_count;
    struct tarn_synth_column_name *columns;
    size_t record_cap;
    struct tarn_synth_record *records;
};

void tarn_synth_output_release(struct tarn_synth_output *output)
{
    free(output->entries);
    tarn_arena_free(output->arena);
    *output = (struct tarn_synth_output){0};
}

size_t tarn_synth_file_columns(const struct tarn_synth_entity *entity,
                               const struct tarn_synth_file *file,
                               struct tarn_synth_column_name *out)
{
    size_t count = 0;
    for (size_t i = 0; i < entity->field_count; i++) {
        const struct tarn_synth_field *field = &entity->fields[i];
        const char *name = field->hidden ? NULL : field->name;
        for (size_t k = 0; name && k < entity->fault_count; k++) {
            const struct tarn_synth_fault *fault = &entity->faults[k];
            if (fault->fault != TARN_SYNTH_FAULT_SCHEMA_CHANGE || fault->columns[0] != field)
                continue;
            bool changed = file->from_day >= fault->from_day;
            name = fault->rename_to ? (changed ? fault->rename_to : field->name)
                                    : (changed ? field->name : NULL);
        }
        if (name)
            out[count++] = (struct tarn_synth_column_name){field, name};
    }
    return count;
}

/* ---- the ledger ---- */

/* A copy with every bad byte replaced by U+FFFD: the ledger is UTF-8. */
static struct tarn_text valid_copy(struct tarn_arena *arena, struct tarn_text text)
{
    size_t valid = tarn_utf8_valid_prefix(text);
    if (valid == text.len)
        return (struct tarn_text){tarn_arena_strndup(arena, text.data ? text.data : "", text.len),
                                  text.len};
    char *out = tarn_arena_array(arena, text.len * 3 + 1, 1), *at = out;
    for (struct tarn_text rest = text; rest.len > 0;) {
        valid = tarn_utf8_valid_prefix(rest);
        at = tarn_put_bytes(at, rest.data, valid);
        rest = (struct tarn_text){rest.data + valid, rest.len - valid};
        if (rest.len == 0)
            break;
        at = tarn_put_bytes(at, "\xEF\xBF\xBD", 3);
        rest = (struct tarn_text){rest.data + 1, rest.len - 1};
    }
    return (struct tarn_text){out, (size_t)(at - out)};
}

static void note(struct tarn_synth_cursor *cursor, uint64_t line, const char *column,
                 const struct tarn_synth_fault *fault, struct tarn_text original,
                 struct tarn_text damaged)
{
    struct tarn_synth_output *output = cursor->output;
    if (!output->arena)
        output->arena = tarn_arena_new();
    TARN_RESERVE(output->entries, output->entry_cap, output->entry_count + 1);
    output->entries[output->entry_count++] = (struct tarn_synth_ledger_entry){
        .line = line,
        .column = column,
        .kind = fault->kind,
        .fault = tarn_synth_fault_names[fault->fault],
        .original = valid_copy(output->arena, original),
        .damaged = valid_copy(output->arena, damaged),
    };
}

static const char *column_name(const struct tarn_synth_cursor *cursor,
                               const struct tarn_synth_field *field)
{
    for (size_t i = 0; i < cursor->column_count; i++)
        if (cursor->columns[i].field == field)
            return cursor->columns[i].name;
    return NULL;
}

static struct tarn_text join(struct tarn_arena *arena, const char *name, struct tarn_text value)
{
    char *text = tarn_arena_format(arena, "%s=%.*s", name, TARN_TEXT_ARGS(value));
    return tarn_text_of(text);
}

/* Late arrival and changes of schema are faults of the file as a whole. */
static void note_file(struct tarn_synth_cursor *cursor, bool first_changed)
{
    const struct tarn_synth_entity *entity = cursor->entity;
    for (size_t i = 0; i < entity->fault_count; i++) {
        const struct tarn_synth_fault *fault = &entity->faults[i];
        if (fault->fault == TARN_SYNTH_FAULT_LATE_FILE && cursor->file->late) {
            char due[TARN_PUT_VALUE_BYTES], came[TARN_PUT_VALUE_BYTES];
            size_t index = (size_t)(cursor->file - entity->plan->files);
            int64_t last = index + 1 < entity->plan->file_count ? cursor->file[1].from_day
                                                                : entity->spec->to_day;
            size_t due_len = (size_t)(tarn_put_date(due, last - 1) - due);
            size_t came_len = (size_t)(tarn_put_date(came, cursor->file->arrived_day) - came);
            note(cursor, 0, NULL, fault, (struct tarn_text){due, due_len},
                 (struct tarn_text){came, came_len});
        }
        if (fault->fault == TARN_SYNTH_FAULT_SCHEMA_CHANGE && first_changed &&
            cursor->file->from_day >= fault->from_day) {
            const char *now = fault->rename_to ? fault->rename_to : fault->columns[0]->name;
            note(cursor, 0, now, fault,
                 fault->rename_to ? tarn_text_of(fault->columns[0]->name) : TARN_TEXT(""),
                 tarn_text_of(now));
        }
    }
}

/* True for the first file behind a change of schema. */
static bool first_changed(const struct tarn_synth_entity *entity, size_t file_index)
{
    for (size_t i = 0; i < entity->fault_count; i++) {
        const struct tarn_synth_fault *fault = &entity->faults[i];
        if (fault->fault == TARN_SYNTH_FAULT_SCHEMA_CHANGE &&
            entity->plan->files[file_index].from_day >= fault->from_day &&
            (file_index == 0 || entity->plan->files[file_index - 1].from_day < fault->from_day))
            return true;
    }
    return false;
}

/* ---- walking ---- */

struct tarn_synth_cursor *tarn_synth_cursor_open(const struct tarn_synth_entity *entity,
                                                 size_t file_index,
                                                 struct tarn_synth_output *output)
{
    struct tarn_synth_cursor *cursor = tarn_alloc(sizeof *cursor);
    const struct tarn_synth_file *file = &entity->plan->files[file_index];
    cursor->entity = entity;
    cursor->file = file;
    cursor->output = output;
    cursor->row = file->first;
    cursor->end = file->cut == UINT64_MAX ? file->end : file->cut + 1;
    cursor->extra = file->extra_first;
    cursor->line = entity->files.format == TARN_SYNTH_CSV ? 2 : 1; /* the header is line 1 */
    cursor->columns = tarn_alloc_array(entity->field_count, sizeof *cursor->columns);
    cursor->column_count = tarn_synth_file_columns(entity, file, cursor->columns);
    output->lost = file->end - cursor->end;
    note_file(cursor, first_changed(entity, file_index));
    return cursor;
}

void tarn_synth_cursor_close(struct tarn_synth_cursor *cursor)
{
    if (!cursor)
        return;
    tarn_scratch_release(&cursor->scratch);
    free(cursor->columns);
    free(cursor->records);
    free(cursor);
}

static struct tarn_text value_text(struct tarn_synth_cursor *cursor, struct tarn_synth_batch *batch,
                                   size_t at, const struct tarn_synth_field *field)
{
    const struct tarn_synth_vector *vector = tarn_synth_column(batch, field);
    if (vector->type == TARN_SYNTH_TEXT)
        return vector->nulls && vector->nulls[at] ? TARN_TEXT("") : vector->texts[at];
    char *out = tarn_scratch_alloc(&cursor->scratch, TARN_PUT_VALUE_BYTES);
    return (struct tarn_text){out, (size_t)(tarn_synth_put_value(out, vector, at) - out)};
}

static void override(struct tarn_synth_record *record, const struct tarn_synth_field *field,
                     struct tarn_text text, const struct tarn_synth_fault *fault)
{
    bool number =
        fault->fault == TARN_SYNTH_FAULT_NEGATIVE || fault->fault == TARN_SYNTH_FAULT_ABSURD ||
        (fault->fault == TARN_SYNTH_FAULT_DUPLICATE_CHANGED && field->type != TARN_SYNTH_TEXT &&
         field->type != TARN_SYNTH_DATE && field->type != TARN_SYNTH_TIME);
    record->overrides[record->override_count++] =
        (struct tarn_synth_override){field, text, fault->fault == TARN_SYNTH_FAULT_NULL, number};
}

static void damage_row(struct tarn_synth_cursor *cursor, struct tarn_synth_record *record,
                       const struct tarn_synth_fault *fault)
{
    uint64_t row = record->batch->rows[record->at];
    const struct tarn_synth_field *field = tarn_synth_fault_column(cursor->entity, fault, row);
    const char *name = column_name(cursor, field);
    struct tarn_text original = value_text(cursor, record->batch, record->at, field), damaged;
    if (!name ||
        !tarn_synth_fault_damage(fault, field, record->batch, record->at, original, &damaged))
        return;
    override(record, field, damaged, fault);
    note(cursor, cursor->line, name, fault, original, damaged);
}

static void change_copy(struct tarn_synth_cursor *cursor, struct tarn_synth_record *record,
                        const struct tarn_synth_fault *fault)
{
    const struct tarn_synth_entity *entity = cursor->entity;
    const struct tarn_synth_field *key = entity->key_field;
    uint64_t row = record->batch->rows[record->at];
    struct tarn_text key_text = value_text(cursor, record->batch, record->at, key);
    if (fault->fault == TARN_SYNTH_FAULT_DUPLICATE_SAME) {
        note(cursor, cursor->line, key->name, fault, key_text, key_text);
        return;
    }
    const struct tarn_synth_field *field = tarn_synth_fault_column(entity, fault, row);
    const char *name = column_name(cursor, field);
    struct tarn_text original = value_text(cursor, record->batch, record->at, field);
    struct tarn_text changed =
        name ? tarn_synth_fault_change(fault, field, record->batch, record->at, original)
             : original;
    if (name && !tarn_text_equal(changed, original))
        override(record, field, changed, fault);
    if (fault->fault == TARN_SYNTH_FAULT_NEAR_DUPLICATE) {
        struct tarn_text new_key =
            tarn_synth_fault_change(fault, key, record->batch, record->at, key_text);
        override(record, key, new_key, fault);
        note(cursor, cursor->line, key->name, fault, key_text, new_key);
        return;
    }
    if (record->override_count == 0) { /* nothing else to change it to: it is a plain copy */
        struct tarn_synth_fault same = *fault;
        same.fault = TARN_SYNTH_FAULT_DUPLICATE_SAME;
        note(cursor, cursor->line, key->name, &same, key_text, key_text);
        return;
    }
    struct tarn_arena *arena = tarn_arena_new();
    note(cursor, cursor->line, key->name, fault, join(arena, name ? name : field->name, original),
         join(arena, name ? name : field->name, changed));
    tarn_arena_free(arena);
}

static struct tarn_synth_record *next_record(struct tarn_synth_cursor *cursor, size_t *count,
                                             struct tarn_synth_batch *batch, size_t at)
{
    TARN_RESERVE(cursor->records, cursor->record_cap, *count + 1);
    struct tarn_synth_record *record = &cursor->records[(*count)++];
    record->batch = batch;
    record->at = at;
    record->override_count = 0;
    record->cut = false;
    return record;
}

/* The rows that are copied somewhere among rows [first, first + count). */
static struct tarn_synth_batch *copies_of(struct tarn_synth_cursor *cursor, uint64_t end,
                                          size_t *ret_count)
{
    const struct tarn_synth_plan *plan = cursor->entity->plan;
    size_t count = 0;
    while (cursor->extra + count < cursor->file->extra_end &&
           plan->extras[cursor->extra + count].after < end)
        count++;
    *ret_count = count;
    if (count == 0)
        return NULL;
    uint64_t *rows = tarn_scratch_array(&cursor->scratch, count, sizeof *rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = plan->extras[cursor->extra + i].row;
    return tarn_synth_batch_new(cursor->entity, &cursor->scratch, rows, count);
}

size_t tarn_synth_cursor_next(struct tarn_synth_cursor *cursor,
                              const struct tarn_synth_record **ret_records)
{
    const struct tarn_synth_entity *entity = cursor->entity;
    const struct tarn_synth_plan *plan = entity->plan;
    if (cursor->row >= cursor->end)
        return 0;
    tarn_scratch_reset(&cursor->scratch);
    uint64_t left = cursor->end - cursor->row;
    size_t n = left < TARN_SYNTH_BATCH_ROWS ? (size_t)left : TARN_SYNTH_BATCH_ROWS;
    struct tarn_synth_batch *batch =
        tarn_synth_batch_range(entity, &cursor->scratch, cursor->row, n);
    size_t copy_count, copy = 0, count = 0;
    struct tarn_synth_batch *copies = copies_of(cursor, cursor->row + n, &copy_count);
    for (size_t i = 0; i < n; i++) {
        uint64_t row = cursor->row + i;
        struct tarn_synth_record *record = next_record(cursor, &count, batch, i);
        const struct tarn_synth_fault *fault =
            entity->fault_below ? tarn_synth_fault_of_row(entity, row) : NULL;
        if (fault && !tarn_synth_fault_repeats(fault))
            damage_row(cursor, record, fault);
        record->cut = row == cursor->file->cut;
        cursor->line++;
        for (; copy < copy_count && plan->extras[cursor->extra + copy].after == row; copy++) {
            record = next_record(cursor, &count, copies, copy);
            change_copy(cursor, record, &entity->faults[plan->extras[cursor->extra + copy].fault]);
            cursor->line++;
        }
    }
    cursor->row += n;
    cursor->extra += copy_count;
    cursor->output->rows += count;
    *ret_records = cursor->records;
    return count;
}

void tarn_synth_cursor_note_cut(struct tarn_synth_cursor *cursor, struct tarn_text whole,
                                struct tarn_text piece)
{
    for (size_t i = 0; i < cursor->entity->fault_count; i++)
        if (cursor->entity->faults[i].fault == TARN_SYNTH_FAULT_TRUNCATED_FILE)
            note(cursor, cursor->line - 1, NULL, &cursor->entity->faults[i], whole, piece);
}
