#!/usr/bin/env bash
# A tour of clusto on an example site: `make demo`, or `examples/demo.sh` with clusto on PATH.
# Each command is shown before what it prints, as in a terminal. The store is made anew, in .demo/. Another demo, or a lab,
# may run at the same time.
set -euo pipefail
cd "$(dirname "$0")/.."

title() { printf '\n# %s\n' "$*"; }

run() {
    printf '\n$ %s\n' "$1"
    bash -o pipefail -c "$1"
}

# refused CODE COMMAND: a command that is to fail with that exit code.
refused() {
    local code=0
    printf '\n$ %s; echo $?\n' "$2"
    bash -o pipefail -c "$2" || code=$?
    echo "$code"
    [ "$code" = "$1" ]
}

# One demo a folder: .demo, or .demo-2 while another one runs here.
demo=.demo
for number in 2 3 4 5 6 7 8 9; do
    command -v flock >/dev/null || break
    exec 9>"$demo.lock"
    flock --nonblock 9 && break
    printf '# A demo is running in %s; this one goes into .demo-%s.\n' "$demo" "$number"
    demo=.demo-$number
done

# The consoles of the last demo may still be there; and only they are ended.
if [ -s "$demo/lab.pid" ] && grep -qs lab.consoles "/proc/$(cat "$demo/lab.pid")/cmdline"; then
    kill "$(cat "$demo/lab.pid")" && echo '# The consoles that the last demo had left running are ended.'
fi
rm -rf "$demo"
mkdir "$demo"
export CLUSTO_DB=$demo/clusto.db CLUSTO_CONFIG=$PWD/$demo/config.toml

title 'A site: two rooms, six racks, 120 servers, wired'
run 'clusto import examples/datacenter.yaml'

title 'Where is it?'
run 'clusto locate server1'
run 'clusto locate 10.2.1.13 -v'

title 'Which ones?'
run "clusto find 'driver:Server in name:rack101 and attr:ram>=256'"
run "clusto find 'driver:Server connected to name:pdu5 and not attr:status,allocated' --fold"

title 'All of it; the path of a cable; what is in what; a rack from the front'
run 'clusto show server1'
run 'clusto trace server1:eth0'
run 'clusto tree datacenterZ -L 2'
run 'clusto show rack200'

title 'A new server: parts come with it, a free port is found'
run 'clusto add Server web1 --attr status=unallocated --attr ram=128'
run 'clusto attr set mac 52:54:00:01:99:01 -t web1:eth0'
run 'clusto connect web1 rack102:RU3'
run 'clusto connect web1 switch2b'
run 'clusto connect web1 pdu5 --kind power && clusto connect web1 pdu6 --kind power'
run 'clusto locate web1'

title 'Attributes: typed, inherited, for one Thing or for many'
run "clusto attr get status -t 'server[1-3]'"
run 'clusto attr get ntp.server -t server1 --inherited'
run "printf 'server2\nserver3\n' | clusto attr set status broken -t - -m 'the fans are loud'"

title 'Mistakes are told in one line, and change nothing'
refused 3 'clusto locate servr1'
refused 4 'clusto connect web1:eth1 pdu5:40'
refused 4 'clusto remove rack101 --yes'

title 'Who did that? And back again'
run 'clusto log -n 1 -p'
run 'clusto revert "$(clusto log -n 1 -o names)"'
run "clusto attr get status -t 'server[2-3]'"

# What a computer needs to be installed here.
missing=()
for need in qemu-system-x86:$(command -v qemu-system-x86_64) ipxe-qemu:/usr/lib/ipxe/qemu \
    pxelinux:/usr/lib/PXELINUX/pxelinux.0 syslinux-common:/usr/lib/syslinux/modules/bios/ldlinux.c32 \
    busybox-static:/bin/busybox linux-image-amd64:$(compgen -G '/boot/vmlinuz-*' | head -n 1); do
    [ -n "${need#*:}" ] && [ -e "${need#*:}" ] || missing+=("${need%%:*}")
