/* Each row is the same step simulated again with one change: to the step, its chunks as they are; or to the hardware,
 * chunks simulated anew. */
#include "kinds/train/train_what_if.h"

#include "kinds/result_build.h"

static const struct train_variant of_step[] = {
    {.name = "exchanges of experts take no time", .no_exchange = true},
    {.name = "tensor and context parallelism take no time", .no_tensor = true},
    {.name = "every GPU computes like the mean", .alike = true},
    {.name = "messages between pipeline ranks take no time", .instant = true},
    {.name = "gradients, optimizer, parameters and host take no time", .no_sync = true},
    {.name = "the host takes no time", .no_host = true},
};

static void double_tensor(struct cluster_hw *hw)
{
    hw->chip.bf16_flops *= 2;
    hw->chip.fp8_flops *= 2;
}

static void double_memory(struct cluster_hw *hw)
{
    hw->chip.memory_Bps *= 2;
}

static void double_nvlink(struct cluster_hw *hw)
{
    hw->node.nvlink_Bps *= 2;
}

static void double_nic(struct cluster_hw *hw)
{
    hw->nic.bandwidth_Bps *= 2;
    hw->network.port_Bps *= 2;
    hw->node.pcie_Bps *= 2;
}

static const struct {
    const char *name;
    void (*change)(struct cluster_hw *hw);
} of_hardware[] = {
    {"tensor cores x 2", double_tensor},
    {"memory bandwidth x 2", double_memory},
    {"NVLink bandwidth x 2", double_nvlink},
    {"NIC, port and PCIe bandwidth x 2", double_nic},
};

enum { N_STEP = sizeof of_step / sizeof *of_step, N_HARDWARE = sizeof of_hardware / sizeof *of_hardware };

enum { IF_WHAT, IF_STEP, IF_GAIN, N_IF };
static const struct result_column columns[N_IF] = {
    {"change", DIM_COUNT, "one thing at a time", true},
    {"step", DIM_TIME, "", false},
    {"gain", DIM_RATIO, "of speed over the first row", false},
};

static void add_row(struct result_table *t, const char *what, double step_s, double base_s)
{
    struct result_cell *row = result_add_row(t);
    row[IF_WHAT].text = what;
    row[IF_STEP].value = step_s;
    row[IF_GAIN].value = base_s / step_s - 1;
}

static int simulate(struct kind_run *changed, double *step_s, struct diag *diag)
{
    static const struct train_variant real = {.name = "as it is"};
    struct train_plan plan;
    struct train_times times;
    struct train_outcome out;
    if (train_plan_open(changed, &plan, diag) || train_times_measure(changed, &plan, &times, diag) ||
        train_run(changed, &plan, &times, 0, &real, &out, diag))
        return -1;
    *step_s = out.step_s;
    return 0;
}

/* All of it simulated on other hardware, which is the scenario's meanwhile: kinds' keys are found by its address. */
static int run_changed(const struct kind_run *run, void (*change)(struct cluster_hw *), double *step_s,
                       struct diag *diag)
{
    struct cluster_hw *hw = &run->file->scenario->cluster, kept = *hw;
    struct kind_run changed = {.file = run->file, .arena = run->arena, .seed_offset = run->seed_offset};
    change(hw);
    diag_mute_warnings(diag, true); /* of a NIC twice as fast as its port, say */
    int failed = simulate(&changed, step_s, diag);
    diag_mute_warnings(diag, false);
    kind_run_free(&changed);
    *hw = kept;
    return failed;
}

static int add_steps(struct kind_run *run, const struct train_plan *plan, const struct train_times *times,
                     double base_s, struct result_table *t, struct diag *diag)
{
    for (int i = 0; i < N_STEP; i++) {
        struct train_outcome out;
        if (train_run(run, plan, times, 0, &of_step[i], &out, diag))
            return -1;
        add_row(t, of_step[i].name, out.step_s, base_s);
    }
    return 0;
}

static int add_hardware(const struct kind_run *run, double base_s, struct result_table *t, struct diag *diag)
{
    for (int i = 0; i < N_HARDWARE; i++) {
        double step_s;
        if (run_changed(run, of_hardware[i].change, &step_s, diag))
            return -1;
        add_row(t, of_hardware[i].name, step_s, base_s);
    }
    return 0;
}

/* What a timeline shows. */
static int as_it_was(struct kind_run *run, const struct train_plan *plan, const struct train_times *times,
                     struct diag *diag)
{
    static const struct train_variant real = {.name = "as it is"};
    struct train_outcome out;
    return train_run(run, plan, times, 0, &real, &out, diag);
}

int train_what_if(struct kind_run *run, const struct train_plan *plan, const struct train_times *times,
                  const struct train_outcome *real, struct diag *diag)
{
    int want = plan->layout.cfg->what_if;
    if (want == WHAT_IF_NONE)
        return 0;
    struct result_table *t = result_add_table(&run->result, run->arena, "what_if", "how much one thing more would help",
                                              columns, N_IF, 2 + N_STEP + N_HARDWARE);
    struct train_variant nic = {.name = "NICs between groups x 2", .nic_ratio = 2};
    struct train_outcome out;
    add_row(t, "as it is", real->step_s, real->step_s);
    if (add_steps(run, plan, times, real->step_s, t, diag))
        return -1;
    if (want == WHAT_IF_STEP && real->folded) {
        if (train_run(run, plan, times, 0, &nic, &out, diag))
            return -1;
        add_row(t, nic.name, out.step_s, real->step_s);
    }
    if (want == WHAT_IF_HARDWARE && add_hardware(run, real->step_s, t, diag))
        return -1;
    return as_it_was(run, plan, times, diag);
}
