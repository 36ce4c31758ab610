/* cli/options.c -- see options.h. */
#include "cli/options.h"

#include "base/text.h"

enum { OPTIONS_MAX = 64 };

void tarn_strings_release(struct tarn_strings *strings)
{
    free(strings->items);
    *strings = (struct tarn_strings){0};
}

void tarn_strings_add(struct tarn_strings *strings, const char *text)
{
    TARN_RESERVE(strings->items, strings->cap, strings->count + 1);
    strings->items[strings->count++] = text;
}

struct parse {
    const char *command;
    struct tarn_option options[OPTIONS_MAX];
    size_t count;
    struct tarn_error *err;
};

static const struct tarn_option *find(const struct parse *parse, struct tarn_text name)
{
    for (size_t i = 0; i < parse->count; i++)
        if (tarn_text_is(name, parse->options[i].name))
            return &parse->options[i];
    return NULL;
}

static const struct tarn_option *find_letter(const struct parse *parse, char letter)
{
    for (size_t i = 0; i < parse->count; i++)
        if (parse->options[i].letter == letter)
            return &parse->options[i];
    return NULL;
}

static enum tarn_status fail_unknown(const struct parse *parse, const char *argument)
{
    const char *names[OPTIONS_MAX];
    for (size_t i = 0; i < parse->count; i++)
        names[i] = parse->options[i].name;
    const char *bare = argument + strspn(argument, "-");
    const char *nearest = tarn_text_nearest(bare, names, parse->count);
    if (nearest)
        return tarn_fail(parse->err, TARN_USAGE, "there is no option '%s'; did you mean --%s?",
                         argument, nearest);
    return tarn_fail(parse->err, TARN_USAGE, "there is no option '%s'; `tarn %s --help` lists them",
                     argument, parse->command);
}

static enum tarn_status set_value(const struct parse *parse, const struct tarn_option *option,
                                  const char *text)
{
    switch (option->kind) {
    case TARN_OPTION_STR:
        *(const char **)option->value = text;
        return TARN_OK;
    case TARN_OPTION_LIST:
        tarn_strings_add(option->value, text);
        return TARN_OK;
    case TARN_OPTION_INT:
        if (!tarn_text_to_int64(tarn_text_of(text), option->value))
            return tarn_fail(parse->err, TARN_USAGE, "--%s takes a whole number, not '%s'",
                             option->name, text);
        return TARN_OK;
    case TARN_OPTION_FLAG:
        break;
    }
    return tarn_fail(parse->err, TARN_USAGE, "--%s takes no value", option->name);
}

static bool looks_like_option(const char *argument)
{
    return argument[0] == '-' && argument[1] && !(argument[1] >= '0' && argument[1] <= '9');
}

/* One option at argv[*at]; moves *at to the last argument that it used. */
static enum tarn_status parse_option(const struct parse *parse, int argc, char **argv, int *at)
{
    const char *argument = argv[*at];
    struct tarn_text rest = tarn_text_of(argument + 2), name;
    const struct tarn_option *option;
    if (argument[1] == '-') {
        (void)tarn_text_split(&rest, '=', &name);
        option = find(parse, name);
    } else {
        rest = (struct tarn_text){NULL, 0};
        option = argument[2] ? NULL : find_letter(parse, argument[1]);
    }
    if (!option)
        return fail_unknown(parse, argument);
    if (rest.data)
        return set_value(parse, option, rest.data);
    if (option->kind == TARN_OPTION_FLAG) {
        *(bool *)option->value = true;
        return TARN_OK;
    }
    if (*at + 1 >= argc || looks_like_option(argv[*at + 1]))
        return tarn_fail(parse->err, TARN_USAGE, "--%s takes a value", option->name);
    do {
        TARN_TRY(set_value(parse, option, argv[++*at]));
    } while (option->kind == TARN_OPTION_LIST && *at + 1 < argc &&
             !looks_like_option(argv[*at + 1]));
    return TARN_OK;
}

static void add_options(struct parse *parse, const struct tarn_option *options, size_t count)
{
    for (size_t i = 0; i < count && parse->count < OPTIONS_MAX; i++)
        parse->options[parse->count++] = options[i];
}

enum tarn_status tarn_options_parse(int argc, char **argv, struct tarn_common *common,
                                    const struct tarn_option *options, size_t count,
                                    struct tarn_strings *positional, struct tarn_error *err)
{
    struct parse parse = {.command = argv[0], .err = err};
    add_options(&parse, options, count);
    if (common) {
        const struct tarn_option shared[] = {
            {"project", 0, TARN_OPTION_STR, &common->project},
            {"project-dir", 0, TARN_OPTION_STR, &common->project}, /* dbt's name for it */
            {"data", 0, TARN_OPTION_STR, &common->data},
            {"target", 't', TARN_OPTION_STR, &common->target},
            {"memory-limit", 0, TARN_OPTION_STR, &common->memory_limit},
            {"threads", 0, TARN_OPTION_INT, &common->threads},
            {"json", 0, TARN_OPTION_FLAG, &common->json},
            {"quiet", 'q', TARN_OPTION_FLAG, &common->quiet},
        };
        add_options(&parse, shared, TARN_COUNT(shared));
    }
    bool options_over = false;
    for (int at = 1; at < argc; at++) {
        if (!options_over && strcmp(argv[at], "--") == 0) {
            options_over = true;
        } else if (!options_over && looks_like_option(argv[at])) {
            TARN_TRY(parse_option(&parse, argc, argv, &at));
        } else if (positional) {
            tarn_strings_add(positional, argv[at]);
        } else {
            return tarn_fail(err, TARN_USAGE, "'%s' is one argument too many; see `tarn %s --help`",
                             argv[at], parse.command);
        }
    }
    if (common && common->threads < 0)
        return tarn_fail(err, TARN_USAGE, "--threads is 1 or more, not %lld",
                         (long long)common->threads);
    return TARN_OK;
}
