"""Stand in for ``docker run``: the mounts are made, the image is this machine.

Mounts are made below ``/mnt``, seen by the command alone.
"""

import argparse
import os
import shlex
import sys


def main() -> None:
    """Run the command in a mount namespace of its own."""
    parser = argparse.ArgumentParser(prog="docker")
    parser.add_argument("run", choices=["run"])
    parser.add_argument("--rm", action="store_true")
    parser.add_argument("-e", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("-v", action="append", default=[], metavar="SOURCE:TARGET[:ro]")
    parser.add_argument("-w", metavar="DIRECTORY")
    parser.add_argument("image")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    script = ["set -e", "mount -t tmpfs tmpfs /mnt"]
    for mount in arguments.v:
        source, target, *options = mount.split(":")
        source, target = shlex.quote(source), shlex.quote(target)
        script += [f"mkdir -p {target}", f"mount --bind {source} {target}"]
        if options == ["ro"]:
            script.append(f"mount -o remount,bind,ro {target}")
    script += [f"cd {shlex.quote(arguments.w)}", 'exec "$@"']
    variables = dict(pair.split("=", 1) for pair in arguments.e)
    unshare = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    unshare += ["--mount", "--propagation", "private", "sh", "-c", "\n".join(script), "sh"]
    sys.stdout.flush()
    os.execvpe("unshare", [*unshare, *arguments.command], os.environ | variables)


if __name__ == "__main__":
    main()
