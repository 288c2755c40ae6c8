#!/usr/bin/env bash
# The official Socket.IO clients, unmodified, against the real program. SEMEL_BIN names a program that is built already.
# Node and Python packages are installed when they are missing or not those of the lockfiles. A part that cannot run is
# skipped with a printed reason; with CI=true that is a failure.
#   compat/run.sh [js|cluster|auth|api|python]...
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/common.sh"
root=$PWD
here=$root/compat

# is_installed STAMP FILE...: whether the stamp is of these very files.
is_installed() {
  [ -f "$1" ] && [ "$(cat "$1")" = "$(sums "${@:2}")" ]
}

sums() {
  cat "$@" | cksum
}

# node_packages PART: whether Node is there and a part's packages are installed.
node_packages() {
  local major
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    skip "compat-$1" 'Node 20 or newer with npm is needed'
    return 1
  fi
  major=$(node -p 'process.versions.node.split(".")[0]')
  if [ "$major" -lt 20 ]; then
    skip "compat-$1" "Node 20 or newer is needed, this is $major"
    return 1
  fi
  cd "$root"
  if ! npm_packages "compat/$1"; then
    skip "compat-$1" 'the packages could not be installed'
    return 1
  fi
  cd "$here/$1"
}

# node_tests PART OPTION... FILE...: runs them. As with the other tests, CI makes a second attempt with the files that
# failed, and names at the end what passed only then.
node_tests() {
  local part=$1 failed files
  failed=$(mktemp)
  shift
  if node --test --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter="$here/failed-tests.mjs" --test-reporter-destination="$failed" "$@"; then
    rm "$failed"
    return
  fi
  [ "${CI:-}" = true ] || return 1
  mapfile -t files < <(cut -f 1 "$failed" | sort -u)
  [ ${#files[@]} -gt 0 ] || return 1
  say "second attempt: ${files[*]}"
  node --test --test-reporter=spec "${files[@]}" || return 1
  sed "s/^[^\t]*\t/compat-$part /" "$failed" >>"$second_attempts"
  rm "$failed"
}

run_js() {
  node_packages js || return 0
  echo '== JavaScript client and raw protocol'
  node_tests js --test-concurrency="${COMPAT_JOBS:-2}" test/*.test.mjs
}

run_cluster() {
  local program
  for program in redis-server haproxy psql; do
    if ! command -v "$program" >/dev/null; then
      skip compat-cluster "$program is not installed"
      return
    fi
  done
  node_packages js || return 0
  (cd "$root" && cargo build --locked --package semel-testkit --bin cluster)
  echo '== JavaScript client, several servers behind a balancer'
  SEMEL_CLUSTER_BIN=$root/target/debug/cluster node_tests cluster cluster/*.test.mjs
}

run_auth() {
  node_packages auth || return 0
  echo '== signing in with a mail server and an OpenID provider'
  node_tests auth --test-concurrency="${COMPAT_JOBS:-2}" test/*.test.mjs
}

# python_packages PART: whether Python is there and a part's packages are installed, in an environment of its own.
python_packages() {
  local environment="$here/$1/.venv"
  local stamp="$environment/.installed-from"
  if ! command -v python3 >/dev/null; then
    skip "compat-$1" 'Python 3.10 or newer is needed'
    return 1
  fi
  if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    skip "compat-$1" "Python 3.10 or newer is needed, this is $(python3 --version)"
    return 1
  fi
  cd "$here/$1"
  if ! is_installed "$stamp" requirements.txt; then
    rm -rf "$environment"
    if ! python3 -m venv "$environment" ||
      ! "$environment/bin/pip" install --quiet --disable-pip-version-check --requirement requirements.txt; then
      skip "compat-$1" 'the virtual environment could not be made'
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
