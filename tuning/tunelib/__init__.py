"""The tuning of a host: what stands between it and low latency, changed and changed back.

Standard library only, Python 3.9 and later, no virtual environment. `tuning/tune` is the command.

The catalogue
    `catalogue/*.json`, one file a group, is the one source of audit, plan, apply, revert,
    documentation and tests. An entry says what it wants and why, never how: that is its `kind`.
    Kinds that change something are in `mechanisms.KINDS`; `report`, `app` and `never` change
    nothing, whatever happens. `catalogue.py` reads the files and refuses what it does not know.

    id        stable name, `N2`; also the order of rows
    tier      T0 safe anywhere; T1 latency, undone at run time; T2 only with a measured gain;
              X never done, with its reason
    kind      sysctl file coalesce channels feature ntuple rxfh irq cpuset unit cmdline dropin,
              or report app never
    set       what is wanted: key to text; keys are sysctls, paths, NIC options, IRQ names, units,
              kernel parameters or files, as the kind says
    accept    other values that are as good
    requires  conditions of the host; unmet means SKIP with the reason (`context.py`)
    stage     place in the order of application (`catalogue.STAGES`); revert runs backwards
    disruption  none, blip (traffic stops for a moment) or reboot
    deviation   what another value is called: fail, warn or info
    probe     name of a question in `probes.py`; watch: what it looks for
    compare   how values compare: text, choice (`[madvise]`), mask or cpulist
    pairs     sysctls that clear each other; then: commands after the files of a dropin;
              unit_property: the property of a unit
    title why risk four read write revert sources   words for people; `four` is what it means on
              four vCPUs, sources are keys of `catalogue/sources.json`

    Braces in keys and values are filled in from the host and its CPU plan: `{if}` `{driver}`
    `{nic}` `{housekeeping}` `{isolated}` `{shared}` `{hot_sibling}` `{queues}` `{venue}` `{c1_us}`
    and others (`context.py`). One that has no value here makes the entry SKIP with its reason.

Profiles
    `profiles/*.json`: which entries, with other values where the profile wants them, the receive
    mode of the gateway and the layout of interrupts that fits it (`profile.py`).

Documents and files
    `README.md` is rendered by `tune docs` from the catalogue, the profiles and `guide.txt`, which
    holds its prose; `files/` by `tune files` for an example host. Tests fail when they are stale.
"""
