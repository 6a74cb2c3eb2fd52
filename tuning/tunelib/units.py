"""Units of systemd: the host's tuning, the gateway, what watches it, and the slice they share.

Owns: the text of each unit. Must not know: hosts, the catalogue. Invariants: the gateway's unit
has no option for which systemd filters system calls or packets, because that costs something on
every one of them; what guards the gateway does not end with it; a shutdown reverts nothing, since
what waits for the next boot would be lost.
"""

from __future__ import annotations

HOME = "/opt/whitewire"
TUNE = f"{HOME}/tuning/tune"
PROGRAM = f"{HOME}/bin/whitewire"
FOLDER = "etc/systemd/system"

TUNING = """\
[Unit]
Description=Host tuned for whitewire, profile {profile}
Documentation=file:{home}/tuning/README.md
ConditionPathExists={tune}
Wants=network-online.target whitewire.slice
After=network-online.target whitewire.slice irqbalance.service chrony.service chronyd.service

[Service]
Type=oneshot
RemainAfterExit=yes
# TUNE_OPTIONS: --interface IF, --venue ADDRESS
EnvironmentFile=-/etc/whitewire/tuning.env
# At boot nobody's session is cut where there is one card. While a gateway runs, what stops traffic
# is refused.
ExecStart={tune} apply --yes --allow-mgmt-iface --profile {profile} $TUNE_OPTIONS
ExecReload={tune} apply --yes --allow-mgmt-iface --profile {profile} $TUNE_OPTIONS
# A stop reverts, a shutdown does not: it would take away what waits for the next boot.
ExecStop=/bin/sh -c 'test "$$(systemctl is-system-running)" = stopping || \\
  exec {tune} revert'
TimeoutStartSec=120
ProtectHome=yes
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
"""

SLICE = """\
[Unit]
Description=CPUs of whitewire's gateways
Before=slices.target

[Slice]
{cpus}
"""

# What a gateway and its guards have in common: who they are, their keys, where they meet.
IDENTITY = """\
User=whitewire
# STRATEGY=my_module:MyStrategy, OPTIONS=--live; the keys that [red_button] names
EnvironmentFile=/etc/whitewire/%i.env
# [account] key_credential = "key", secret_credential = "secret"
LoadCredential=key:/etc/whitewire/%i.key
LoadCredential=secret:/etc/whitewire/%i.secret
# [journal] path = "/var/lib/whitewire/%i"
StateDirectory=whitewire/%i
StateDirectoryMode=0700
# Signs of life and shared limits: gateways and guards meet here, and nobody's end removes it.
RuntimeDirectory=whitewire
RuntimeDirectoryPreserve=yes
Environment=XDG_RUNTIME_DIR=%t/whitewire
WorkingDirectory={home}
SyslogIdentifier=%p-%i
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
ProtectControlGroups=yes
PrivateTmp=yes
KeyringMode=private
"""

# Each of these filters every system call of its process, so the gateway has none of them.
FILTERS = """\
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectClock=yes
ProtectHostname=yes
PrivateDevices=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native
"""

GATEWAY = """\
[Unit]
Description=whitewire, a gateway for WhiteBIT (%i)
Documentation=file:{home}/tuning/README.md
Wants=network-online.target whitewire-tuning.service whitewire-watchdog@%i.service
After=network-online.target time-sync.target whitewire-tuning.service
# A crash loop ends in a stop.
StartLimitIntervalSec=300
StartLimitBurst=3

[Service]
Type=notify
# What the host lacks is reported; it must not keep a gateway from coming back.
ExecStartPre=-{tune} check --profile {profile}
ExecStart={program} run $STRATEGY --config /etc/whitewire/%i.toml $OPTIONS
{identity}Slice=whitewire.slice
# No CPUAffinity, which would be one mask for all threads: [process] gives each its own.
# No CPUQuota: what throttles stops for 10 ms and more.
LimitMEMLOCK=infinity
LimitNOFILE=65536
MemorySwapMax=0
OOMScoreAdjust=-900
# Would count every packet.
IPAccounting=no
# It beats every 50 ms; whitewire-watchdog acts after watchdog.act_ms, this is behind it.
WatchdogSec=5
# Several accounts wait for each other for up to 120 s.
TimeoutStartSec=180
# It cancels and verifies for up to 10 s.
TimeoutStopSec=30
Restart=on-failure
RestartSec=2
# 2 is usage or configuration, which no restart corrects.
RestartPreventExitStatus=2

[Install]
WantedBy=multi-user.target
"""

# Not bound to the gateway: it has to outlive it.
WATCHDOG = """\
[Unit]
Description=whitewire watchdog: presses the red button when gateway %i falls silent
Documentation=file:{home}/tuning/README.md
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={program} watchdog --config /etc/whitewire/%i.toml --stay
{identity}{filters}LimitNOFILE=65536
OOMScoreAdjust=-900
# An act gives no sign for up to twice red_button.deadline_s.
WatchdogSec=60
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""

CANCEL_ALL = """\
[Unit]
Description=whitewire red button: cancels every order of %i
Documentation=file:{home}/tuning/README.md

[Service]
Type=oneshot
ExecStart={program} cancel-all --config /etc/whitewire/%i.toml
{identity}{filters}"""

# A card that was taken away and came back, as after a device reset: everything about it is anew.
UDEV = """\
ACTION=="add|change", SUBSYSTEM=="net", DRIVERS=="ena", \\
  RUN+="/usr/bin/systemctl --no-block try-reload-or-restart whitewire-tuning.service"
"""


def render(profile: str, isolated: str) -> dict[str, str]:
    """Every unit by its path below the root.

    Args:
        profile: what the host is tuned to.
        isolated: CPUs of the slice's partition; empty where it has none.
    """
    values = {"home": HOME, "tune": TUNE, "program": PROGRAM, "profile": profile}
    values["identity"] = IDENTITY.format(**values)
    values["filters"] = FILTERS
    values["cpus"] = (
        f"# The partition that tune makes of them (C1) is isolated.\nAllowedCPUs={isolated}"
        if isolated
        else "# No partition on this host (C1): the gateway pins its threads among all CPUs."
    )
    units = {
        "whitewire-tuning.service": TUNING,
        "whitewire.slice": SLICE,
        "whitewire@.service": GATEWAY,
        "whitewire-watchdog@.service": WATCHDOG,
        "whitewire-cancel-all@.service": CANCEL_ALL,
    }
    return {f"{FOLDER}/{name}": text.format(**values) for name, text in units.items()}
