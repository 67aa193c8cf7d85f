/* A kernel as a file (io/inputs/kernel_file.h has the format). */
#ifndef MOESIM_IO_RESULTS_KERNEL_FILE_WRITE_H
#define MOESIM_IO_RESULTS_KERNEL_FILE_WRITE_H

#include "base/outfile.h"
#include "hw/kernels/kernel.h"

void kernel_file_write(const struct kernel *k, struct outfile *f);

#endif
