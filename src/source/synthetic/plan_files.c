/* source/synthetic/plan_files.c -- cuts rows into files and decides what happens to files; see
 * plan_int.h. */
#include "base/clock.h"
#include "base/random.h"
#include "source/synthetic/fault.h"
#include "source/synthetic/plan_int.h"

static const int64_t day_us = 86400 * 1000000LL;

enum { RESENT_WITHIN_ROWS = 600 };

static int64_t next_period(enum tarn_synth_period by, int64_t day)
{
    int year;
    unsigned month, day_of_month;
    switch (by) {
    case TARN_SYNTH_DAY:
        return day + 1;
    case TARN_SYNTH_WEEK:
        return day + 7 - ((day + 3) % 7 + 7) % 7;
    case TARN_SYNTH_MONTH:
        tarn_civil_from_days(day, &year, &month, &day_of_month);
        return tarn_days_from_civil(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1);
    case TARN_SYNTH_ALL:
        break;
    }
    return INT64_MAX;
}

static const char *file_path(const struct tarn_synth_entity *entity, int64_t from, int64_t to,
                             int64_t arrived)
{
    static const char *const extensions[] = {"csv", "json", "ndjson", "parquet"};
    char first[TARN_TIME_TEXT_BYTES], last[TARN_TIME_TEXT_BYTES], folder[TARN_TIME_TEXT_BYTES];
    tarn_date_format(from, first);
    tarn_date_format(to, last);
    tarn_date_format(arrived, folder);
    bool one_day = from == to;
    return tarn_arena_format(entity->spec->arena, "%s/%s/%s/%s-%s%s%s.%s", entity->spec->name,
                             entity->name, folder, entity->name, first, one_day ? "" : "_",
                             one_day ? "" : last, extensions[entity->files.format]);
}

/* The first row at or behind the start of a day. */
static uint64_t first_row_of(const struct tarn_synth_entity *entity, int64_t day)
{
    return tarn_synth_rows_until(entity, day * day_us - 1);
}

static void cut_files(struct tarn_synth_entity *entity)
{
    const struct tarn_synth_spec *spec = entity->spec;
    struct tarn_synth_plan *plan = entity->plan;
    int64_t daily_from = spec->to_day - entity->files.daily_last;
    size_t most = (size_t)(spec->to_day - spec->from_day);
    plan->files = tarn_arena_array(spec->arena, most, sizeof *plan->files);
    uint64_t row = 0;
    for (int64_t day = spec->from_day; day < spec->to_day;) {
        int64_t next = next_period(day >= daily_from ? TARN_SYNTH_DAY : entity->files.by, day);
        if (day < daily_from && next > daily_from)
            next = daily_from;
        if (next > spec->to_day)
            next = spec->to_day;
        uint64_t end = next == spec->to_day ? plan->rows : first_row_of(entity, next);
        if (end > row)
            plan->files[plan->file_count++] = (struct tarn_synth_file){.from_day = day,
                                                                       .arrived_day = next - 1,
                                                                       .first = row,
                                                                       .end = end,
                                                                       .cut = UINT64_MAX};
        row = end;
        day = next;
    }
}

/* ---- late and truncated files, changed schemas ---- */

/* The fault's share of the files, at least one, by the smallest draws among those that qualify. */
static size_t choose_files(const struct tarn_synth_entity *entity,
                           const struct tarn_synth_fault *fault, const bool *qualify,
                           size_t *chosen)
{
    const struct tarn_synth_plan *plan = entity->plan;
    uint64_t key =
        tarn_draw_key(entity->spec->seed, entity->key, 0xf11e0000ULL + (uint64_t)fault->fault);
    size_t wanted = fault->rate > 0 ? (size_t)(fault->rate * (double)plan->file_count + 0.5) : 0,
           count = 0;
    if (fault->rate > 0 && wanted == 0)
        wanted = 1;
    TARN_AUTO_FREE bool *taken = tarn_alloc_array(plan->file_count + 1, sizeof *taken);
    while (count < wanted) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < plan->file_count; i++)
            if (qualify[i] && !taken[i] &&
                (best == SIZE_MAX || tarn_draw(key, i) < tarn_draw(key, best)))
                best = i;
        if (best == SIZE_MAX)
            break;
        taken[best] = true;
        chosen[count++] = best;
    }
    return count;
}

static void make_late(struct tarn_synth_entity *entity, const struct tarn_synth_fault *fault,
                      size_t index)
{
    struct tarn_synth_file *file = &entity->plan->files[index];
    uint64_t key = tarn_draw_key(entity->spec->seed, entity->key, 0x1a7eULL);
    uint64_t spread = (uint64_t)(fault->days_max - fault->days_min + 1);
    file->arrived_day += fault->days_min + (int64_t)tarn_draw_below(tarn_draw(key, index), spread);
    if (file->arrived_day >= entity->spec->to_day)
        file->arrived_day = entity->spec->to_day - 1;
    file->late = true;
}

/* Cuts within a sound row near the end, so that at most a fiftieth is lost; false when there is
 * none. */
static bool cut_file(struct tarn_synth_entity *entity, size_t index)
{
    struct tarn_synth_file *file = &entity->plan->files[index];
    uint64_t rows = file->end - file->first;
    uint64_t key = tarn_draw_key(entity->spec->seed, entity->key, 0xc07ULL);
    uint64_t cut = file->end - 1 - tarn_draw_below(tarn_draw(key, index), rows / 50 + 1);
    while (cut > file->first && tarn_synth_fault_of_row(entity, cut))
        cut--;
    if (cut == file->first)
        return false;
    file->cut = cut;
    return true;
}

