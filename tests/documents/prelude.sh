# What stands around the blocks of a document while they run. The blocks themselves run as they are written, but for
# ports and a few names that must be this run's own.

set -euo pipefail
trap 'for pid in $(jobs -p); do kill -TERM "$pid" 2> /dev/null; done; wait' EXIT

# The virtual environment is the repository's own, and stays as it is.
FINISHED=(--old-file=.venv/.installed-run --old-file=.venv/.installed-dev)

# The demo of a document: make's own target, on free ports, in the background once it is up.
make() {
  if [[ $1 != demo ]]; then
    command make "${FINISHED[@]}" "$@"
    return
  fi
  command make "${FINISHED[@]}" demo DEMO_ARGS="--port 0" > demo.log 2>&1 &
  for _ in {1..600}; do
    if grep -q 'Ctrl-C stops both' demo.log; then
      PORT=$(grep -oP 'The console +http://127.0.0.1:\K\d+' demo.log)
      KEY=$(grep -oP '^  \Kgw_acme_\S+' demo.log)
      export KEY
      return
    fi
    sleep 0.1
  done
  cat demo.log
  return 1
}

# A status of 400 and above is no fault to curl, but it is one here unless the block names it.
curl() {
  command curl --noproxy '*' -w '%{stderr}\nSTATUS %{http_code}\n' "$@"
}

# The packages that the tests installed by the same lock file.
npm() {
  if [[ $1 == ci ]]; then
    ln -sfn "$HOUSE/$(realpath --relative-to="$PLACE" "$PWD")/node_modules" node_modules
  else
    node "$NPM" "$@"
  fi
}

# Asking a cluster needs one; rendering manifests does not.
kubectl() {
  if [[ $1 == kustomize ]]; then
    command kubectl "$@"
  fi
}
buildah() { :; }

# The newest call of the stage whose outcome is unknown.
unknown() {
  gateway calls list --config "$PLACE/../stage/gateway.yaml" --outcome unknown | awk 'NR == 2 {print $3}'
}

# Run one block, a file, in this very shell.
block() {
  echo "BLOCK $1" >&2
  sed ${NAMES:+-e "$NAMES"} -e "s/127\.0\.0\.1:8080/127.0.0.1:$PORT/g; s/port: 8080/port: $PORT/" \
    -e "s/\b9464\b/$ADMIN_PORT/g; s/\b8081\b/$SIMULATOR_PORT/g" "$1" > "$1.now"
  case $1 in
    *.console | *.sh) source "$1.now" ;;
    *.python) python "$1.now" ;;
    *.graphql) python "$HOUSE/tests/documents/ask.py" "http://127.0.0.1:$PORT" "$1.now" "$2" ;;
  esac
}
