#!/bin/sh
# Called by TuneD: what its own plugins cannot do.
set -eu
case "${1:-}" in
start)
    /opt/whitewire/tuning/tune apply --yes --allow-mgmt-iface --beside-tuned --profile latency --only \
        I1 N10 N12 I3 C1 C2 C8 T1
    ;;
stop) # at a shutdown too, and then what waits for the next boot must stay
    if [ "${2:-}" = full_rollback ]; then
        /opt/whitewire/tuning/tune revert --only \
            I1 N10 N12 I3 C1 C2 C8 T1
    fi
    ;;
verify) /opt/whitewire/tuning/tune check --profile latency ;;
esac
