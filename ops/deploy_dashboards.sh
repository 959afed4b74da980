#!/usr/bin/env bash
# Push the dashboards of ops/grafana to a Grafana, over what is there, and print their addresses.
#   GRAFANA_URL=https://grafana.example.org GRAFANA_TOKEN_FILE=token ops/deploy_dashboards.sh [--dry-run]
# The token is a service account's with the role Editor: GRAFANA_TOKEN, or a file that holds it (GRAFANA_TOKEN_FILE).
# GRAFANA_FOLDER is the uid of a folder; without it they go to the general one. Needs curl and jq.
set -euo pipefail

fail() {
    echo "$1" >&2
    exit "${2:-1}"
}

token() {
    if [[ -n "${GRAFANA_TOKEN_FILE:-}" ]]; then
        cat "$GRAFANA_TOKEN_FILE"
    else
        printf '%s' "${GRAFANA_TOKEN:-}"
    fi
}

payload() {
    jq --compact-output --arg folder "${GRAFANA_FOLDER:-}" \
        '{dashboard: ., overwrite: true, message: "ops/grafana"} + (if $folder == "" then {} else {folderUid: $folder} end)' "$1"
}

# The header comes from a file descriptor: what stands on a command line, every user of the machine can read.
push() {
    curl --silent --show-error --fail-with-body --max-time 30 --request POST --data-binary @- \
        --header 'Content-Type: application/json' --header @<(printf 'Authorization: Bearer %s\n' "$(token)") \
        "${GRAFANA_URL%/}/api/dashboards/db"
}

dry_run=false
case "${1:-}" in
    "") ;;
    --dry-run) dry_run=true ;;
    *) fail "usage: $0 [--dry-run]" 2 ;;
esac
[[ -n "${GRAFANA_URL:-}" ]] || fail "GRAFANA_URL is not set." 2
[[ -n "$(token)" ]] || fail "Neither GRAFANA_TOKEN nor GRAFANA_TOKEN_FILE holds a token." 2

cd "$(dirname "${BASH_SOURCE[0]}")/grafana"
for file in *.json; do
    uid=$(jq --raw-output .uid "$file")
    if "$dry_run"; then
        payload "$file" >/dev/null
        echo "would push $uid ($(jq '.panels | length' "$file") panels)"
        continue
    fi
    answer=$(payload "$file" | push) || fail "$uid was refused: $answer"
    echo "$uid ${GRAFANA_URL%/}$(jq --raw-output .url <<<"$answer")"
done
