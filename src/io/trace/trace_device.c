#include "io/trace/trace_device.h"

#include <ctype.h>
#include <string.h>

#include "base/data_find.h"
#include "base/yaml_doc.h"

#define DEVICE_FILE "configs/trace_devices.yaml"

bool trace_device_is(const char *device, const char *words)
{
    size_t n = strlen(words);

    for (const char *p = n ? strstr(device, words) : NULL; p; p = strstr(p + 1, words))
        if ((p == device || !isalnum((unsigned char)p[-1])) && !isalnum((unsigned char)p[n]))
            return true;
    return false;
}

static const char *text_of(const struct yaml_node *n)
{
    return n && n->kind == YAML_DOC_SCALAR ? n->text : NULL;
}

const char *trace_device_hardware(const char *device, const char *beside, struct arena *arena, struct diag *diag)
{
    const char *path = data_find(DEVICE_FILE, beside, arena);
    struct yaml_doc doc;

    if (!path || yaml_doc_read(&doc, path, arena, diag) || doc.root->kind != YAML_DOC_SEQUENCE)
        return NULL;
    for (const struct yaml_node *item = doc.root->first; item; item = item->next) {
        const char *words = text_of(yaml_get(item, "device")), *hardware = text_of(yaml_get(item, "hardware"));
        if (!words || !hardware) {
            diag_error(diag, EXIT_BAD_INPUT, yaml_doc_where(&doc, item),
                       "a rule is written {device: ..., hardware: ...}");
            return NULL;
        }
        if (trace_device_is(device, words))
            return hardware;
    }
    return NULL;
}
