/* cli/table_print.c -- see table_print.h. */
#include "cli/table_print.h"

#include <inttypes.h>
#include <string.h>

#include "base/json_writer.h"

enum { CELL_WIDTH_MAX = 80 };

struct column {
    const char *name;
    bool right;
    size_t width;
};

struct tarn_table {
    struct tarn_arena *arena;
    struct column *columns;
    size_t column_count, column_cap;
    const char **cells;
    size_t cell_count, cell_cap;
};

enum tarn_status tarn_print_format_parse(const char *text, enum tarn_print_format *ret,
                                         struct tarn_error *err)
{
    static const struct {
        const char *name;
        enum tarn_print_format format;
    } known[] = {{"table", TARN_PRINT_TABLE},       {"text", TARN_PRINT_TABLE},
                 {"markdown", TARN_PRINT_MARKDOWN}, {"md", TARN_PRINT_MARKDOWN},
                 {"csv", TARN_PRINT_CSV},           {"json", TARN_PRINT_JSON}};
    if (!text)
        return TARN_OK;
    for (size_t i = 0; i < TARN_COUNT(known); i++) {
        if (strcmp(text, known[i].name) == 0) {
            *ret = known[i].format;
            return TARN_OK;
        }
    }
    return tarn_fail(err, TARN_USAGE, "--format is table, markdown, csv or json, not '%s'", text);
}

/* ---- texts
 * ---------------------------------------------------------------------------------------------- */

static uint32_t next_code_point(struct tarn_text text, size_t *at)
{
    unsigned char c = (unsigned char)text.data[(*at)++];
    uint32_t value = c < 0x80 ? c : c < 0xe0 ? c & 0x1f : c < 0xf0 ? c & 0x0f : c & 0x07;
    while (*at < text.len && ((unsigned char)text.data[*at] & 0xc0) == 0x80)
        value = value << 6 | ((unsigned char)text.data[(*at)++] & 0x3f);
    return value;
}

