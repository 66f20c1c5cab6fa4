"""The verbs of `./run`. Every failure a person can cause ends in one sentence on stderr, never in a traceback."""

import argparse
import sys

from clinic_site.launcher import Problem, check, demo, safety
from clinic_site.launcher.database import running_database
from clinic_site.launcher.environment import PROJECT, django_environment
from clinic_site.launcher.processes import Stopped, raise_on_stop_signals, run_in_foreground


def main(arguments: list[str]) -> int:
    """The exit code. 0 also when a signal stopped the demo, because that is how a demo ends."""
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    raise_on_stop_signals()
    try:
        match verb:
            case "demo":
                port, secure = _demo_options(rest)
                return demo.run(port, secure=secure)
            case "test":
                return check.run(rest)
            case "safety":
                return safety.run(rest)
            case "manage":
                return _manage(rest)
            case _:
                print("`./run help` lists the verbs.", file=sys.stderr)
                return 2
    except Stopped as stopped:
        return 0 if verb == "demo" else 128 + stopped.number
    except Problem as problem:
        print(f"./run {verb}: {problem}", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(
            f"./run {verb}: {error.filename} is closed to this user; run as the owner of the folder.", file=sys.stderr
        )
        return 1


def _demo_options(arguments: list[str]) -> tuple[int, bool]:
    parser = argparse.ArgumentParser(prog="./run demo", allow_abbrev=False)
    parser.add_argument("--port", type=int, help="the port on 127.0.0.1; 8000, or 8443 with --secure, when not given")
    parser.add_argument("--secure", action="store_true", help="over TLS and with production's settings")
    options = parser.parse_args(arguments)
    return options.port if options.port is not None else 8443 if options.secure else 8000, options.secure


def _manage(arguments: list[str]) -> int:
    with running_database() as url:
        return run_in_foreground([sys.executable, str(PROJECT / "manage.py"), *arguments], django_environment(url))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
