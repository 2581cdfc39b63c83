#!/bin/sh
# launch.sh [ARGUMENT ...]: finds a Node that dist/index.js can run on, and becomes it.
# Becomes, because the runner signals one process: a shell in between would die of it and leave Node behind, moving weights.
set -u

need="22.19"
here=$(dirname "$0")

suits() {
  version=$("$1" --version 2>/dev/null) || return 1
  version=${version#v}
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  [ "$major" -gt "${need%.*}" ] || { [ "$major" -eq "${need%.*}" ] && [ "$minor" -ge "${need#*.}" ]; }
} 2>/dev/null

# The runner's own folder: its worker is our parent, and its work folder lies in it unless somebody moved it.
worker=$(readlink "/proc/$PPID/exe" 2>/dev/null)
runner=${worker%/bin/*}
work=$(dirname "${RUNNER_TEMP:-/nowhere/work/temp}")

# Where everybody may write, what lies beside the work folder may be anybody's: /tmp/externals beside /tmp/_work.
beside=$(dirname "$work")
case $(ls -ld "$beside" 2>/dev/null) in d???????w*) beside="/nowhere" ;; esac

# What is on the PATH, the tool cache that setup-node fills, and the runner's own (/__e in a container).
for node in \
  "$(command -v node)" \
  "${RUNNER_TOOL_CACHE:-/nowhere}"/node/*/*/bin/node \
  "${runner:-/nowhere}"/externals/node*/bin/node \
  "$beside"/externals/node*/bin/node \
  /__e/node*/bin/node; do
  if [ -x "$node" ] && suits "$node"; then
    exec "$node" "$here/dist/index.js" "$@"
  fi
done

found=$(node --version 2>/dev/null) || found="none"
case "$found" in *[!a-z0-9.-]*) found="another program" ;; esac # its words could be commands to the runner
message="Istio Canary needs Node $need or newer, and this machine has none: on the PATH it is $found, and neither the runner's tool cache nor its own folder has another. Add a step before this one: uses: actions/setup-node, with: node-version: 24. Nothing was changed."
if [ "${GITHUB_ACTIONS:-}" = "true" ]; then echo "::error title=Istio Canary::$message"; else echo "$message" >&2; fi
if [ -n "${GITHUB_OUTPUT:-}" ]; then echo "refused=true" >>"$GITHUB_OUTPUT"; fi
exit 2
