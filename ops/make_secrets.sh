#!/usr/bin/env bash
# Make the secrets that docker compose mounts into its containers, in secrets/; what is there stays. Say which are for you to fill.
# Only their owner may enter the folder. The files are readable for everybody, since each container reads them as a user of its own.
set -euo pipefail
cd "${1:-"$(dirname "${BASH_SOURCE[0]}")/.."}"
umask 022
mkdir -p secrets
chmod 700 secrets
for name in secret_key postgres_password redis_password metrics_token grafana_password; do
    [[ -s secrets/$name ]] || head -c 48 /dev/urandom | base64 | tr -dc 'A-Za-z0-9' >"secrets/$name"
done
# A PagerDuty routing key, and an incoming webhook of the chat (docs/operating.md).
for name in pager_key chat_url; do
    [[ -s secrets/$name ]] || { : >"secrets/$name" && echo "secrets/$name is empty: no alert arrives there."; }
done
