# Helpers of the scripts beside this file; sourced, not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
skips=$PWD/target/skipped
second_attempts=$PWD/target/second-attempts

say() { printf '== %s\n' "$*"; }

# skip PART REASON: told at the end, and a failure in CI.
skip() {
  printf 'SKIPPED %s: %s\n' "$1" "$2" >&2
  mkdir -p "$(dirname "$skips")"
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

# npm_packages FOLDER: installs the packages of its lockfile, when they are not there.
npm_packages() {
  local stamp="$1/node_modules/.installed-from" sums
  sums=$(cat "$1/package.json" "$1/package-lock.json" | cksum)
  if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$sums" ]; then
    say "installing the packages of $1"
    export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
    # A registry that lacks packages of other platforms makes `npm ci` fail; every version is exact in package.json.
    (cd "$1" && npm ci --no-audit --no-fund --loglevel=silent) ||
      (say 'not exactly as in the lockfile: packages of other platforms are missing' && cd "$1" && npm install --no-package-lock --no-audit --no-fund --loglevel=error) || return 1
    echo "$sums" >"$stamp"
  fi
}
