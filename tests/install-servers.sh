#!/bin/sh
# Installs what tests start as real servers, where it is missing: tests/install-servers.sh PROGRAM...
set -eu

missing=""
for program in "$@"; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -n "$missing" ] || exit 0
echo "installing what the tests start:$missing" >&2

packages() {
    for program in $missing; do
        case "$1/$program" in
            # Without the service, which would run from then on.
            apt/tinyproxy) echo tinyproxy-bin ;;
            brew/redis-server) echo redis ;;
            brew/faketime) echo libfaketime ;;
            *) echo "$program" ;;
        esac
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Twice below: the list of packages may be too old, or not there yet.
apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@" >/dev/null
}

if command -v apt-get >/dev/null 2>&1; then
    # shellcheck disable=SC2046
    apt_install $(packages apt) 2>/dev/null || { as_root apt-get -qq update; apt_install $(packages apt); }
elif command -v brew >/dev/null 2>&1; then
    # shellcheck disable=SC2046
    brew install --quiet $(packages brew)
else
    echo "install these for the tests:$missing" >&2
    exit 1
fi

for program in $missing; do
    command -v "$program" >/dev/null 2>&1 || {
        echo "$program was installed, but is not in the PATH; the tests need it there" >&2
        exit 1
    }
done
