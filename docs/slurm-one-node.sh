#!/bin/sh
# Makes this Debian machine a Slurm cluster of one node, to try a job array on. Run it as root, in a container or a machine
# that may be thrown away: it writes /etc/slurm/slurm.conf.
set -eu

apt-get install -y --no-install-recommends slurm-wlm

# what this machine has: NodeName, CPUs, RealMemory...
node=$(slurmd -C | head -n 1)
name=$(hostname -s)
cat > /etc/slurm/slurm.conf <<CONF
ClusterName=one
SlurmctldHost=$name
SlurmUser=slurm
StateSaveLocation=/var/lib/slurm/slurmctld
SlurmdSpoolDir=/var/lib/slurm/slurmd
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
# process groups, as a container may not make control groups
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
$node State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
mkdir -p /var/lib/slurm/slurmctld /var/lib/slurm/slurmd /var/log/slurm /run/munge
chown slurm: /var/lib/slurm/slurmctld /var/log/slurm
chown munge: /run/munge

# without systemd, as in a container
runuser -u munge -- munged
slurmctld
slurmd
scontrol show config | grep -E '^(ClusterName|SLURM_VERSION)'
sinfo
