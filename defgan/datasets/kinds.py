"""The kinds of data sets by the names that `data.<role>.dataset` takes."""

from types import MappingProxyType

from defgan.datasets.celeba_hq import read_celeba_hq
from defgan.datasets.corpus import read_corpus
from defgan.datasets.emotionet import read_emotionet
from defgan.datasets.folder import read_folder
from defgan.datasets.manifest import read_manifest
from defgan.datasets.mug import read_mug
from defgan.datasets.rafd import read_rafd

READERS = MappingProxyType(
    {
        "corpus": read_corpus,
        "folder": read_folder,
        "manifest": read_manifest,
        "emotionet": read_emotionet,
        "celeba_hq": read_celeba_hq,
        "mug": read_mug,
        "rafd": read_rafd,
    }
)
"""Kind to its reader: directory (or file) to a `Dataset`."""
