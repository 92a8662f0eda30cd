#!/bin/sh
# Starts the edge in its container: where it is to be on a tailnet, a tailscaled first, which joins with the key in the
# file that TS_AUTHKEY names; then the edge, which reaches its pods through it. A signal goes to the edge; when that has
# ended, tailscaled is ended too. A tailscaled that dies is started again, and is the same node.
# All of it runs as one user. Where the container starts as root, this script becomes that user before it touches anything
# that the user may write, and keeps CAP_NET_ADMIN, if it is there, for a tailscaled with a kernel device.
# With "health" as argument: whether the edge is ready. Settings: docs/operations.md, "The edge in a container".
set -eu

home=$(cd "$(dirname "$0")/../.." && pwd)
: "${EDGE_RUNTIME:=deno}" "${EDGE_DATA_DIR:=/var/lib/comfyfleet/edge}" "${EDGE_LISTEN:=0.0.0.0:8080}"
: "${TS_STATE_DIR:=/var/lib/comfyfleet/tailnet}" "${TS_RUN_DIR:=/run/comfyfleet}" "${TAILSCALED:=tailscaled}"
export EDGE_DATA_DIR EDGE_LISTEN
secrets=${EDGE_SECRETS_DIR:-/run/secrets}
# "setsid" where a Ctrl-C at the container's terminal must reach the edge through this shell alone: two of them end it hard.
session=
# Who all is where the container starts as root; empty: root.
user=${EDGE_USER-comfyfleet}
state=$TS_STATE_DIR/tailscaled.state
joined=$TS_STATE_DIR/joined
# There from the first signal on. A process that was forked just before may miss the signal: it looks here first.
ending=$TS_RUN_DIR/ending

say() {
  printf '%s\n' "entrypoint: $*" >&2
}

stop_if_ending() {
  if [ -e "$ending" ]; then exit 143; fi
}

# In the place of this shell.
without_rights() {
  exec setpriv --inh-caps=-all --ambient-caps=-all --no-new-privs -- "$@"
}

# CAP_NET_ADMIN is bit 12.
has_net_admin() {
  caps=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
  [ $((0x${caps:-0} >> 12 & 1)) = 1 ]
}

as_daemon() {
  if [ "$tun" = userspace-networking ]; then without_rights "$@"; fi
  exec "$@"
}

# Made by another user, as far as it is there.
refuse() {
  say "Cannot use $1: it and what it holds must belong to uid $(id -u)."
  exit 1
}

# Makes the folder, or ends: one that may not be looked into would be taken for an empty one.
own_folder() {
  (umask 077 && mkdir -p "$1") || refuse "$1"
  if [ ! -r "$1" ] || [ ! -w "$1" ] || [ ! -x "$1" ]; then refuse "$1"; fi
}

# Nothing of the environment but what contracts/tailnet/daemon.ts lets through. A tailscaled that does not end when it is
# told to is killed after five seconds.
run_daemon() {
  stop_if_ending
  set -- --tun="$tun" --state="$state" --statedir="$TS_STATE_DIR" --socket="$socket" --port="${TS_PORT:-41641}" \
    --no-logs-no-support
  IFS='
'
  set -f
  # shellcheck disable=SC2046
  as_daemon env -i $(env | grep -E '^(PATH|HOME|SSL_CERT_FILE|SSL_CERT_DIR|TS_(DEBUG|ASSUME)_[A-Z0-9_]+)=') \
    TS_NO_LOGS_NO_SUPPORT=1 TS_NETSTACK_KEEPALIVE_IDLE=60s TS_NETSTACK_KEEPALIVE_INTERVAL=15s \
    timeout --kill-after=5 0 "$TAILSCALED" "$@"
}

# Runs in the background. Gives up when it ends six times in a row within three seconds of its start.
keep_daemon() {
  quick=0 daemon=''
  trap 'heard=1; kill -TERM "$daemon" 2>/dev/null || :' TERM
  while [ ! -e "$ending" ]; do
    began=$(date +%s)
    run_daemon &
    daemon=$!
    # A signal may have come before there was somebody to pass it on to.
    if [ -e "$ending" ]; then kill -TERM "$daemon" 2>/dev/null || :; fi
    await "$daemon"
    if [ -e "$ending" ]; then return; fi
    if [ $(($(date +%s) - began)) -lt 3 ]; then quick=$((quick + 1)); else quick=0; fi
    if [ "$quick" -ge 6 ]; then
      say "tailscaled ended $quick times in a row (exit code $code): giving up"
      kill -USR1 $$
      return
    fi
    say "tailscaled ended (exit code $code); starting it again"
    sleep "$((quick / 2)).2"
  done
}

