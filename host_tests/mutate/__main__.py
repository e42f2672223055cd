"""Break one token of the library at a time, in a copy of the tree, and see whether the unit tests notice.

    python -m host_tests.mutate [--seed 7] [--count 90] [--seconds 1800] [--only ike/window.py]

What survives on CPython is tried on MicroPython too, where other lines run. Survivors are printed; those that `equal.json`
explains (the mutant does the same as the original, with the reason why) are listed apart and count as noticed. mutmut and
cosmic-ray were looked at: both mutate a package in place and know one test runner for all files, while here each run needs a
copy beside helpers of its own, a limit of memory, and a seed that draws a sample.
Start reading at `main`.
"""

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.progress import Progress

from host_tests.mutate.mutants import Mutant, candidates

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "lib/ipsec"
EQUAL = Path(__file__).with_name("equal.json")
# kernels have vectors and models of their own
_MUTATED = ("ike/**/*.py", "esp/*.py", "inet/*.py", "tunnel.py", "upkeep.py", "path.py", "address.py", "options.py")
_LEFT_OUT = ("kernel.py", "plain.py", "trace.py", "keylog.py", "names.py", "remedy.py", "__init__.py", "drops.py")
_CRYPTO = ("crypto", "p256", "p384", "x25519", "sha512", "modp", "ghash", "rank")  # unit tests that see nothing of these files
_CPU_S = 120  # of the processor, since the machine may be busy: a loop without end is noticed
_TIME_S = 1200  # by the clock, for one that sleeps
_MEMORY = 3 << 30


def files(only: str) -> list[Path]:
    found = {path for pattern in _MUTATED for path in LIBRARY.glob(pattern) if path.name not in _LEFT_OUT}
    return sorted(path for path in found if not only or str(path.relative_to(LIBRARY)) == only)


def draw(seed: int, count: int, only: str) -> list[Mutant]:
    """A sample of all mutants, the same for a seed and a tree."""
    found = [mutant for path in files(only) for mutant in candidates(path, str(path.relative_to(LIBRARY)))]
    return random.Random(seed).sample(found, min(count, len(found)))


class Copy:
    """A copy of the library and its unit tests, in which one file at a time is broken."""

    def __init__(self, folder: Path):
        self.folder = folder
        shutil.copytree(ROOT / "lib", folder / "lib")
        shutil.copytree(ROOT / "host_tests/unit", folder / "unit", ignore=shutil.ignore_patterns("__pycache__"))
        tests = sorted((folder / "unit").glob("test_*.py"))
        self._tests = [str(path) for path in tests if not any(word in path.name for word in _CRYPTO)]

    def notices(self, mutant: Mutant) -> bool:
        """Whether a test fails, hangs or runs out of memory."""
        path = self.folder / "lib/ipsec" / mutant.path
        source = path.read_text()
        path.write_text(mutant.apply(source))
        self._nearest_first(path.stem)
        try:
            return self._run() != 0 or self._run_on_micropython() != 0
        finally:
            path.write_text(source)

    def _nearest_first(self, word: str) -> None:
        """Those that name the module most often will notice, if any do."""
        self._tests.sort(key=lambda path: (word not in Path(path).stem, -Path(path).read_text().count(word), path))

    def _run(self) -> int:
        argv = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
        argv += ["--rootdir", str(self.folder), *self._tests]
        paths = os.pathsep.join([str(self.folder / "lib"), str(self.folder / "unit")])
        env = {**os.environ, "PYTHONPATH": paths}
        try:
            done = subprocess.run(argv, cwd=self.folder, env=env, capture_output=True, timeout=_TIME_S, preexec_fn=_limit)
        except subprocess.TimeoutExpired:
            return 1
        return done.returncode

    def _run_on_micropython(self) -> int:
        names = [Path(path).stem for path in self._tests]
        paths = [str(self.folder / "lib"), str(self.folder / "unit")]
        code = f"import sys; sys.path[:0] = {paths!r}; import run; sys.exit(run.main({names!r}))"
        argv = [Path(sys.executable).with_name("micropython"), "-X", "heapsize=16m", "-c", code]
        try:
            return subprocess.run(argv, cwd=self.folder, capture_output=True, timeout=_TIME_S, preexec_fn=_limit).returncode
        except subprocess.TimeoutExpired:
            return 1


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))


def known() -> dict[tuple, str]:
    """Mutants that are equal to the original, with the reason."""
    return {tuple(entry["mutant"]): entry["because"] for entry in json.loads(EQUAL.read_text())}


def run(mutants: list[Mutant], seconds: float, workers: int) -> tuple[list[Mutant], int]:
    """The survivors, and how many mutants were tried within the time."""
    end = time.monotonic() + seconds
    survivors: list[Mutant] = []
    tried = 0
    with tempfile.TemporaryDirectory() as scratch, Progress() as progress, ThreadPoolExecutor(workers) as pool:
        copies = [Copy(Path(scratch) / str(n)) for n in range(workers)]
        if copies[0]._run() or copies[0]._run_on_micropython():
            raise SystemExit("the unit tests fail without any mutant: repair that first")
        task = progress.add_task("mutants", total=len(mutants))

        def work(copy: Copy, share: list[Mutant]) -> None:
            nonlocal tried
            for mutant in share:
                if time.monotonic() > end:
                    return
                if not copy.notices(mutant):
                    survivors.append(mutant)
                    progress.console.print(f"survived: {mutant}", markup=False, highlight=False, soft_wrap=True)
                tried += 1
                progress.advance(task)

        for done in [pool.submit(work, copy, mutants[n::workers]) for n, copy in enumerate(copies)]:
            done.result()
    return survivors, tried


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--count", type=int, default=90)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--only", default="", help="one file of lib/ipsec, such as ike/window.py")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    survivors, tried = run(draw(args.seed, args.count, args.only), args.seconds, args.workers)
    reasons = known()
    equal = [m for m in survivors if m.key() in reasons]
    for mutant in equal:
        print(f"equal: {mutant}: {reasons[mutant.key()]}")
    for mutant in survivors:
        if mutant not in equal:
            print(f"NOT NOTICED: {mutant}\n  {json.dumps(mutant.key())}")
    print(f"seed {args.seed}: {tried - len(survivors) + len(equal)} of {tried} noticed or equal ({len(equal)} equal)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
