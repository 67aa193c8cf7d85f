/* The parsed form of expressions over JSON. */
#ifndef MOESIM_IO_JSON_EXPR_PRIV_H
#define MOESIM_IO_JSON_EXPR_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "io/json_expr.h"

/* [key=value]: keeps what has this member. */
struct json_filter {
    const char *key, *value;
    struct json_filter *next;
};

/* name[filters]. */
struct json_step {
    const char *name;
    struct json_filter *filters;
    struct json_step *next;
};

struct json_values {
    double *v;
    uint32_t n;
};

struct json_function {
    const char *name;
    bool reduces; /* to one number */
    double (*fn)(const double *v, uint32_t n);
};

enum json_node_kind {
    NODE_NUMBER,
    NODE_SELECT,
    NODE_NEGATE,
    NODE_ADD,
    NODE_SUBTRACT,
    NODE_MULTIPLY,
    NODE_DIVIDE,
    NODE_CALL
};

struct json_node {
    enum json_node_kind kind;
    double number;                    /* NODE_NUMBER */
    struct json_step *steps;          /* NODE_SELECT */
    const struct json_function *call; /* NODE_CALL */
    struct json_node *left, *right;   /* operands; one has only the left */
    size_t begin, end;                /* of the text: what it was written as */
};

struct json_expr {
    const char *text;
    struct json_node *root;
};

extern const struct json_function json_functions[]; /* name NULL: the end */

/* The SI value of a number that may have a unit of any dimension; -1 when it is none. */
int json_expr_number(const char *text, size_t len, double *value);

#endif
