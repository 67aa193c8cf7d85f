#include "base/build_id.h"

const char *build_commit = "";