static void damage_files(struct tarn_synth_entity *entity, const struct tarn_synth_fault *fault,
                         bool *sound)
{
    struct tarn_synth_plan *plan = entity->plan;
    bool late = fault->fault == TARN_SYNTH_FAULT_LATE_FILE;
    TARN_AUTO_FREE bool *qualify = tarn_alloc_array(plan->file_count + 1, sizeof *qualify);
    TARN_AUTO_FREE size_t *chosen = tarn_alloc_array(plan->file_count + 1, sizeof *chosen);
    for (size_t i = 0; i < plan->file_count; i++) {
        const struct tarn_synth_file *file = &plan->files[i];
        qualify[i] = sound[i] && (late ? file->arrived_day + fault->days_min < entity->spec->to_day
                                       : file->end - file->first >= 30);
    }
    size_t count = choose_files(entity, fault, qualify, chosen);
    for (size_t i = 0; i < count; i++) {
        if (late)
            make_late(entity, fault, chosen[i]);
        else if (!cut_file(entity, chosen[i]))
            continue;
        sound[chosen[i]] = false;
    }
}

static void apply_file_faults(struct tarn_synth_entity *entity)
{
    struct tarn_synth_plan *plan = entity->plan;
    TARN_AUTO_FREE bool *sound = tarn_alloc_array(plan->file_count + 1, sizeof *sound);
    memset(sound, true, plan->file_count);
    for (size_t i = 0; i < entity->fault_count; i++) {
        const struct tarn_synth_fault *fault = &entity->faults[i];
        if (fault->fault == TARN_SYNTH_FAULT_LATE_FILE ||
            fault->fault == TARN_SYNTH_FAULT_TRUNCATED_FILE)
            damage_files(entity, fault, sound);
    }
}

/* ---- rows that come twice ---- */

static size_t file_of(const struct tarn_synth_plan *plan, uint64_t row)
{
    size_t low = 0, high = plan->file_count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (plan->files[middle].first <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static bool arrives_before(const struct tarn_synth_file *a, const struct tarn_synth_file *b)
{
    return a->arrived_day != b->arrived_day ? a->arrived_day < b->arrived_day
                                            : a->from_day < b->from_day;
}

/* Where the copy of a row stands: some rows later, perhaps in the next file, but never before the
 * row itself in order of arrival and never in the part of a file that is lost. */
static bool place_copy(const struct tarn_synth_entity *entity, uint64_t row, uint64_t *ret_after)
{
    const struct tarn_synth_plan *plan = entity->plan;
    const struct tarn_synth_file *file = &plan->files[file_of(plan, row)];
    if (row >= file->cut)
        return false;
    uint64_t key = tarn_draw_key(entity->spec->seed, entity->key, 0x2e5e17ULL);
    uint64_t after = row + 1 + tarn_draw_below(tarn_draw(key, row), RESENT_WITHIN_ROWS);
    if (after >= plan->rows)
        after = plan->rows - 1;
    const struct tarn_synth_file *later = &plan->files[file_of(plan, after)];
    if (after >= later->cut || arrives_before(later, file))
        after = row;
    *ret_after = after;
    return true;
}

static int compare_extras(const void *a, const void *b)
{
    const struct tarn_synth_extra *x = a, *y = b;
    if (x->after != y->after)
        return x->after < y->after ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static void place_copies(struct tarn_synth_entity *entity)
{
    struct tarn_synth_plan *plan = entity->plan;
    bool any = false;
    for (size_t i = 0; i < entity->fault_count; i++)
        any = any || tarn_synth_fault_repeats(&entity->faults[i]);
    for (uint64_t row = 0; any && row < plan->rows; row++) {
        const struct tarn_synth_fault *fault = tarn_synth_fault_of_row(entity, row);
        uint64_t after;
        if (!fault || !tarn_synth_fault_repeats(fault) || !place_copy(entity, row, &after))
            continue;
        TARN_RESERVE(plan->extras, plan->extra_cap, plan->extra_count + 1);
        plan->extras[plan->extra_count++] =
            (struct tarn_synth_extra){row, after, (uint32_t)(fault - entity->faults)};
    }
    if (plan->extra_count > 0)
        qsort(plan->extras, plan->extra_count, sizeof *plan->extras, compare_extras);
    size_t at = 0;
    for (size_t i = 0; i < plan->file_count; i++) {
        plan->files[i].extra_first = at;
        while (at < plan->extra_count && plan->extras[at].after < plan->files[i].end)
            at++;
        plan->files[i].extra_end = at;
    }
}

enum tarn_status tarn_synth_plan_files(struct tarn_synth_entity *entity, struct tarn_error *err)
{
    (void)err;
    struct tarn_synth_plan *plan = entity->plan;
    cut_files(entity);
    apply_file_faults(entity);
    place_copies(entity);
    for (size_t i = 0; i < plan->file_count; i++) {
        struct tarn_synth_file *file = &plan->files[i];
        int64_t to =
            i + 1 < plan->file_count ? plan->files[i + 1].from_day - 1 : entity->spec->to_day - 1;
        file->path = file_path(entity, file->from_day, to, file->arrived_day);
    }
    return TARN_OK;
}
