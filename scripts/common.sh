# Helpers of the scripts beside this file; sourced, not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
skips=target/skipped
second_attempts=target/second-attempts

say() { printf '== %s\n' "$*"; }

# skip PART REASON: told at the end, and a failure in CI.
skip() {
  printf 'SKIPPED %s: %s\n' "$1" "$2" >&2
  mkdir -p target
  printf '%s: %s\n' "$1" "$2" >>"$skips"
  if [ "${CI:-}" = true ]; then
    echo 'In CI nothing may be skipped.' >&2
    exit 1
  fi
}

# install_package COMMAND PACKAGE: with apt, where this user may.
install_package() {
  command -v "$1" >/dev/null && return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing $2"
    apt-get install --yes --no-install-recommends "$2" >/dev/null 2>&1 ||
      { apt-get update >/dev/null 2>&1 && apt-get install --yes --no-install-recommends "$2" >/dev/null 2>&1; } || true
  fi
  command -v "$1" >/dev/null
}
