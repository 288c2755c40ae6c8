#!/usr/bin/env bash
# The official Socket.IO clients, unmodified, against the real program. SEMEL_BIN names a program that is built already.
# Node and Python packages are installed when they are missing or not those of the lockfiles. A part that cannot run is
# skipped with a printed reason; with CI=true that is a failure.
#   compat/run.sh [js|page|python]...
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

run_js() {
  local major stamp="$here/js/node_modules/.installed-from"
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    skip js 'Node 20 or newer with npm is needed'
    return
  fi
  major=$(node -p 'process.versions.node.split(".")[0]')
  if [ "$major" -lt 20 ]; then
    skip js "Node 20 or newer is needed, this is $major"
    return
  fi
  cd "$here/js"
  if ! is_installed "$stamp" package.json package-lock.json; then
    if ! npm ci --no-audit --no-fund --loglevel=error; then
      skip js 'npm ci failed'
      return
    fi
    sums package.json package-lock.json >"$stamp"
  fi
  echo '== JavaScript client and raw protocol'
  node --test --test-concurrency="${COMPAT_JOBS:-2}" test/*.test.mjs
}

# The first page needs a browser; where this user may, it is installed.
run_page() {
  local browser
  if ! has_browser && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo '== installing Chromium'
    apt-get install --yes --no-install-recommends chromium >/dev/null 2>&1 ||
      { apt-get update && apt-get install --yes --no-install-recommends chromium; } >/dev/null 2>&1 || true
  fi
  if ! browser=$(has_browser); then
    skip page 'Chromium is needed'
    return
  fi
  if [ ! -d "$here/js/node_modules/ws" ]; then
    skip page 'the packages of the JavaScript part are needed'
    return
  fi
  cd "$here/js"
  echo '== the first page in a browser'
  CHROMIUM=$browser node --test page/*.test.mjs
}

has_browser() {
  command -v "${CHROMIUM:-chromium}" || command -v chromium-browser || command -v google-chrome
}

run_python() {
  local environment="$here/python/.venv"
  local stamp="$environment/.installed-from"
  if ! command -v python3 >/dev/null; then
    skip python 'Python 3.10 or newer is needed'
    return
  fi
  if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    skip python "Python 3.10 or newer is needed, this is $(python3 --version)"
    return
  fi
  cd "$here/python"
  if ! is_installed "$stamp" requirements.txt; then
    rm -rf "$environment"
    if ! python3 -m venv "$environment" ||
      ! "$environment/bin/pip" install --quiet --disable-pip-version-check --requirement requirements.txt; then
      skip python 'the virtual environment could not be made'
      return
    fi
    sums requirements.txt >"$stamp"
  fi
  echo '== Python client'
  "$environment/bin/python" -W error::ResourceWarning -m unittest -v test_client
}

if [ -z "${SEMEL_BIN:-}" ]; then
  (cd "$root" && cargo build --locked --package semel-cli)
  SEMEL_BIN=$root/target/debug/semel
fi
SEMEL_BIN=$(realpath "$SEMEL_BIN")
export SEMEL_BIN

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(js page python)
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