/* East Asian wide and emoji blocks take two columns, combining marks none (Unicode TR 11). */
static size_t code_point_width(uint32_t c)
{
    if ((c >= 0x300 && c <= 0x36f) || (c >= 0x200b && c <= 0x200d) || c == 0xfe0f)
        return 0;
    bool wide = (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
                (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
                (c >= 0xfe30 && c <= 0xfe4f) || (c >= 0xff00 && c <= 0xff60) ||
                (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd);
    return wide ? 2 : 1;
}

size_t tarn_text_width(struct tarn_text text)
{
    size_t width = 0;
    for (size_t at = 0; at < text.len;)
        width += code_point_width(next_code_point(text, &at));
    return width;
}

char *tarn_size_text(int64_t bytes, char out[TARN_COUNT_TEXT_BYTES])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1000 && unit + 1 < TARN_COUNT(units); unit++)
        value /= 1000;
    snprintf(out, TARN_COUNT_TEXT_BYTES, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return out;
}

/* ---- tables
 * --------------------------------------------------------------------------------------------- */

struct tarn_table *tarn_table_new(struct tarn_arena *arena)
{
    struct tarn_table *table = tarn_arena_alloc(arena, sizeof *table);
    table->arena = arena;
    return table;
}

/* Room for one more; the arena keeps the old array until the table ends. */
static void *grown(struct tarn_arena *arena, void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return items;
    size_t more = *cap ? *cap * 2 : 64;
    void *fresh = tarn_arena_array(arena, more, size);
    if (count > 0)
        memcpy(fresh, items, count * size);
    *cap = more;
    return fresh;
}

void tarn_table_column(struct tarn_table *table, const char *name, bool right)
{
    table->columns = grown(table->arena, table->columns, table->column_count, &table->column_cap,
                           sizeof *table->columns);
    table->columns[table->column_count++] = (struct column){
        tarn_arena_strdup(table->arena, name), right, tarn_text_width(tarn_text_of(name))};
}

/* Line ends and other control characters would break the rows; very long texts the screen. */
static const char *shown(struct tarn_arena *arena, const char *text)
{
    TARN_BUFFER(out, 1 << 20);
    struct tarn_text all = tarn_text_of(text);
    size_t width = 0;
    for (size_t at = 0; at < all.len;) {
        size_t from = at;
        uint32_t c = next_code_point(all, &at);
        size_t one = c < 0x20 ? 1 : code_point_width(c);
        if (width + one >= CELL_WIDTH_MAX && at < all.len) {
            tarn_buffer_append_str(&out, "…");
            break;
        }
        width += one;
        if (c < 0x20)
            tarn_buffer_append_str(&out, c == '\n' ? "⏎" : " ");
        else
            tarn_buffer_append(&out, text + from, at - from);
    }
    return tarn_arena_strdup(arena, tarn_buffer_str(&out));
}

void tarn_table_cell(struct tarn_table *table, const char *text)
{
    table->cells = grown(table->arena, table->cells, table->cell_count, &table->cell_cap,
                         sizeof *table->cells);
    struct column *column = &table->columns[table->cell_count % table->column_count];
    const char *kept = text ? tarn_arena_strdup(table->arena, text) : NULL;
    size_t width = tarn_text_width(tarn_text_of(kept ? shown(table->arena, kept) : "NULL"));
    column->width = width > column->width ? width : column->width;
    table->cells[table->cell_count++] = kept;
}

void tarn_table_cell_int(struct tarn_table *table, int64_t value)
{
    char text[TARN_COUNT_TEXT_BYTES];
    tarn_table_cell(table, tarn_count_text(value, text));
}

size_t tarn_table_rows(const struct tarn_table *table)
{
    return table->column_count ? table->cell_count / table->column_count : 0;
}

static void pad(FILE *out, size_t count, const char *with)
{
    while (count-- > 0)
        fputs(with, out);
}

static void write_aligned(const struct column *column, const char *text, bool last, FILE *out)
{
    size_t width = tarn_text_width(tarn_text_of(text));
    size_t space = column->width > width ? column->width - width : 0;
    if (column->right)
        pad(out, space, " ");
    fputs(text, out);
    if (!column->right && !last)
        pad(out, space, " ");
}

static void write_text(const struct tarn_table *table, int indent, FILE *out)
{
    const size_t n = table->column_count;
    pad(out, (size_t)indent, " ");
    for (size_t i = 0; i < n; i++) {
        fputs(i ? " │ " : " ", out);
        write_aligned(&table->columns[i], table->columns[i].name, i + 1 == n, out);
    }
    fputc('\n', out);
    pad(out, (size_t)indent, " ");
    for (size_t i = 0; i < n; i++) {
        fputs(i ? "┼─" : "─", out);
        pad(out, table->columns[i].width + 1, "─");
    }
    fputc('\n', out);
    for (size_t at = 0; at < table->cell_count; at++) {
        size_t i = at % n;
        const char *cell = table->cells[at];
        if (i == 0)
            pad(out, (size_t)indent, " ");
        fputs(i ? " │ " : " ", out);
        write_aligned(&table->columns[i], cell ? shown(table->arena, cell) : "NULL", i + 1 == n,
                      out);
        if (i + 1 == n)
            fputc('\n', out);
    }
}

static void write_markdown_cell(const char *text, FILE *out)
{
    fputs("| ", out);
    for (const char *c = text; *c; c++) {
        if (*c == '|' || *c == '\\')
            fputc('\\', out);
        if (*c == '\n')
            fputs("<br>", out);
        else
            fputc(*c, out);
    }
    fputc(' ', out);
}

static void write_markdown(const struct tarn_table *table, FILE *out)
{
    const size_t n = table->column_count;
    for (size_t i = 0; i < n; i++)
        write_markdown_cell(table->columns[i].name, out);
    fputs("|\n", out);
    for (size_t i = 0; i < n; i++)
        fputs(table->columns[i].right ? "| ---: " : "| --- ", out);
    fputs("|\n", out);
    for (size_t at = 0; at < table->cell_count; at++) {
        write_markdown_cell(table->cells[at] ? table->cells[at] : "", out);
        if ((at + 1) % n == 0)
            fputs("|\n", out);
    }
}

/* RFC 4180, with \n; a missing value is nothing, empty text is "". */
static void write_csv_cell(const char *text, bool first, FILE *out)
{
    if (!first)
        fputc(',', out);
    if (!text)
        return;
    bool quote = *text == 0 || strpbrk(text, "\",\r\n") != NULL;
    if (!quote) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (const char *c = text; *c; c++) {
        if (*c == '"')
            fputc('"', out);
        fputc(*c, out);
    }
    fputc('"', out);
}

static void write_csv(const struct tarn_table *table, FILE *out)
{
    const size_t n = table->column_count;
    for (size_t i = 0; i < n; i++)
        write_csv_cell(table->columns[i].name, i == 0, out);
    fputc('\n', out);
    for (size_t at = 0; at < table->cell_count; at++) {
        write_csv_cell(table->cells[at], at % n == 0, out);
        if ((at + 1) % n == 0)
            fputc('\n', out);
    }
}

void tarn_table_write(const struct tarn_table *table, enum tarn_print_format format, int indent,
                      FILE *out)
{
    if (table->column_count == 0)
        return;
    if (format == TARN_PRINT_CSV)
        write_csv(table, out);
    else if (format == TARN_PRINT_MARKDOWN)
        write_markdown(table, out);
    else
        write_text(table, indent, out);
}

/* ---- results
 * -------------------------------------------------------------------------------------------- */

enum { ROW_BYTES_MAX = 1 << 29 };

static enum tarn_status cell_text(struct tarn_vector *vector, size_t row, struct tarn_buffer *cell,
                                  const char **ret, struct tarn_error *err)
{
    tarn_buffer_clear(cell);
    *ret = NULL;
    if (tarn_vector_is_null(vector, row))
        return TARN_OK;
    tarn_vector_format(vector, row, cell);
    TARN_TRY(tarn_buffer_check(cell, "a value of the result", err));
    *ret = tarn_buffer_str(cell);
    return TARN_OK;
}

struct printing {
    struct tarn_result *result;
    enum tarn_print_format format;
    FILE *out;
    size_t columns;
    int64_t rows, limit;
    struct tarn_table *table;
    struct tarn_buffer cell;
};

static enum tarn_status print_csv_rows(struct printing *p, size_t rows, struct tarn_error *err)
{
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < p->columns; i++) {
            struct tarn_vector vector = tarn_result_vector(p->result, i);
            const char *text;
            TARN_TRY(cell_text(&vector, row, &p->cell, &text, err));
            write_csv_cell(text, i == 0, p->out);
        }
        fputc('\n', p->out);
    }
    return TARN_OK;
}

