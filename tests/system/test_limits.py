"""What is free of the memory, as the system and control groups tell it."""

from __future__ import annotations

import pytest

from convlet.system.limits import available_bytes
from tests.system.test_threads import make

MEMINFO = {"proc/meminfo": "MemTotal: 4096000 kB\nMemFree: 1000 kB\nMemAvailable: 2048000 kB\n"}
SYSTEM = 2048000 * 1024


def group(limit, used="100000000", stat="anon 5\ninactive_file 30000000\nactive_file 7\n"):
    return {"memory.max": f"{limit}\n", "memory.current": f"{used}\n", "memory.stat": stat}


def below(folder, files):
    return {f"sys/fs/cgroup/{folder}{name}": text for name, text in files.items()}


V1 = {
    "memory.limit_in_bytes": "500000000\n",
    "memory.usage_in_bytes": "100000000\n",
    "memory.stat": "inactive_file 1\ntotal_inactive_file 20000000\n",
}


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({}, SYSTEM),
        ({"proc/self/cgroup": "0::/\n"}, SYSTEM),
        ({"proc/self/cgroup": "0::/\n"} | below("", group("max")), SYSTEM),
        ({"proc/self/cgroup": "0::/\n"} | below("", group(500_000_000)), 430_000_000),
        ({"proc/self/cgroup": "0::/\n"} | below("", group(500_000_000, stat="")), 400_000_000),
        ({"proc/self/cgroup": "0::/\n"} | below("", group(50_000_000)), 0),
        ({"proc/self/cgroup": "0::/\n"} | below("", group(9 * 10**18)), SYSTEM),
        (
            {"proc/self/cgroup": "0::/a/b\n"} | below("a/", group(300_000_000)) | below("a/b/", group("max")),
            230_000_000,
        ),
        ({"proc/self/cgroup": "0::/elsewhere\n"} | below("", group(200_000_000)), 130_000_000),
        ({"proc/self/cgroup": "9:memory:/x\n4:cpu:/y\n"} | below("memory/x/", V1), 420_000_000),
        ({"proc/self/cgroup": "4:cpu:/x\n"} | below("memory/x/", V1), SYSTEM),
        ({"proc/self/cgroup": "0::/\n"} | below("", group("much", "some")), SYSTEM),
    ],
)
def test_the_least_of_system_and_control_groups_is_free(tmp_path, files, free):
    assert available_bytes(make(tmp_path, MEMINFO | files)) == free


def test_where_the_system_does_not_say_what_is_free_all_of_it_counts(tmp_path, monkeypatch):
    monkeypatch.setattr("os.sysconf", lambda name: {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}[name], raising=False)
    assert available_bytes(tmp_path) == 4_096_000
    monkeypatch.delattr("os.sysconf")
    assert available_bytes(tmp_path) is None


def test_this_machine_has_some_memory():
    assert 2**20 < available_bytes() < 2**50
