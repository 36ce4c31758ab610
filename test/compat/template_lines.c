/* test/compat/template_lines.c -- renders templates that come as lines: {"t": template, "c":
 * context} on standard input gives
 * {"o": output} or {"e": error} on standard output, one line each. For jinja_fuzz.py. */
#include <jansson.h>
#include <stdio.h>

#include "model/template/template.h"

enum { OUTPUT_BYTES_MAX = 64 * 1024 * 1024 };

static enum tarn_status set_names(struct tarn_template_run *run, json_t *context,
                                  struct tarn_error *err)
{
    struct tarn_heap *heap = tarn_template_run_heap(run);
    char *text = json_dumps(context, JSON_ENCODE_ANY);
    struct tarn_value names, key, value;
    enum tarn_status status =
        tarn_value_from_json(heap, tarn_text_of(text ? text : "{}"), &names, err);
    free(text);
    TARN_TRY(status);
    for (size_t i = 0; i < tarn_dict_count(names); i++) {
        tarn_dict_at(names, i, &key, &value);
        tarn_template_run_set(run, tarn_value_cstr(heap, key), value);
    }
    return TARN_OK;
}

static enum tarn_status render(json_t *line, struct tarn_buffer *out, struct tarn_error *err)
{
    struct tarn_template *tmpl = NULL;
    struct tarn_template_run *run = tarn_template_run_new(NULL);
    json_t *source = json_object_get(line, "t");
    struct tarn_text text = {json_string_value(source), json_string_length(source)};
    enum tarn_status status = set_names(run, json_object_get(line, "c"), err);
    if (status == TARN_OK)
        status = tarn_template_parse("template", text, NULL, &tmpl, err);
    if (status == TARN_OK)
        status = tarn_template_render(run, tmpl, out, err);
    tarn_template_run_free(run);
    tarn_template_free(tmpl);
    return status;
}

static void answer(const char *key, const char *text, size_t len)
{
    json_t *value = json_stringn(text, len);
    json_t *reply = json_object();
    json_object_set_new(reply, key, value ? value : json_string("(not valid UTF-8)"));
    char *line = json_dumps(reply, 0);
    puts(line);
    fflush(stdout);
    free(line);
    json_decref(reply);
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    while ((len = getline(&line, &cap, stdin)) > 0) {
        struct tarn_error err = {0};
        TARN_BUFFER(out, OUTPUT_BYTES_MAX);
        json_t *json = json_loadb(line, (size_t)len, 0, NULL);
        if (json && render(json, &out, &err) == TARN_OK)
            answer("o", tarn_buffer_str(&out), out.len);
        else
            answer("e", json ? err.text : "not JSON", strlen(json ? err.text : "not JSON"));
        json_decref(json);
    }
    free(line);
    return 0;
}
