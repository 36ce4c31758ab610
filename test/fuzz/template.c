/* test/fuzz/template.c -- templates: whatever parses is rendered, as text and as a value, with small limits. */
#include "model/template/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_names(struct tarn_template_run *run)
{
    struct tarn_heap *heap = tarn_template_run_heap(run);
    struct tarn_value list = tarn_value_list(heap), dict = tarn_value_dict(heap);
    for (int i = 0; i < 3; i++)
        tarn_list_append(list, tarn_value_int(i));
    tarn_dict_put_str(dict, "a", tarn_value_str_ref("text"));
    tarn_template_run_set(run, "list", list);
    tarn_template_run_set(run, "dict", dict);
    tarn_template_run_set(run, "x", tarn_value_float(2.5));
    tarn_template_run_set(run, "modules", tarn_template_modules(heap));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_error err;
    struct tarn_template *tmpl;
    struct tarn_value value;
    const struct tarn_template_run_options options = {
        .max_steps = 20000, .max_heap_bytes = 4 << 20, .max_output_bytes = 1 << 20};
    struct tarn_text source = {(const char *)data, size};
    if (tarn_template_parse("fuzz", source, NULL, &tmpl, &err) != TARN_OK)
        return 0;
    struct tarn_template_run *run = tarn_template_run_new(&options);
    TARN_BUFFER(out, 2 << 20);
    add_names(run);
    (void)!tarn_template_render(run, tmpl, &out, &err);          /* any outcome is fine */
    (void)!tarn_template_render_native(run, tmpl, &value, &err); /* the same */
    tarn_template_run_free(run);
    tarn_template_free(tmpl);
    return 0;
}
