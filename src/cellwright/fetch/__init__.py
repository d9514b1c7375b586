"""Downloads with their hashes, and what is unpacked from them, in one cache folder."""

from cellwright.fetch.download import (
    Fetched,
    Progress,
    RemoteFile,
    download,
    remote_size,
    sha256_of,
)
from cellwright.fetch.place import cache_folder, show_size
from cellwright.fetch.unpack import unpack
from cellwright.fetch.weights import HUB, Weights

__all__ = [
    "Fetched",
    "HUB",
    "Progress",
    "RemoteFile",
    "Weights",
    "cache_folder",
    "download",
    "remote_size",
    "sha256_of",
    "show_size",
    "unpack",
]
