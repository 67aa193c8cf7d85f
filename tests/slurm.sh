#!/bin/bash
# A sweep through a real Slurm: one node on loopback, with a munge, slurmctld and slurmd of our own. A task is killed
# in the middle, is requeued and goes on; the merged result is the bytes of one machine. Skipped where Slurm is not
# installed (Debian: slurm-wlm and munge). TAP.
. "$srcdir/tests/cli.sh" || exit 1
PATH=$PATH:/usr/sbin:/sbin
T=$srcdir/tests/data/sweep_bound.yaml
submit=$srcdir/contrib/slurm/moesim-slurm

stop_slurm() {
    for daemon in slurmd slurmctld munge; do
        [ -s "$work/$daemon.pid" ] && kill "$(cat "$work/$daemon.pid")" 2>/dev/null
    done
}
trap 'stop_slurm; cd /; sleep 0.2; chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
no_slurm() { # REASON
    skip "a sweep through Slurm" "$1"
    finish
}
for program in munged slurmctld slurmd sbatch squeue scontrol sinfo; do
    command -v $program >/dev/null || no_slurm "there is no $program; Debian's packages slurm-wlm and munge have it"
done

# --- one node -------------------------------------------------------------------------------------------------------
chmod 755 "$work"
mkdir state spool
head -c 1024 /dev/urandom >munge.key && chmod 400 munge.key
port=$((20000 + $$ % 20000)) host=$(hostname -s)
cat >slurm.conf <<EOF
ClusterName=moesim
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$work/munge.sock
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=bf_interval=1,sched_min_interval=0,batch_sched_delay=0
SlurmdParameters=config_overrides
KillWait=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
EOF
export SLURM_CONF=$work/slurm.conf
munged --force --key-file="$work/munge.key" --socket="$work/munge.sock" --pid-file="$work/munge.pid" \
    --log-file="$work/munge.log" --seed-file="$work/munge.seed" >start.log 2>&1 ||
    no_slurm "munged does not start: $(tail -n 1 start.log)"
{ slurmctld -c -i && slurmd; } >>start.log 2>&1 || no_slurm "Slurm does not start: $(tail -n 1 start.log)"
up=
for try in $(seq 50); do
    [ "$(sinfo -h -o %t 2>/dev/null)" = idle ] && up=yes && break
    sleep 0.1
done
[ -n "$up" ] || no_slurm "the node does not come up: $(tail -n 1 slurmctld.log slurmd.log | tr '\n' ' ')"

# --- a sweep of three shards, one killed --------------------------------------------------------------------------
wait_for() { # SECONDS COMMAND...: until it succeeds
    local tries=$(($1 * 20))
    shift
    while [ $tries -gt 0 ]; do
        "$@" && return 0
        sleep 0.05
        tries=$((tries - 1))
    done
    return 1
}
has_begun() { [ "$(stat -c %s result.sqlite.shards/shard-2.sqlite.part-wal 2>/dev/null || echo 0)" -gt 100000 ]; }
is_requeued() { squeue -h -r -t PENDING -o %i | grep -q "_2$"; }
all_gone() { # a controller that is too busy to answer does not say that the queue is empty
    local left
    left=$(squeue -h -r -o %i 2>/dev/null) && [ -z "$left" ]
}
sweep=("$T" -s cluster.nodes=2 -a 'cluster.nic.bandwidth=100..400 Gb/s lin 100' -a tpot.copies=4,20)
expect 1 "on one machine" sweep "${sweep[@]}" -o whole.sqlite
check "moesim-slurm submits" "$submit" -o result.sqlite -n 3 -c 1 -- "${sweep[@]}"
check "the second shard has begun" wait_for 20 has_begun
victim=$(pgrep -f "moesim sweep .*--shard 2/3 .*$work" | head -n 1)
check "it is killed" kill -9 "$victim"
check "Slurm requeues it" wait_for 20 is_requeued
task=$(squeue -h -r -t PENDING -o %i | grep "_2$")
# Slurm would let it wait for two minutes. Not at once: a slurmd takes no job again in the second it was killed in.
scontrol update JobId="$task" StartTime=now+2
check "all jobs end" wait_for 60 all_gone
check "the result is there" [ -s result.sqlite ]
check "it is the bytes of one machine" cmp result.sqlite whole.sqlite
check "the killed task went on where it was" grep -q ' [1-9][0-9]* done before' result.sqlite.shards/shard-2.log
check "submitted again, all shards are there" "$submit" -w -o result.sqlite -n 3 -c 1 -- "${sweep[@]}"
check "they are" grep -q "the result is complete already" result.sqlite.shards/shard-1.log
check "a mistake is told at once" bash -c '! "$@" 2>err' - "$submit" -o r.sqlite -- "$T" -a tpot.token=1
tells "did you mean 'tpot.tokens'?"
finish