# The exit code of a child, whatever signals come meanwhile.
await() {
  while :; do
    heard='' code=0
    wait "$1" || code=$?
    if [ -z "$heard" ]; then return; fi
  done
}

# What was started last takes the signals from now on.
follow() {
  child=$!
  if [ -e "$ending" ]; then kill -TERM "$child" 2>/dev/null || :; fi
  await "$child"
  child=''
}

pass_on() {
  heard=1
  (: >"$ending") || :
  if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null || :; fi
}

leave() {
  (: >"$ending") || :
  kill -TERM "$keeper" 2>/dev/null || :
  left=$1
  await "$keeper"
  if [ -n "$gave_up" ]; then exit 1; fi
  exit "$left"
}

run_join() {
  stop_if_ending
  without_rights "${NODE:-node}" "$home/cli/main.ts" tailnet join --socket "$socket" --timeout "${TS_JOIN_SECONDS:-$patience}" >&2
}

run_edge() {
  stop_if_ending
  unset TS_AUTHKEY
  # shellcheck disable=SC2086
  if [ "$EDGE_RUNTIME" = node ]; then without_rights $session "${NODE:-node}" "$home/proxy/main.node.ts"; fi
  open=$EDGE_DATA_DIR${TS_SOCKET:+,$TS_SOCKET}
  set --
  while IFS= read -r flag; do
    case $flag in
      *read='{dataDir}') flag="${flag%%=*}=$open,$secrets" ;;
      *'{dataDir}') flag="${flag%%=*}=$open" ;;
    esac
    set -- "$@" "$flag"
  done <<FLAGS
$(sed -n 's/^ *"\(--[^"]*\)",\{0,1\}$/\1/p' "$home/proxy/deno-flags.json")
FLAGS
  # shellcheck disable=SC2086
  without_rights $session "${DENO:-deno}" run "$@" "$home/proxy/main.deno.ts"
}

if [ "$(id -u)" = 0 ] && [ -n "$user" ] && [ "$(id -u "$user")" != 0 ]; then
  kept=-all
  if has_net_admin; then kept=-all,+net_admin; fi
  HOME=$(getent passwd "$user" | cut -d: -f6)
  export HOME
  exec setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups --inh-caps="$kept" --ambient-caps="$kept" \
    --no-new-privs -- /bin/sh "$0" "$@"
fi

if [ "${1:-}" = health ]; then
  case $EDGE_LISTEN in
    0.0.0.0:* | '[::]:'*) at=127.0.0.1:${EDGE_LISTEN##*:} ;;
    *) at=$EDGE_LISTEN ;;
  esac
  exec "${NODE:-node}" -e 'fetch(process.argv[1], { signal: AbortSignal.timeout(5_000) })
    .then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))' "http://$at/readyz"
fi

own_folder "$EDGE_DATA_DIR"
rm -f "$ending"
if [ -n "${TS_SOCKET:-}" ]; then run_edge; fi
own_folder "$TS_STATE_DIR"
if [ -e "$state" ] && [ ! -r "$state" ]; then refuse "$state"; fi
if [ -z "${TS_AUTHKEY:-}" ] && [ ! -e "$joined" ]; then run_edge; fi

if [ -z "${TS_TUN:-}" ]; then
  if has_net_admin && (: <>/dev/net/tun) 2>/dev/null; then tun=tailscale0; else tun=userspace-networking; fi
else
  tun=$TS_TUN
fi
socket=$TS_RUN_DIR/tailscaled.sock
own_folder "$TS_RUN_DIR"

session=setsid child='' gave_up=''
trap pass_on TERM INT
trap 'gave_up=1; pass_on' USR1
say "starting tailscaled ($tun)"
keep_daemon &
keeper=$!

# A node that has joined before waits for its control server in the background: jobs are taken meanwhile.
if [ -e "$joined" ]; then patience=10; else patience=60; fi
run_join &
follow
if [ "$code" = 0 ]; then
  (: >"$joined") || leave 1
elif [ -e "$ending" ] || [ "$code" != 6 ] || [ ! -e "$joined" ]; then
  leave "$code"
else
  say "starting the edge without its pods; they come when tailscaled has reached its control server"
fi

export TS_SOCKET="$socket"
run_edge &
follow
leave "$code"
