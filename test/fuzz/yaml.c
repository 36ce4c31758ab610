/* test/fuzz/yaml.c -- YAML, read into a tree and walked. */
#include "project/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const struct tarn_yaml *node)
{
    size_t total = node->text ? node->text_len : 0;
    for (size_t i = 0; i < node->count; i++) {
        total += walk(node->items[i]);
        if (node->kind == TARN_YAML_MAP)
            total += strlen(tarn_yaml_key(node, i));
    }
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_error err;
    const struct tarn_yaml *root;
    struct tarn_text text = {(const char *)data, size};
    if (tarn_yaml_parse(text, "fuzz", 1, arena, &root, &err) == TARN_OK)
        (void)walk(root);
    return 0;
}
