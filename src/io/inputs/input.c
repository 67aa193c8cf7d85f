#include "io/inputs/input.h"

#include <string.h>

#include "io/whole_file.h"

const struct input_format *const input_formats[] = {&input_own_trace,       &input_kineto,
                                                    &input_model_config,    &input_ibnetdiscover,
                                                    &input_ib_tables,       &input_slurm_conf,
                                                    &input_slurm_yaml,      &input_infragraph,
                                                    &input_nccl_topo,       &input_lstopo,
                                                    &input_nvidia_smi_topo, &input_nsight,
                                                    &input_chakra,          NULL};

int input_head_read(const char *path, struct input_head *out, struct diag *diag)
{
    out->path = path;
    if (whole_file_head(path, out->bytes, INPUT_HEAD_B, &out->n, diag))
        return -1;
    out->bytes[out->n] = 0;
    return 0;
}

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

bool input_is_object(const struct input_head *head)
{
    return *skip_blanks(head->bytes) == '{';
}

bool input_first_key_is(const struct input_head *head, const char *key)
{
    const char *p = skip_blanks(head->bytes);
    size_t len = strlen(key);

    if (*p != '{')
        return false;
    p = skip_blanks(p + 1);
    return *p == '"' && !strncmp(p + 1, key, len) && p[1 + len] == '"';
}

const struct input_format *input_recognise(const struct input_head *head)
{
    for (const struct input_format *const *f = input_formats; *f; f++)
        if ((*f)->recognises(head))
            return *f;
    return NULL;
}
