/* model/template/scope.h -- binds every name of a parsed template to a slot, exactly as jinja2's
 * compiler would. */
#ifndef TARN_MODEL_TEMPLATE_SCOPE_H
#define TARN_MODEL_TEMPLATE_SCOPE_H

#include "model/template/ast.h"

/* INVALID for what jinja2 refuses at this stage: unknown filters and tests outside of if, a macro
 * whose own `caller` parameter has no default, an assignment to `loop` inside a loop. */
CHECKED enum tarn_status scope_bind(struct tarn_template *tmpl, struct tarn_error *err);

#endif
