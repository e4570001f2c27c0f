#!/bin/bash
# Train on a SLURM cluster, as often as the job's time runs out:
#
#     sbatch --nodes 2 --ntasks-per-node 8 --gpus-per-node 8 --time 24:00:00 --array 1-30%1 \
#         scripts/slurm.sh DATA --arch deepnet_mt_36 --save-dir checkpoints ...
#
# with the options of fairseq-train. One task a GPU. Each job of the array goes on where the one before it has stopped:
# 180 seconds before its time is over SLURM sends SIGUSR1, the training saves and leaves. Once it is over, or refuses its
# options, the jobs that still wait are cancelled.
#SBATCH --job-name=mtdeep
#SBATCH --signal=USR1@180
#SBATCH --open-mode=append
#SBATCH --output=%x-%A.log
set -uo pipefail

export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-1}"
export SRUN_CPUS_PER_TASK="$OMP_NUM_THREADS"  # srun does not take it over from the job
srun --kill-on-bad-exit=0 fairseq-train "$@"  # a process that is lost ends the others itself, and says so
code=$?
if [[ $code -eq 0 || $code -eq 2 ]] && [[ -n "${SLURM_ARRAY_JOB_ID:-}" ]]; then
    scancel --state=PENDING "$SLURM_ARRAY_JOB_ID"
fi
exit $code
