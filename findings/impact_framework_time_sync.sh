#!/bin/bash
# Impact Framework 1.1.0 (npm @grnsft/if), builtin TimeSync, which lays measurements of energy and load on one grid of time: a minute
# of a GPU node that is busy to 50 % and takes 100 J in each of six observations of 10 s.
#
# Expected: energy is shared out and sums to 600 J, and what is averaged over time stays 50 % whatever the interval.
# Seen: 600 J, and 25 % with an interval of 2 s, 40 % with 5 s, 45 % with 10 s and 49.2 % with 60 s: it takes the mean of seconds, and
# adds all of them but the last before it divides by their number. With 1 s there is no mean, and 50 %.
# So utilisation, and what is computed from it further down (power by interpolation, energy, carbon), depends on the interval that
# somebody chose for a report: 500 W of power with 1 s are 312 W with 2 s and 425 W with 5 s.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @grnsft/if@1.1.0 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
# INTERVAL_S
manifest() {
    cat <<YAML
name: node
initialize:
  plugins:
    sync:
      method: TimeSync
      path: builtin
      config:
        start-time: '2026-01-01T00:00:00.000Z'
        end-time: '2026-01-01T00:01:00.000Z'
        interval: $1
        allow-padding: false
      parameter-metadata:
        inputs:
          energy: {unit: J, description: energy, aggregation-method: {time: sum, component: sum}}
          gpu/utilization: {unit: percent, description: busy, aggregation-method: {time: avg, component: avg}}
    power:
      method: Interpolation
      path: builtin
      config:
        method: linear
        x: [0, 10, 50, 100]
        y: [100, 200, 500, 700]
        input-parameter: gpu/utilization
        output-parameter: power
tree:
  children:
    node:
      pipeline:
        compute: [sync, power]
      inputs:
YAML
    for s in 00 10 20 30 40 50; do
        echo "        - {timestamp: '2026-01-01T00:00:$s.000Z', duration: 10, energy: 100, gpu/utilization: 50}"
    done
}
{
    echo "Impact Framework $(node -p 'require("@grnsft/if/package.json").version')"
    for interval in 1 2 5 10 60; do
        manifest $interval >node.yml
        npx if-run -m node.yml >out.yaml 2>if.log || { tail -n 5 if.log >&2; exit 2; }
        awk -v interval=$interval '/outputs:/ { on = 1 } on && /energy:/ { energy += $2 } on && /utilization:/ { busy = $2 } on && /power:/ { power = $2 }
            END { printf "interval %d s: %.0f J measured, busy %.1f %%, %.0f W\n", interval, energy, busy, power }' out.yaml
    done
} >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
Impact Framework 1.1.0
interval 1 s: 600 J measured, busy 50.0 %, 500 W
interval 2 s: 600 J measured, busy 25.0 %, 312 W
interval 5 s: 600 J measured, busy 40.0 %, 425 W
interval 10 s: 600 J measured, busy 45.0 %, 462 W
interval 60 s: 600 J measured, busy 49.2 %, 494 W
EXPECTED
