"""Looks for a marker in bytes, however somebody might have written it down by accident."""

import base64
import gzip
import re
import zlib
from collections.abc import Iterator

_IN_HEX = re.compile(rb"\\\\?x([0-9a-f]{16,})")
# gzip, and zlib at its four levels.
_PACKED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")


def spellings(marker: str) -> dict[str, bytes]:
    """The marker as it would stand in a file, by the name of the encoding; letters in lower case."""
    plain = marker.encode()
    found = {
        "plain": plain,
        "hex": plain.hex().encode(),
        "UTF-16LE": marker.encode("utf-16-le"),
        "UTF-16BE": marker.encode("utf-16-be"),
    }
    for shift in range(3):
        # Without the first and last group, which the bytes around the marker change.
        coded = base64.b64encode(b"\0" * shift + plain)
        start, end = (4 if shift else 0), len(coded) - (4 if (len(plain) + shift) % 3 else 0)
        found[f"base64 shifted by {shift}"] = coded[start:end]
    return found


def traces(content: bytes, marker: str) -> list[str]:
    """The encodings in which the marker stands in `content`, also within bytes that a dump writes in hex, and packed."""
    found = []
    for layer, layered in _layers(content):
        lower = layered.lower()
        for name, spelled in spellings(marker).items():
            exact = name.startswith("base64")
            if (spelled in layered) if exact else (spelled.lower() in lower):
                found.append(f"{name}{layer}")
    return found


def _layers(content: bytes) -> Iterator[tuple[str, bytes]]:
    yield "", content
    columns = b"\n".join(
        bytes.fromhex(match[1][: len(match[1]) // 2 * 2].decode()) for match in _IN_HEX.finditer(content)
    )
    yield " in a binary column", columns
    for layer, packed in (("", content), (" in a binary column", columns)):
        yield f" packed{layer}", b"\n".join(_unpacked(packed))


def _unpacked(content: bytes) -> Iterator[bytes]:
    for match in _PACKED.finditer(content):
        window = 31 if match[0].startswith(b"\x1f") else 15
        try:
            yield zlib.decompressobj(window).decompress(content[match.start() :], 1_000_000)
        except zlib.error:
            continue


def written_as(marker: str) -> dict[str, bytes]:
    """What a program that leaks might write around the marker: for the positive control."""
    text = f"patient: {marker}!".encode()
    return {
        "plain": text,
        "capitals": text.upper(),
        "hex": text.hex().encode(),
        "UTF-16LE": text.decode().encode("utf-16-le"),
        "UTF-16BE": text.decode().encode("utf-16-be"),
        "base64, first alignment": base64.b64encode(marker.encode()),
        "base64, second alignment": base64.b64encode(b"x" + marker.encode() + b"z"),
        "base64, third alignment": base64.b64encode(b"xy" + marker.encode() + b"z"),
        "gzip": gzip.compress(text),
        "zlib": zlib.compress(text),
    }
