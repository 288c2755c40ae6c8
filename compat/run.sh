#!/usr/bin/env bash
# The official Socket.IO clients, unmodified, against the real program. SEMEL_BIN names a program that is built already.
# Node and Python packages are installed when they are missing or not those of the lockfiles. A part that cannot run is
# skipped with a printed reason; with CI=true that is a failure.
#   compat/run.sh [js|cluster|auth|api|python]...
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
skipped=()

skip() {
  printf 'SKIPPED compat-%s: %s\n' "$1" "$2" >&2
  skipped+=("compat-$1: $2")
}

# is_installed STAMP FILE...: whether the stamp is of these very files.
is_installed() {
  [ -f "$1" ] && [ "$(cat "$1")" = "$(sums "${@:2}")" ]
}

sums() {
  cat "$@" | cksum
}

# node_packages PART: whether Node is there and a part's packages are installed.
node_packages() {
  local major stamp="$here/$1/node_modules/.installed-from"
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    skip "$1" 'Node 20 or newer with npm is needed'
    return 1
  fi
  major=$(node -p 'process.versions.node.split(".")[0]')
  if [ "$major" -lt 20 ]; then
    skip "$1" "Node 20 or newer is needed, this is $major"
    return 1
  fi
  cd "$here/$1"
  if ! is_installed "$stamp" package.json package-lock.json; then
    if ! npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; then
      skip "$1" 'npm ci failed'
      return 1
    fi
    sums package.json package-lock.json >"$stamp"
  fi
}

run_js() {
  node_packages js || return 0
  echo '== JavaScript client and raw protocol'
  node --test --test-concurrency="${COMPAT_JOBS:-2}" test/*.test.mjs
}

run_cluster() {
  local program
  for program in redis-server haproxy psql; do
    if ! command -v "$program" >/dev/null; then
      skip cluster "$program is not installed"
      return
    fi
  done
  node_packages js || return 0
  (cd "$root" && cargo build --locked --package semel-testkit --bin cluster)
  echo '== JavaScript client, several servers behind a balancer'
  SEMEL_CLUSTER_BIN=$root/target/debug/cluster node --test cluster/*.test.mjs
}

run_auth() {
  node_packages auth || return 0
  echo '== signing in with a mail server and an OpenID provider'
  node --test --test-concurrency="${COMPAT_JOBS:-2}" test/*.test.mjs
}

# python_packages PART: whether Python is there and a part's packages are installed, in an environment of its own.
python_packages() {
  local environment="$here/$1/.venv"
  local stamp="$environment/.installed-from"
  if ! command -v python3 >/dev/null; then
    skip "$1" 'Python 3.10 or newer is needed'
    return 1
  fi
  if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    skip "$1" "Python 3.10 or newer is needed, this is $(python3 --version)"
    return 1
  fi
  cd "$here/$1"
  if ! is_installed "$stamp" requirements.txt; then
    rm -rf "$environment"
    if ! python3 -m venv "$environment" ||
      ! "$environment/bin/pip" install --quiet --disable-pip-version-check --requirement requirements.txt; then
      skip "$1" 'the virtual environment could not be made'
      return 1
    fi
    sums requirements.txt >"$stamp"
  fi
}

run_python() {
  python_packages python || return 0
  echo '== Python client'
  .venv/bin/python -W error::ResourceWarning -m unittest -v test_client
}

run_api() {
  python_packages api || return 0
  echo '== every call of the OpenAPI document, with data made from it'
  .venv/bin/python -W error::ResourceWarning -m unittest -v test_api
}

if [ -z "${SEMEL_BIN:-}" ]; then
  (cd "$root" && cargo build --locked --package semel-cli)
  SEMEL_BIN=$root/target/debug/semel
fi
SEMEL_BIN=$(realpath "$SEMEL_BIN")
export SEMEL_BIN

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(js cluster auth api python)
for part in "${parts[@]}"; do
  "run_$part"
done

if [ ${#skipped[@]} -gt 0 ]; then
  # `make test` prints this list at its end.
  mkdir -p "$root/target"
  printf '%s\n' "${skipped[@]}" >>"$root/target/skipped"
  if [ "${CI:-}" = true ]; then
    echo 'In CI nothing may be skipped.' >&2
    exit 1
  fi
fi