done
computer=()
if ! ((${#missing[@]})); then
    echo '# (making what a computer boots)'
    boot=$PWD/$demo/boot
    mkdir -p "$boot/images"
    cp /usr/lib/PXELINUX/pxelinux.0 /usr/lib/syslinux/modules/bios/ldlinux.c32 "$boot"
    examples/rebuild/mkinstaller "$boot/clusto" >/dev/null
    PYTHONPATH=examples python -c 'import sys; from lab.system import system_image
open(sys.argv[1], "wb").write(system_image("web1", b"installed by the demo"))' "$boot/images/web1.img"
    computer=(--machine web1 --tftp "$boot" --machines "$demo")
fi

title 'Power, over SNMP: the twelve PDUs of the site, simulated, of three makes'
# Fixed ports, so that the devices are found again later; free ones while another lab has those.
ports=${LAB_PORT:-16100}
if [ "$ports" != 0 ] && ! python - "$ports" 2>/dev/null <<'END'
import socket, sys
for port in range(int(sys.argv[1]), int(sys.argv[1]) + 32):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", port))
END
then
    echo "# Another lab has UDP ports from $ports up: this one takes free ports."
    ports=0
fi
export CLUSTO_SNMP_COMMUNITY=public
PYTHONPATH=examples python -m lab --site --port "$ports" \
    --family apc-rpdu2 --family eaton-epdu --family servertech-sentry3 --inventory "$demo/lab.jsonl" \
    "${computer[@]}" 2>"$demo/lab.log" 9>&- &
lab=$!
trap 'kill "$lab" 2>/dev/null' EXIT
for _ in $(seq 100); do
    [ -s "$demo/lab.jsonl" ] && break
    sleep 0.1
done
run "clusto import $demo/lab.jsonl"
run "clusto power status 'server[1-3]'"
run 'clusto power off server1 --yes'
run 'clusto power status server1 -v'
run 'clusto power on server1'
run "clusto power cycle 'server[2-5]' --yes --pause 1"
run 'clusto power impact pdu3:7'
run 'clusto power off server2 --dry-run'
run 'clusto log -n 1 server1'

title 'Attributes are data: what they may cause is what the configuration allows'
run 'clusto attr set power.command reboot-now -t pdu3'
refused 4 'clusto power status server1'
run 'clusto attr del power.command -t pdu3'
run "clusto config allow path $demo && clusto config"

title 'Networks, over SNMP: the switches of the site, simulated too'
run 'clusto network setvlan server1 eth0 vlan203 --dry-run'
run 'clusto network setvlan server1 eth0 vlan203'
run 'clusto network vlan server1'
run "clusto network setvlan 'server[1-4]' eth0 vlan201"
run "clusto network verify 'server[1-4]'"
run 'clusto network undo server1:eth0'

title 'A console, through the wiring; the lab is the console server, and the machines behind it'
run 'clusto attr set console.profile generic-tcp -t cs1 && clusto attr set console.host 127.0.0.1 -t cs1'
clusto console --list cs1 -o jsonl 2>/dev/null >"$demo/cs1.jsonl"
PYTHONPATH=examples setsid python -m lab.consoles --seconds 1800 <"$demo/cs1.jsonl" >"$demo/lab.base" 2>/dev/null 9>&- &
echo $! >"$demo/lab.pid"
for _ in $(seq 100); do [ -s "$demo/lab.base" ] && break || sleep 0.1; done
run "clusto attr set console.base $(cat "$demo/lab.base") -t cs1"
run 'clusto console server1 --show'
run "clusto console server1 --send '\n' --expect 'login: '"
run "clusto console --check 'server[1-3]'"

if ((${#missing[@]})); then
    title "A rebuild is shown here when these Debian packages are installed: ${missing[*]}"
else
    title 'The new server gets an operating system over the network, and proves it; it is a computer in QEMU'
    port=$(python -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
    clusto rebuild serve --listen "127.0.0.1:$port" --dir "$boot" 2>"$demo/serve.log" 9>&- &
    trap 'kill "$lab" "$!" 2>/dev/null' EXIT
    for _ in $(seq 100); do grep -q listening "$demo/serve.log" && break || sleep 0.1; done
    # The machine is on a network of its own, where this computer is 10.0.2.2.
    run "clusto attr set rebuild.dir $boot -t web1"
    run "clusto attr set rebuild.url http://10.0.2.2:$port -t web1 && clusto attr set rebuild.check_url http://127.0.0.1:$port -t web1"
    run "clusto attr set console.profile qemu-serial -t web1 && clusto attr set console.path $PWD/$demo/web1/console -t web1"
    run 'clusto attr set os.profile image -t web1 && clusto attr set os.image images/web1.img -t web1'
    run 'clusto attr set os.disk /dev/vda -t web1 && clusto attr set os.console ttyS0,115200n8 -t web1'
    run 'clusto rebuild web1 --yes'
    run 'clusto rebuild --status web1 -v'
    run 'clusto attr get os.installed -t web1'
fi

title 'The inventory is sound'
run 'clusto db check'

printf '\nThe store is %s/clusto.db. To go on:\n\n' "$demo"
printf '    export CLUSTO_DB=%q/clusto.db CLUSTO_CONFIG=%q/config.toml PATH=%q:$PATH\n' "$PWD/$demo" "$PWD/$demo" "$(dirname "$(command -v clusto)")"
printf '    source <(clusto completion bash)\n'
[ "$ports" = 0 ] || printf '    export CLUSTO_SNMP_COMMUNITY=public; (cd examples && python -m lab --site --port %s)   # the devices again\n' "$ports"
printf '    clusto console server1    # Ctrl-] . leaves; the lab answers for half an hour\n'