static enum tarn_status print_json_rows(struct printing *p, size_t rows, struct tarn_error *err)
{
    for (size_t row = 0; row < rows; row++) {
        tarn_buffer_clear(&p->cell);
        struct tarn_json_writer w = tarn_json_writer(&p->cell, 0);
        tarn_json_object_begin(&w);
        for (size_t i = 0; i < p->columns; i++) {
            struct tarn_vector vector = tarn_result_vector(p->result, i);
            tarn_json_key(&w, tarn_result_name(p->result, i));
            if (tarn_vector_is_null(&vector, row))
                tarn_json_null(&w);
            else
                tarn_vector_json(&vector, row, &w);
        }
        tarn_json_object_end(&w);
        TARN_TRY(tarn_buffer_check(&p->cell, "a row of the result", err));
        fprintf(p->out, "%s%s", p->rows + (int64_t)row > 0 ? ",\n " : "\n ",
                tarn_buffer_str(&p->cell));
    }
    return TARN_OK;
}

static enum tarn_status collect_rows(struct printing *p, size_t rows, struct tarn_error *err)
{
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < p->columns; i++) {
            struct tarn_vector vector = tarn_result_vector(p->result, i);
            const char *text;
            TARN_TRY(cell_text(&vector, row, &p->cell, &text, err));
            tarn_table_cell(p->table, text);
        }
    }
    return TARN_OK;
}

static void print_head(struct printing *p)
{
    for (size_t i = 0; i < p->columns; i++) {
        const char *name = tarn_result_name(p->result, i);
        if (p->format == TARN_PRINT_CSV)
            write_csv_cell(name, i == 0, p->out);
        else if (p->format != TARN_PRINT_JSON)
            tarn_table_column(p->table, name,
                              tarn_type_is_number(tarn_result_type(p->result, i)->id));
    }
    if (p->format == TARN_PRINT_CSV)
        fputc('\n', p->out);
    if (p->format == TARN_PRINT_JSON)
        fputc('[', p->out);
}

static enum tarn_status print_rows(struct printing *p, bool *ret_more, struct tarn_error *err)
{
    *ret_more = false;
    for (;;) {
        size_t rows;
        TARN_TRY(tarn_result_next(p->result, &rows, err));
        if (rows == 0)
            return TARN_OK;
        if (p->limit >= 0 && p->rows + (int64_t)rows > p->limit) {
            rows = (size_t)(p->limit - p->rows);
            *ret_more = true;
        }
        if (p->format == TARN_PRINT_CSV)
            TARN_TRY(print_csv_rows(p, rows, err));
        else if (p->format == TARN_PRINT_JSON)
            TARN_TRY(print_json_rows(p, rows, err));
        else
            TARN_TRY(collect_rows(p, rows, err));
        p->rows += (int64_t)rows;
        if (*ret_more)
            return TARN_OK;
    }
}

static void print_foot(struct printing *p, bool more)
{
    char count[TARN_COUNT_TEXT_BYTES];
    if (p->format == TARN_PRINT_JSON) {
        fputs(p->rows > 0 ? "\n]\n" : "]\n", p->out);
        return;
    }
    if (p->format == TARN_PRINT_CSV)
        return;
    tarn_table_write(p->table, p->format, 0, p->out);
    if (p->format == TARN_PRINT_TABLE)
        fprintf(p->out, "%s%s row%s%s\n", more ? "the first " : "", tarn_count_text(p->rows, count),
                p->rows == 1 ? "" : "s", more ? "; there are more (--limit)" : "");
    else if (more)
        fprintf(p->out, "\n*The first %s rows.*\n", tarn_count_text(p->rows, count));
}

enum tarn_status tarn_print_result(struct tarn_result *result, enum tarn_print_format format,
                                   int64_t limit, FILE *out, int64_t *ret_rows,
                                   struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct printing p = {.result = result,
                         .format = format,
                         .out = out,
                         .columns = tarn_result_column_count(result),
                         .limit = limit,
                         .table = tarn_table_new(arena),
                         .cell = {.max_bytes = ROW_BYTES_MAX}};
    bool more = false;
    print_head(&p);
    enum tarn_status status = print_rows(&p, &more, err);
    if (status == TARN_OK)
        print_foot(&p, more);
    tarn_buffer_release(&p.cell);
    TARN_TRY(status);
    if (ret_rows)
        *ret_rows = p.rows;
    return ferror(out) ? tarn_fail_errno(err, "writing the result") : TARN_OK;
}
