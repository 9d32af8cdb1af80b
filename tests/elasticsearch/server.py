"""Runs a real Elasticsearch on loopback, with TLS, users and API keys, in directories that are thrown away.

    python tests/elasticsearch/server.py start --work DIR [--setting K=V ...]  prints {"url", "ca", "api_key_file", ...}
    python tests/elasticsearch/server.py stop|kill --work DIR                  kill is SIGKILL
    python tests/elasticsearch/server.py fetch                                 only downloads and prepares it

The server is Elastic's own build on Maven Central (`org.elasticsearch.distribution.integ-test-zip`), fetched by `mvn`
once into `$BAVN_ES_CACHE` or `.cache/elasticsearch` of the checkout. It needs a JDK of version 21 or later; exit code 3
says that something of that kind is missing. A small module of ours, compiled here, adds `GET /` and the analysis parts
that API keys need.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import fcntl
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
VERSION = "9.5.3"
USER = "tester"
PASSWORD = "test-only-pw"
# bcrypt of PASSWORD for the file realm; a throw-away server on loopback.
PASSWORD_HASH = "$2a$04$KHpp9mUOC6cTK75Bv4qCL.anvNuZxAP2wCqOvw0cDtLRYhUMSMD6a"
NOBODY = 65534
MISSING = 3


class MissingError(Exception):
    """What this machine lacks."""


def main() -> int:
    options = _options()
    try:
        if options.command == "fetch":
            print(distribution())
        elif options.command == "start":
            print(json.dumps(start(options.work, dict(pair.split("=", 1) for pair in options.setting))))
        else:
            stop(options.work, signal.SIGKILL if options.command == "kill" else signal.SIGTERM)
    except MissingError as error:
        print(error, file=sys.stderr)
        return MISSING
    return 0


def start(work: Path, settings: dict[str, str]) -> dict[str, Any]:
    """Starts the server in `work`; an earlier run's data there are kept."""
    home, java = distribution(), jdk()
    again = (work / "state.json").is_file()
    if not again:
        _lay_out(home, work)
    port = json.loads((work / "state.json").read_text())["port"] if again else _free_port()
    _configure(work / "config", port, settings)
    process = _launch(home, java, work)
    _wait(process, port, work)
    state = {
        "url": f"https://localhost:{port}",
        "port": port,
        "pid": process.pid,
        "ca": str(work / "config/ca.crt"),
        "api_key_file": str(work / "api_key"),
    }
    if not again:
        (work / "api_key").touch(mode=0o600)
        (work / "api_key").write_text(_api_key(port, work))
    (work / "state.json").write_text(json.dumps(state))
    return state


def stop(work: Path, number: signal.Signals) -> None:
    """Signals launcher and server, which share the process group that `start` made, and waits for their end."""
    group = json.loads((work / "state.json").read_text())["pid"]
    deadline = time.monotonic() + 30
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
        while time.monotonic() < deadline and _lives(group):
            time.sleep(0.05)
        if _lives(group):
            os.killpg(group, signal.SIGKILL)


def distribution() -> Path:
    """The unpacked server; the first call downloads it and compiles our module."""
    cache = _cache()
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = cache / f"ready-{VERSION}"
        if not ready.is_file():
            _fetch(cache)
            _compile(next(cache.glob("es/elasticsearch-*")), cache)
            ready.touch()
    return next(cache.glob("es/elasticsearch-*"))


