"""Every call that makes, uses or compares a secret stands in the inventory, and no secret stands in the repository."""

import ast
import math
import re
import subprocess
from collections import Counter

import pytest
import yaml

from tests.architecture.source import ROOT, python_files, relative, tree_of

INVENTORY = yaml.safe_load((ROOT / "docs" / "crypto-inventory.yaml").read_text())
_MODULES = re.compile(r"^(?:hmac|secrets|hashlib|signing|random)\.\w+$")
_NAMES = re.compile(
    r"(?:^|\.)(?:AESGCM|AESCCM|ChaCha20Poly1305|Fernet|MultiFernet|Cipher|HKDF|PBKDF2HMAC|Scrypt|Argon2id|TOTP|HOTP|"
    r"md5|sha1|sha256|sha384|sha512|blake2b|blake2s|urandom|compare_digest|constant_time_compare|salted_hmac|"
    r"get_random_string|make_password|check_password|Signer|TimestampSigner|PasswordHasher)$"
)


def crypto_calls(tree: ast.Module) -> set[str]:
    """Names of functions that are called (`hmac.new(key, text, sha256)` is the call of hmac alone)."""
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {name for name in called if _MODULES.match(name) or _NAMES.search(name)}


def random_calls(tree: ast.Module) -> set[str]:
    return {name for name in crypto_calls(tree) if name.startswith("random.")}


def found() -> dict[str, set[str]]:
    calls = {relative(path): crypto_calls(tree_of(path)) - random_calls(tree_of(path)) for path in python_files()}
    return {name: own for name, own in calls.items() if own}


def test_every_call_stands_in_the_inventory_and_every_entry_in_the_program():
    listed = {name: set(calls) for name, calls in INVENTORY["calls"].items()}
    assert found() == listed


def test_every_key_says_where_it_lies_what_for_how_it_changes_and_what_its_loss_means():
    assert len(INVENTORY["keys"]) >= 5
    assert all(set(key) == {"lies", "use", "rotation", "when_lost"} for key in INVENTORY["keys"].values())


def test_chance_that_can_be_foretold_makes_no_secret():
    """`random` makes up people for the demonstration, the benchmark and the checks of content, and nothing else."""
    users = [relative(path) for path in python_files() if random_calls(tree_of(path))]
    made_up = ("screening/benchmark/", "screening/demo/", "screening/content_checks.py")
    assert [name for name in users if not name.startswith(made_up)] == []


@pytest.mark.parametrize(
    "line",
    ["AESGCM(key)", "x = hashlib.md5(b'')", "signing.dumps(1)", "secrets.token_hex(4)", "Fernet(k).encrypt(b'')"],
)
def test_the_control_a_call_that_nobody_wrote_down_is_seen(line):
    assert crypto_calls(ast.parse(line))


# What a key looks like. Names of tests, hashes of content and words of documents do not.
_KEYS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}"),
    "a key of a cloud": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}\b"),
    "a token of a service": re.compile(
        r"\bgh[pousr]_[A-Za-z0-9]{36}\b|\bxox[abprs]-[A-Za-z0-9-]{20,}|\bsk_live_\w{20,}"
    ),
    "32 bytes in base64": re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/]{43}=(?![A-Za-z0-9+/=])"),
    "a value beside the name of a secret": re.compile(
        r"(?i)(?:secret_key|master_key|api_key|password|token)[\"']?\s*[:=]\s*[\"']([A-Za-z0-9+/_-]{24,})[\"']"
    ),
    "a password in an address": re.compile(r"\b[a-z]+://[a-z0-9_]+:(?!password@|PASSWORD@)[^\s/@:'\"{}<>]{12,}@"),
}
_RANDOM_BITS_A_CHARACTER = 4.0


def entropy(text: str) -> float:
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def keys_in(text: str) -> list[str]:
    return [
        f"{what}: {match[0][:12]}…"
        for what, pattern in _KEYS.items()
        for match in pattern.finditer(text)
        if not match.groups() or entropy(match[1]) > _RANDOM_BITS_A_CHARACTER
    ]


def git(*words: str) -> str:
    run = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, timeout=120, check=True)
    return run.stdout.decode("utf-8", "replace")


@pytest.fixture(scope="module")
def history() -> str:
    """Every line that any commit added to a file that people write, and the files as they lie here."""
    if subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True).returncode:
        pytest.skip("not a clone of the repository")
    vendored = [f":(exclude,glob)**/{name}" for name in ("vendor/**", "*.svg", "*.png", "*.woff2")]
    logged = git("log", "--all", "-p", "--no-color", "--unified=0", "--", ".", *vendored)
    added = [line[1:] for line in logged.splitlines() if line.startswith("+") and not line.startswith("+++")]
    return "\n".join(line for line in added if "sha256:" not in line and "sha512" not in line)


def test_no_key_stands_in_any_commit(history):
    assert len(history) > 1_000_000
    assert keys_in(history) == []


def test_no_key_stands_in_the_files_as_they_are():
    files = [ROOT / name for name in git("ls-files", "-co", "--exclude-standard").splitlines()]
    texts = [(path, path.read_bytes()) for path in files if path.is_file() and "vendor" not in path.parts]
    found = {relative(p): k for p, t in texts if b"\0" not in t and (k := keys_in(t.decode("utf-8", "replace")))}
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj" * 2,
        "AKIA" + "IOSFODNN7EXAMPLF",
        "ghp_" + "a1B2" * 9,
        "k1Wm8vQ2Zr7LxT4yBn6HsD0fGjU9eCpXaIoV3qEwRt" + "M=",
        "SECRET_KEY" + " = 'k1Wm8vQ2Zr7LxT4yBn6HsD0fGjU9eCpX'",
        "postgres://clinic:" + "k1Wm8vQ2Zr7LxT4y@db/clinic",
    ],
)
def test_the_control_a_key_in_a_file_is_seen(line):
    assert keys_in(line)


def test_what_is_kept_for_one_installation_is_not_in_the_repository():
    ignored = git("check-ignore", ".data/master.key", ".data/secret_key", ".env").split()
    assert ".data/master.key" in ignored
    assert ".data/secret_key" in ignored