def jdk() -> Path:
    """A JDK of version 21 or later."""
    named = [os.environ.get(name) for name in ("ES_JAVA_HOME", "JAVA_HOME")]
    for home in [*(Path(name) for name in named if name), *sorted(Path("/usr/lib/jvm").glob("*"))]:
        release = home / "release"
        found = re.search(r'JAVA_VERSION="(\d+)', release.read_text()) if release.is_file() else None
        if found and int(found[1]) >= 21 and (home / "bin/javac").is_file():
            return home
    raise MissingError("no JDK of version 21 or later was found: install one or set ES_JAVA_HOME")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["fetch", "start", "stop", "kill"])
    parser.add_argument("--work", type=lambda text: Path(text).resolve())
    parser.add_argument("--setting", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    if options.command != "fetch" and not options.work:
        parser.error("--work is needed")
    return options


def _cache() -> Path:
    """Where the server is kept; as root a place that the other user, whom it runs as, can read."""
    cache = Path(os.environ.get("BAVN_ES_CACHE") or HERE.parent.parent / ".cache/elasticsearch").resolve()
    if os.geteuid() == 0 and not all(parent.stat().st_mode & 0o001 for parent in cache.parents if parent.exists()):
        cache = Path(tempfile.gettempdir()) / "bavn-elasticsearch"
    cache.mkdir(parents=True, exist_ok=True)
    if cache.stat().st_uid != os.geteuid():
        raise MissingError(f"{cache} belongs to another user: set BAVN_ES_CACHE")
    return cache


def _fetch(cache: Path) -> None:
    maven = shutil.which("mvn")
    if not maven:
        raise MissingError("mvn, which downloads the server, is not installed")
    jdk()
    shutil.rmtree(cache / "es", ignore_errors=True)
    command = [maven, "-q", "-B", "-f", str(HERE / "pom.xml"), f"-Des.dir={cache / 'es'}", f"-Des.version={VERSION}"]
    done = subprocess.run([*command, "process-resources"], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise MissingError(f"the server could not be downloaded: {(done.stdout + done.stderr)[-500:]}")


def _compile(home: Path, cache: Path) -> None:
    module, classes = home / "modules/bavn-test", cache / "classes"
    module.mkdir(parents=True, exist_ok=True)
    tools = jdk() / "bin"
    javac = [tools / "javac", "--release", "21", "-proc:none", "-cp", f"{home}/lib/*", "-d", classes]
    subprocess.run([*javac, HERE / "plugin/MiniPlugin.java"], check=True)
    subprocess.run([tools / "jar", "cf", module / "bavn-test.jar", "-C", classes, "."], check=True)
    (module / "plugin-descriptor.properties").write_text(
        "description=test helper\nversion=1\nname=bavn-test\njava.version=21\n"
        f"elasticsearch.version={VERSION}\nclassname=bavn.test.MiniPlugin\n"
    )


def _lay_out(home: Path, work: Path) -> None:
    for name in ("data", "logs", "tmp"):
        (work / name).mkdir(parents=True, exist_ok=True)
    config = work / "config"
    shutil.copytree(home / "config", config, copy_function=shutil.copy, dirs_exist_ok=True)
    config.chmod(0o750)
    jvm = config / "jvm.options"
    # The vector module is optional and absent from small runtimes.
    jvm.write_text("".join(line for line in jvm.read_text().splitlines(True) if "incubator.vector" not in line))
    (config / "jvm.options.d").mkdir(exist_ok=True)
    (config / "jvm.options.d/test.options").write_text(
        "-Xms512m\n-Xmx512m\n-XX:-UseG1GC\n-XX:+UseSerialGC\n-XX:TieredStopAtLevel=1\n"
        "-XX:-HeapDumpOnOutOfMemoryError\n-Xlog:disable\n-Xlog:all=error:stderr\n"
    )
    (config / "users").write_text(f"{USER}:{PASSWORD_HASH}\n")
    (config / "users_roles").write_text(f"superuser:{USER}\n")
    _certificates(config)


def _certificates(config: Path) -> None:
    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=config)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    usage = "keyUsage=critical,keyCertSign,cRLSign"
    openssl(
        "req",
        "-x509",
        *key,
        "-days",
        "2",
        "-subj",
        "/CN=test CA",
        "-addext",
        usage,
        "-keyout",
        "ca.key",
        "-out",
        "ca.crt",
    )
    openssl("req", *key, "-subj", "/CN=localhost", "-keyout", "http.key", "-out", "http.csr")
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n"
    (config / "names").write_text(names)
    authority = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial")
    openssl("x509", "-req", "-in", "http.csr", *authority, "-days", "2", "-extfile", "names", "-out", "http.crt")


def _configure(config: Path, port: int, extra: dict[str, str]) -> None:
    work = config.parent
    settings = {
        "cluster.name": "bavn-test",
        "node.name": "n1",
        "discovery.type": "single-node",
        "http.host": "127.0.0.1",
        "transport.host": "127.0.0.1",
        "http.port": port,
        "transport.port": _free_port(),
        "path.data": work / "data",
        "path.logs": work / "logs",
        "cluster.routing.allocation.disk.threshold_enabled": "false",
        "action.destructive_requires_name": "true",
        "xpack.security.enabled": "true",
        "xpack.security.autoconfiguration.enabled": "false",
        "xpack.security.http.ssl.enabled": "true",
        "xpack.security.http.ssl.key": "http.key",
        "xpack.security.http.ssl.certificate": "http.crt",
        "xpack.security.authc.api_key.enabled": "true",
        "xpack.security.authc.realms.file.f1.order": 0,
        **extra,
    }
    (config / "elasticsearch.yml").write_text("".join(f"{key}: {value}\n" for key, value in settings.items()))


def _launch(home: Path, java: Path, work: Path) -> subprocess.Popen[bytes]:
    drop: list[str] = []
    if os.geteuid() == 0:
        # Elasticsearch refuses to run as root.
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(work)], check=True)
        drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(work),
        "ES_JAVA_HOME": str(java),
        "ES_PATH_CONF": str(work / "config"),
        "ES_TMPDIR": str(work / "tmp"),
        "CLI_JAVA_OPTS": "-XX:TieredStopAtLevel=1",
    }
    with (work / "stdout.log").open("ab") as log:
        return subprocess.Popen(
            [*drop, str(home / "bin/elasticsearch")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            cwd=work,
            start_new_session=True,
        )


def _wait(process: subprocess.Popen[bytes], port: int, work: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if _request(port, work, "GET", "/_cluster/health?wait_for_status=yellow&timeout=3s")["status"] != "red":
                return
        time.sleep(0.2)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    raise RuntimeError("Elasticsearch did not start: " + (work / "stdout.log").read_text()[-3000:])


def _api_key(port: int, work: Path) -> str:
    role = {
        "cluster": ["monitor", "manage_index_templates"],
        "indices": [{"names": ["bavn-*"], "privileges": ["all"]}],
    }
    answer = _request(
        port, work, "POST", "/_security/api_key", {"name": "collector", "role_descriptors": {"collector": role}}
    )
    return str(answer["encoded"])


def _request(port: int, work: Path, method: str, path: str, body: object = None) -> dict[str, Any]:
    context = ssl.create_default_context(cafile=str(work / "config/ca.crt"))
    connection = http.client.HTTPSConnection("localhost", port, timeout=10, context=context)
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status >= 400:
        raise http.client.HTTPException(f"{answer.status}: {text[:300]!r}")
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _lives(group: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-group, os.WNOHANG)
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
